"""Listener: what keeps a runtime current, and where its loop runs.

A driver decides that: in a thread, in a greenlet, or (inline) nowhere, so that the store is looked
at while the application works. Every driver has the same three methods.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from contextlib import suppress
from typing import Any, Literal, Protocol

from typed_waffle.journal import Journal, logger_of
from typed_waffle.loop import Loop, ticked
from typed_waffle.protocols import Bus
from typed_waffle.runtime import Runtime
from typed_waffle.surroundings import threadless

__all__ = [
    "Driver",
    "GreenletListener",
    "InlineListener",
    "Listener",
    "ThreadListener",
    "listen",
]

logger: logging.Logger = logger_of(__name__)

Driver = Literal["thread", "gevent", "inline"]

INLINE_PATIENCE = 0.1
"""Seconds that a request waits for the look it began, which goes on without it."""


class Listener(Protocol):
    """What keeps a runtime current."""

    def start(self) -> None:
        """Begin. The runtime has booted."""
        ...

    def poke(self) -> None:
        """The application is at work in this process; must return at once if nothing is due."""
        ...

    def stop(self, wait: float) -> None:
        """End within `wait` seconds, or be left to end by itself; safe to call twice."""
        ...


class _Strand(Protocol):
    """A thread or a greenlet."""

    def start(self) -> None: ...
    def join(self, timeout: float) -> object: ...


class ThreadListener:
    """The loop in a daemon thread.

    Whatever keeps it from running (a callback that hangs, a server that starves its threads), the
    application then looks at the store by itself, as it does without a loop.
    """

    def __init__(self, runtime: Runtime[Any], bus: Bus | None) -> None:  # Any: of any model
        self._runtime = runtime
        self._board = runtime.board
        self._journal = Journal(logger)
        self._substitute = InlineListener(runtime)
        self._loop = Loop(runtime, bus)
        self._strand = self._made()

    def _made(self) -> _Strand:
        return threading.Thread(target=self._loop.run, name="typed-waffle", daemon=True)

    def _current(self) -> object:
        return threading.current_thread()

    def start(self) -> None:
        """Start the loop.

        Raises:
            RuntimeError: the process may start no thread.
        """
        self._strand.start()
        self._board.beat()  # so that one that never runs is missed as well

    def poke(self) -> None:
        """Nothing to do while the loop works by itself; else stand in for it."""
        if time.monotonic() < self._board.missed_at:
            return  # asked at every app context, so this comes first
        silent = self._board.silent
        if silent and not self._loop.stopped:
            self._runtime.agenda.deaf()
            self._journal.log(
                logging.ERROR,
                "the settings listener has not run for %.0f s: the application looks by itself",
                silent,
            )
            self._substitute.poke()

    def stop(self, wait: float) -> None:
        """Ask the loop to end, and wait for it, but not from within itself."""
        self._loop.stop()
        if wait and self._strand is not self._current():
            self._join(wait)
        self._substitute.join(wait)

    def _join(self, wait: float) -> None:
        self._strand.join(wait)


class GreenletListener(ThreadListener):
    """The loop in a greenlet. It needs gevent's monkey patch, which makes it give way."""

    def _made(self) -> _Strand:
        import gevent  # noqa: PLC0415 - an extra

        return gevent.Greenlet(self._loop.run)

    def _current(self) -> object:
        import gevent  # noqa: PLC0415 - as above

        return gevent.getcurrent()

    def _join(self, wait: float) -> None:
        import greenlet  # noqa: PLC0415 - as above

        with suppress(greenlet.error):  # it was begun in another thread, whose hub runs it
            super()._join(wait)


class InlineListener:
    """No loop: the store is looked at when the application works and a look is due.

    A look has a thread of its own, so that a database that hangs holds no request.
    """

    def __init__(self, runtime: Runtime[Any]) -> None:  # Any: of any model
        self._runtime = runtime
        self._agenda = runtime.agenda
        self._journal = Journal(logger)
        self._threadless = threadless()
        self._looking = threading.Lock()
        self._look: threading.Thread | None = None

    def start(self) -> None:
        """Nothing to do."""

    def poke(self) -> None:
        """Look at the store if that is due; one caller waits for it, the others go on."""
        if self._agenda.wait() or not self._looking.acquire(blocking=False):
            return
        turn = threading.Lock()
        try:
            self._begin(turn)
        except BaseException:  # interrupted: a look that has not begun never will
            if turn.acquire(blocking=False):
                self._look = None
                self._looking.release()
            raise

    def _begin(self, turn: threading.Lock) -> None:
        if self._threadless:
            self._tick(turn)
            return
        well = self._runtime.board.store_ok
        self._look = threading.Thread(
            target=self._tick, args=(turn,), name="typed-waffle", daemon=True
        )
        try:
            self._look.start()
        except RuntimeError:  # no thread can run here
            self._look = None
            self._tick(turn)
        else:
            self._look.join(INLINE_PATIENCE if well else 0)

    def _tick(self, turn: threading.Lock) -> None:
        """Look, if this comes first; whoever takes the turn lets the next one look."""
        if not turn.acquire(blocking=False):
            return
        try:
            borrowed = self._look is not threading.current_thread()
            ticked(self._runtime, self._journal, borrowed=borrowed)
        finally:
            self._looking.release()

    def join(self, wait: float) -> None:
        """Wait for the look that is under way, but not from within itself."""
        look = self._look
        if look is not None and look is not threading.current_thread():
            look.join(wait)

    def stop(self, wait: float) -> None:
        """Wait for the look that is under way, and leave the fleet."""
        self.join(wait)
        if wait:
            self._runtime.roster.leave(wait)


def listen(driver: Driver, runtime: Runtime[Any], bus: Bus | None) -> Listener:  # Any: as above
    """Start the listener of a runtime; where no thread can run, inline."""
    if driver == "inline" or sys.is_finalizing():
        return InlineListener(runtime)
    make = GreenletListener if driver == "gevent" else ThreadListener
    listener = make(runtime, bus)
    try:
        listener.start()
    except RuntimeError as error:
        runtime.alone(f"no listener thread can run here: {error}")
        logger.warning("no listener thread can run here (%s): checking inline instead", error)
        return InlineListener(runtime)
    return listener
