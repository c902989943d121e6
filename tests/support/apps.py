"""Flask applications with settings, several of them in one process, all on one database file."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

from flask import Flask
from pydantic import Field, SecretStr, model_validator

from typed_waffle import Waffle, WaffleModel

__all__ = ["Apps", "Settings"]


class Settings(WaffleModel):
    """Some settings, and a rule across two of them."""

    name: Annotated[str, Field(max_length=20)] = "Waffle"
    """Shown in the page header."""
    low: int = 0
    high: int = 10
    token: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _ordered(self) -> Settings:
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self


class Apps:
    """Makes applications, and closes every `Waffle` that it bound."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'waffle.db'}"
        self._folder = folder
        self._stack = ExitStack()
        self._held: list[Flask] = []

    def app(self, **keys: Any) -> Flask:  # noqa: ANN401 - as in Flask's configuration
        app = Flask("shop", instance_path=str(self._folder / "instance"))
        app.config.update({"WAFFLE_DATABASE_URL": self.url, **keys})
        return app

    def bound(self, app: Flask | None = None, **options: Any) -> Waffle[Settings]:  # noqa: ANN401 - of init_app
        """A new `Waffle`, bound to one application, which lives as long as this."""
        self._held.append(app or self.app())
        waffle = Waffle(Settings, namespace=options.pop("namespace", "default"))
        self._stack.callback(waffle.close)
        waffle.init_app(self._held[-1], **options)
        return waffle

    def elsewhere(self) -> Waffle[Settings]:
        """Another worker on the same database, as another process would be; it has no thread."""
        config = {"WAFFLE_DATABASE_URL": self.url, "WAFFLE_LISTENER": "inline"}
        return self._stack.enter_context(Waffle(Settings).connect(config))

    def close(self) -> None:
        self._stack.close()
