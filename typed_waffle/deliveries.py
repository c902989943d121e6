"""Deliveries: calls made in order, one at a time, and never under the lock that queued them."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextvars import Context

__all__ = ["Deliveries"]

logger: logging.Logger = logging.getLogger(__name__)


class Deliveries:
    """A queue of calls. A call that raises is logged, and the others still run.

    A call may queue others (a callback that makes a change): they come after it.
    """

    def __init__(self) -> None:
        self._calls: deque[Callable[[], object]] = deque()
        self._running = threading.Lock()

    def add(self, call: Callable[[], object]) -> None:
        """Queue a call; `run` makes it."""
        self._calls.append(call)

    def run(self) -> None:
        """Make the queued calls, unless another thread (or this one, further out) is at it."""
        while self._calls and self._running.acquire(blocking=False):
            try:
                self._drain()
            finally:
                self._running.release()

    def _drain(self) -> None:
        while self._calls:
            call = self._calls.popleft()
            try:
                # An empty context: a callback sees what it would see in any other worker, not the
                # app context, or the pin, of the request that made the change.
                Context().run(call)
            except Exception:
                logger.exception("a callback for changed settings failed: %r", call)
