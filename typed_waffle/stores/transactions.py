"""Transactions on an engine, tried again a few times when the database asks for that."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from typed_waffle.errors import StoreUnavailable
from typed_waffle.stores.connections import Connections, Late
from typed_waffle.stores.migrations import prepare
from typed_waffle.stores.tables import Tables

__all__ = ["Overtaken", "Transactions", "Undecided", "cause_of"]

T = TypeVar("T")

ATTEMPTS = 8
"""How often a transaction is tried when the database says that another one was in the way."""

PATIENCE = 10.0
"""Seconds for a write, all tries together; a server's worker is killed when it takes 30.

On SQLite no further try begins then: each waits for a lock as long as the engine says.
"""

READ_PATIENCE = 5.0
"""Seconds for a read."""

FIRST_PAUSE, LAST_PAUSE = 0.02, 0.5
"""The bounds of the pause between two tries, in seconds; each is drawn at random."""

# SQLSTATE of serialization failure and deadlock; MySQL's deadlock, lock timeout, changed row.
_IN_THE_WAY = frozenset({"40001", "40P01", 1213, 1205, 1020})
_SQLITE_BUSY = ("database is locked", "database table is locked", "database schema is locked")


class Overtaken(Exception):  # noqa: N818 - internal
    """The head moved although it was locked."""


class Undecided(Exception):  # noqa: N818 - internal
    """The history that would tell whether a change was made is not there any more."""


@dataclass(slots=True)
class _Try:
    """One try of a transaction."""

    committing: bool = False
    """Whether all was done but to commit."""


class Transactions:
    """Runs work on an engine, each time in a transaction and on a connection of its own."""

    def __init__(self, engine: Engine, tables: Tables, *, create_tables: bool) -> None:
        self._engine = engine
        self._tables = tables
        self._create = create_tables
        self._ready = False
        self._making = threading.Lock()
        self._connections = Connections(engine, self._prepare)

    def run(
        self,
        doing: str,
        work: Callable[[Connection], T],
        *,
        writing: bool = False,
        within: float | None = None,
    ) -> T:
        """Run `work` in a transaction of its own; again, if the database asks for that.

        On a database server all of it ends `within` seconds, one way or the other.

        Raises:
            StoreUnavailable: the database did not do it.
        """
        within = within or (PATIENCE if writing else READ_PATIENCE)
        until = time.monotonic() + within
        attempt, in_doubt = 0, False
        while True:
            attempt += 1
            this = _Try()
            try:
                return self._try(this, work, until, writing=writing)
            except (SQLAlchemyError, Overtaken, Late, Undecided) as error:
                failure = error
            in_doubt |= writing and this.committing and not _given_up(failure)
            if time.monotonic() > until or isinstance(failure, Late | Undecided):
                break
            # Once in doubt, only the database can tell: it is asked until the time is up.
            if not in_doubt and (attempt == ATTEMPTS or not _worth_another_try(failure, attempt)):
                break
            _pause(attempt)
        # Not chained: the driver's error may quote a value, or the statement's parameters.
        raise StoreUnavailable(doing, _why(failure, within), in_doubt=in_doubt)

    def _try(
        self, this: _Try, work: Callable[[Connection], T], until: float, *, writing: bool
    ) -> T:
        with self._connections.lent(until) as connection:
            with _begun(connection, writing=writing):
                done = work(connection)
                this.committing = True
            return done

    def _prepare(self) -> None:
        """See to the tables, once."""
        if self._ready:
            return
        with self._making:
            if not self._ready:
                prepare(self._engine, self._tables, self._begin, create=self._create)
            self._ready = True

    @contextmanager
    def _begin(self) -> Generator[Connection, None, None]:
        with self._engine.connect() as connection, _begun(connection, writing=True):
            yield connection


def _begun(connection: Connection, *, writing: bool) -> AbstractContextManager[object]:
    if writing and connection.dialect.name == "sqlite":
        return _immediate(connection)
    return connection.begin()


@contextmanager
def _immediate(connection: Connection) -> Generator[None, None, None]:
    """A SQLite transaction that takes the write lock at its start, so that it cannot fail later.

    It leaves the connection's isolation level alone: the connection may be the application's.
    """
    connection.begin()  # here, so that an engine event which begins does it before we do
    dbapi = connection.connection.dbapi_connection
    if getattr(dbapi, "in_transaction", False):
        connection.exec_driver_sql("ROLLBACK")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        yield
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        # Not the pool's reset: sqlite3 ignores a rollback() in its autocommit mode.
        with suppress(SQLAlchemyError):
            connection.exec_driver_sql("ROLLBACK")
        raise


def _pause(attempt: int) -> None:
    bound = min(LAST_PAUSE, FIRST_PAUSE * 2**attempt)
    time.sleep(random.uniform(0, bound))  # noqa: S311 - no secret depends on it


def _worth_another_try(error: Exception, attempt: int) -> bool:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return attempt <= 2  # noqa: PLR2004 - the pool's old connections, then the real state
    return _given_up(error)


def _given_up(error: Exception) -> bool:
    """Whether the database ended the transaction because another one was in the way."""
    if isinstance(error, (Overtaken, IntegrityError)):
        return True  # another writer made the first row, or moved the head
    if not isinstance(error, DBAPIError) or error.connection_invalidated:
        return False
    orig = error.orig
    code = getattr(orig, "sqlstate", None) or getattr(orig, "pgcode", None)
    args: tuple[object, ...] = getattr(orig, "args", ())
    return (
        code in _IN_THE_WAY
        or (bool(args) and args[0] in _IN_THE_WAY)
        or any(text in str(orig) for text in _SQLITE_BUSY)
    )


def _why(error: Exception, within: float) -> str:
    if isinstance(error, Late):
        return f"it gave no answer within {within:g} s"
    if isinstance(error, Undecided):
        return "the connection was lost, and what it did is pruned from the history"
    return cause_of(error)


def cause_of(error: Exception) -> str:
    """What the database said, without the statement and its parameters."""
    orig = getattr(error, "orig", None) or error
    lines = str(orig).strip().splitlines()
    return f"{type(orig).__name__}: {lines[0][:200]}" if lines else type(orig).__name__
