"""Throttle: how often a guess may be made."""

from __future__ import annotations

import threading
import time
from collections import deque

__all__ = ["Throttle"]

WINDOW = 60.0
"""Seconds for which a failure counts."""

OF_ONE = 10
"""Failures of one address in that time, after which it has to wait."""

OF_ALL = 200
"""Failures of all addresses, after which everybody has to wait; and the addresses remembered."""


class Throttle:
    """Counts the failures of this process in a sliding window. Safe to call from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: deque[tuple[float, str]] = deque(maxlen=OF_ALL)

    def wait(self, address: str) -> int:
        """Seconds that an address has to wait for its next guess, 0 if it need not."""
        now = time.monotonic()
        with self._lock:
            while self._failures and self._failures[0][0] <= now - WINDOW:
                self._failures.popleft()
            times = [at for at, of in self._failures if of == address]
            due = [times[-OF_ONE]] if len(times) >= OF_ONE else []
            if len(self._failures) >= OF_ALL:
                due.append(self._failures[0][0])
        return int(max(due) + WINDOW - now) + 1 if due else 0

    def failed(self, address: str) -> None:
        """Count a wrong guess."""
        with self._lock:
            self._failures.append((time.monotonic(), address))
