"""What a visitor may see and change."""

from __future__ import annotations

import logging

import pytest

from typed_waffle.admin.visitor import Rights, Visitor


def test_without_rules_whoever_came_in_may_do_all() -> None:
    """`authorize` alone decides then."""
    ada = Visitor("ada", Rights())
    assert ada.may_read("low")
    assert ada.may_write("low")


def test_rules_are_asked_with_the_actor_and_the_setting() -> None:
    """Seeing and changing are separate."""
    rights = Rights(
        read=lambda actor, name: (actor, name) != ("eve", "high"),
        write=lambda actor, name: (actor, name) == ("ada", "low"),
    )
    ada, eve = Visitor("ada", rights), Visitor("eve", rights)
    assert [ada.may_read("high"), eve.may_read("high")] == [True, False]
    assert [ada.may_write("low"), ada.may_write("high"), eve.may_write("low")] == [
        True,
        False,
        False,
    ]


def test_what_may_not_be_seen_may_not_be_changed() -> None:
    """A right to write gives none to read, and is worth nothing without it."""
    rights = Rights(read=lambda *_: False, write=lambda *_: True)
    assert not Visitor("ada", rights).may_write("low")


def test_a_rule_is_asked_once_in_a_request() -> None:
    """It may look into a database: a page has many settings."""
    asked: list[str] = []

    def read(_: str, name: str) -> bool:
        asked.append(name)
        return True

    ada = Visitor("ada", Rights(read))
    assert all([ada.may_read("low"), ada.may_read("low"), ada.may_write("low")])
    assert asked == ["low"]


@pytest.mark.parametrize("kind", ["read", "write"])
def test_a_rule_that_fails_closes(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with its traceback, and the setting stays closed."""

    def broken(actor: str, name: str) -> bool:
        raise LookupError(f"{actor} {name}")

    rights = Rights(read=broken) if kind == "read" else Rights(write=broken)
    with caplog.at_level(logging.ERROR):
        assert not Visitor("ada", rights).may_write("low")
    assert f"may_{kind} failed for 'ada': low stays closed" in caplog.text
    assert "LookupError" in caplog.text
