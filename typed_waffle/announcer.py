"""Announcer: tells the other workers of committed changes, and remembers when it could not."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from typed_waffle.change import Delta, Head, State
from typed_waffle.journal import Journal
from typed_waffle.protocols import Announcement, Bus

__all__ = ["Announcer"]

logger: logging.Logger = logging.getLogger(__name__)

MAX_DELTA = 256 * 1024
"""The most characters of values that a message carries; beyond it, workers read the store."""


class Announcer:
    """Publishes after the commit. What goes wrong here never fails a change."""

    debts: int
    """How often others did not hear what they should. What is told pays those from before it was
    read or decided; of a later one, it says nothing."""

    def __init__(self, bus: Bus | None, namespace: str, origin: str) -> None:
        self.debts = 0
        self._paid = 0
        self._bus = bus
        self._namespace = namespace
        self._origin = origin
        self._journal = Journal(logger)

    @property
    def owed(self) -> bool:
        """Whether an announcement is still to be made: the others do not know yet."""
        return self._bus is not None and self._paid < self.debts

    def tell(self, before: State, after: State, debts: int, *, bare: bool) -> str | None:
        """Announce a change, a `bare` one without its values. Why it failed, or `None`."""
        delta: Delta | None = Delta.between(before.overrides, after.overrides)
        if delta and (bare or sum(map(len, delta.set.values())) > MAX_DELTA):
            delta = None  # workers read the store: no secret crosses the bus
        return self._publish(after.head, before.head.change_id, delta, debts)

    def repeat(self, head: Head, debts: int) -> str | None:
        """Say that there is something to read, now that somebody may hear it."""
        return self._publish(head, "", None, debts)

    def _publish(self, head: Head, follows: str, delta: Delta | None, debts: int) -> str | None:
        if self._bus is None:
            return None
        at = datetime.now(UTC)
        try:
            self._bus.publish(
                Announcement(
                    self._namespace, head.revision, head.change_id, follows, delta, self._origin, at
                )
            )
        except Exception as error:  # noqa: BLE001 - the change is committed, whatever the bus does
            self.debts += 1
            self._journal.log(
                logging.WARNING,
                "revision %s is committed, but could not be announced (%s): "
                "the other workers will find it by polling",
                head.revision,
                error,
            )
            return f"revision {head.revision} was not announced: {error}"
        self._paid = max(self._paid, debts)
        return None
