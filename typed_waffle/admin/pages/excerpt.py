"""Excerpt: of two long texts, the part where they begin to differ."""

from __future__ import annotations

__all__ = ["excerpts"]

MOST = 2000
"""The most characters of a text that a table shows: a value may have a million of them."""

AHEAD = 100
"""Characters that are shown ahead of the first that differs."""


def excerpts(before: str, after: str) -> tuple[str, str]:
    """Both texts, cut where they are too long for a table."""
    if max(len(before), len(after)) <= MOST:
        return before, after
    begin = max(0, _common(before, after) - AHEAD)
    return _cut(before, begin), _cut(after, begin)


def _cut(text: str, begin: int) -> str:
    if len(text) <= MOST:
        return text
    ahead = "... " if begin else ""
    rest = f" ... ({len(text)} characters in all)" if begin + MOST < len(text) else ""
    return f"{ahead}{text[begin : begin + MOST]}{rest}"


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
