"""Deliveries: calls in order, one at a time."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from functools import partial

import pytest

from tests.support.waiting import PATIENCE
from typed_waffle.deliveries import Deliveries


def test_calls_are_made_in_order() -> None:
    """First queued, first called."""
    deliveries, made = Deliveries(), list[int]()
    for number in range(5):
        deliveries.add(partial(made.append, number))
    deliveries.run()
    assert made == [0, 1, 2, 3, 4]


def test_a_call_that_raises_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with its traceback, and the rest are made."""
    deliveries, made = Deliveries(), list[str]()
    deliveries.add(lambda: 1 / 0)
    deliveries.add(lambda: made.append("after"))
    deliveries.run()
    assert made == ["after"]
    assert "ZeroDivisionError" in caplog.text


def test_a_call_queued_by_a_call_comes_after_it() -> None:
    """It is not made in the middle of the one that queued it."""
    deliveries, made = Deliveries(), list[str]()

    def outer() -> None:
        deliveries.add(lambda: made.append("inner"))
        deliveries.run()
        made.append("outer")

    deliveries.add(outer)
    deliveries.run()
    assert made == ["outer", "inner"]


def test_a_call_that_is_interrupted_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """The rest are made, and then the first interruption goes on to whoever had them made."""
    deliveries, made = Deliveries(), list[str]()

    def interrupted(error: BaseException) -> None:
        raise error

    deliveries.add(partial(interrupted, SystemExit(1)))
    deliveries.add(lambda: made.append("between"))
    deliveries.add(partial(interrupted, KeyboardInterrupt()))
    deliveries.add(lambda: made.append("after"))
    with pytest.raises(SystemExit):
        deliveries.run()
    assert made == ["between", "after"]
    assert "KeyboardInterrupt" in caplog.text
    deliveries.run()
    assert made == ["between", "after"]


def test_another_thread_does_not_wait() -> None:
    """While one thread is in a call, another's `run` returns, and its call is made by the first."""
    deliveries = Deliveries()
    begun, release = threading.Event(), threading.Event()
    makers: list[threading.Thread] = []

    def slow() -> None:
        begun.set()
        assert release.wait(PATIENCE)

    deliveries.add(slow)
    first = threading.Thread(target=deliveries.run)
    first.start()
    assert begun.wait(PATIENCE)
    deliveries.add(lambda: makers.append(threading.current_thread()))
    deliveries.run()
    assert makers == []
    release.set()
    first.join(PATIENCE)
    assert makers == [first]


def test_no_call_is_lost_or_made_twice_by_many_threads() -> None:
    """Every call that any thread queued is made exactly once, in that thread's order."""
    deliveries, made = Deliveries(), list[tuple[int, int]]()

    def work(thread: int) -> None:
        for number in range(300):
            deliveries.add(partial(made.append, (thread, number)))
            deliveries.run()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(made) == 1200
    for thread_number in range(4):
        assert [n for t, n in made if t == thread_number] == list(range(300))


def test_a_call_sees_nothing_of_the_context_that_queued_it() -> None:
    """A call finds the context variables as a new thread would, whoever runs it."""
    variable: ContextVar[str] = ContextVar("variable", default="outside")
    deliveries, seen = Deliveries(), list[str]()
    variable.set("in a request")
    deliveries.add(lambda: seen.append(variable.get()))
    deliveries.run()
    assert seen == ["outside"]
