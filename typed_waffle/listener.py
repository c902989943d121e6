"""Listener: the loop that feeds a runtime, and what drives it.

A driver decides where the loop runs: in a thread, or (inline) nowhere, so that the store is looked
at while the application works. Every driver has the same three methods.
"""

from __future__ import annotations

import logging
import os
import random
import sys
import threading
import time
from typing import Any, Protocol

from typed_waffle.journal import Journal
from typed_waffle.protocols import Bus, BusError, Event, Subscription
from typed_waffle.runtime import Runtime

__all__ = ["InlineListener", "Listener", "ThreadListener", "listen"]

logger = logging.getLogger(__name__)

INLINE_PATIENCE = 0.1
"""Seconds that a request waits for the look it began, which goes on without it."""

SLICE = 0.5
"""The longest wait at a time, so that a stop is noticed."""

BURST = 1000
"""How many messages are taken in before they are applied together."""

FIRST_BACKOFF, LAST_BACKOFF = 0.1, 5.0
"""The bounds of the wait before the next try to connect."""

HEALTHY_AFTER = 60.0
"""A connection that stood this long starts over with the first backoff."""


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
            _tick(self._runtime, self._journal)
        finally:
            self._looking.release()

    def stop(self, wait: float) -> None:
        """Wait for the look that is under way, but not from within itself."""
        look = self._look
        if look is not None and look is not threading.current_thread():
            look.join(wait)


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


class Loop:
    """Subscribe, read the store, apply what comes, look at the store now and then; for ever."""

    def __init__(
        self,
        runtime: Runtime[Any],  # Any: of any model
        bus: Bus | None,
        stopped: threading.Event,
    ) -> None:
        self._runtime = runtime
        self._bus = bus
        self._stopped = stopped
        self._journal = Journal(logger)
        self._pid = os.getpid()
        self._backoff = FIRST_BACKOFF

    def run(self) -> None:
        """Loop until stopped. Nothing that goes wrong ends it."""
        while self._going():
            started = time.monotonic()
            try:
                if self._bus is None:
                    self._rest(SLICE)
                    continue
                self._serve(self._bus)
            except BusError as error:
                self._runtime.deaf(str(error))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the loop goes on
                self._runtime.deaf(f"the listener failed: {error!r}")
                text = "the settings listener failed, and starts over"
                self._journal.log(logging.ERROR, text, error=True)
            if time.monotonic() - started > HEALTHY_AFTER:
                self._backoff = FIRST_BACKOFF
            self._retreat()

    def _going(self) -> bool:
        # A fork may copy a running loop (gevent does): the copy must not touch the parent's socket.
        return not self._stopped.is_set() and os.getpid() == self._pid

    def _serve(self, bus: Bus) -> None:
        subscription = bus.subscribe()
        try:
            while self._going():
                events = self._drained(subscription)
                if events and self._going():
                    self._runtime.receive(events)
                self._runtime.tick()
        finally:
            if os.getpid() == self._pid:
                subscription.close()

    def _drained(self, subscription: Subscription) -> list[Event]:
        """Everything that has come, so that a burst is applied at once."""
        events: list[Event] = []
        timeout = min(SLICE, self._runtime.agenda.wait())
        while len(events) < BURST and (event := subscription.get(timeout)) is not None:
            events.append(event)
            timeout = 0.0
        return events

    def _retreat(self) -> None:
        """Wait before the next try, with full jitter; polling goes on meanwhile."""
        end = time.monotonic() + random.uniform(FIRST_BACKOFF / 2, self._backoff)  # noqa: S311
        self._backoff = min(LAST_BACKOFF, self._backoff * 2)
        while self._going() and (left := end - time.monotonic()) > 0:
            self._rest(min(left, SLICE))

    def _rest(self, longest: float) -> None:
        due = _tick(self._runtime, self._journal)
        self._stopped.wait(min(longest, max(due, 0.01)))


def _tick(runtime: Runtime[Any], journal: Journal) -> float:  # Any: of any model
    """Look at the store if that is due, whatever goes wrong; the seconds until it is due again."""
    try:
        return runtime.tick()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - as above
        runtime.board.note(f"looking at the store failed: {error!r}")
        journal.log(logging.ERROR, "looking at the settings store failed", error=True)
        return runtime.agenda.wait()
