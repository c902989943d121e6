"""Listener: the loop that feeds a runtime, and what drives it.

A driver decides where the loop runs: in a thread, or (inline) nowhere, so that the store is looked
at while the application works. Every driver has the same three methods.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any, Protocol

from typed_waffle.journal import Journal
from typed_waffle.loop import Loop, ticked
from typed_waffle.protocols import Bus
from typed_waffle.runtime import Runtime

__all__ = ["InlineListener", "Listener", "ThreadListener", "listen"]

logger = logging.getLogger(__name__)

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


class ThreadListener:
    """The loop in a daemon thread."""

    def __init__(self, runtime: Runtime[Any], bus: Bus | None) -> None:  # Any: of any model
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=Loop(runtime, bus, self._stopped).run, name="typed-waffle", daemon=True
        )

    def start(self) -> None:
        """Start the thread.

        Raises:
            RuntimeError: the process may start no thread.
        """
        self._thread.start()

    def poke(self) -> None:
        """Nothing to do: the thread works by itself."""

    def stop(self, wait: float) -> None:
        """Ask the thread to end, and wait for it, but not from within itself."""
        self._stopped.set()
        if wait and self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(wait)


class InlineListener:
    """No loop: the store is looked at when the application works and a look is due.

    A look has a thread of its own, so that a database that hangs holds no request.
    """

    def __init__(self, runtime: Runtime[Any]) -> None:  # Any: of any model
        self._runtime = runtime
        self._journal = Journal(logger)
        self._looking = threading.Lock()
        self._look: threading.Thread | None = None

    def start(self) -> None:
        """Nothing to do."""

    def poke(self) -> None:
        """Look at the store if that is due; one caller waits for it, the others go on."""
        if self._runtime.agenda.wait() or not self._looking.acquire(blocking=False):
            return
        well = self._runtime.board.store_ok
        self._look = threading.Thread(target=self._tick, name="typed-waffle", daemon=True)
        try:
            self._look.start()
        except RuntimeError:  # no thread can run here
            self._look = None
            self._tick()
        else:
            self._look.join(INLINE_PATIENCE if well else 0)

    def _tick(self) -> None:
        try:
            ticked(self._runtime, self._journal)
        finally:
            self._looking.release()

    def stop(self, wait: float) -> None:
        """Wait for the look that is under way, but not from within itself."""
        look = self._look
        if look is not None and look is not threading.current_thread():
            look.join(wait)
        if wait:
            self._runtime.leave_fleet()


def listen(kind: str, runtime: Runtime[Any], bus: Bus | None) -> Listener:  # Any: of any model
    """Start the listener of a runtime; where no thread can run, inline."""
    if kind != "inline" and not sys.is_finalizing():
        threaded = ThreadListener(runtime, bus)
        try:
            threaded.start()
        except RuntimeError as error:
            if bus is not None:
                runtime.deaf(f"no listener thread can run here: {error}")
            logger.warning("no listener thread can run here (%s): checking inline instead", error)
        else:
            return threaded
    return InlineListener(runtime)
