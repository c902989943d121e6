"""Workers of a database server that is frozen: connections stand, and nothing answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine

from tests.support.databases import DatabaseServer
from tests.support.shop import Limits
from tests.support.waiting import PATIENCE, eventually
from typed_waffle import StoreUnavailable, Waffle
from typed_waffle.agenda import JITTER
from typed_waffle.status import STUCK_AFTER
from typed_waffle.stores import transactions
from typed_waffle.stores.connections import ABANDONED

pytestmark = pytest.mark.slow

POLL = 0.5
SLOWEST_READ = 0.1
MARGIN = 1.5
"""What a busy machine may add to a deadline."""


class Pulse:
    """Reads settings as fast as it goes, in app contexts and outside, and asks for the status."""

    def __init__(self, app: Flask, waffle: Waffle[Limits]) -> None:
        self.slowest = 0.0
        self.reads = 0
        self.states: dict[str, float] = {}
        """When each state was seen first."""
        self.threads = 0
        self._app = app
        self._waffle = waffle
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(PATIENCE)

    def _beat(self) -> None:
        began = time.monotonic()
        while not self._over.wait(0.001):
            self._timed(self._in_context)
            self._timed(lambda: self._waffle.snapshot().settings.high)
            state = self._timed(self._waffle.status).state
            self.states.setdefault(state, time.monotonic() - began)
            self.threads = max(self.threads, threading.active_count())

    def _in_context(self) -> None:
        with self._app.app_context():
            settings = self._waffle.current_settings
            assert settings.high - settings.low == 7

    def _timed(self, read: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever is read
        began = time.perf_counter()
        seen = read()
        self.slowest = max(self.slowest, time.perf_counter() - began)
        self.reads += 1
        return seen


Bind = Callable[..., tuple[Flask, Waffle[Limits]]]


@pytest.fixture
def bind(database_server: DatabaseServer) -> Iterator[Bind]:
    """Binds applications to a database of the server; they poll."""
    url = database_server.scratch()
    bound: list[tuple[Flask, Waffle[Limits], Engine | None]] = []

    def make(*, engine: Engine | None = None, **keys: object) -> tuple[Flask, Waffle[Limits]]:
        app = Flask(__name__)
        app.config.update(
            {
                "WAFFLE_DATABASE_URL": None if engine else url,
                "WAFFLE_LISTENER": "thread",
                "WAFFLE_POLL_INTERVAL": POLL,
                "WAFFLE_FALLBACK_POLL_INTERVAL": POLL,
                **keys,
            }
        )
        waffle = Waffle(Limits)
        waffle.init_app(app, engine=engine)
        bound.append((app, waffle, engine))
        return app, waffle

    make.url = url  # type: ignore[attr-defined]  # for the engines of applications
    yield make
    database_server.revive()
    for _, waffle, engine in bound:
        waffle.close()
        if engine is not None:
            engine.dispose()


def settled(waffle: Waffle[Limits]) -> None:
    waffle.start()
    waffle.update(name="before")
    eventually(lambda: waffle.status().state == "live")
    waffle.refresh()  # a subscription vouches for what was read after it began
    eventually(lambda: "typed-waffle-store" not in {t.name for t in threading.enumerate()})


def attempt(waffle: Waffle[Limits]) -> tuple[StoreUnavailable, float]:
    """Write during the freeze: the error, and how long it took."""
    began = time.monotonic()
    with pytest.raises(StoreUnavailable) as caught:
        waffle.update(name="during")
    return caught.value, time.monotonic() - began


def assert_heals(waffle: Waffle[Limits], server: DatabaseServer, threads: int) -> None:
    """After the thaw the worker goes on by itself, with as many threads as before."""
    server.thaw()
    eventually(lambda: waffle.status().state == "live")
    change = waffle.update(name="after")
    assert change is not None
    assert [c.fields[0].after for c in waffle.history()] == ["after", "before"]
    eventually(lambda: threading.active_count() == threads)


def test_readers_do_not_feel_a_frozen_database(
    bind: Bind, database_server: DatabaseServer, config: dict[str, Any]
) -> None:
    """Reads go on, the status says so in time, a write ends in time; all heals by itself."""
    app, waffle = bind(
        WAFFLE_REDIS_URL=config["WAFFLE_REDIS_URL"], WAFFLE_SIGNING_KEY="a test's key"
    )
    settled(waffle)
    threads = threading.active_count()
    database_server.freeze()
    with Pulse(app, waffle) as pulse:
        error, took = attempt(waffle)
        eventually(lambda: "degraded" in pulse.states)
        # Redis answers: the worker is told of changes, should anybody be able to make one.
        assert waffle.status().bus.ok
    assert took < transactions.PATIENCE + MARGIN
    assert not error.in_doubt
    assert pulse.slowest < SLOWEST_READ
    assert pulse.reads > 1000
    assert pulse.states.keys() == {"live", "degraded"}
    assert pulse.states["degraded"] < POLL * (1 + JITTER) + STUCK_AFTER + MARGIN
    assert (
        pulse.threads <= threads + 1 + ABANDONED + 2
    )  # the pulse's; given up; of a read and a write
    assert_heals(waffle, database_server, threads)


@pytest.mark.parametrize(
    ("listener", "ping"), [("thread", True), ("thread", False), ("inline", True)]
)
def test_an_application_s_pool_is_guarded_as_well(
    bind: Bind,
    database_server: DatabaseServer,
    monkeypatch: pytest.MonkeyPatch,
    listener: str,
    *,
    ping: bool,
) -> None:
    """The same with an engine that was handed in, whose own ping would hang for ever."""
    engine = create_engine(bind.url, pool_pre_ping=ping)  # type: ignore[attr-defined]  # see there
    app, waffle = bind(engine=engine, WAFFLE_LISTENER=listener)
    settled(waffle)
    threads = threading.active_count()
    monkeypatch.setattr(transactions, "READ_PATIENCE", 0.5)
    monkeypatch.setattr(transactions, "PATIENCE", 1.0)
    database_server.freeze()
    with Pulse(app, waffle) as pulse:
        error, took = attempt(waffle)
        eventually(lambda: waffle.status().state == "stale")
    assert took < 1.0 + MARGIN
    assert not error.in_doubt
    assert pulse.slowest < SLOWEST_READ * 2  # inline, a request waits that long for its look
    assert pulse.threads <= threads + 1 + ABANDONED + 2
    monkeypatch.undo()
    if listener == "inline":
        database_server.thaw()
        with Pulse(app, waffle):
            eventually(lambda: waffle.status().state == "live")
    assert_heals(waffle, database_server, threads)


def test_a_worker_starts_although_the_database_is_frozen(
    bind: Bind, database_server: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows the defaults and says `stale`, and follows the database once that answers."""
    _, first = bind()
    settled(first)
    first.close()
    app, waffle = bind()
    monkeypatch.setattr(transactions, "READ_PATIENCE", 1.0)
    database_server.freeze()
    began = time.monotonic()
    with app.app_context():
        assert waffle.current_settings.name == "Waffle"
    assert time.monotonic() - began < 1.0 + MARGIN
    monkeypatch.undo()
    assert waffle.status().state == "stale"
    database_server.thaw()
    eventually(lambda: waffle.status().state == "live")
    assert waffle.snapshot().settings.name == "before"


def test_a_worker_starts_although_the_database_is_down(
    bind: Bind, database_server: DatabaseServer
) -> None:
    """At once; a write says what is wrong, and all is well when the server comes."""
    _, first = bind()
    settled(first)
    first.close()
    database_server.kill()
    app, waffle = bind()
    began = time.monotonic()
    with app.app_context():
        assert waffle.current_settings.name == "Waffle"
        with pytest.raises(StoreUnavailable) as caught:
            waffle.update(name="during")
    assert time.monotonic() - began < MARGIN
    assert not caught.value.in_doubt
    assert waffle.status().state == "stale"
    database_server.start()
    eventually(lambda: waffle.status().state == "live")
    assert waffle.current_settings.name == "before"
