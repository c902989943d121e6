"""Errand: a call that may hang, made in a thread of its own, so that nobody has to wait for it.

Timeouts of sockets do not bound everything: a name server that is away, a provider of credentials,
or a server that answers each of ten questions slowly holds a caller for longer than it can afford.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import Generic, TypeVar

from typed_waffle.forking import gate
from typed_waffle.surroundings import greenlets

__all__ = ["Errand"]

T = TypeVar("T")


class Errand(Generic[T]):
    """One call, begun at once.

    Where no thread can be started, the call is made by whoever makes the errand. A fork waits for
    it, unless all that it does is to wait for `others`.
    """

    def __init__(
        self,
        name: str,
        call: Callable[[], T],
        give_back: Callable[[T], object] = lambda _: None,
        *,
        others: bool = False,
    ) -> None:
        self._inside = nullcontext() if others else gate.passed()
        self._call = call
        self._give_back = give_back
        self._lock = threading.RLock()  # the collector may end a worker within
        self._done = threading.Event()
        self._left = False
        self._answer: list[T] = []
        self._error: BaseException | None = None
        try:
            _begin(name, self._run)
        except RuntimeError:
            self._run()

    def _run(self) -> None:
        try:
            with self._inside:
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


def _begin(name: str, run: Callable[[], None]) -> None:
    """Run it beside us.

    Raises:
        RuntimeError: no thread can be started.
    """
    if greenlets() == "none":
        threading.Thread(target=run, name=f"typed-waffle-{name}", daemon=True).start()
        return
    import gevent  # noqa: PLC0415 - an extra

    # A patched Thread is a greenlet, too, but its copy in a forked child ends with a traceback.
    gevent.spawn(run)
