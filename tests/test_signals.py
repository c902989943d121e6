"""Signals: every receiver is called, whatever another one does."""

from __future__ import annotations

from asyncio import CancelledError

import pytest
from blinker import Signal

from typed_waffle.signals import emit


def test_every_receiver_is_called(caplog: pytest.LogCaptureFixture) -> None:
    """One that raises is logged with its traceback, and the others still run."""
    signal, got = Signal(), list[object]()

    def failing(_: object, **__: object) -> None:
        raise ZeroDivisionError

    def first(sender: object, **facts: object) -> None:
        got.append((sender, facts))

    def second(sender: object, **facts: object) -> None:
        got.append((sender, facts))

    for receiver in (first, failing, second):
        signal.connect(receiver)
    emit(signal, "app", revision=7)
    assert got == [("app", {"revision": 7})] * 2
    assert "ZeroDivisionError" in caplog.text


def test_a_receiver_that_is_interrupted_stops_no_other() -> None:
    """The others are called, and then the interruption goes on."""
    signal, got = Signal(), list[str]()

    def one(_: object) -> None:
        got.append("one")
        raise CancelledError

    def another(_: object) -> None:
        got.append("another")
        raise CancelledError

    signal.connect(one)
    signal.connect(another)
    with pytest.raises(CancelledError):
        emit(signal, "app")
    assert sorted(got) == ["another", "one"]


def test_only_receivers_of_the_sender_are_called() -> None:
    """A receiver that named another sender is left alone."""
    signal, got = Signal(), list[object]()

    def receiver(sender: object) -> None:
        got.append(sender)

    signal.connect(receiver, sender="other")
    emit(signal, "app")
    emit(signal, "other")
    assert got == ["other"]
