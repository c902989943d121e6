"""How things look: columns, colours, folds, and what a terminal must not obey."""

from __future__ import annotations

from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.support.terminal import Screen
from typed_waffle.cli.output import Cell, Output, moment, safe


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")


def table(rows: list[list[Cell | str]]) -> list[str]:
    """What a terminal of 40 columns shows."""
    with redirect_stdout(Screen()) as screen:
        Output(as_json=False).table(("one", "two"), rows)
    return screen.getvalue().splitlines()


def test_columns_are_aligned() -> None:
    """Each is as wide as its longest text; nothing hangs over at the end."""
    assert table([["a", "long text"], ["longer", ""]]) == [
        "ONE     TWO",
        "a       long text",
        "longer",
    ]


def test_the_widest_column_gives_way() -> None:
    """What is too long is cut, and says so."""
    lines = table([["name", "x" * 60]])
    assert lines[1] == f"name  {'x' * 31}..."
    lines = table([["n" * 50, "x" * 60]])
    assert all(len(line) <= 40 for line in lines)


def test_wide_characters_take_two_columns() -> None:
    """So do those of a combining kind take none."""
    lines = table([["日本", "x"], ["e\u0301", "y"]])
    assert lines[1:] == ["日本  x", "e\u0301     y"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Café 日本", "Café 日本"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\u202e", "\\u202e"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_a_terminal_obeys_is_escaped(text: str, shown: str) -> None:
    """Control characters, and those that turn the direction."""
    assert safe(text) == shown


def test_times_are_in_utc() -> None:
    """To the minute."""
    zone = timezone(timedelta(hours=2))
    assert moment(datetime(2026, 1, 31, 1, 30, tzinfo=zone)) == "2026-01-30 23:30Z"
    assert moment(datetime(2026, 1, 31, 1, 30, tzinfo=UTC)) == "2026-01-31 01:30Z"
