"""Lines: the sockets at which a thread waits while it gets a connection, so that it can be cut off.

An engine talks to the database before it lends anything: it asks what server that is, and whether a
pooled connection lives (`pool_pre_ping`). Each of these questions may be the one without an answer.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any
from weakref import WeakSet

from sqlalchemy import Connection, Dialect

__all__ = ["Late", "Line", "hold", "release", "spared", "watch"]


class Late(Exception):  # noqa: N818 - internal
    """The database did not answer in time."""


class Line:
    """The socket of the connection that one thread has, or is getting; one at a time."""

    def __init__(self) -> None:
        self.spared: bool = False
        """Whether nothing is held for now."""
        self.was_cut: bool = False
        self._lock = threading.Lock()
        self._descriptor: int | None = None

    @contextmanager
    def followed(self) -> Generator[None, None, None]:
        """What this thread gets in the block, and tells us of, is held."""
        token = _line.set(self)
        try:
            yield
        finally:
            _line.reset(token)
            self.release()

    def cut(self) -> None:
        """Let the driver raise where it waits, now and on every connection that comes later."""
        with self._lock:
            self.was_cut = True
            self._shut()

    def hold(self, driver: object) -> None:
        """Hold the socket of a driver's connection, and no longer that of the one before."""
        with self._lock:
            self._close()
            if not self.spared:
                self._descriptor = _descriptor(driver)
            if self.was_cut:
                self._shut()

    def release(self) -> bool:
        """Hold nothing; whether the line was cut, and what was held is of no use."""
        with self._lock:
            self._close()
            return self.was_cut

    def _shut(self) -> None:
        if self._descriptor is not None:
            with suppress(OSError), socket.socket(fileno=os.dup(self._descriptor)) as wire:
                wire.shutdown(socket.SHUT_RDWR)

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


# Of a greenlet too, though gevent may patch threads after this module was imported.
_line: ContextVar[Line | None] = ContextVar("typed_waffle_line", default=None)


def hold(connection: Connection) -> None:
    """This thread has a connection now."""
    if (line := _line.get()) is not None:
        line.hold(connection.connection.driver_connection)


def release(connection: Connection) -> None:
    """This thread gives it back. The pool must not lend one that was cut."""
    if (line := _line.get()) is not None and line.release():
        connection.invalidate()


@contextmanager
def spared() -> Generator[None, None, None]:
    """What this thread does in the block may take its time, and is not cut."""
    line = _line.get() or Line()
    line.spared = True
    try:
        yield
    finally:
        line.spared = False


_watched: WeakSet[Dialect] = WeakSet()


def watch(dialect: Dialect) -> None:
    """Hold what this dialect connects, and pings, in a thread whose line is followed.

    There is no event before a ping, and to add a listener for new connections is an error in a
    thread that is calling the others. In all other threads, nothing is another than before.
    """
    if dialect in _watched:
        return
    _watched.add(dialect)
    connect, ping = dialect.connect, dialect.do_ping

    def connected(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - the driver's own
        line = _line.get()
        if line is not None and line.was_cut and not line.spared:
            raise Late  # it would hang here next, where there is no socket yet
        made = connect(*args, **options)
        if line is not None:
            line.hold(dialect.get_driver_connection(made))
        return made

    def pinged(dbapi_connection: Any) -> bool:  # noqa: ANN401 - the driver's own
        if (line := _line.get()) is not None:
            line.hold(dialect.get_driver_connection(dbapi_connection))
        return ping(dbapi_connection)

    dialect.connect = connected  # type: ignore[method-assign] # see above
    dialect.do_ping = pinged  # type: ignore[method-assign] # see above


def _descriptor(driver: Any) -> int | None:  # noqa: ANN401 - of any driver
    """A descriptor of our own for a connection's socket: it cannot become another one's.

    `None` if the driver does not show its socket. psycopg and psycopg2 do, and PyMySQL has one.
    """
    try:
        owner = driver if hasattr(driver, "fileno") else driver._sock  # noqa: SLF001 - PyMySQL's
        return os.dup(owner.fileno())
    except Exception:  # noqa: BLE001 - a driver may raise anything; its own deadlines remain
        return None
