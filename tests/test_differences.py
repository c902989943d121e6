"""What became of a setting, as people read it."""

from __future__ import annotations

import pytest

from typed_waffle.change import FieldChange
from typed_waffle.differences import differences, spelled


@pytest.mark.parametrize(
    ("value", "text"),
    [("a b", "a b"), ("", '""'), (None, "null"), (True, "true"), ({"é": [1]}, '{"é": [1]}')],
)
def test_values_are_spelled_as_set_takes_them(value: object, text: str) -> None:
    """A text is itself; all else is JSON."""
    assert spelled(value) == text


@pytest.mark.parametrize(
    ("before", "after", "rows"),
    [
        (1, 2, [("f", "1", "2")]),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, [("f.b", "2", "3")]),
        ({"a": {"b": 1}}, {"a": {"b": "x"}}, [("f.a.b", "1", "x")]),
        ({}, {"a b": None}, [('f."a b"', "(nothing)", "null")]),
        ({"a": 1}, {}, [("f.a", "1", "(nothing)")]),
        ({"a": 1}, None, [("f", '{"a": 1}', "null")]),
        ([1, 2], [2], [("f", "[1, 2]", "[2]")]),
    ],
)
def test_it_is_told_part_by_part(
    before: object, after: object, rows: list[tuple[str, str, str]]
) -> None:
    """Only what differs; what has no names in it is told as a whole."""
    assert list(differences(FieldChange("f", before, after))) == rows


def test_a_secret_that_was_set_is_told_though_both_are_asterisks() -> None:
    """Nothing that can be seen differs, so it is all of it."""
    masked = {"key": "**********"}
    rows = list(differences(FieldChange("f", masked, masked)))
    assert rows == [("f", '{"key": "**********"}', '{"key": "**********"}')]
