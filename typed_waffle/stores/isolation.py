"""Transactions that are ours on anybody's connection, whatever isolation level it is set to."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from typed_waffle.stores.lines import hold, release

__all__ = ["connected", "reading", "used", "writing"]

# Holds for the next transaction only, so nothing needs to be put back.
_NEXT = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"


def connected(engine: Engine) -> Connection:
    """A connection. An error of the driver's is one of SQLAlchemy's.

    An engine whose isolation level is an execution option sets it on each connection that it lends,
    and then a dead one makes the driver's own error, which SQLAlchemy does not look at.
    """
    connection = _connected(engine)
    hold(connection)
    return connection


@contextmanager
def used(engine: Engine) -> Generator[Connection, None, None]:
    """A connection for the length of a block, in a thread that others may have cut off."""
    connection = connected(engine)
    try:
        yield connection
        connection.rollback()  # here, where it can be cut, and not in the pool
    except Exception as error:
        if not isinstance(error, SQLAlchemyError):  # which looked after it
            connection.invalidate()
        raise
    finally:
        release(connection)
        connection.close()


def _connected(engine: Engine) -> Connection:
    driver_error = engine.dialect.loaded_dbapi.Error
    try:
        return engine.connect()
    except driver_error:
        engine.dispose()  # as SQLAlchemy does: the other connections are dead, too
    try:
        return engine.connect()
    except driver_error as error:
        raise DBAPIError(None, None, error) from None


@contextmanager
def reading(connection: Connection) -> Generator[None, None, None]:
    """Let one statement show what is committed, and nothing else."""
    if connection.dialect.name in {"mysql", "mariadb"}:
        # READ UNCOMMITTED would show half a change, SERIALIZABLE would wait for a writer.
        connection.exec_driver_sql(_NEXT)
    yield


@contextmanager
def writing(connection: Connection) -> Generator[None, None, None]:
    """A transaction in which a statement sees what was committed before that statement.

    So a writer that waited for the lock sees what the one before it did. It is begun and ended by
    statements, because on an engine in autocommit mode SQLAlchemy's own begin and commit do
    nothing. The settings of the connection stay as they are: it may be the application's.
    """
    connection.begin()  # here, so that an engine event which begins does it before we do
    for statement in _beginning(connection):
        connection.exec_driver_sql(statement)
    try:
        yield
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        # Not the pool's reset: a driver ignores a rollback() in its autocommit mode.
        with suppress(SQLAlchemyError):
            connection.exec_driver_sql("ROLLBACK")
        raise


def _beginning(connection: Connection) -> list[str]:
    """The statements that begin a transaction of ours."""
    dbapi = connection.connection.dbapi_connection
    match connection.dialect.name:
        case "sqlite":
            # The write lock is taken at the start, so that the transaction cannot fail later.
            begun = getattr(dbapi, "in_transaction", False)
            return ["ROLLBACK", "BEGIN IMMEDIATE"] if begun else ["BEGIN IMMEDIATE"]
        case "mysql" | "mariadb":
            return [_NEXT, "START TRANSACTION"]
        case "postgresql":
            # Unless it commits by itself, the driver begins before our first statement.
            alone = getattr(dbapi, "autocommit", False)
            return ["BEGIN ISOLATION LEVEL READ COMMITTED"] if alone else [_NEXT]
        case _:
            return []
