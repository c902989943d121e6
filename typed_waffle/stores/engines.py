"""Engines: from a URL, or somebody else's, and what store each of them makes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool, SingletonThreadPool, StaticPool

from typed_waffle.errors import ConfigurationError
from typed_waffle.journal import logger_of
from typed_waffle.protocols import Store
from typed_waffle.stores.memory import MemoryStore
from typed_waffle.stores.sql import SqlStore

__all__ = ["own_engine", "store_on"]

logger: logging.Logger = logger_of(__name__)

# How a connection of our own is made. The times, in seconds, end what `Connections` gives up: a
# thread that connects to a server that is frozen. On PostgreSQL, names may be of any letters,
# whatever the database's encoding; and behind a pooler of transactions, a prepared statement is
# somebody else's.
_POSTGRESQL = {"connect_timeout": 5, "client_encoding": "utf8"}
_MYSQL = {"connect_timeout": 5, "read_timeout": 10, "write_timeout": 10}
_OPTIONS: Mapping[str, Mapping[str, Any]] = {  # Any: of any driver
    "pysqlite": {"timeout": 5},
    "psycopg": {**_POSTGRESQL, "prepare_threshold": None},
    "psycopg2": _POSTGRESQL,
    "pymysql": _MYSQL,
    "mysqldb": _MYSQL,
}


def store_on(
    engine: Engine,
    *,
    prefix: str,
    create_tables: bool,
    owned: bool,
    keep: int | None = None,
) -> Store:
    """The store on an engine.

    A SQLite database in memory is one connection of one process, which the application's own
    transactions use as well: a `MemoryStore` stands in for it.

    Raises:
        ConfigurationError: the engine has one connection for everybody.
    """
    if is_in_memory(engine.url):
        logger.warning(
            "the database is in memory: settings are kept in this process only and end with it"
        )
        return MemoryStore(keep=keep)
    if isinstance(engine.pool, StaticPool | SingletonThreadPool):
        raise ConfigurationError(
            "engine",
            f"its {type(engine.pool).__name__} gives the application's transaction and the "
            "library's one connection, so that one would commit the other. Use another poolclass, "
            "or set WAFFLE_DATABASE_URL",
        )
    return SqlStore(engine, prefix=prefix, create_tables=create_tables, owned=owned, keep=keep)


def own_engine(url: str | None, folder: Path) -> Engine:
    """An engine for the library alone, which keeps no connection between uses.

    On a server that is because workers are many and changes few. A SQLite file may be replaced by
    another, and its name then means the other. There, readers never wait for a writer (WAL).

    Raises:
        ConfigurationError: the URL cannot be read.
    """
    if url is None:
        folder.mkdir(parents=True, exist_ok=True)
    try:
        address = make_url(url) if url else URL.create("sqlite", database=str(folder / "waffle.db"))
        options = _OPTIONS.get(address.get_driver_name(), {})
        engine = create_engine(
            address,
            hide_parameters=True,
            poolclass=NullPool,
            connect_args={k: v for k, v in options.items() if k not in address.query},
        )
    except (ArgumentError, ImportError) as error:
        reason = (
            str(error).splitlines()[0] if isinstance(error, ImportError) else "not a database URL"
        )
    else:
        if engine.dialect.name == "sqlite" and not is_in_memory(address):
            event.listen(engine, "connect", _write_ahead)
        return engine
    raise ConfigurationError("WAFFLE_DATABASE_URL", reason)


def _write_ahead(connection: Any, _: object) -> None:  # noqa: ANN401 - a DBAPI connection
    # While others use the file it cannot be switched. Once it is, this does nothing.
    with suppress(connection.OperationalError):
        connection.execute("PRAGMA journal_mode=WAL").close()


def is_in_memory(url: URL) -> bool:
    """Whether a SQLite URL names a database that only one connection can see."""
    name = url.database or ""
    return url.get_backend_name() == "sqlite" and (
        name in {"", ":memory:"} or "mode=memory" in str(url) or name.startswith("file::memory:")
    )
