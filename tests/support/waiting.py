"""Wait for what must become true, with a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["PATIENCE", "eventually"]

PATIENCE = 30.0
"""Seconds after which something that must happen counts as never happening."""


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
