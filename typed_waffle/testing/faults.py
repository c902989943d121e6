"""FaultyBus and FaultyStore: any bus or store, with trouble on command. Nothing is random."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from typed_waffle.change import Head, Record, Stamp, State
from typed_waffle.errors import StoreUnavailable
from typed_waffle.protocols import (
    Announcement,
    Bus,
    BusError,
    Decide,
    Event,
    Rewrite,
    Store,
    Subscription,
)

__all__ = ["FaultyBus", "FaultyStore"]

Order = Literal["sent", "reversed"]
Call = Literal["head", "state", "commit", "history", "latest", "prune", "rewrite"]


class FaultyBus:
    """A bus that loses, doubles, holds back or refuses messages when it is told to.

    Without a command it does what the bus that it wraps does.
    """

    def __init__(self, inner: Bus) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self._to_drop = 0
        self._to_double = 0
        self._held: list[Announcement] | None = None
        self._down: str | None = None
        self._ears: list[_Ear] = []
        self.dropped: list[Announcement] = []
        """What was lost so far."""

    # --- commands -----------------------------------------------------------------------------

    def drop(self, count: int = 1) -> None:
        """Lose the next messages."""
        _at_least_one("count", count)
        with self._lock:
            self._to_drop += count

    def duplicate(self, count: int = 1) -> None:
        """Deliver each of the next messages twice."""
        _at_least_one("count", count)
        with self._lock:
            self._to_double += count

    def hold(self) -> None:
        """Hold back every message from now on, until `release`."""
        with self._lock:
            self._held = [] if self._held is None else self._held

    def release(self, order: Order | Sequence[int] = "sent") -> int:
        """Deliver what was held back, and hold no more; how many there were.

        Args:
            order: As they were sent, `reversed`, or their numbers from 0 on, in the order wanted:
                a number that is left out is lost, one that is named twice comes twice.

        Raises:
            BusError: The inner bus refused one. It and those after it stay held, in that order.
        """
        with self._lock:
            held = self._held or []
            numbers = range(len(held)) if isinstance(order, str) else order
            wanted = [held[number] for number in numbers]
            self._held = None
        if order == "reversed":
            wanted.reverse()
        for done, announcement in enumerate(wanted):
            try:
                self._inner.publish(announcement)
            except BaseException:
                self._hold_again(wanted[done:])
                raise
        return len(held)

    def fail(self, why: str = "the bus was told to fail") -> None:
        """Refuse everything from now on, and end every subscription, until `recover`."""
        with self._lock:
            self._down = why
        self.disconnect()

    def recover(self) -> None:
        """Work again."""
        with self._lock:
            self._down = None

    def disconnect(self) -> None:
        """End every subscription, as a server does that restarts; workers subscribe anew."""
        with self._lock:
            ears, self._ears = self._ears, []
        for ear in ears:
            ear.close()

    # --- the bus ------------------------------------------------------------------------------

    def publish(self, announcement: Announcement) -> None:
        """See `Bus.publish`."""
        self._check()
        with self._lock:
            if self._to_drop:
                self._to_drop -= 1
                self.dropped.append(announcement)
                return
            times = 2 if self._to_double else 1
            self._to_double -= times - 1
            if self._held is not None:
                self._held += [announcement] * times
                return
        for _ in range(times):
            self._inner.publish(announcement)

    def leave(self, shelf: str, name: str, text: str | None, lasts: float) -> None:
        """See `Bus.leave`."""
        self._check()
        self._inner.leave(shelf, name, text, lasts)

    def left(self, shelf: str) -> dict[str, str]:
        """See `Bus.left`."""
        self._check()
        return self._inner.left(shelf)

    def subscribe(self) -> Subscription:
        """See `Bus.subscribe`."""
        self._check()
        ear = _Ear(self._inner.subscribe(), self._forget)
        with self._lock:
            self._ears.append(ear)
        try:
            self._check()  # again: it may have been told to fail meanwhile, and did not know of it
        except BusError:
            ear.close()
            raise
        return ear

    def close(self) -> None:
        """See `Bus.close`."""
        self._inner.close()

    def _check(self) -> None:
        why = self._down
        if why is not None:
            raise BusError(why)

    def _hold_again(self, rest: list[Announcement]) -> None:
        with self._lock:
            self._held = rest + (self._held or [])

    def _forget(self, ear: _Ear) -> None:
        with self._lock:
            if ear in self._ears:
                self._ears.remove(ear)


class _Ear:
    """A subscription that its bus forgets when it is closed."""

    def __init__(self, inner: Subscription, closed: Callable[[_Ear], None]) -> None:
        self._inner = inner
        self._closed = closed

    def get(self, timeout: float) -> Event | None:
        """See `Subscription.get`."""
        return self._inner.get(timeout)

    def close(self) -> None:
        """See `Subscription.close`."""
        self._closed(self)
        self._inner.close()


@dataclass(slots=True, eq=False)
class _Failure:
    """One command to fail."""

    calls: frozenset[str]
    error: Exception
    left: int | None
    """How many more calls fail; `None` for all."""


class FaultyStore:
    """A store that fails, or is slow, when it is told to.

    Without a command it does what the store that it wraps does.
    """

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self._failures: list[_Failure] = []
        self._lost_answers = 0
        self._open = threading.Event()
        self._open.set()

    # --- commands -----------------------------------------------------------------------------

    def fail(self, *calls: Call, error: Exception | None = None, times: int | None = None) -> None:
        """Fail before anything is done, until `recover`.

        Args:
            calls: Only these methods of the store; all of them if none is named.
            error: What is raised; a `StoreUnavailable` if left out.
            times: Only so many calls.
        """
        if times is not None:
            _at_least_one("times", times, ", or leave it out for all calls")
        failure = error or StoreUnavailable("testing", "the store was told to fail")
        names = frozenset(calls or get_args(Call))
        with self._lock:
            self._failures.append(_Failure(names, failure, times))

    def lose_answer(self, times: int = 1) -> None:
        """Make the next changes, and then say that nobody knows whether they were made."""
        _at_least_one("times", times)
        with self._lock:
            self._lost_answers += times

    def hold(self) -> None:
        """Let every call wait from now on, as a frozen database does, until `release`."""
        self._open.clear()

    def release(self) -> None:
        """Let the calls that wait, and all later ones, go on."""
        self._open.set()

    def recover(self) -> None:
        """Work again."""
        with self._lock:
            self._failures.clear()
            self._lost_answers = 0
        self._open.set()

    # --- the store ----------------------------------------------------------------------------

    def head(self, namespace: str) -> Head:
        """See `Store.head`."""
        self._check("head")
        return self._inner.head(namespace)

    def state(self, namespace: str) -> State:
        """See `Store.state`."""
        self._check("state")
        return self._inner.state(namespace)

    def commit(self, namespace: str, decide: Decide) -> Record | None:
        """See `Store.commit`."""
        self._check("commit")
        record = self._inner.commit(namespace, decide)
        with self._lock:
            lost = record is not None and self._lost_answers > 0
            self._lost_answers -= lost
        if lost:
            raise StoreUnavailable("testing", "the answer was lost on command", in_doubt=True)
        return record

    def history(
        self,
        namespace: str,
        *,
        field: str | None = None,
        limit: int = 50,
        before: int | None = None,
    ) -> Sequence[Record]:
        """See `Store.history`."""
        self._check("history")
        return self._inner.history(namespace, field=field, limit=limit, before=before)

    def latest(self, namespace: str) -> Mapping[str, Stamp]:
        """See `Store.latest`."""
        self._check("latest")
        return self._inner.latest(namespace)

    def prune(self, namespace: str, keep: int) -> int:
        """See `Store.prune`."""
        self._check("prune")
        return self._inner.prune(namespace, keep)

    def rewrite(self, namespace: str, again: Rewrite) -> int:
        """See `Store.rewrite`."""
        self._check("rewrite")
        return self._inner.rewrite(namespace, again)

    def close(self) -> None:
        """See `Store.close`."""
        self._inner.close()

    def _check(self, call: Call) -> None:
        self._open.wait()
        with self._lock:
            failure = next((one for one in self._failures if call in one.calls), None)
            if failure is None:
                return
            if failure.left is not None:
                failure.left -= 1
                if not failure.left:
                    self._failures.remove(failure)
        raise failure.error


def _at_least_one(name: str, count: int, otherwise: str = "") -> None:
    """Refuse a command for nothing.

    Raises:
        ValueError: It is less than one.
    """
    if count < 1:
        raise ValueError(f"{name} = {count} is refused: give 1 or more{otherwise}")
