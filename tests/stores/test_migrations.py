"""Our own tables: made, brought forward, and found as they should be."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, inspect, select, text
from sqlalchemy.exc import DBAPIError

from tests.support.databases import Database
from tests.support.waiting import PATIENCE
from typed_waffle.change import FieldRecord, Head, State
from typed_waffle.errors import StoreUnavailable
from typed_waffle.protocols import Proposal
from typed_waffle.stores.engines import own_engine
from typed_waffle.stores.migrations import MIGRATIONS, Migration, prepare
from typed_waffle.stores.sql import SqlStore
from typed_waffle.stores.tables import Tables, tables

WORKERS = 8

OURS = tables()


def wanted(_: State) -> Proposal:
    """A change that sets `a`."""
    field = FieldRecord("a", "0", "1", was_stored=False, is_stored=True)
    return Proposal("1" * 32, {"a": "1"}, (field,), "ann", "why", "python")


@contextmanager
def begin(engine: Engine) -> Generator[Connection, None, None]:
    """A transaction that may write, as the store begins one."""
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            yield connection
        return
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection
        connection.exec_driver_sql("COMMIT")


def bring(engine: Engine, *steps: Migration, create: bool = True) -> None:
    """Bring the tables forward, through these steps after today's."""
    prepare(engine, OURS, partial(begin, engine), create=create, migrations=[*MIGRATIONS, *steps])


def version(engine: Engine) -> list[int]:
    """All the versions that the tables say."""
    with engine.connect() as connection:
        return list(connection.scalars(select(OURS.schema.c.version)))


def columns(engine: Engine) -> set[str]:
    return {column["name"] for column in inspect(engine).get_columns("waffle_history")}


def first(engine: Engine) -> None:
    """Make the tables as they were before they said their version, with a change in them."""
    SqlStore(engine).commit("shop", wanted)
    OURS.schema.drop(engine)


# --- a later release ---------------------------------------------------------------------------


def add(name: str, connection: Connection, ours: Tables) -> None:
    """Add a column to the history, as the rules say: look, then add."""
    if name not in {column["name"] for column in inspect(connection).get_columns("waffle_history")}:
        connection.execute(text(f"ALTER TABLE waffle_history ADD COLUMN {name} VARCHAR(80)"))


def two(connection: Connection, ours: Tables) -> None:
    """A step of two parts."""
    add("ticket", connection, ours)
    add("country", connection, ours)


LATER = Migration(3, two)


def test_an_empty_database_gets_the_tables_and_their_version(database: Database) -> None:
    """All of them, at the first use."""
    engine = database.own()
    SqlStore(engine).head("shop")

    assert set(inspect(engine).get_table_names()) == set(OURS.metadata.tables)
    assert version(engine) == [MIGRATIONS[-1].version]


def test_tables_that_do_not_say_their_version_are_brought_forward(database: Database) -> None:
    """Those of the first release; what is stored in them stays."""
    engine = database.own()
    first(engine)

    store = SqlStore(engine)

    assert store.state("shop").overrides == {"a": "1"}
    assert version(engine) == [2]
    assert store.commit("Shop", wanted) is not None


def test_a_later_step_is_made(database: Database) -> None:
    """Once, whatever was there: nothing, the first tables, or today's."""
    engine = database.own()
    bring(engine)
    assert "ticket" not in columns(engine)

    bring(engine, LATER)
    bring(engine, LATER)

    assert columns(engine) >= {"ticket", "country"}
    assert version(engine) == [3]


def test_steps_are_made_in_order_and_only_those_that_lack(database: Database) -> None:
    """From the first tables on, all of them."""
    engine, done = database.own(), list[int]()
    first(engine)

    def step(number: int) -> Migration:
        return Migration(number, lambda *_: done.append(number))

    bring(engine, step(3), step(4))
    bring(engine, step(3), step(4), step(5))

    assert done == [3, 4, 5]
    assert version(engine) == [5]


def test_code_of_the_release_before_goes_on(database: Database) -> None:
    """A newer version is as good, because steps only add; and it stays what it is."""
    engine = database.own()
    bring(engine, LATER)

    for create in (True, False):
        store = SqlStore(engine, create_tables=create)
        assert store.commit(f"shop {create}", wanted) is not None
        assert store.history(f"shop {create}")[0].note == "why"
    assert version(engine) == [3]


def test_the_first_use_costs_one_query(database: Database) -> None:
    """And later ones none."""
    engine = database.own()
    SqlStore(engine).head("shop")
    store, said = SqlStore(engine), list[str]()

    @event.listens_for(engine, "before_cursor_execute")
    def _(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        said.append(statement)

    store.head("shop")
    store.head("shop")

    assert ["waffle_schema" in statement for statement in said] == [True, False, False]


def test_a_step_that_fails_is_told_and_made_again(database: Database) -> None:
    """It is not tried without end, and the version is not said."""
    engine, tries = database.own(), list[int]()
    bring(engine)

    def fail(connection: Connection, _: Tables) -> None:
        tries.append(1)
        connection.execute(text("ALTER TABLE nobody ADD COLUMN x INTEGER"))

    with pytest.raises(DBAPIError, match="nobody"):
        bring(engine, Migration(3, fail))
    assert len(tries) == 1
    assert version(engine) == [2]
    bring(engine, LATER)
    assert version(engine) == [3]


def test_versions_count_from_1_without_a_gap() -> None:
    """A step that is forgotten would never be made."""
    assert [step.version for step in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


# --- at the same time ---------------------------------------------------------------------------


def worker(url: str, folder: Path, steps: Sequence[Migration], gate: Any, told: Any) -> None:  # noqa: ANN401 - multiprocessing's own
    """One of many processes that begin at the same moment."""
    engine = own_engine(url, folder)
    gate.wait(PATIENCE)
    try:
        bring(engine, *steps)
        told.put(None)
    except Exception as error:  # noqa: BLE001 - reported to the test
        told.put(repr(error))
    engine.dispose()


@pytest.fixture
def at_once(database: Database) -> Callable[[Sequence[Sequence[Migration]]], None]:
    """Runs one process for each list of steps, all at once; each must end well."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "typed_waffle.stores.engines"])

    def run(releases: Sequence[Sequence[Migration]]) -> None:
        gate, told = context.Barrier(len(releases)), context.SimpleQueue()
        processes = [
            context.Process(target=worker, args=(database.url, database.folder, steps, gate, told))
            for steps in releases
        ]
        for process in processes:
            process.start()
        assert [told.get() for _ in processes] == [None] * len(processes)
        for process in processes:
            process.join(PATIENCE)

    return run


@pytest.mark.parametrize("before", ["nothing", "first"])
def test_many_workers_bring_the_tables_forward_at_once(
    database: Database, at_once: Callable[[Sequence[Sequence[Migration]]], None], before: str
) -> None:
    """Each of them ends well, and the tables are as they should be."""
    engine = database.own()
    if before == "first":
        first(engine)

    at_once([[LATER]] * WORKERS)

    assert columns(engine) >= {"ticket", "country"}
    assert version(engine) == [3]


def test_two_releases_begin_at_once(
    database: Database, at_once: Callable[[Sequence[Sequence[Migration]]], None]
) -> None:
    """On an empty database the older one cannot leave out what the newer one needs."""
    at_once([[], [LATER]] * (WORKERS // 2))

    engine = database.own()
    assert columns(engine) >= {"ticket", "country"}
    assert version(engine) == [3]


@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
@pytest.mark.parametrize("others", [[LATER], [LATER, Migration(4, lambda *_: None)]])
def test_a_worker_that_is_overtaken_ends_well(
    database: Database, others: Sequence[Migration]
) -> None:
    """Another one makes the step between its look and its statement, and may even go further."""
    engine, looks = database.own(), list[int]()
    bring(engine)

    def overtaken(connection: Connection, ours: Tables) -> None:
        there = {column["name"] for column in inspect(connection).get_columns("waffle_history")}
        looks.append(len(there))
        if "ticket" not in there:
            bring(database.own(), *others)
            connection.execute(text("ALTER TABLE waffle_history ADD COLUMN ticket VARCHAR(80)"))

    bring(engine, Migration(3, overtaken))

    assert len(looks) == 1  # it looked again at the version, and that was enough
    assert version(engine) == [2 + len(others)]


@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
def test_a_version_is_never_said_to_be_lower(database: Database) -> None:
    """By a worker that a newer one overtook after the last step."""
    engine = database.own()
    bring(engine)

    bring(engine, Migration(3, lambda *_: bring(database.own(), Migration(7, two))))

    assert version(engine) == [7]


# --- killed -------------------------------------------------------------------------------------


def half(connection: Connection, ours: Tables) -> None:
    """The first part of the step, and then the end of the process."""
    add("ticket", connection, ours)
    os.kill(os.getpid(), signal.SIGKILL)


def gone_half_way(connection: Connection, ours: Tables) -> None:
    """The same with the first tables: two of them are made."""
    ours.head.create(connection)
    ours.override.create(connection)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("steps", [(Migration(3, half),), None], ids=["forward", "first"])
def test_a_worker_that_is_killed_in_the_middle_leaves_nothing_in_the_way(
    database: Database, steps: tuple[Migration, ...] | None
) -> None:
    """Whatever part was committed: the next one makes the rest."""
    engine = database.own()
    if steps:
        bring(engine)
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=killed, args=(database.url, database.folder, steps))
    process.start()
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL
    assert "country" not in (columns(engine) if steps else ())

    bring(engine, LATER)

    assert columns(engine) >= {"ticket", "country"}
    assert version(engine) == [3]
    assert SqlStore(engine).commit("shop", wanted) is not None


def killed(url: str, folder: Path, steps: tuple[Migration, ...] | None) -> None:
    engine = own_engine(url, folder)
    if steps:
        bring(engine, *steps)
    else:
        made = [Migration(1, gone_half_way)]
        prepare(engine, OURS, partial(begin, engine), create=True, migrations=made)


# --- made by somebody else ----------------------------------------------------------------------


def refusal(engine: Engine) -> str:
    """Why the store cannot be used."""
    with pytest.raises(StoreUnavailable) as refused:
        SqlStore(engine, create_tables=False).head("shop")
    return refused.value.cause


HELP = "migrate the database with Alembic, or set WAFFLE_CREATE_TABLES"


def test_missing_tables_are_named(database: Database) -> None:
    """With what to do; none is made."""
    engine = database.own()

    assert refusal(engine) == (
        "waffle_head, waffle_override, waffle_history, waffle_history_field, waffle_schema are "
        f"missing (version 2 is needed): {HELP}"
    )
    assert inspect(engine).get_table_names() == []


def test_an_older_version_is_named(database: Database) -> None:
    """With what lacks; nothing is written, and each use looks again."""
    engine = database.own()
    first(engine)
    store = SqlStore(engine, create_tables=False)

    for _ in range(2):
        why = "waffle_schema is missing .the tables are of version 1, and version 2 is needed"
        with pytest.raises(StoreUnavailable, match=why):
            store.state("shop")

    bring(engine)
    assert store.state("shop").overrides == {"a": "1"}


def test_a_missing_column_is_named(database: Database) -> None:
    """A migration may have been left out."""
    engine = database.own()
    OURS.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE waffle_history DROP COLUMN note"))

    assert refusal(engine).startswith("waffle_history.note is missing (the tables are of version 1")


def test_tables_that_appear_between_two_looks_are_found(database: Database) -> None:
    """Another worker made them after we asked, and before we looked why there was no answer."""
    engine = database.own()

    @event.listens_for(engine, "handle_error")
    def _(_: object) -> None:
        bring(database.own())

    assert SqlStore(engine, create_tables=False).head("shop") == Head()


@pytest.mark.parametrize("said", [None, 1])
def test_tables_that_lack_nothing_will_do(database: Database, said: int | None) -> None:
    """Alembic makes tables and columns, not the row with the version; nobody else does then."""
    engine = database.own()
    OURS.metadata.create_all(engine)
    if said:
        with engine.begin() as connection:
            connection.execute(OURS.schema.insert().values(id=1, version=said))

    store = SqlStore(engine, create_tables=False)

    assert store.commit("shop", wanted) is not None
    assert version(engine) == ([said] if said else [])
