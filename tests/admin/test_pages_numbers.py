"""A revision that somebody typed."""

from __future__ import annotations

import pytest

from typed_waffle.admin.pages.numbers import number


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0", 0),
        (" 12\n", 12),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, None),
        ("", None),
        (None, None),
        ("-1", None),
        ("+1", None),
        ("1_000", None),
        ("٣", None),
        ("²", None),
        ("1 2", None),
        ("0x1", None),
    ],
)
def test_only_plain_numbers_are_revisions(text: str | None, found: int | None) -> None:
    """Of a length that every store can hold."""
    assert number(text) == found
