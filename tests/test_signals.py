"""Signals: every receiver is called, whatever another one does."""

from __future__ import annotations

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


def test_only_receivers_of_the_sender_are_called() -> None:
    """A receiver that named another sender is left alone."""
    signal, got = Signal(), list[object]()

    def receiver(sender: object) -> None:
        got.append(sender)

    signal.connect(receiver, sender="other")
    emit(signal, "app")
    emit(signal, "other")
    assert got == ["other"]
