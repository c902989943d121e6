"""Connections that the server ended: each costs one more try, never an error."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from tests.support.databases import Database, DatabaseServer
from tests.support.engines import ENGINES, LEVELS, Make
from tests.support.waiting import eventually
from typed_waffle.change import FieldRecord, State
from typed_waffle.protocols import Proposal
from typed_waffle.stores.engines import own_engine
from typed_waffle.stores.sql import SqlStore

pytestmark = pytest.mark.slow

OTHERS = {
    "postgresql": "SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mariadb": "SELECT id FROM information_schema.processlist"
    " WHERE db = DATABASE() AND id <> CONNECTION_ID()",
}
END = {"postgresql": "SELECT pg_terminate_backend({})", "mariadb": "KILL {}"}


class Admin:
    """Somebody who ends the connections of others."""

    def __init__(self, database: Database) -> None:
        self._kind = database.kind
        self._engine = database.engine(poolclass=NullPool, isolation_level="AUTOCOMMIT")

    def connected(self) -> int:
        """How many connections of others there are."""
        with self._engine.connect() as connection:
            return len(connection.execute(text(OTHERS[self._kind])).all())

    def cut(self) -> int:
        """End every connection to the database; how many there were."""
        with self._engine.connect() as connection:
            ids = connection.scalars(text(OTHERS[self._kind])).all()
            for number in ids:
                connection.execute(text(END[self._kind].format(number)))
        eventually(lambda: self.connected() == 0)
        return len(ids)


def proposed() -> Proposal:
    value = uuid.uuid4().hex
    field = FieldRecord("a", "null", f'"{value}"', was_stored=False, is_stored=True)
    return Proposal(value, {"a": f'"{value}"'}, (field,), None, None, "python")


def commit(store: SqlStore) -> int:
    record = store.commit("shop", lambda _: proposed())
    assert record is not None
    return record.revision


def pinged(database: Database) -> Engine:
    """An application's engine that looks at each connection before it lends it."""
    return database.engine(pool_pre_ping=True)


POOLED: dict[str, Make] = {
    **{name: make for name, make in ENGINES.items() if name != "own"},
    "pre-ping": pinged,
    "serializable-later": LEVELS["postgresql"]["serializable-later"],
}


@pytest.fixture
def admin(shared_database: Database) -> Admin:
    return Admin(shared_database)


servers = pytest.mark.parametrize("shared_database", ["postgresql", "mariadb"], indirect=True)


@servers
@pytest.mark.parametrize("make", POOLED.values(), ids=POOLED)
@pytest.mark.parametrize("first", ["read", "write"])
def test_connections_that_were_ended_meanwhile_cost_no_error(
    shared_database: Database, admin: Admin, make: Make, first: str
) -> None:
    """A pool whose connections are all dead serves the next read, or the next change."""
    engine = make(shared_database)
    store = SqlStore(engine)
    commit(store)
    held = [engine.connect() for _ in range(3)]
    for connection in held:
        connection.close()
    assert admin.cut() == 3
    calls: dict[str, Callable[[], int]] = {
        "read": lambda: store.head("shop").revision,
        "write": lambda: commit(store),
    }
    assert calls[first]() == {"read": 1, "write": 2}[first]
    assert store.state("shop").head.revision == len(store.history("shop"))


@servers
@pytest.mark.parametrize("make", ENGINES.values(), ids=ENGINES)
def test_a_connection_that_ends_during_a_change_makes_it_begin_anew(
    shared_database: Database, admin: Admin, make: Make
) -> None:
    """The change is decided again, on what is stored then, and made once."""
    store = SqlStore(make(shared_database))
    commit(store)
    shown: list[State] = []

    def decide(state: State) -> Proposal:
        shown.append(state)
        if len(shown) == 1:
            assert admin.cut() == 1
        return proposed()

    record = store.commit("shop", decide)
    assert record is not None
    assert record.revision == 2
    assert [state.head.revision for state in shown] == [1, 1]
    assert store.state("shop").head.change_id == record.id
    assert [r.revision for r in store.history("shop")] == [2, 1]


@pytest.mark.parametrize("shared_database", ["mariadb"], indirect=True)
def test_a_connection_that_was_idle_too_long_costs_no_error(
    shared_database: Database, admin: Admin
) -> None:
    """`wait_timeout` ends what nobody used for so long; a read and a change go through."""
    options = {"init_command": "SET SESSION wait_timeout = 1"}
    store = SqlStore(shared_database.engine(connect_args=options))
    for revision in (1, 2):
        assert commit(store) == revision
        eventually(lambda: admin.connected() == 0)
    assert store.head("shop").revision == 2


def test_a_server_that_was_started_again_costs_no_error(
    database_server: DatabaseServer, tmp_path: Path
) -> None:
    """After a restart, a read and a change go through, on a pool and on our own engine."""
    url = database_server.database()
    engines = [create_engine(url), own_engine(url, tmp_path)]
    stores = [SqlStore(engine) for engine in engines]
    for store in stores:
        commit(store)
    database_server.kill()
    database_server.start()
    assert [commit(store) for store in stores] == [3, 4]
    database_server.kill()
    database_server.start()
    assert [store.head("shop").revision for store in stores] == [4, 4]
    for engine in engines:
        engine.dispose()
