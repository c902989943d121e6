"""The store's transactions on engines of every isolation level: they are its own."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.pool import SingletonThreadPool, StaticPool

from tests.support.databases import Database
from tests.support.engines import ENGINES, LEVELS, Make, autocommit, plain
from tests.support.waiting import PATIENCE
from typed_waffle.change import Channel, FieldRecord, State
from typed_waffle.errors import ConfigurationError, StoreUnavailable
from typed_waffle.protocols import Decide, Proposal, Store
from typed_waffle.stores.engines import store_on
from typed_waffle.stores.sql import SqlStore
from typed_waffle.testing import StoreContract

CANARY = "canary-4711"


def cases(*kinds: str, but: Sequence[str] = ()) -> pytest.MarkDecorator:
    """A test of every application's engine on these databases."""
    made = [
        pytest.param(kind, make, id=f"{kind}-{name}")
        for kind in kinds
        for name, make in {**ENGINES, **LEVELS[kind]}.items()
        if name not in {"own", *but}
    ]
    return pytest.mark.parametrize(("shared_database", "make"), made, indirect=["shared_database"])


def setting(value: str, channel: Channel = "python") -> Decide:
    field = FieldRecord("a", "null", value, was_stored=False, is_stored=True)
    return lambda _: Proposal(uuid.uuid4().hex, {"a": value}, (field,), None, None, channel)


@cases("sqlite", "postgresql", "mariadb", but=[*ENGINES])  # test_sql.py has those
class TestEveryLevel:
    """The promises of `Store` that depend on transactions, on engines of every level."""

    @pytest.fixture
    def store(self, shared_database: Database, make: Make) -> Store:
        return SqlStore(make(shared_database))

    @pytest.fixture
    def other_store(self, shared_database: Database, make: Make) -> Store:
        return SqlStore(make(shared_database))

    test_shown = StoreContract.test_a_change_is_shown_everywhere_at_once
    test_replaced = StoreContract.test_a_proposal_replaces_all_overrides
    test_refused = StoreContract.test_a_refusal_writes_nothing
    test_unwanted = StoreContract.test_wanting_nothing_writes_nothing
    test_concurrent = StoreContract.test_concurrent_writers_lose_nothing
    test_ruled = StoreContract.test_a_rule_holds_under_concurrent_writers
    test_one_moment = StoreContract.test_a_state_is_of_one_moment
    test_pruned = StoreContract.test_pruning_keeps_the_newest_changes
    test_rewritten = StoreContract.test_a_rewrite_is_no_change
    test_rewrite_refused = StoreContract.test_a_rewrite_may_not_add_or_drop


@cases("postgresql", "mariadb")
def test_a_writer_that_waited_sees_the_change_before_its_own(
    shared_database: Database, make: Make
) -> None:
    """What was committed after its transaction began, but before it had the lock, is not lost."""
    engine = make(shared_database)
    store, other = SqlStore(engine), SqlStore(make(shared_database))
    store.commit("shop", setting("1"))
    shown: list[State] = []
    overtaking = [setting("2")]

    def overtake(_c: Any, _s: Any, statement: str, *_: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        if overtaking and "FOR UPDATE" in statement:
            other.commit("shop", overtaking.pop())

    def decide(state: State) -> Proposal | None:
        shown.append(state)
        return setting("3")(state)

    event.listen(engine, "before_cursor_execute", overtake)
    record = store.commit("shop", decide)
    assert record is not None
    assert record.revision == 3
    assert [dict(state.overrides) for state in shown] == [{"a": "2"}]


@cases("postgresql", "mariadb")
def test_a_reader_waits_for_no_writer(shared_database: Database, make: Make) -> None:
    """While a change is being made, reads show what was there before, on any engine."""
    store, other = SqlStore(make(shared_database)), SqlStore(make(shared_database))
    store.commit("shop", setting("1"))
    other.head("shop")
    seen: list[int] = []

    def read() -> None:
        records = other.history("shop")
        seen.extend((other.head("shop").revision, other.state("shop").head.revision, len(records)))

    def decide(state: State) -> Proposal | None:
        reader = threading.Thread(target=read)
        reader.start()
        reader.join(PATIENCE)
        return setting("2")(state)

    store.commit("shop", decide)
    assert seen == [1, 1, 1]


@pytest.mark.parametrize("shared_database", ["postgresql", "mariadb"], indirect=True)
@pytest.mark.parametrize("make", [plain, autocommit], ids=["plain", "autocommit"])
def test_a_change_that_fails_half_way_leaves_nothing(shared_database: Database, make: Make) -> None:
    """When the history's row is refused, the overrides and the head before it do not stay."""
    store = SqlStore(make(shared_database))
    store.commit("shop", setting("1"))
    before = store.state("shop")
    too_long: Any = "x" * 17
    with pytest.raises(StoreUnavailable) as caught:
        store.commit("shop", setting(CANARY, too_long))
    assert CANARY not in f"{caught.value} {caught.value.cause}"
    assert store.state("shop") == before
    assert len(store.history("shop")) == 1


# --- the application's connections ------------------------------------------------------------

SETTINGS = {
    "sqlite": "PRAGMA read_uncommitted",
    "postgresql": "SELECT current_setting('transaction_isolation'),"
    " current_setting('default_transaction_isolation')",
    "mariadb": "SELECT @@session.tx_isolation, @@session.autocommit",
}


def settings(connection: Connection, kind: str) -> object:
    """How transactions are made on a connection."""
    dbapi: Any = connection.connection.dbapi_connection
    told = getattr(dbapi, "autocommit", None) if kind == "postgresql" else None
    level = dbapi.isolation_level if kind == "sqlite" else None
    return connection.execute(text(SETTINGS[kind])).all(), told, level


@cases("sqlite", "postgresql", "mariadb")
def test_an_application_s_connections_stay_as_they_were(
    shared_database: Database, make: Make
) -> None:
    """After reads and changes, a pooled connection has the level that the application set."""
    engine, kind = make(shared_database), shared_database.kind
    with engine.connect() as connection:
        dbapi = connection.connection.dbapi_connection
        before = settings(connection, kind)
    store = SqlStore(engine)
    store.commit("shop", setting("1"))
    store.head("shop")
    with engine.connect() as connection:
        assert connection.connection.dbapi_connection is dbapi
        assert settings(connection, kind) == before


BY_HAND = {
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "mariadb": "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
}


@pytest.mark.parametrize("shared_database", BY_HAND, indirect=True)
def test_a_level_that_was_set_by_hand_stays(shared_database: Database) -> None:
    """A level that SQLAlchemy does not know of, because a statement set it, is kept as well."""
    engine, kind = shared_database.engine(pool_size=1), shared_database.kind
    with engine.connect() as connection:
        connection.exec_driver_sql(BY_HAND[kind])
        connection.commit()
    with engine.connect() as connection:
        before = settings(connection, kind)
    assert "serializable" in str(before).lower()
    SqlStore(engine).commit("shop", setting("1"))
    with engine.connect() as connection:
        assert settings(connection, kind) == before


@pytest.mark.parametrize("pool", [StaticPool, SingletonThreadPool])
def test_an_engine_of_one_connection_is_refused(
    shared_database: Database, pool: type[StaticPool | SingletonThreadPool]
) -> None:
    """Where the application's transaction and ours are one, a change would commit both."""
    engine: Engine = shared_database.engine(poolclass=pool)
    with pytest.raises(ConfigurationError, match=pool.__name__):
        store_on(engine, prefix="waffle_", create_tables=True, owned=False)


@pytest.mark.parametrize("shared_database", ["postgresql"], indirect=True)
def test_our_own_engine_prepares_no_statement(shared_database: Database) -> None:
    """Behind a pooler of transactions, the next client would find it and fail."""
    engine = shared_database.own()
    found: list[int] = []

    def look(_c: Any, cursor: Any, statement: str, *_: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        if statement == "COMMIT":
            with cursor.connection.cursor() as other:
                other.execute("SELECT count(*) FROM pg_prepared_statements")
                found.append(other.fetchone()[0])

    event.listen(engine, "before_cursor_execute", look)
    names = [f"field_{number}" for number in range(30)]
    fields = tuple(FieldRecord(name, "1", "2", was_stored=True, is_stored=True) for name in names)
    change = Proposal(uuid.uuid4().hex, dict.fromkeys(names, "2"), fields, None, None, "python")
    SqlStore(engine).commit("shop", lambda _: change)
    assert found == [0]
