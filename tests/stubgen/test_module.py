"""The text of the module that is written."""

from __future__ import annotations

import ast

import pytest

from typed_waffle.stubgen.module import _docstring


@pytest.mark.parametrize(
    "text",
    [
        "Shown in the page header.",
        '"',
        '""',
        '"""',
        '""""',
        'a"',
        'a""',
        'a"""',
        'a"""b',
        '"quoted"',
        "\\",
        "a\\",
        '\\"',
        '\\\\"',
        '\\"""',
        '"\\',
        '"\x00"',
        "first\nsecond",
        "\r\n\t\x85\u2028\ud800",
    ],
    ids=ascii,
)
def test_a_description_is_a_literal_that_means_it(text: str) -> None:
    """Whatever quotes and backslashes are in it, the literal gives the text back."""
    literal = _docstring(text)
    assert ast.literal_eval(literal) == text
    assert literal.replace("\n", "").isprintable()
