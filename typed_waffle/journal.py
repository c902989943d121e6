"""Journal: a log that an outage cannot flood, and whose handlers may use what writes it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context

__all__ = ["Journal", "held", "logger_of"]

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


class _Held:
    """Lines that wait, each with the context in which it was made."""

    def __init__(self) -> None:
        self.lines: list[tuple[Context, logging.LogRecord]] = []
        self.over = False


_holding: ContextVar[_Held | None] = ContextVar("typed_waffle_holding", default=None)


def _written_now(record: logging.LogRecord) -> bool:
    """Whether a line is written now; otherwise it is kept."""
    waiting = _holding.get()
    if waiting is None or waiting.over:
        return True
    waiting.lines.append((copy_context(), record))
    return False


def logger_of(name: str) -> logging.Logger:
    """The logger of this name; within `held` its lines wait."""
    logger = logging.getLogger(name)
    logger.addFilter(_written_now)
    return logger


@contextmanager
def held() -> Generator[None, None, None]:
    """Let the lines of this context wait until the end of the outermost `held`.

    A handler has a lock of its own: whoever holds that, and reads a setting, may wait for what is
    locked in here.
    """
    if _holding.get() is not None:
        yield
        return
    waiting = _Held()
    token = _holding.set(waiting)
    try:
        yield
    finally:
        _holding.reset(token)
        waiting.over = True
        for context, record in waiting.lines:
            try:
                context.run(logging.getLogger(record.name).handle, record)
            except Exception:  # noqa: BLE001 - a handler's error is nothing of who wrote the line
                logging.Handler().handleError(record)
