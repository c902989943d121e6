"""Connections with a deadline: who waits for a database that does not answer is set free."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from typed_waffle.stores.isolation import connected
from typed_waffle.stores.lines import Late, Line, release, watch

__all__ = ["ABANDONED", "Connections"]

ABANDONED = 4
"""How many threads may hang in a driver after they were given up; beyond it, nothing is asked."""

CLOSING = 2.0
"""Seconds that giving a connection back may take: its pool may have to roll back."""


class Connections:
    """Lends connections of an engine, each until a deadline, and is not noticed by its other users.

    Drivers have no deadline that holds when the server is frozen, and a pool's own ping waits
    without end. So each loan has an attendant, a thread that does three things: it gets the
    connection, in the place of the borrower, who may leave; it waits for the connection to come
    back; and at the deadline it shuts the connection's socket down, which makes the driver raise
    wherever it waits. If it is the attendant that waits in the driver, the borrower does this. All
    else runs in the borrower's thread. Unless `attended`, it does without.
    """

    def __init__(
        self, engine: Engine, prepare: Callable[[], None], *, attended: bool = True
    ) -> None:
        self._engine = engine
        self._prepare = prepare
        self._attended = attended
        self._abandoned: list[threading.Thread] = []
        self._counting = threading.Lock()
        if attended:
            watch(engine.dialect)

    @contextmanager
    def lent(self, until: float) -> Generator[Connection, None, None]:
        """A connection until this moment of monotonic time; `prepare` was called before.

        Raises:
            Late: the time was up before the block ended.
        """
        loan = _Loan(self._prepare, self._engine, until)
        connection = self._lend(loan)
        strange = False
        try:
            yield connection
        except Exception as error:
            strange = not isinstance(error, SQLAlchemyError)
            if loan.cut:
                raise Late from None
            raise
        finally:
            if loan.closing() or strange:
                connection.invalidate()  # so that the pool does not lend it again
            connection.close()
            loan.end()

    def _lend(self, loan: _Loan) -> Connection:
        if not self._attended:
            return loan.open()
        with self._counting:
            self._abandoned = [thread for thread in self._abandoned if thread.is_alive()]
            if len(self._abandoned) >= ABANDONED:
                raise Late
        try:
            loan.attendant.start()
        except RuntimeError:  # no thread can start here, or no longer
            return loan.open()
        try:
            return loan.connection()
        except Late:
            with self._counting:
                self._abandoned.append(loan.attendant)
            raise


class _Loan:
    """One connection, from the moment it is asked for until it is given back."""

    def __init__(self, prepare: Callable[[], None], engine: Engine, until: float) -> None:
        self.cut = False
        """Whether the deadline came first."""
        self._prepare = prepare
        self._engine = engine
        self._until = until
        self._deciding = threading.Lock()
        self._asked: Future[Connection] = Future()
        self._over = threading.Event()
        self._line = Line()
        # The borrower's context: an application's engine may look at its app while it connects.
        self.attendant = threading.Thread(
            target=copy_context().run, args=(self._attend,), name="typed-waffle-store", daemon=True
        )

    def open(self) -> Connection:
        """The connection, however long it takes."""
        self._prepare()
        return connected(self._engine)

    def connection(self) -> Connection:
        """What the attendant got.

        Raises:
            Late: nothing, in time; whatever comes later, the attendant gives back.
        """
        try:
            return self._asked.result(self._left())
        except TimeoutError:
            if self._declined():
                raise Late from None
            return self._asked.result()  # it came at the last moment, or the error is the driver's
        except BaseException:
            self._declined()  # whoever was interrupted does not take it
            raise

    def _declined(self) -> bool:
        """Take nothing any more; whether nothing had come."""
        if not self._asked.cancel():
            return False
        self._line.cut()
        return True

    def closing(self) -> bool:
        """The connection is about to be given back; whether it was cut, and will not work."""
        with self._deciding:
            # Time enough that it is not cut when it is somebody else's already.
            self._until = max(self._until, time.monotonic() + CLOSING)
            return self.cut

    def end(self) -> None:
        """The connection was given back."""
        self._over.set()
        if self.attendant.ident is not None:
            self.attendant.join()

    def _attend(self) -> None:
        with self._line.followed():
            self._wait()

    def _wait(self) -> None:
        try:
            connection = self.open()
        except BaseException as error:  # noqa: BLE001 - the borrower raises it
            if self._asked.set_running_or_notify_cancel():
                self._asked.set_exception(error)
            return
        if not self._asked.set_running_or_notify_cancel():
            release(connection)
            connection.close()
            return
        self._asked.set_result(connection)
        while not self.cut and not self._over.wait(self._left()):
            with self._deciding:
                if not self._left():
                    self.cut = True
                    self._line.cut()

    def _left(self) -> float:
        return max(0.0, self._until - time.monotonic())
