"""The old table: keys and stored values, read through SQLAlchemy and left as they are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnClause,
    Connection,
    Engine,
    column,
    create_engine,
    inspect,
    make_url,
    select,
)
from sqlalchemy import table as named
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from typed_waffle.errors import ConfigurationError
from typed_waffle.stores.transactions import cause_of

__all__ = ["opened", "stored"]


def opened(url: str) -> Engine:
    """An engine for reading an old database; nothing is made or changed in it.

    Raises:
        ConfigurationError: the URL cannot be read, its driver is missing, or there is no such file.
    """
    try:
        address = make_url(url)
        engine = create_engine(address, hide_parameters=True, poolclass=NullPool)
    except (ArgumentError, ImportError) as error:
        why = str(error).splitlines()[0] if isinstance(error, ImportError) else "not a database URL"
    else:
        name = address.database or ""
        missing = address.get_backend_name() == "sqlite" and not name.startswith("file:")
        if not missing or Path(name).is_file():
            return engine
        why = f"there is no file {name!r}"  # SQLite would make one
    raise ConfigurationError("database_url", why)


def stored(
    engine: Engine, table: str, *, key: str = "key", value: str = "value"
) -> dict[str, object]:
    """The keys and the stored values of an old table, as they are: nothing is decoded.

    Args:
        engine: The database that holds it.
        table: Its name. Flask-WaffleConf left it to the application.
        key: The name of the column with the keys.
        value: The name of the column with the values.

    Raises:
        ConfigurationError: There is no such table or column, it cannot be read, or it holds two
            values for one key.
    """
    keys: ColumnClause[Any] = column(key)  # Any: what the driver gives
    values: ColumnClause[Any] = column(value)  # Any: as above
    try:
        with engine.connect() as connection:
            _look(connection, table, key, value)
            rows = connection.execute(select(keys, values).select_from(named(table, keys, values)))
            return _each_once(table, ((_text(row[0]), _whole(row[1])) for row in rows))
    except SQLAlchemyError as error:
        why = cause_of(error)
    # Not chained: the driver's error may quote a value.
    raise ConfigurationError("engine", f"the table {table!r} cannot be read: {why}")


def _look(connection: Connection, table: str, key: str, value: str) -> None:
    inspector = inspect(connection)
    if not inspector.has_table(table):
        raise _missing("table", table, "the database", inspector.get_table_names())
    columns = [found["name"] for found in inspector.get_columns(table)]
    for option, name in (("key", key), ("value", value)):
        if name not in columns:
            raise _missing(option, name, f"the table {table!r}", columns)


def _missing(option: str, name: str, where: str, there: list[str]) -> ConfigurationError:
    close = difflib.get_close_matches(name, there, n=1)
    has = ", ".join(map(repr, sorted(there))) or "nothing"
    return ConfigurationError(
        option, f"{where} has no {name!r}, only {has}", nearest=close[0] if close else None
    )


def _each_once(table: str, rows: Iterable[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in rows:
        if found.setdefault(key, value) != value:
            raise ConfigurationError(
                "table", f"{table!r} holds two values for the key {key!r}. Delete the wrong row"
            )
    return found


def _text(key: object) -> str:
    return key.decode(errors="backslashreplace") if isinstance(key, bytes) else str(key)


def _whole(value: object) -> object:
    return bytes(value) if isinstance(value, (bytearray, memoryview)) else value
