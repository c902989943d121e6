"""Transactions on an engine, tried again a few times when the database asks for that."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from traceback import walk_tb
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from typed_waffle.errors import StoreUnavailable, WaffleError
from typed_waffle.forking import gate
from typed_waffle.stores import isolation
from typed_waffle.stores.connections import Connections
from typed_waffle.stores.hub import hub_for
from typed_waffle.stores.lines import Late
from typed_waffle.stores.migrations import prepare
from typed_waffle.stores.tables import Tables

__all__ = ["Overtaken", "Refused", "Transactions", "Undecided", "asked", "cause_of"]

T = TypeVar("T")
A = TypeVar("A")

ATTEMPTS = 8
"""How often a transaction is tried when the database says that another one was in the way."""

PATIENCE = 10.0
"""Seconds for a write, all tries together; a server's worker is killed when it takes 30.

On SQLite no further try begins then: each waits for a lock as long as the engine says.
"""

READ_PATIENCE = 5.0
"""Seconds for a read."""

OVERTIME = 10.0
"""Seconds that one try may take beyond that in a thread of a hub; nothing waits with it there."""

FIRST_PAUSE, LAST_PAUSE = 0.02, 0.5
"""The bounds of the pause between two tries, in seconds; each is drawn at random."""

# SQLSTATE of serialization failure and deadlock; MySQL's deadlock, lock timeout, changed row.
_IN_THE_WAY = frozenset({"40001", "40P01", 1213, 1205, 1020})
_SQLITE_BUSY = ("database is locked", "database table is locked", "database schema is locked")


class Overtaken(Exception):  # noqa: N818 - internal
    """The head moved although it was locked."""


class Undecided(Exception):  # noqa: N818 - internal
    """The history that would tell whether a change was made is not there any more."""


class Refused(BaseException):
    """What was given to us to call raised this error: it is none of the database's."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def asked(function: Callable[[A], T], about: A) -> T:
    """What a function says that was given to us.

    Raises:
        Refused: it raised an error.
    """
    try:
        return function(about)
    except Exception as error:  # noqa: BLE001 - a validator may raise anything
        raise Refused(error) from None


class _Try:
    """One try of a transaction. Who waits for it may leave; it must not commit after that."""

    def __init__(self) -> None:
        self._fate: dict[str, str] = {}  # of one key: what was said first holds

    def commits(self) -> bool:
        """All is done but to commit: whether it may."""
        return self._fate.setdefault("fate", "commit") == "commit"

    def was_left(self) -> bool:
        """Nobody waits any more: whether that was before it began to commit."""
        return self._fate.setdefault("fate", "left") == "left"


class Transactions:
    """Runs work on an engine, each time in a transaction and on a connection of its own."""

    def __init__(self, engine: Engine, tables: Tables, *, create_tables: bool) -> None:
        self._engine = engine
        self._tables = tables
        self._create = create_tables
        self._ready: tuple[int, ...] | None = ()
        """Where the tables were made; empty before that."""
        self._file = _file(engine.url)
        self._hub = hub_for(engine)
        # A file answers, or has a deadline of its own; and a hub has one.
        attended = engine.dialect.name != "sqlite" and self._hub is None
        self._connections = Connections(engine, self._prepare, attended=attended)

    def run(self, doing: str, work: Callable[[Connection], T], *, writing: bool = False) -> T:
        """Run `work` in a transaction of its own; again, if the database asks for that.

        On a database server all of it ends in time, one way or the other.

        Raises:
            StoreUnavailable: the database did not do it.
            Exception: what `work` was `Refused` with.
        """
        try:
            return self._done(doing, work, writing=writing)
        except Refused as refused:
            error = refused.error
        raise error  # out of the except block, so that it is as it was

    def _done(self, doing: str, work: Callable[[Connection], T], *, writing: bool) -> T:
        within = PATIENCE if writing else READ_PATIENCE
        until = time.monotonic() + within
        attempt, in_doubt = 0, False
        while True:
            attempt += 1
            this = _Try()
            try:
                return self._placed(partial(self._try, this, work, until, writing=writing), until)
            except Exception as error:
                # SQLAlchemy passes on whatever is no driver's error: a bug of one, or of an event.
                if isinstance(error, WaffleError) or _interrupts(error):
                    this.was_left()
                    raise
                failure = error
            except BaseException:  # refused, or interrupted: it must not commit after that
                this.was_left()
                raise
            in_doubt |= writing and not this.was_left() and not _given_up(failure)
            if time.monotonic() > until or isinstance(failure, Late | Undecided):
                break
            # Once in doubt, only the database can tell: it is asked until the time is up.
            if not in_doubt and (attempt == ATTEMPTS or not _worth_another_try(failure, attempt)):
                break
            _pause(attempt)
        # Not chained: the driver's error may quote a value, or the statement's parameters.
        raise StoreUnavailable(doing, _why(failure, within), in_doubt=in_doubt)

    def _placed(self, attempt: Callable[[], T], until: float) -> T:
        """Make an attempt where it holds up nobody else."""
        if self._hub is None:
            return attempt()
        # On SQLite it takes as long as the engine waits for a lock.
        patience = max(0.0, until - time.monotonic()) + OVERTIME
        return self._hub.run(attempt, patience, Late)

    def _try(
        self, this: _Try, work: Callable[[Connection], T], until: float, *, writing: bool
    ) -> T:
        with gate.passed(), self._connections.lent(until) as connection:
            with _begun(connection, writing=writing):
                done = work(connection)
                if not this.commits():
                    raise Late
            return done

    def _prepare(self) -> None:
        """See to the tables, once for each database that is found in this place."""
        if self._ready == self._place():
            return
        # By several threads at once, if need be: one that hangs here must not hold up the others.
        prepare(self._engine, self._tables, self._begin, create=self._create)
        self._ready = self._place()

    def _place(self) -> tuple[int, ...] | None:
        """What tells a SQLite file from another of its name; `None` if there is none."""
        if self._file is None:
            return (0,)
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def close(self) -> None:
        """Give back threads; the engine is not ours to close."""
        if self._hub is not None:
            self._hub.close()

    @contextmanager
    def _begin(self) -> Generator[Connection, None, None]:
        with isolation.used(self._engine) as connection, isolation.writing(connection):
            yield connection


def _begun(connection: Connection, *, writing: bool) -> AbstractContextManager[object]:
    return isolation.writing(connection) if writing else isolation.reading(connection)


def _file(url: URL) -> Path | None:
    """The file of a SQLite database, which may be replaced by another."""
    if url.get_backend_name() != "sqlite" or not url.database or "uri" in url.query:
        return None
    return Path(url.database).absolute()  # now, as the driver does it: a process may go elsewhere


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
    if isinstance(error, SQLAlchemyError | Overtaken):
        return cause_of(error)
    return _origin(error)


def _interrupts(error: Exception) -> bool:
    """Whether a signal's handler raised it, as a time limit of Celery's is raised."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    return any(
        any(given is interrupted for given in handler.f_locals.values())
        for interrupted, handler in pairwise(frames)
    )


def _origin(error: Exception) -> str:
    """Where an error comes from that is none of the database's: its text may hold anything."""
    *_, (frame, line) = walk_tb(error.__traceback__)
    code = frame.f_code
    place = f"{code.co_name} ({Path(code.co_filename).name}, line {line})"
    return f"{type(error).__name__}, raised in {place}"


def cause_of(error: Exception) -> str:
    """What the database said, without the statement and its parameters."""
    orig = getattr(error, "orig", None) or error
    lines = str(orig).strip().splitlines()
    return f"{type(orig).__name__}: {lines[0][:200]}" if lines else type(orig).__name__
