"""The application that tests run in real servers, configured by `FLASK_...` variables."""

import json
import os
import threading
import time
from itertools import count
from typing import Any

import click
from flask import Flask
from pydantic import model_validator

from typed_waffle import Waffle, WaffleModel

GAP = 7


class Limits(WaffleModel):
    """Two fields that belong together: a mix of two changes is seen at once."""

    low: int = 0
    high: int = GAP
    name: str = "Waffle"

    @model_validator(mode="after")
    def _apart(self) -> "Limits":
        if self.high != self.low + GAP:
            raise ValueError(f"{self.high} is not {GAP} above {self.low}")
        return self


waffle = Waffle(Limits)


def change(number: int) -> int:
    """Change both fields; gives the revision."""
    done = waffle.update(low=number, high=number + GAP)
    assert done is not None
    return done.revision


def seen() -> dict[str, Any]:
    """What this process shows, here and now."""
    snapshot, status = waffle.snapshot(), waffle.status()
    return {
        "pid": os.getpid(),
        "revision": snapshot.revision,
        "gap": snapshot.settings.high - snapshot.settings.low,
        "state": status.state,
        "bus": status.bus.detail,
    }


def create_app() -> Flask:
    """The application; with `FLASK_READ_EARLY=1` it reads a setting while it is made."""
    app = Flask(__name__)
    app.config.from_prefixed_env()
    waffle.init_app(app)
    if app.config.get("READ_EARLY"):
        with app.app_context():
            assert waffle.current_settings.low >= 0
    served = count(1)

    @app.get("/worker")
    def worker() -> dict[str, Any]:
        return {**seen(), "served": next(served)}

    @app.post("/rename/<name>")
    def save(name: str) -> dict[str, Any]:
        done = waffle.update(name=name)
        return {"revision": done.revision if done else None}

    @app.cli.command("rename")
    @click.argument("name")
    def rename(name: str) -> None:
        """Make a change, and tell how long it took and which threads there are."""
        begin = time.monotonic()
        before = waffle.current_settings.name
        waffle.update(name=name)
        told = {
            "names": [before, waffle.current_settings.name],
            "seconds": time.monotonic() - begin,
            "threads": [thread.name for thread in threading.enumerate()],
        }
        click.echo(json.dumps(told))

    return app
