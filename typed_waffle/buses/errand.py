"""Errand: a call that may hang, made in a thread of its own, so that nobody has to wait for it.

A gate lets errands of one kind through, and none after a failure, for a moment.

Timeouts of sockets do not bound everything: a name server that is away, a provider of credentials,
or a server that answers each of ten questions slowly holds a caller for longer than it can afford.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from typed_waffle.protocols import BusError

__all__ = ["Errand", "Gate"]

T = TypeVar("T")


class Errand(Generic[T]):
    """One call, begun at once.

    Where no thread can be started, the call is made by whoever makes the errand.
    """

    def __init__(
        self, name: str, call: Callable[[], T], give_back: Callable[[T], object] = lambda _: None
    ) -> None:
        self._call = call
        self._give_back = give_back
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._left = False
        self._answer: list[T] = []
        self._error: BaseException | None = None
        try:
            threading.Thread(target=self._run, name=f"typed-waffle-{name}", daemon=True).start()
        except RuntimeError:
            self._run()

    def _run(self) -> None:
        try:
            answer = self._call()
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            self._error = error
        else:
            with self._lock:
                self._answer.append(answer)
                left = self._left
            if left:
                self._give_back(answer)
        self._done.set()

    @property
    def done(self) -> bool:
        """Whether the call is over."""
        return self._done.is_set()

    def wait(self, timeout: float) -> bool:
        """Wait until the call is over, but no longer; whether it is."""
        return self._done.wait(timeout)

    def result(self) -> T:
        """What the call gave, or raised; only once it is over."""
        if self._error is not None:
            raise self._error
        return self._answer[0]

    def leave(self) -> None:
        """Nobody comes for the answer: it is given back, now or when it is there."""
        with self._lock:
            self._left = True
            answers = self._answer.copy()
        for answer in answers:
            self._give_back(answer)


class Gate:
    """Makes errands whose caller waits, but not for long, and not again and again in vain."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._overdue: Errand[Any] | None = None  # Any: of any kind
        self.closed_until = 0.0
        """When the next call is tried, in monotonic seconds."""

    def make(self, call: Callable[[], T], within: float, pause: float) -> T:
        """What the call gives. After a failure none is made for `pause` seconds.

        Raises:
            BusError: the call raised it, was not over `within` seconds, or was not made.
        """
        if time.monotonic() < self.closed_until:
            raise BusError(f"the last {self._name} failed a moment ago")
        if self._overdue is not None and not self._overdue.done:
            raise BusError(f"an earlier {self._name} still waits for its turn")
        errand = Errand(self._name, call)
        try:
            return self._awaited(errand, within)
        except BusError:
            self.closed_until = time.monotonic() + pause
            raise

    def _awaited(self, errand: Errand[T], within: float) -> T:
        if not errand.wait(within):
            self._overdue = errand
            raise BusError(f"the {self._name} was not made within {within:g} s")
        return errand.result()
