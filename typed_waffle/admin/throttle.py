"""Throttle: how often a guess may be made."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import deque

__all__ = ["Throttle"]

WINDOW = 60.0
"""Seconds for which a failure counts."""

ENOUGH = 10
"""Failures of one address in that time, after which it has to wait."""

REMEMBERED = 10_000
"""The most failures that are kept, whoever's they are: an attack must not fill the memory."""


class Throttle:
    """Counts the failures of this process in a sliding window. Safe to call from many threads.

    Args:
        window: Seconds for which a failure counts.
    """

    def __init__(self, window: float = WINDOW) -> None:
        self._window = window
        self._lock = threading.Lock()
        self._failures: deque[tuple[float, str]] = deque(maxlen=REMEMBERED)

    def wait(self, address: str) -> int:
        """Seconds that an address has to wait for its next guess, 0 if it need not."""
        now, address = time.monotonic(), _whose(address)
        with self._lock:
            while self._failures and self._failures[0][0] <= now - self._window:
                self._failures.popleft()
            times = [at for at, of in self._failures if of == address]
        if len(times) < ENOUGH:
            return 0
        return max(1, math.ceil(times[-ENOUGH] + self._window - now))

    def failed(self, address: str) -> None:
        """Count a wrong guess."""
        with self._lock:
            self._failures.append((time.monotonic(), _whose(address)))


def _whose(address: str) -> str:
    """What one attacker is known by: of IPv6, whoever has an address has 2**64 of them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address  # of a socket in a file, say
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped:  # a socket that takes both has those of IPv4 so
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
