"""Loop: what feeds a runtime, wherever a listener lets it run."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from typing import Any

from typed_waffle.journal import Journal
from typed_waffle.protocols import Bus, BusError, Event, Subscription
from typed_waffle.runtime import Runtime
from typed_waffle.surroundings import greenlets

__all__ = ["Loop", "ticked"]

logger: logging.Logger = logging.getLogger(__name__)

SLICE = 0.5
"""The longest wait at a time, so that a stop is noticed."""

BURST = 1000
"""How many messages are taken in before they are applied together."""

FIRST_BACKOFF, LAST_BACKOFF = 0.1, 5.0
"""The bounds of the wait before the next try to connect."""

HEALTHY_AFTER = 60.0
"""A connection that stood this long starts over with the first backoff."""


class Loop:
    """Subscribe, read the store, apply what comes, look at the store now and then; for ever."""

    def __init__(
        self,
        runtime: Runtime[Any],  # Any: of any model
        bus: Bus | None,
    ) -> None:
        self._runtime = runtime
        self._bus = bus
        self._stopped = threading.Event()
        self._journal = Journal(logger)
        self._pid = os.getpid()
        self._backoff = FIRST_BACKOFF
        self._subscription: Subscription | None = None

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
                if self._going():
                    self._runtime.deaf(str(error))
            except BaseException as error:
                if _ends(error):
                    raise
                self._runtime.deaf(f"the listener failed: {error!r}")
                text = "the settings listener failed, and starts over"
                self._journal.log(logging.ERROR, text, error=True)
            if time.monotonic() - started > HEALTHY_AFTER:
                self._backoff = FIRST_BACKOFF
            self._retreat()
        if os.getpid() == self._pid:
            self._runtime.roster.leave()

    def stop(self) -> None:
        """Let `run` end, and not only at its next sign of life."""
        self._stopped.set()
        subscription = self._subscription
        if subscription is not None:
            subscription.close()

    @property
    def stopped(self) -> bool:
        """Whether it was told to end."""
        return self._stopped.is_set()

    def _going(self) -> bool:
        self._runtime.board.beat()
        # A fork may copy a running loop (gevent does): the copy must not touch the parent's socket.
        return not self._stopped.is_set() and os.getpid() == self._pid

    def _serve(self, bus: Bus) -> None:
        subscription = self._subscription = bus.subscribe()
        try:
            while self._going():
                events = self._drained(subscription)
                if events and self._going():
                    self._runtime.receive(events)
                self._runtime.tick()
        finally:
            self._subscription = None
            if os.getpid() == self._pid:
                subscription.close()

    def _drained(self, subscription: Subscription) -> list[Event]:
        """Everything that has come, so that a burst is applied at once."""
        events: list[Event] = []
        timeout = min(SLICE, self._runtime.wait())
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
        due = ticked(self._runtime, self._journal)
        self._stopped.wait(min(longest, max(due, 0.01)))


def ticked(
    runtime: Runtime[Any],  # Any: of any model
    journal: Journal,
    *,
    borrowed: bool = False,
) -> float:
    """Look at the store if that is due, whatever goes wrong; the seconds until it is due again.

    In a `borrowed` thread an interruption may be meant for whoever it belongs to, and goes on.
    """
    try:
        return runtime.tick()
    except BaseException as error:
        if _ends(error) or (borrowed and not isinstance(error, Exception)):
            raise
        runtime.board.note(f"looking at the store failed: {error!r}")
        journal.log(logging.ERROR, "looking at the settings store failed", error=True)
        return runtime.wait()


def _ends(error: BaseException) -> bool:
    """Whether it ends a greenlet from outside: it was killed, or ran when the user interrupted."""
    if greenlets() == "none":
        return False
    import greenlet  # noqa: PLC0415 - an extra

    return isinstance(error, greenlet.GreenletExit | KeyboardInterrupt)
