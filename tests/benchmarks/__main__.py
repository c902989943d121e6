"""Measure what a read costs, an app context, and being idle: `python -m tests.benchmarks`.

Every way to read is measured in every round, in a new order, so that whatever else the machine does
hits them alike. Ratios are taken within a round; what is printed is the median over the rounds.
"""

import platform
import random
import statistics
import sys
import tempfile
import time
import timeit
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import version
from pathlib import Path

from flask import Flask, current_app
from werkzeug.local import LocalProxy

from tests.benchmarks import idle
from typed_waffle import Waffle, WaffleModel

ROUNDS = 400
"""The most rounds; on a slow machine there are fewer."""
TIME_LIMIT = 5.0
"""Seconds for each table."""
READS = 8_000
PUSHES = 300

LOOPED, ROW = 1, 50
"""Reads in one turn of the timed loop: as `timeit` does it, and so many that the loop is free."""

AT_MOST, AT_LEAST = 3.0, 4.0


class Settings(WaffleModel):
    """A model of ordinary size."""

    site_name: str = "Waffle"
    page_size: int = 20
    maintenance: bool = False
    currency: str = "EUR"


waffle = Waffle(Settings)

Rounds = dict[str, list[float]]


def reader(statement: str, names: Mapping[str, object], in_turn: int) -> Callable[[], float]:
    """Return a function that reads many times and says what one read took, in nanoseconds."""
    timer = timeit.Timer("\n".join([statement] * in_turn), globals=dict(names))
    return lambda: timer.timeit(READS // in_turn) / READS * 1e9


def worker(statement: str, names: Mapping[str, object]) -> Callable[[], float]:
    """Return a function that runs a statement and says what one run took, in microseconds."""
    timer = timeit.Timer(statement, globals=dict(names))
    return lambda: timer.timeit(PUSHES) / PUSHES * 1e6


def measured(candidates: Mapping[str, Callable[[], float]]) -> Rounds:
    """Measure all candidates in every round, in a new order each time."""
    found: Rounds = {name: [] for name in candidates}
    for measure in candidates.values():
        measure()  # warm up: the interpreter specialises what it has seen run
    names = list(candidates)
    end = time.monotonic() + TIME_LIMIT
    for _ in range(ROUNDS):
        random.shuffle(names)
        for name in names:
            found[name].append(candidates[name]())
        if time.monotonic() > end:
            break
    return found


def ratio(rounds: Rounds, name: str, to: str) -> float:
    """Return the median, over the rounds, of what one takes for each that the other takes."""
    return statistics.median(
        one / other for one, other in zip(rounds[name], rounds[to], strict=True)
    )


def made(folder: Path, name: str, *, with_waffle: bool) -> Flask:
    """Return an app, bound to a real SQLite file if so asked."""
    app = Flask(name, instance_path=str(folder))
    app.config["SITE_NAME"] = "Waffle"
    if with_waffle:
        app.config["WAFFLE_DATABASE_URL"] = f"sqlite:///{folder / 'waffle.db'}"
        waffle.init_app(app)
    return app


@contextmanager
def apps() -> Iterator[tuple[Flask, Flask]]:
    """Yield an app with and one without the library."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            yield (
                made(Path(folder), "with_waffle", with_waffle=True),
                made(Path(folder), "without", with_waffle=False),
            )
        finally:
            waffle.close()


def inside(app: Flask, measure: Callable[[], float]) -> Callable[[], float]:
    """Return the same measurement, made within an app context."""

    def run() -> float:
        with app.app_context():
            return measure()

    return run


def with_getattr(settings: Settings) -> object:
    """Return the same proxy, but for a `__getattr__` that is never called."""

    def missing(_: object, name: str) -> object:
        raise AttributeError(name)

    return type("Proxy", (type(settings),), {"__slots__": (), "__getattr__": missing})()


def read_path(app: Flask, in_turn: int) -> Rounds:
    """Measure the ways to read one text."""
    plain = Settings()
    current: ContextVar[Settings] = ContextVar("current", default=plain)
    names = {
        "plain": plain,
        "current_settings": waffle.current_settings,
        "with_getattr": with_getattr(waffle.current_settings),
        "current_app": current_app,
        "proxied": LocalProxy(current),
    }

    def reads(statement: str) -> Callable[[], float]:
        return reader(statement, names, in_turn)

    return measured(
        {
            "plain": reads("plain.site_name"),
            "inside": inside(app, reads("current_settings.site_name")),
            "outside": reads("current_settings.site_name"),
            "getattr": inside(app, reads("with_getattr.site_name")),
            "config": inside(app, reads("current_app.config['SITE_NAME']")),
            "proxy": inside(app, reads("proxied.site_name")),
        }
    )


def contexts(app: Flask, other: Flask) -> Rounds:
    """Measure an app context, pushed and popped."""
    names = {"app": app, "other": other, "current_settings": waffle.current_settings}
    return measured(
        {
            "without": worker("with other.app_context(): pass", names),
            "with": worker("with app.app_context(): pass", names),
            "with a read": worker("with app.app_context(): current_settings.site_name", names),
        }
    )


LABELS = {
    "plain": "plain attribute of the frozen model",
    "inside": "current_settings, in an app context",
    "outside": "current_settings, outside of any",
    "getattr": "the same proxy with a __getattr__",
    "config": 'current_app.config["X"]',
    "proxy": "werkzeug LocalProxy to the settings",
    "without": "without typed-waffle",
    "with": "with typed-waffle",
    "with a read": "with typed-waffle and one read",
}


def show_reads(title: str, rounds: Rounds) -> None:
    """Print one table of reads."""
    print(f"\n{title}: medians of {len(rounds['plain'])} rounds")
    print(f"{'':<38}{'ns per read':>12}{'x plain':>10}{'config / it':>13}")
    for name in rounds:
        print(
            f"{LABELS[name]:<38}{statistics.median(rounds[name]):>12.1f}"
            f"{ratio(rounds, name, 'plain'):>10.2f}{ratio(rounds, 'config', name):>13.1f}"
        )


def verdict(rounds: Rounds) -> str:
    """Say whether the bounds hold."""
    slower = max(ratio(rounds, name, "plain") for name in ("inside", "outside"))
    faster = min(ratio(rounds, "config", name) for name in ("inside", "outside"))
    holds = slower <= AT_MOST and faster >= AT_LEAST
    return f"{slower:.2f}x and {faster:.1f}x: {'they hold' if holds else 'they do NOT hold'}"


def main() -> int:
    """Print the tables."""
    print(
        f"CPython {platform.python_version()}, Flask {version('flask')}, "
        f"Pydantic {version('pydantic')}, Werkzeug {version('werkzeug')}"
    )
    with apps() as (app, other):
        with app.app_context():
            waffle.start()
        looped, in_a_row = read_path(app, LOOPED), read_path(app, ROW)
        pushes = contexts(app, other)

    show_reads("One str field, one read in each turn of a loop (as timeit measures)", looped)
    show_reads(f"One str field, {ROW} reads in a row (the loop's own cost taken off)", in_a_row)
    print(f"\nAn app context, pushed and popped: medians of {len(pushes['with'])} rounds")
    for name, rounds in pushes.items():
        print(f"{LABELS[name]:<38}{statistics.median(rounds):>12.2f} us")

    print(
        f"\nBounds: at most {AT_MOST:g}x a plain attribute, and at least {AT_LEAST:g}x faster "
        "than current_app.config"
    )
    print(f"  one read in each turn of a loop   {verdict(looped)}")
    print(f"  reads in a row                    {verdict(in_a_row)}")
    sys.stdout.flush()
    idle.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
