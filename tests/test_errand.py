"""Calls in a thread of their own."""

from __future__ import annotations

import threading

import pytest

from tests.support.waiting import PATIENCE, eventually
from typed_waffle.errand import Errand


def test_it_brings_the_answer() -> None:
    """Waiting ends when the call is over."""
    errand = Errand("test", lambda: 42)
    assert errand.wait(PATIENCE)
    assert errand.done
    assert errand.result() == 42


def test_it_brings_the_error() -> None:
    """What the call raised is raised where the answer is fetched."""
    errand = Errand("test", lambda: 1 // 0)
    assert errand.wait(PATIENCE)
    with pytest.raises(ZeroDivisionError):
        errand.result()


def test_nobody_waits_longer_than_asked() -> None:
    """A call that hangs goes on without the one who asked."""
    release = threading.Event()
    errand = Errand("test", lambda: release.wait(PATIENCE))
    assert not errand.wait(0.05)
    assert not errand.done
    release.set()
    assert errand.wait(PATIENCE)


@pytest.mark.parametrize("early", [True, False])
def test_an_answer_that_nobody_fetches_is_given_back(*, early: bool) -> None:
    """Left before or after the answer is there, it is given back, once."""
    release = threading.Event()
    back: list[int] = []

    def call() -> int:
        assert release.wait(PATIENCE)
        return 42

    errand = Errand("test", call, back.append)
    if early:
        errand.leave()
    release.set()
    assert errand.wait(PATIENCE)
    if not early:
        errand.leave()
    eventually(lambda: back == [42])


def test_leaving_a_failure_gives_nothing_back() -> None:
    """There is nothing to give."""
    back: list[float] = []
    errand = Errand("test", lambda: 1 / 0, back.append)
    assert errand.wait(PATIENCE)
    errand.leave()
    assert back == []


def test_without_threads_the_caller_makes_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process at its limit goes on."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert Errand("test", lambda: 42).result() == 42
