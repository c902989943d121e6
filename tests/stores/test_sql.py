"""The store in SQL, and the engines it is given."""

from __future__ import annotations

import re
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from tests.support.apps import Settings
from tests.support.databases import Database
from tests.support.engines import ENGINES, Make
from tests.support.waiting import PATIENCE
from typed_waffle import Waffle
from typed_waffle.change import FieldRecord, Head, State
from typed_waffle.errors import ConfigurationError, StoreUnavailable
from typed_waffle.protocols import Proposal, Store
from typed_waffle.stores import transactions
from typed_waffle.stores.engines import own_engine, store_on
from typed_waffle.stores.memory import MemoryStore
from typed_waffle.stores.sql import SqlStore
from typed_waffle.stores.tables import tables
from typed_waffle.testing import StoreContract

CANARY = "canary-4711"


def own(folder: Path) -> Engine:
    """The library's own engine, on the file that is its default."""
    return own_engine(None, folder)


def plain(folder: Path) -> Engine:
    """An application's engine, with SQLAlchemy's defaults."""
    return create_engine(f"sqlite:///{folder / 'plain.db'}")


def proposal(number: int, note: str | None = None) -> Proposal:
    """A change that sets `a` to a number, under an id made of that number."""
    field = FieldRecord("a", "null", str(number), was_stored=False, is_stored=True)
    return Proposal(f"{number:032x}", {"a": str(number)}, (field,), None, note, "python")


def wanting(change: Proposal | None) -> Callable[[State], Proposal | None]:
    return lambda _: change


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = own(tmp_path)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("make", ENGINES.values(), ids=ENGINES)
class TestSqlStore(StoreContract):
    @pytest.fixture
    def store(self, shared_database: Database, make: Make) -> Store:
        return SqlStore(make(shared_database))

    @pytest.fixture
    def other_store(self, shared_database: Database, make: Make) -> Store:
        return SqlStore(make(shared_database))


# --- tables -----------------------------------------------------------------------------------


def test_tables_are_made_when_the_database_comes_back(tmp_path: Path) -> None:
    """A database that was away at the first use gets its tables at a later one."""
    folder = tmp_path / "not yet"
    engine = create_engine(f"sqlite:///{folder / 'waffle.db'}")
    store = SqlStore(engine)
    with pytest.raises(StoreUnavailable):
        store.head("shop")
    folder.mkdir()
    assert store.head("shop") == Head()
    engine.dispose()


def test_no_table_is_made_if_not_wanted(engine: Engine) -> None:
    """With create_tables=False, a database without them is unavailable, and stays as it is."""
    store = SqlStore(engine, create_tables=False)
    with pytest.raises(StoreUnavailable, match="waffle_head, waffle_override"):
        store.head("shop")
    assert inspect(engine).get_table_names() == []


def test_the_prefix_keeps_two_stores_apart(engine: Engine) -> None:
    """Stores with different prefixes in one database share nothing."""
    SqlStore(engine, prefix="one_").commit("shop", wanting(proposal(1)))
    assert SqlStore(engine, prefix="two_").state("shop") == State()


def test_a_file_that_is_deleted_is_made_anew(engine: Engine, tmp_path: Path) -> None:
    """As a developer starts afresh: the tables are made again, and the revision is 0."""
    store = SqlStore(engine)
    store.commit("shop", wanting(proposal(1)))
    (tmp_path / "waffle.db").unlink()
    assert store.state("shop") == State()
    record = store.commit("shop", wanting(proposal(2)))
    assert record is not None
    assert record.revision == 1


def test_a_file_that_is_replaced_is_followed(tmp_path: Path) -> None:
    """As an operator restores a copy while the application runs."""
    here, copy = tmp_path / "here.db", tmp_path / "copy.db"
    for file, name in ((copy, "restored"), (here, "old")):
        with Waffle(Settings).connect({"WAFFLE_DATABASE_URL": f"sqlite:///{file}"}) as waffle:
            waffle.update(name=name)
            if file == here:
                copy.replace(here)
                waffle.refresh()
                assert waffle.current_settings.name == "restored"
                waffle.update(name="newer")
                assert [change.revision for change in waffle.history()] == [2, 1]


def test_the_file_stays_the_same_wherever_the_process_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path begins where the process was when the engine was made."""
    monkeypatch.chdir(tmp_path)
    store = SqlStore(own_engine("sqlite:///waffle.db", tmp_path))
    store.commit("shop", wanting(proposal(1)))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert store.head("shop").revision == 1
    assert {path.name for path in tmp_path.iterdir()} == {"waffle.db", "elsewhere"}


# --- transactions -----------------------------------------------------------------------------


def test_wanting_nothing_leaves_no_row(engine: Engine) -> None:
    """Not even the row that is the write lock stays, when a first change is not wanted."""
    store = SqlStore(engine)
    store.commit("shop", wanting(None))
    with engine.connect() as connection:
        assert connection.execute(select(tables().head)).all() == []


def test_a_change_of_no_field_is_still_a_change(engine: Engine) -> None:
    """A proposal that names no field makes a revision that touches none."""
    store = SqlStore(engine)
    record = store.commit("shop", wanting(Proposal("1" * 32, {}, (), None, None, "python")))
    assert record is not None
    assert list(store.history("shop")) == [record]


def test_a_head_that_moves_under_the_lock_is_noticed(engine: Engine) -> None:
    """Where a database ignores the lock, the change is made again, on top of what came between."""
    store = SqlStore(engine)
    store.commit("shop", wanting(proposal(1)))
    pending = ["UPDATE waffle_head SET change_id = 'meddler'"]

    def meddle(_c: Any, cursor: Any, statement: str, *_: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        if pending and statement.startswith("UPDATE waffle_head"):
            cursor.execute(pending.pop())

    event.listen(engine, "before_cursor_execute", meddle)
    record = store.commit("shop", wanting(proposal(2)))
    assert record is not None
    assert not pending
    assert (record.revision, record.follows) == (2, f"{1:032x}")


def test_a_handed_in_engine_stays_open(tmp_path: Path) -> None:
    """`close` disposes of the library's own engine only."""
    handed_in = plain(tmp_path)
    before = handed_in.pool
    store = SqlStore(handed_in)
    store.close()
    assert handed_in.pool is before
    handed_in.dispose()


def test_an_engine_of_our_own_is_disposed_of(tmp_path: Path) -> None:
    """`close` gives the connections of the library's own engine back."""
    engine = own(tmp_path)
    before = engine.pool
    SqlStore(engine, owned=True).close()
    assert engine.pool is not before


def test_a_foreign_lock_is_waited_out(tmp_path: Path) -> None:
    """While somebody else holds the write lock a commit waits, and gets through afterwards."""
    engine = create_engine(f"sqlite:///{tmp_path / 'waffle.db'}", connect_args={"timeout": 0.05})
    store = SqlStore(engine)
    store.head("shop")
    with sqlite3.connect(tmp_path / "waffle.db", isolation_level=None) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        waited = threading.Event()
        event.listen(engine, "handle_error", lambda _: waited.set())
        done: list[object] = []
        writer = threading.Thread(
            target=lambda: done.append(store.commit("shop", wanting(proposal(1))))
        )
        writer.start()
        assert waited.wait(PATIENCE)  # it met "database is locked"
        foreign.execute("ROLLBACK")
    foreign.close()
    writer.join(PATIENCE)
    assert len(done) == 1
    assert store.head("shop").revision == 1
    engine.dispose()


def test_a_file_in_use_is_read_without_wal(tmp_path: Path) -> None:
    """It cannot be switched to that then; the first who finds it alone does."""
    path = tmp_path / "waffle.db"
    engine = own_engine(f"sqlite:///{path}?timeout=0.1", tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("CREATE TABLE t (n)")
        reader.execute("BEGIN")
        reader.execute("SELECT n FROM t").fetchall()
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_a_lock_that_stays_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tries end after a time, however many are left, and the error says what is wrong."""
    monkeypatch.setattr(transactions, "PATIENCE", 0.3)
    engine = create_engine(f"sqlite:///{tmp_path / 'waffle.db'}", connect_args={"timeout": 0.2})
    store = SqlStore(engine)
    store.head("shop")
    tries: list[object] = []
    event.listen(engine, "handle_error", tries.append)
    foreign = sqlite3.connect(tmp_path / "waffle.db", isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="database is locked"):
        store.commit("shop", wanting(proposal(1)))
    foreign.close()
    assert len(tries) < transactions.ATTEMPTS
    engine.dispose()


def test_readers_do_not_wait_for_a_writer(engine: Engine) -> None:
    """On the library's own SQLite engine, a read goes on while a change is being decided."""
    store = SqlStore(engine)
    store.commit("shop", wanting(proposal(1)))
    seen: list[State] = []

    def decide(_: State) -> Proposal:
        reader = threading.Thread(target=lambda: seen.append(store.state("shop")))
        reader.start()
        reader.join(PATIENCE)
        return proposal(2)

    store.commit("shop", decide)
    assert [state.head.revision for state in seen] == [1]


# --- errors -----------------------------------------------------------------------------------


def broken(engine: Engine, statement: str) -> None:
    """Spoil the database for the next change."""
    with engine.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE waffle_history RENAME TO gone",
        "CREATE TRIGGER no BEFORE INSERT ON waffle_history BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TRIGGER no BEFORE INSERT ON waffle_override BEGIN SELECT RAISE(FAIL, 'no'); END",
    ],
)
def test_an_error_of_the_database_tells_no_value(tmp_path: Path, statement: str) -> None:
    """The text, the cause and the chain of a StoreUnavailable hold no parameter and no value."""
    engine = plain(tmp_path)  # without hide_parameters, as an application's own engine is
    store = SqlStore(engine)
    store.commit("shop", wanting(proposal(1)))
    broken(engine, statement)
    change = Proposal(
        "2" * 32,
        {"a": f'"{CANARY}"'},
        (FieldRecord("a", "1", f'"{CANARY}"', was_stored=True, is_stored=True),),
        CANARY,
        CANARY,
        "python",
    )
    with pytest.raises(StoreUnavailable) as caught:
        store.commit("shop", wanting(change))
    assert CANARY not in f"{caught.value} {caught.value!r} {caught.value.cause}"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    engine.dispose()


@pytest.mark.parametrize("table", ["waffle_override", "waffle_history", "waffle_history_field"])
def test_a_change_that_fails_half_way_leaves_nothing(engine: Engine, table: str) -> None:
    """Whichever row cannot be written, no other row of the change stays."""
    store = SqlStore(engine)
    store.commit("shop", wanting(proposal(1)))
    before = store.state("shop")
    broken(
        engine,
        f"CREATE TRIGGER no BEFORE INSERT ON {table} BEGIN SELECT RAISE(FAIL, 'no'); END",
    )
    with pytest.raises(StoreUnavailable):
        store.commit("shop", wanting(proposal(2)))
    assert store.state("shop") == before


# --- errors of no database --------------------------------------------------------------------


@pytest.fixture
def spoiling(engine: Engine) -> Callable[[str], None]:
    """Fail right after the next statement that begins with a given word, as only a bug does."""
    pending: list[str] = []

    def spoil(_c: Any, _s: Any, statement: str, *_: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        if pending and statement.startswith(pending[0]):
            pending.pop()
            raise AttributeError(CANARY)

    event.listen(engine, "after_cursor_execute", spoil)
    return pending.append


@pytest.mark.parametrize("first", [True, False])
def test_a_hook_that_fails_to_connect_is_an_unavailable_store(
    engine: Engine, *, first: bool
) -> None:
    """Whatever it raises. What it says may hold a password; where it was raised does not."""
    store = SqlStore(engine)
    if not first:
        store.head("shop")

    def hook(*_: object) -> None:
        raise KeyError(CANARY)

    event.listen(engine, "do_connect", hook)
    with pytest.raises(StoreUnavailable) as read:
        store.state("shop")
    with pytest.raises(StoreUnavailable) as written:
        store.commit("shop", wanting(proposal(1)))
    origin = re.compile(r"KeyError, raised in hook \(test_sql.py, line \d+\)")
    for caught in (read, written):
        assert origin.fullmatch(caught.value.cause)
        assert CANARY not in f"{caught.value} {caught.value!r}"
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        assert not caught.value.in_doubt


def test_a_commit_whose_answer_a_bug_swallowed_is_found(
    engine: Engine, spoiling: Callable[[str], None]
) -> None:
    """An error of no database after COMMIT leaves the change in doubt: it is looked up."""
    store = SqlStore(engine)
    store.head("shop")
    spoiling("COMMIT")
    record = store.commit("shop", wanting(proposal(1)))
    assert record is not None
    assert [r.revision for r in store.history("shop")] == [1]


def test_a_commit_that_no_try_can_explain_stays_in_doubt(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says so: the change is committed all the same."""
    monkeypatch.setattr(transactions, "PATIENCE", 0.2)
    store = SqlStore(engine)
    store.head("shop")

    def spoil(_c: Any, _s: Any, statement: str, *_: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        if statement == "COMMIT":
            raise AttributeError(CANARY)

    event.listen(engine, "after_cursor_execute", spoil)
    with pytest.raises(StoreUnavailable, match="AttributeError, raised in spoil") as caught:
        store.commit("shop", wanting(proposal(1)))
    assert caught.value.in_doubt
    assert store.head("shop").revision == 1


def test_a_connection_on_which_a_bug_showed_is_not_used_again(tmp_path: Path) -> None:
    """Its answer may still be there to be read, by whoever asks next."""
    engine = plain(tmp_path)
    store = SqlStore(engine)
    store.head("shop")
    gone: list[object] = []
    event.listen(engine, "invalidate", lambda *_: gone.append(None))

    def spoil(*_: object) -> None:
        event.remove(engine, "after_cursor_execute", spoil)
        raise AttributeError(CANARY)

    event.listen(engine, "after_cursor_execute", spoil)
    with pytest.raises(StoreUnavailable):
        store.head("shop")
    assert len(gone) == 1
    assert store.head("shop") == Head()
    engine.dispose()


def test_a_time_limit_that_ends_a_use_comes_out_as_it_is(engine: Engine) -> None:
    """A signal's handler may raise what it likes, as Celery's soft limit does; nobody tries on."""
    store = SqlStore(engine)
    store.head("shop")

    def limit(_signal: int, _frame: object) -> None:
        raise TimeoutError("the task takes too long")

    def overrun(_c: Any, _s: Any, statement: str, *_: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        if statement == "COMMIT":
            signal.raise_signal(signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, limit)
    event.listen(engine, "after_cursor_execute", overrun)
    try:
        with pytest.raises(TimeoutError, match="too long"):
            store.commit("shop", wanting(proposal(1)))
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("error", [KeyError("x"), StopIteration(), SQLAlchemyError("their own")])
def test_whatever_refuses_a_change_comes_out_as_it_is(engine: Engine, error: Exception) -> None:
    """A validator may raise anything; it is asked once, and its error is none of our database."""
    store = SqlStore(engine)
    asked: list[object] = []

    def refuse(what: object) -> Any:  # noqa: ANN401 - never
        asked.append(what)
        raise error

    for call in (store.commit, store.rewrite):
        with pytest.raises(type(error)) as caught:
            call("shop", refuse)
        assert caught.value is error
        assert (error.__cause__, error.__context__) == (None, None)
    assert len(asked) == 2
    assert store.head("shop") == Head()


# --- engines ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"]
)
def test_a_database_in_memory_becomes_a_memory_store(
    url: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """It would end with its connection, so the settings are kept in the process, with a warning."""
    engine = own_engine(url, tmp_path)
    store = store_on(engine, prefix="waffle_", create_tables=True, owned=True)
    engine.dispose()
    assert isinstance(store, MemoryStore)
    assert "in memory" in caplog.text


def test_the_default_database_is_a_file_in_the_folder(tmp_path: Path) -> None:
    """Without a URL, `waffle.db` is made, in a folder that is made if need be."""
    engine = own_engine(None, tmp_path / "instance")
    store = store_on(engine, prefix="waffle_", create_tables=True, owned=True)
    store.head("shop")
    store.close()
    assert (tmp_path / "instance" / "waffle.db").exists()


@pytest.mark.parametrize("url", ["not a url", "nosuchdb://host/db", f"nosuch://u:{CANARY}@h/d"])
def test_a_bad_url_is_a_configuration_error_without_its_password(url: str, tmp_path: Path) -> None:
    """The error names the key; the URL, which may hold a password, is not repeated."""
    with pytest.raises(ConfigurationError, match="WAFFLE_DATABASE_URL") as caught:
        own_engine(url, tmp_path)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("url", ["sqlite:///x.db", "postgresql+psycopg://h/d", "mysql+pymysql://h"])
def test_an_engine_of_our_own_keeps_no_connection(url: str, tmp_path: Path) -> None:
    """Nothing is held between uses: workers are many, changes few, and a file may be replaced."""
    engine = own_engine(url, tmp_path)
    assert isinstance(engine.pool, NullPool)
    assert engine.hide_parameters


# --- lost connections -------------------------------------------------------------------------


class LostError(sqlite3.OperationalError):
    """A connection that went away, as SQLite itself has none."""


@pytest.fixture
def losing(engine: Engine) -> Callable[[str], None]:
    """Lose the connection right after the next statement that begins with a given word."""
    pending: list[str] = []

    def lose(_c: Any, _s: Any, statement: str, *_: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        if pending and statement.startswith(pending[0]):
            pending.clear()
            raise LostError("the connection was lost")

    def mark(context: Any) -> None:  # noqa: ANN401 - as above
        if isinstance(context.original_exception, LostError):
            context.is_disconnect = True

    event.listen(engine, "handle_error", mark)
    event.listen(engine, "after_cursor_execute", lose)
    return pending.append


def test_a_commit_whose_answer_was_lost_is_found(
    engine: Engine, losing: Callable[[str], None]
) -> None:
    """If the connection breaks after COMMIT, the change is looked up, not made twice."""
    store = SqlStore(engine)
    store.head("shop")
    losing("COMMIT")
    record = store.commit("shop", wanting(proposal(1)))
    assert record is not None
    assert [r.revision for r in store.history("shop")] == [1]


def test_a_read_on_a_dead_connection_is_made_again(
    engine: Engine, losing: Callable[[str], None]
) -> None:
    """A pooled connection that died meanwhile costs no error."""
    store = SqlStore(engine)
    store.head("shop")
    losing("SELECT")
    assert store.head("shop") == Head()


def test_what_a_database_tells_of_itself(shared_database: Database) -> None:
    """The version of its tables, and its time, in UTC whatever its zone is."""
    store = SqlStore(shared_database.engine())
    facts = store.facts()
    assert facts.version == facts.newest
    assert abs(facts.now - datetime.now(UTC)) < timedelta(minutes=20)
