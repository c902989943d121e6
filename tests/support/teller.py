"""A client of the JSON API, and the application that it talks to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask, request

from tests.support.kiosk import Kiosk
from typed_waffle import Waffle, WaffleModel

__all__ = ["MERGE", "Teller"]

MERGE = "application/merge-patch+json"


class Teller:
    """Talks to the API of one application. Whoever the header `X-Actor` names comes in.

    Args:
        folder: Where the database is.
        model: Of the settings.
        rights: `may_read` and `may_write`, as in `Waffle.admin`.
        keys: Flask's configuration.
    """

    def __init__(
        self,
        folder: Path,
        model: type[WaffleModel] = Kiosk,
        rights: Mapping[str, Callable[[str, str], bool]] | None = None,
        **keys: object,
    ) -> None:
        self.database = folder / "waffle.db"
        self.app = Flask("kiosk", instance_path=str(folder / "instance"))
        self.app.config.update(
            SECRET_KEY="a teller's", WAFFLE_DATABASE_URL=f"sqlite:///{self.database}", **keys
        )
        self.waffle: Waffle[Any] = Waffle(model)  # Any: of any model
        self.waffle.init_app(self.app)
        self.app.register_blueprint(
            self.waffle.admin(
                authorize=lambda: request.headers.get("X-Actor"),
                may_read=(rights or {}).get("may_read"),
                may_write=(rights or {}).get("may_write"),
            )
        )
        self._client = self.app.test_client()

    def close(self) -> None:
        self.waffle.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        actor: str | None = "ann",
        headers: Mapping[str, str] | None = None,
        **options: Any,  # noqa: ANN401 - of werkzeug's client
    ) -> Any:  # noqa: ANN401 - a response, whose `json` may be none to a type checker
        """The answer to one request to a path below the prefix."""
        given = {**({"X-Actor": actor} if actor else {}), **(headers or {})}
        return self._client.open(f"/settings{path}", method=method, headers=given, **options)

    def get(self, path: str, **options: Any) -> Any:  # noqa: ANN401 - a JSON document
        """What stands at a path."""
        answer = self.ask("GET", path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json

    def patch(self, patch: object, query: str = "", **options: Any) -> Any:  # noqa: ANN401 - as in `ask`
        """The answer to a change."""
        return self.ask("PATCH", f"/api/settings{query}", json=patch, **options)

    def patched(self, patch: object) -> Any:  # noqa: ANN401 - a JSON document
        """The settings after a change that must be accepted."""
        answer = self.patch(patch)
        assert answer.status_code == 200, answer.text
        return answer.json

    def refused(self, patch: object, status: int = 422) -> Any:  # noqa: ANN401 - a JSON document
        """The problem with a change that must be refused, and changes nothing."""
        before = self.revision()
        answer = self.patch(patch)
        assert answer.status_code == status, answer.text
        assert self.revision() == before
        return answer.json

    def revision(self) -> int:
        """The revision that the API tells."""
        return int(self.ask("GET", "/api/settings").headers["ETag"].strip('"'))
