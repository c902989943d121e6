"""Journal: a log that an outage cannot flood."""

from __future__ import annotations

import logging
import threading
import time

__all__ = ["Journal"]

FEW = 5
"""How many lines are written without delay."""

GAP = 60.0
"""Seconds after which one more may be written."""


class Journal:
    """Writes a few lines at once, then one a minute that counts those it left out."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._lock = threading.RLock()  # the collector may end a worker within
        self._allowance = float(FEW)
        self._counted = time.monotonic()
        self._left_out = 0

    def log(self, level: int, message: str, *values: object, error: bool = False) -> bool:
        """Write a line, or count it as left out; whether it was written.

        With `error`, the exception that is being handled is written as well.
        """
        with self._lock:
            now = time.monotonic()
            passed, self._counted = now - self._counted, now
            self._allowance = min(FEW, self._allowance + passed / GAP)
            if self._allowance < 1:
                self._left_out += 1
                return False
            self._allowance -= 1
            left_out, self._left_out = self._left_out, 0
        if left_out:
            message, values = f"{message} (and %d such lines before it)", (*values, left_out)
        self._logger.log(level, message, *values, exc_info=error, stacklevel=2)
        return True
