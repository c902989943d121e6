"""The application for the tests of the terminal, with settings of most kinds."""

from __future__ import annotations

import enum
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal

from flask import Flask
from pydantic import ByteSize, Field, SecretStr, model_validator

from typed_waffle import Waffle, WaffleModel

__all__ = ["Kiosk", "Smtp", "create_app", "waffle"]


class Tone(enum.Enum):
    """How the shop speaks."""

    FORMAL = "formal"
    FRIENDLY = "friendly"


class Smtp(WaffleModel):
    """Where mail goes."""

    host: str = "localhost"
    port: Annotated[int, Field(ge=1, le=65535)] = 25
    password: SecretStr = SecretStr("")


class Kiosk(WaffleModel):
    """What operators may change while the shop runs."""

    site_name: Annotated[str, Field(min_length=1, max_length=40)] = "Waffle"
    """Shown in the page header."""
    maintenance: bool = False
    """Closes the shop."""
    max_filesize: ByteSize = ByteSize(1_000)
    tone: Tone = Tone.FORMAL
    theme: Literal["light", "dark"] = "light"
    timeout: timedelta = timedelta(seconds=30)
    tags: Annotated[Sequence[str], Field(max_length=3)] = ("new",)
    menu: Mapping[str, int] = {"waffle": 5}
    discount: Annotated[float | None, Field(ge=0, lt=1)] = None
    smtp: Smtp = Smtp()
    api_key: SecretStr = SecretStr("")
    low: int = 0
    high: int = 10

    @model_validator(mode="after")
    def _ordered(self) -> Kiosk:
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self


waffle = Waffle(Kiosk)


def create_app(**keys: Any) -> Flask:  # noqa: ANN401 - as in Flask's configuration
    """The application; `FLASK_...` variables configure it, too."""
    app = Flask(__name__)
    app.config.from_prefixed_env()
    app.config.update(keys)
    waffle.init_app(app)

    @app.get("/worker")
    def worker() -> dict[str, Any]:

        snapshot, status = waffle.snapshot(), waffle.status()
        return {"pid": os.getpid(), "revision": snapshot.revision, "state": status.state}

    return app
