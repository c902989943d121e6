"""Connections with a deadline: a database that does not answer holds nobody for long."""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.pool import NullPool, QueuePool

from tests.support.databases import DatabaseServer
from tests.support.waiting import PATIENCE, allowed, eventually
from tests.support.wire import Wire
from typed_waffle.change import FieldRecord, Head, State
from typed_waffle.errors import StoreUnavailable
from typed_waffle.protocols import Proposal
from typed_waffle.stores import transactions
from typed_waffle.stores.connections import ABANDONED, Connections
from typed_waffle.stores.engines import own_engine
from typed_waffle.stores.lines import Line, hold
from typed_waffle.stores.sql import SqlStore

pytestmark = pytest.mark.slow

ATTENDANT = "typed-waffle-store"
"""The name of the threads that wait in the place of others."""

WITHIN = 0.2
"""Seconds for what cannot succeed."""

AMPLE = 0.8
"""Seconds for what has to get somewhere first, on a busy machine."""


def attendants() -> int:
    return sum(thread.name == ATTENDANT for thread in threading.enumerate())


def proposal(number: int) -> Proposal:
    field = FieldRecord("a", "null", str(number), was_stored=False, is_stored=True)
    return Proposal(f"{number:032x}", {"a": str(number)}, (field,), None, None, "python")


def wanting(number: int) -> Callable[[State], Proposal]:
    return lambda _: proposal(number)


def answers(connection: Connection) -> bool:
    """Whether its socket is open; the driver is not asked."""
    driver: Any = connection.connection.driver_connection
    descriptor = driver.fileno() if hasattr(driver, "fileno") else driver._sock.fileno()
    with socket.socket(fileno=os.dup(descriptor)) as wire:
        wire.setblocking(False)  # noqa: FBT003 - as it is called
        try:
            return wire.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            return True


def open_files() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def revisions(store: SqlStore) -> list[int]:
    return [record.revision for record in store.history("shop")]


@contextmanager
def hasty(within: float = WITHIN) -> Iterator[None]:
    """Shorter deadlines than those of the library."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transactions, "PATIENCE", within)
        patch.setattr(transactions, "READ_PATIENCE", within)
        yield


# --- engines ----------------------------------------------------------------------------------


def own(url: str) -> Engine:
    return own_engine(url, Path())


def pooled(url: str) -> Engine:
    return create_engine(url)


def pinging(url: str) -> Engine:
    return create_engine(url, pool_pre_ping=True)


def unpooled(url: str) -> Engine:
    return create_engine(url, poolclass=NullPool)


Make = Callable[[Callable[[str], Engine]], tuple[Engine, SqlStore]]


@pytest.fixture
def make(database_server: DatabaseServer) -> Iterator[Make]:
    """Makes stores on one database without changes; each has been used already."""
    url = database_server.scratch()
    with ExitStack() as stack:
        stack.callback(database_server.revive)

        def used(kind: Callable[[str], Engine]) -> tuple[Engine, SqlStore]:
            engine = kind(url)
            stack.callback(engine.dispose)
            store = SqlStore(engine)
            store.head("shop")
            return engine, store

        yield used


@pytest.fixture(params=[own, pooled, pinging, unpooled])
def kind(request: pytest.FixtureRequest) -> Callable[[str], Engine]:
    chosen: Callable[[str], Engine] = request.param
    return chosen


# --- frozen -----------------------------------------------------------------------------------


def test_a_frozen_server_holds_nobody_beyond_the_deadline(
    database_server: DatabaseServer, make: Make, kind: Callable[[str], Engine]
) -> None:
    """Each read ends in time with an error that says so; few threads hang, and none for good."""
    engine, store = make(kind)
    database_server.freeze()
    for _ in range(ABANDONED + 2):
        began = time.monotonic()
        with hasty(), pytest.raises(StoreUnavailable, match=r"it gave no answer within 0\.2 s"):
            store.head("shop")
        assert time.monotonic() - began < WITHIN + 1
    assert attendants() <= ABANDONED
    database_server.thaw()
    eventually(lambda: attendants() == 0)
    assert store.head("shop") == Head()
    assert not isinstance(engine.pool, QueuePool) or engine.pool.checkedout() == 0


def test_a_write_that_meets_a_frozen_server_is_not_made_later(
    database_server: DatabaseServer, make: Make, kind: Callable[[str], Engine]
) -> None:
    """Frozen before the COMMIT: the error says that nothing was written, and that stays true."""
    _, store = make(kind)

    def decide(_: State) -> Proposal:
        database_server.freeze()
        return proposal(1)

    began = time.monotonic()
    with hasty(AMPLE), pytest.raises(StoreUnavailable) as caught:
        store.commit("shop", decide)
    assert time.monotonic() - began < AMPLE + 1
    assert not caught.value.in_doubt
    database_server.thaw()
    eventually(lambda: attendants() == 0)
    store.commit("shop", wanting(2))  # waits for the lock of whatever is left of the first
    assert [record.id for record in store.history("shop")] == [proposal(2).change_id]


@pytest.mark.parametrize("arrives", [True, False])
def test_a_commit_without_an_answer_is_in_doubt(
    wired: tuple[Wire, SqlStore, SqlStore], *, arrives: bool
) -> None:
    """Whether the COMMIT arrived or not, the error says that nobody knows."""
    wire, store, direct = wired
    wire.hush_at_commit(arrives=arrives)
    with (
        hasty(2 * AMPLE),
        pytest.raises(StoreUnavailable, match="committed is not known") as caught,
    ):
        store.commit("shop", wanting(1))
    assert caught.value.in_doubt
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    wire.silent = False
    assert len(revisions(direct)) == arrives


@pytest.mark.parametrize("kind", [pooled, unpooled])
def test_a_connection_that_was_cut_after_its_last_use_is_not_lent_again(
    make: Make, kind: Callable[[str], Engine]
) -> None:
    """The borrower got all it wanted before the deadline, and the application sees no error."""
    engine, _ = make(kind)
    with Connections(engine, lambda: None).lent(time.monotonic() + AMPLE) as connection:
        connection.exec_driver_sql("SELECT 1")
        eventually(lambda: not answers(connection))
    for _ in range(3):
        with engine.connect() as application_s:
            application_s.exec_driver_sql("SELECT 1")


def test_nothing_is_left_of_connections_that_failed(
    database_server: DatabaseServer, make: Make
) -> None:
    """Cut ones, refused ones and lost ones: as many files and threads are there as before."""
    engine, store = make(pooled)

    def fail() -> None:
        with Connections(engine, lambda: None).lent(time.monotonic() + AMPLE) as connection:
            connection.exec_driver_sql("SELECT 1")
            eventually(lambda: not answers(connection))
        database_server.kill()
        for _ in range(20):
            with pytest.raises(StoreUnavailable):
                store.head("shop")
        database_server.start()
        assert store.head("shop") == Head()

    fail()
    before = open_files()
    for _ in range(2):
        fail()
    assert open_files() == before
    assert attendants() == 0


def test_giving_back_has_a_time_of_its_own(make: Make) -> None:
    """A deadline that comes while a connection is given back does not cut the next use of it."""
    engine, _ = make(pooled)
    event.listen(engine, "checkin", lambda *_: time.sleep(AMPLE))
    with Connections(engine, lambda: None).lent(time.monotonic() + AMPLE) as connection:
        connection.exec_driver_sql("SELECT 1")
    with engine.connect() as application_s:
        application_s.exec_driver_sql("SELECT 1")


def test_where_no_thread_can_start_the_database_is_asked_all_the_same(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline is lost, the answer is not."""
    _, store = make(own)

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    store.commit("shop", wanting(1))
    assert store.head("shop") == Head(1, proposal(1).change_id)


def test_a_connection_that_breaks_at_once_is_an_error(make: Make) -> None:
    """Nothing hangs on a connection whose socket is gone when it is lent."""
    engine, store = make(unpooled)
    event.listen(engine, "engine_connect", lambda c: c.connection.driver_connection.close())
    with pytest.raises(StoreUnavailable):
        store.head("shop")
    assert attendants() == 0


def test_connecting_sees_the_borrower_s_context(make: Make) -> None:
    """An application's engine may look at its app while it connects, as for a token."""
    from flask import Flask, current_app  # noqa: PLC0415 - of this test alone

    engine, store = make(unpooled)
    seen: list[str] = []
    event.listen(engine, "do_connect", lambda *_: seen.append(current_app.name))
    with Flask("shop").app_context():
        store.head("shop")
    assert seen == ["shop"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql+psycopg://h/d", {"connect_timeout": 5}),
        ("postgresql+psycopg://h/d?connect_timeout=9", {"connect_timeout": "9"}),
        ("mysql+pymysql://h/d", {"connect_timeout": 5, "read_timeout": 10, "write_timeout": 10}),
        (
            "mysql+pymysql://h/d?read_timeout=9",
            {"connect_timeout": 5, "read_timeout": 9, "write_timeout": 10},
        ),
    ],
)
def test_connecting_ends_unless_the_url_says_otherwise(
    url: str, expected: dict[str, object]
) -> None:
    """The drivers' own deadlines end what nobody waits for any more."""
    engine = own(url)
    asked: dict[str, object] = {}

    class Stop(Exception):  # noqa: N818 - of this test
        pass

    @event.listens_for(engine, "do_connect")
    def _(_dialect: object, _record: object, _args: object, options: dict[str, object]) -> None:
        asked.update(options)
        raise Stop

    with pytest.raises(Stop):
        engine.connect()
    assert {k: v for k, v in asked.items() if k.endswith("_timeout")} == expected


# --- silent before anything was lent ----------------------------------------------------------


@pytest.fixture
def wire(database_server: DatabaseServer) -> Iterator[Wire]:
    with Wire(database_server.port) as wire:
        yield wire


Through = Callable[[Callable[[str], Engine]], Engine]


@pytest.fixture
def through(database_server: DatabaseServer, wire: Wire) -> Iterator[Through]:
    """Makes engines that go through the wire, to a database without tables."""
    url = make_url(database_server.database()).set(port=wire.port)
    with ExitStack() as stack:

        def made(kind: Callable[[str], Engine]) -> Engine:
            engine = kind(url.render_as_string(hide_password=False))
            stack.callback(engine.dispose)
            return engine

        yield made


@pytest.mark.parametrize("moment", ["connect", "before_cursor_execute"])
def test_a_first_use_without_an_answer_stops_no_later_one(
    wire: Wire, through: Through, kind: Callable[[str], Engine], moment: str
) -> None:
    """Silent when the engine asks for the version, or we for the tables: it is cut in time."""
    engine = through(kind)
    store = SqlStore(engine)
    silent = threading.Event()

    def hush(*_: object) -> None:
        wire.silent = True
        silent.set()

    event.listen(engine, moment, hush, insert=True, once=True)
    with hasty(allowed(2 * AMPLE)), pytest.raises(StoreUnavailable):
        store.head("shop")
    assert silent.is_set()
    eventually(lambda: attendants() == 0)
    wire.silent = False
    assert store.head("shop") == Head()


def test_tables_whose_making_gets_no_answer_are_made_by_a_later_use(
    wire: Wire, through: Through
) -> None:
    """Making them has no deadline, and whoever hangs there holds up nobody."""
    engine = through(own)
    store = SqlStore(engine)
    silent = threading.Event()

    @event.listens_for(engine, "before_cursor_execute")
    def _(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "CREATE TABLE" in statement and not silent.is_set():
            wire.silent = True
            silent.set()

    with hasty(allowed(2 * AMPLE)), pytest.raises(StoreUnavailable):
        store.head("shop")
    assert silent.is_set()
    wire.silent = False
    assert store.head("shop") == Head()
    wire.cut()
    eventually(lambda: attendants() == 0)


def test_a_ping_without_an_answer_stops_no_later_use(wire: Wire, through: Through) -> None:
    """A pool that asks whether a connection lives is cut in time, and keeps none that was cut."""
    engine = through(pinging)
    store = SqlStore(engine)
    store.head("shop")
    wire.silent = True
    with hasty(), pytest.raises(StoreUnavailable):
        store.head("shop")
    eventually(lambda: attendants() == 0)
    wire.silent = False
    assert store.head("shop") == Head()
    assert isinstance(engine.pool, QueuePool)
    assert engine.pool.checkedout() == 0


# --- lost answers -----------------------------------------------------------------------------


@pytest.fixture
def wired(database_server: DatabaseServer, make: Make) -> Iterator[tuple[Wire, SqlStore, SqlStore]]:
    """A wire, a store at the end of it, and one that is connected directly."""
    engine, direct = make(own)
    with Wire(database_server.port) as wire:
        url = make_url(engine.url).set(port=wire.port).render_as_string(hide_password=False)
        there = own(url)
        store = SqlStore(there)
        store.head("shop")
        yield wire, store, direct
        there.dispose()


@pytest.mark.parametrize("lose", [Wire.lose_answer, Wire.lose_commit])
def test_a_commit_that_is_lost_is_made_exactly_once(
    wired: tuple[Wire, SqlStore, SqlStore], lose: Callable[[Wire], None]
) -> None:
    """Lost on the way there or back: it is looked up, and made if it is not there."""
    wire, store, direct = wired
    for number in range(1, 11):
        lose(wire)
        record = store.commit("shop", wanting(number))
        assert record is not None
        assert (record.revision, record.id) == (number, proposal(number).change_id)
    assert revisions(direct) == list(range(10, 0, -1))


def test_a_lost_answer_is_found_after_a_restart(
    database_server: DatabaseServer, wired: tuple[Wire, SqlStore, SqlStore]
) -> None:
    """In doubt, the database is asked until it is back, within the time that a write has."""
    wire, store, direct = wired

    back: list[threading.Timer] = []

    def crash() -> None:
        wire.on_commit = lambda: None
        database_server.kill()
        back.append(threading.Timer(0.5, database_server.start))
        back[0].start()

    wire.lose_answer()
    wire.on_commit = crash
    record = store.commit("shop", wanting(1))
    back[0].join(PATIENCE)
    assert record is not None
    assert revisions(direct) == [record.revision] == [1]


def test_a_lost_answer_stays_in_doubt_if_its_trace_is_pruned(
    wired: tuple[Wire, SqlStore, SqlStore],
) -> None:
    """Whether it was made cannot be told any more, so it is not made (again)."""
    wire, store, direct = wired
    overtaken = threading.Event()

    def overtake() -> None:
        direct.commit("shop", wanting(2))
        direct.prune("shop", 1)
        overtaken.set()

    def decide(_: State) -> Proposal:
        wire.lose_answer()
        wire.on_commit = overtake
        wire.connect_after = overtaken.is_set
        return proposal(1)

    with pytest.raises(StoreUnavailable, match="is pruned from the history") as caught:
        store.commit("shop", decide)
    assert caught.value.in_doubt
    assert direct.head("shop") == Head(2, proposal(2).change_id)


def test_a_lost_answer_stays_in_doubt_without_a_server(
    database_server: DatabaseServer,
    wired: tuple[Wire, SqlStore, SqlStore],
) -> None:
    """If nobody can be asked any more, the error says so, although the last try lost nothing."""
    wire, store, _ = wired
    wire.lose_answer()
    wire.on_commit = database_server.kill
    with hasty(2 * AMPLE), pytest.raises(StoreUnavailable) as caught:
        store.commit("shop", wanting(1))
    assert caught.value.in_doubt


# --- dead connections -------------------------------------------------------------------------


def fill(pool_of: Engine, count: int = 5) -> None:
    """Let the pool hold so many connections."""
    connections = [pool_of.connect() for _ in range(count)]
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("kind", [pooled, pinging])
def test_dead_pooled_connections_cost_one_more_try(
    database_server: DatabaseServer, make: Make, kind: Callable[[str], Engine]
) -> None:
    """All of the pool died since the last use: a read, and a write, succeed at the second try."""
    engine, store = make(kind)
    tries: list[object] = []
    event.listen(engine, "engine_connect", tries.append)
    fill(engine)
    database_server.kill()
    database_server.start()
    tries.clear()
    assert store.head("shop") == Head()
    assert len(tries) <= 2
    fill(engine)
    database_server.kill()
    database_server.start()
    tries.clear()
    assert store.commit("shop", wanting(1)) is not None
    assert len(tries) <= 2
    assert revisions(store) == [1]


def test_a_line_follows_its_context_alone() -> None:
    """Greenlets of one thread have a context each, wherever and whenever gevent patched threads."""
    one, other = copy_context(), copy_context()
    lines = Line(), Line()
    blocks = lines[0].followed(), lines[1].followed()
    one.run(blocks[0].__enter__)
    other.run(blocks[1].__enter__)
    left, right = socket.socketpair()
    with left, right:
        lent: Any = SimpleNamespace(connection=SimpleNamespace(driver_connection=left))
        one.run(hold, lent)
        lines[1].cut()
        left.send(b"still here")
        assert right.recv(99) == b"still here"
        lines[0].cut()
        assert right.recv(99) == b""
        other.run(blocks[1].__exit__, None, None, None)
        one.run(blocks[0].__exit__, None, None, None)
