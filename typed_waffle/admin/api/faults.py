"""Faults: what is wrong with what a request brings, as a problem document tells it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["faults", "short"]

MOST: Final = 100
"""The most faults that are told: a list may have thousands."""

LONGEST: Final = 500
"""The most characters of a pointer, and of what is said. A key, and what a rule quotes, are as long
as whoever sends them likes."""


def faults(
    found: Sequence[ErrorDetails], place: Callable[[tuple[int | str, ...]], str]
) -> dict[str, object]:
    """The members that tell the first faults, and how many more there are.

    Args:
        found: Pydantic's details.
        place: Makes the pointer of where one is.
    """
    told = [
        {"pointer": short(place(d["loc"])), "type": d["type"], "detail": short(d["msg"])}
        for d in found[:MOST]
    ]
    more = len(found) - len(told)
    return {"errors": told, **({"more_errors": more} if more else {})}


def short(text: str, most: int = LONGEST) -> str:
    """A text, or how it begins."""
    return text if len(text) <= most else f"{text[:most]}..."
