"""The settings that are read, and applications with and without them."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask, appcontext_popped, appcontext_pushed

from typed_waffle import Waffle, WaffleModel

__all__ = ["Apps", "Settings", "apps", "inside", "waffle"]


class Settings(WaffleModel):
    """A model of ordinary size."""

    site_name: str = "Waffle"
    page_size: int = 20
    maintenance: bool = False
    currency: str = "EUR"


waffle = Waffle(Settings)


class Apps:
    """One app bound to a real SQLite file, one that only listens to the signals, and a bare one."""

    def __init__(self, folder: Path) -> None:
        self.bare = _made("bare", folder)
        self.signals = _made("signals", folder)
        appcontext_pushed.connect(self._nothing, self.signals)
        appcontext_popped.connect(self._nothing, self.signals)
        self.bound = _made("bound", folder)
        self.bound.config["WAFFLE_DATABASE_URL"] = f"sqlite:///{folder / 'waffle.db'}"
        waffle.init_app(self.bound)

    def _nothing(self, _: object, **__: object) -> None:
        """Be called, as a listener of a signal is."""


def _made(name: str, folder: Path) -> Flask:
    app = Flask(name, instance_path=str(folder))
    app.config["SITE_NAME"] = "Waffle"
    return app


@contextmanager
def apps() -> Iterator[Apps]:
    """Yield the applications, the bound one at work."""
    with tempfile.TemporaryDirectory() as folder:
        made = Apps(Path(folder))
        try:
            with made.bound.app_context():
                waffle.start()
            yield made
        finally:
            waffle.close()


def inside(app: Flask, measure: Callable[[], float]) -> Callable[[], float]:
    """Return the same measurement, made within an app context."""

    def run() -> float:
        with app.app_context():
            return measure()

    return run
