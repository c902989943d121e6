"""Turnstile: lets errands of one kind through, and none for a moment after one failed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from typed_waffle.errand import Errand
from typed_waffle.protocols import BusError

__all__ = ["Turnstile"]

T = TypeVar("T")


class Turnstile:
    """Makes errands whose caller waits, but not for long, and not again and again in vain."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._overdue: Errand[Any] | None = None  # Any: of any kind
        self._why = ""
        self.closed_until: float = 0.0
        """When the next call is tried, in monotonic seconds."""

    def make(self, call: Callable[[], T], within: float, pause: float) -> T:
        """What the call gives. After a failure none is made for `pause` seconds.

        Raises:
            BusError: the call raised it, was not over `within` seconds, or was not made.
        """
        if time.monotonic() < self.closed_until:
            raise BusError(f"the last {self._name} failed a moment ago: {self._why}")
        if self._overdue is not None and not self._overdue.done:
            raise BusError(f"an earlier {self._name} still waits for its turn")
        errand = Errand(self._name, call)
        try:
            return self._awaited(errand, within)
        except BusError as error:
            self._why = str(error)
            self.closed_until = time.monotonic() + pause
            raise

    def _awaited(self, errand: Errand[T], within: float) -> T:
        if not errand.wait(within):
            self._overdue = errand
            raise BusError(f"the {self._name} was not made within {within:g} s")
        return errand.result()
