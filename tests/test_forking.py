"""The gate between forks and what a fork must not cut in two."""

import os
import threading
from collections.abc import Callable

import pytest

from tests.support.waiting import PATIENCE, eventually
from typed_waffle import forking
from typed_waffle.forking import Gate, gate


def entered(a_gate: Gate, until: threading.Event) -> threading.Thread:
    """A thread that is inside until told."""
    inside = threading.Event()

    def stay() -> None:
        with a_gate.passed():
            inside.set()
            until.wait(PATIENCE)

    thread = threading.Thread(target=stay)
    thread.start()
    assert inside.wait(PATIENCE)
    return thread


def ran(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call)
    thread.start()
    return thread


def test_a_fork_waits_for_those_inside() -> None:
    """And goes on when they are out."""
    a_gate, out = Gate(), threading.Event()
    insider = entered(a_gate, out)
    forked = ran(a_gate.before)
    forked.join(forking.WITHIN / 20)
    assert forked.is_alive()
    out.set()
    forked.join(PATIENCE)
    insider.join(PATIENCE)
    assert not forked.is_alive()


def test_a_fork_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stays inside delays it by a moment."""
    monkeypatch.setattr(forking, "WITHIN", 0.05)
    a_gate, out = Gate(), threading.Event()
    insider = entered(a_gate, out)
    a_gate.before()
    out.set()
    insider.join(PATIENCE)


def test_nobody_enters_while_somebody_forks() -> None:
    """They enter when the fork is done."""
    a_gate, entries = Gate(), threading.Event()

    def enter() -> None:
        with a_gate.passed():
            entries.set()

    a_gate.before()
    late = ran(enter)
    assert not entries.wait(0.05)
    # The fork ends in the thread that began it.
    a_gate.after_in_parent()
    late.join(PATIENCE)
    assert entries.is_set()


def test_who_is_inside_may_enter_again_and_fork() -> None:
    """Neither waits for itself."""
    a_gate = Gate()
    with a_gate.passed(), a_gate.passed():
        a_gate.before()
        with a_gate.passed():
            pass
        a_gate.after_in_parent()


def test_who_forks_may_enter_meanwhile() -> None:
    """A signal's handler, or another's hook, runs on top of the fork that would wait for it."""
    a_gate, forking_now, passed = Gate(), threading.Barrier(2), threading.Semaphore(0)

    def fork() -> None:
        a_gate.before()
        forking_now.wait(PATIENCE)  # two at a time, so that neither waits for the other
        with a_gate.passed():
            passed.release()
        forking_now.wait(PATIENCE)
        a_gate.after_in_parent()

    forks = [ran(fork), ran(fork)]
    try:
        assert all(passed.acquire(timeout=PATIENCE) for _ in forks)
    finally:
        a_gate.after_in_child()  # lets go whoever waits
        for thread in forks:
            thread.join(PATIENCE)


def test_a_child_finds_the_gate_open() -> None:
    """Whoever was inside is not in the child, which may enter and fork at once."""
    out = threading.Event()
    insider = entered(gate, out)
    pid = os.fork()
    if pid == 0:
        with gate.passed():
            os._exit(0 if os.fork() == 0 or os.waitstatus_to_exitcode(os.wait()[1]) == 0 else 1)
    out.set()
    insider.join(PATIENCE)
    ended: list[int] = []

    def over() -> bool:
        done, status = os.waitpid(pid, os.WNOHANG)
        ended.append(status)
        return done == pid

    eventually(over)
    assert os.waitstatus_to_exitcode(ended[-1]) == 0
