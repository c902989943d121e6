"""Agenda: when a worker reads the store next. Monotonic seconds only; wall clocks order nothing."""

from __future__ import annotations

import random
import threading
import time

__all__ = ["Agenda"]

HINT_GAP = 0.2
"""The least time between two reads that messages cause: five each second, whatever is sent."""

REORDER = 0.05
"""How long a message that came before its predecessor waits for it, before the store is read."""

CATCH_UP = (0.2, 0.4, 0.8, 1.6, 3.2)
"""When to look again if the store does not show yet what a signed message said."""

BEHIND_READS, BEHIND_SECONDS, BEHIND_GAP = 3, 5.0, 1.0
"""A store that is behind for this many reads and seconds was restored; until then it may lag."""

JITTER = 0.2
"""Polls are spread by this much, so that a fleet does not ask in step."""


class Agenda:
    """Collects reasons to read the store, and says when the next read is due.

    Reasons come from any thread. One that comes while a read is under way needs another read.
    """

    def __init__(self, poll_interval: float, fallback_poll_interval: float) -> None:
        self._poll_interval = poll_interval
        self._fallback = fallback_poll_interval
        self._lock = threading.Lock()
        self._due = 0.0
        self._gap_due = float("inf")
        self._last_read = float("-inf")
        self._expected = 0
        self._tries = 0
        self._behind = 0
        self._behind_since = 0.0

    def now(self) -> None:
        """Read as soon as possible: messages may have been lost."""
        self._sooner(0.0)

    def hint(self) -> None:
        """Read soon, but not more often than messages may cause."""
        self._sooner(self._last_read + HINT_GAP)

    def deaf(self) -> None:
        """The bus does not carry any more: polling must be frequent from now on."""
        self._sooner(time.monotonic() + _spread(self._fallback))

    def gap(self) -> None:
        """Read soon, unless the missing message comes first."""
        due = max(time.monotonic() + REORDER, self._last_read + HINT_GAP)
        with self._lock:
            self._gap_due = min(self._gap_due, due)

    def filled(self) -> None:
        """The missing message came: the read that `gap` asked for is not needed."""
        self._gap_due = float("inf")

    def expect(self, revision: int) -> None:
        """This revision exists: do not rest before the store shows it, within reason."""
        if revision > self._expected:
            self._expected, self._tries = revision, 0

    def wait(self) -> float:
        """Seconds until the next read; 0 if it is due."""
        due, gap_due = self._due, self._gap_due
        sooner = due if due < gap_due else gap_due  # noqa: FURB136 - asked in every app context, where calls cost
        left = sooner - time.monotonic()
        return left if left > 0 else 0.0

    def begun(self) -> None:
        """A read begins: it answers every reason so far. `done` must follow."""
        with self._lock:
            self._due = self._gap_due = float("inf")
            self._last_read = time.monotonic()

    def done(self, revision: int, *, pushed: bool) -> None:
        """The store was read, or did not answer; this worker now knows `revision`.

        `pushed` says whether all is well with store and bus, which is when polling can be rare.
        """
        now = self._last_read = time.monotonic()
        self._sooner(now + _spread(self._poll_interval if pushed else self._fallback))
        if revision >= self._expected:
            self._tries = 0
        elif self._tries < len(CATCH_UP):
            self._sooner(now + CATCH_UP[self._tries])
            self._tries += 1
        else:
            self._expected = revision

    def behind(self) -> bool:
        """The store showed an older revision: whether it has done so long enough to be followed."""
        now = time.monotonic()
        if self._behind == 0:
            self._behind_since = now
        self._behind += 1
        if self._behind >= BEHIND_READS and now - self._behind_since >= BEHIND_SECONDS:
            self._behind = 0
            return True
        self._sooner(now + BEHIND_GAP)
        return False

    def level(self) -> None:
        """The store is not behind."""
        self._behind = 0

    def _sooner(self, due: float) -> None:
        with self._lock:
            self._due = min(self._due, due)


def _spread(interval: float) -> float:
    return interval * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret depends on it
