"""Wait for what must become true, with a deadline."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

__all__ = ["PATIENCE", "allowed", "eventually"]

PATIENCE = 30.0
"""Seconds after which something that must happen counts as never happening."""


def allowed(seconds: float) -> float:
    """What a promise of so many seconds may take now.

    It holds for a machine on which whoever wants a processor gets one. Where several processes wait
    for each, all of them take as many times longer.
    """
    waiting, _, _ = os.getloadavg()
    return seconds * max(1.0, waiting / (os.cpu_count() or 1))


def eventually(
    condition: Callable[[], object], within: float = PATIENCE, pause: float = 0.01
) -> float:
    """Wait until `condition` holds; how long that took. It fails after `within` seconds.

    A condition that costs much is asked for less often, with a longer `pause`.
    """
    began = time.monotonic()
    never = threading.Event()
    while not condition():
        if time.monotonic() - began > within:
            raise AssertionError(f"it did not happen within {within} s")
        never.wait(pause)
    return time.monotonic() - began
