"""Migrations: our own tables, made, and brought forward from what an earlier release made.

The rules that every migration keeps:

- It only adds: a table, an index, a column that an INSERT may leave out. The release before goes on
  working with what it leaves, because a rolling deploy runs both.
- It may run again, and at the same time elsewhere, after it ran half or whole: it looks before it
  adds. MySQL and MariaDB commit each DDL statement by itself, and a worker can be killed between.
- A table is made in today's form. What was added to it later is a migration of its own, which then
  finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, insert, inspect, select, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from typed_waffle.errors import StoreUnavailable
from typed_waffle.stores.isolation import used
from typed_waffle.stores.lines import spared
from typed_waffle.stores.tables import Tables

__all__ = ["MIGRATIONS", "Migration", "prepare"]

Begin = Callable[[], AbstractContextManager[Connection]]
"""Begins a transaction that may write."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from the version before it."""

    version: int
    """What the tables are of afterwards."""
    apply: Callable[[Connection, Tables], object]
    """Makes the step, by the rules above."""


def _make_the_first(connection: Connection, tables: Tables) -> None:
    for table in (tables.head, tables.override, tables.history, tables.touched):
        table.create(connection, checkfirst=True)


def _make_schema(connection: Connection, tables: Tables) -> None:
    tables.schema.create(connection, checkfirst=True)


MIGRATIONS = (Migration(1, _make_the_first), Migration(2, _make_schema))
"""Every step, in order. Tables of version 1 do not say their version."""


def prepare(
    engine: Engine,
    tables: Tables,
    begin: Begin,
    *,
    create: bool,
    migrations: Sequence[Migration] = MIGRATIONS,
) -> None:
    """See to it that the tables are of the newest version; one query if they are.

    A version that is newer still is as good: migrations only add.

    Raises:
        StoreUnavailable: they are not, and not `create`.
    """
    said, newest = _said(engine, tables), migrations[-1].version
    if said is not None and said >= newest:
        return
    if not create:
        _refuse_lacking(engine, tables, said, newest)
        return
    with spared():  # it may take longer than anybody waits
        _bring_forward(engine, tables, begin, migrations)


def _bring_forward(
    engine: Engine, tables: Tables, begin: Begin, migrations: Sequence[Migration]
) -> None:
    found = _found(engine, tables)
    while True:
        try:
            with begin() as connection:
                _migrate(connection, tables, migrations)
        except SQLAlchemyError:
            # If another worker added the same between our look and our statement, more is there
            # than was. As things are only added, this ends.
            before, found = found, _found(engine, tables)
            if found == before:
                raise
        else:
            return


def _said(engine: Engine, tables: Tables) -> int | None:
    version = select(tables.schema.c.version)
    try:
        with used(engine) as connection:
            return connection.scalar(version)
    except DBAPIError:
        with used(engine) as connection:
            if not inspect(connection).has_table(tables.schema.name):
                return None
    # It was made a moment ago; or something else is wrong, and is so again.
    with used(engine) as connection:
        return connection.scalar(version)


def _migrate(connection: Connection, tables: Tables, migrations: Sequence[Migration]) -> None:
    version = select(tables.schema.c.version)
    said = inspect(connection).has_table(tables.schema.name)
    before = (connection.scalar(version) if said else None) or 0
    for migration in migrations:
        if migration.version > before:
            migration.apply(connection, tables)
    newest = migrations[-1].version
    if connection.scalar(version) is None:
        connection.execute(insert(tables.schema).values(id=1, version=newest))
    else:
        older = tables.schema.c.version < newest
        connection.execute(update(tables.schema).where(older).values(version=newest))


def _found(engine: Engine, tables: Tables) -> tuple[object, ...]:
    """All that a migration can have added."""
    with used(engine) as connection:
        indexes = inspect(connection).get_multi_indexes(filter_names=list(tables.metadata.tables))
    return _columns(engine, tables), indexes, _said(engine, tables)


def _columns(engine: Engine, tables: Tables) -> dict[str, set[str]]:
    with used(engine) as connection:
        found = inspect(connection).get_multi_columns(filter_names=list(tables.metadata.tables))
    return {name: {column["name"] for column in columns} for (_, name), columns in found.items()}


def _refuse_lacking(engine: Engine, tables: Tables, said: int | None, newest: int) -> None:
    """Refuse tables that lack something. If nothing lacks, their version is of no importance.

    Alembic makes tables and columns, and knows nothing of the version in a row.
    """
    found = _columns(engine, tables)
    lacking = [name for name in tables.metadata.tables if name not in found] + [
        f"{name}.{column.name}"
        for name, table in tables.metadata.tables.items()
        for column in table.columns
        if name in found and column.name not in found[name]
    ]
    if lacking:
        verb = "is" if len(lacking) == 1 else "are"
        has = f"the tables are of version {said or 1}, and " if found else ""
        raise StoreUnavailable(
            "looking at its tables",
            f"{', '.join(lacking)} {verb} missing ({has}version {newest} is needed): "
            "migrate the database with Alembic, or set WAFFLE_CREATE_TABLES",
        )
