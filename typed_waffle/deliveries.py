"""Deliveries: calls made in order, one at a time, and never under the lock that queued them."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import Context
from typing import TypeVar

__all__ = ["Deliveries", "every"]

logger: logging.Logger = logging.getLogger(__name__)

T = TypeVar("T")


def every(those: Iterable[T], call: Callable[[T], object], failed: str) -> None:
    """Call every one, whatever another does. An error is logged, as `failed` of the one it is.

    An interruption (an exit, the end of a timeout) may be meant for whoever calls: the first is
    raised in the end.
    """
    interruption: BaseException | None = None
    for one in those:
        try:
            call(one)
        except BaseException as error:
            if isinstance(error, Exception) or interruption is not None:
                logger.exception(failed, one)
            else:
                interruption = error
    if interruption is not None:
        raise interruption


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
                # An empty context: a callback sees what it would see in any other worker, not the
                # app context, or the pin, of the request that made the change.
                every(
                    self._taken(),
                    lambda call: Context().run(call),
                    "a callback for changed settings failed: %r",
                )
            finally:
                self._running.release()

    def _taken(self) -> Iterator[Callable[[], object]]:
        while self._calls:
            yield self._calls.popleft()
