"""Query: the parameters in a URL."""

from __future__ import annotations

import re
from typing import Final

from flask import request
from werkzeug.exceptions import BadRequest

from typed_waffle.admin.counter import LONGEST_NOTE

__all__ = ["LARGEST", "BadQuery", "note", "number", "text"]

LARGEST: Final = 10**15 - 1
"""The largest number: every program has all integers up to it."""

_DIGITS: Final = re.compile(r"[0-9]{1,15}")


class BadQuery(BadRequest):
    """A parameter that is not as it must be.

    Args:
        name: The parameter.
        why: What is wrong with it.
        nearest: What may have been meant.
    """

    def __init__(self, name: str, why: str, nearest: str | None = None) -> None:
        super().__init__(f"The parameter {name!r} {why}")
        self.members: dict[str, object] = {"parameter": name}
        """What the problem document has besides."""
        if nearest is not None:
            self.members["nearest"] = nearest


def text(name: str) -> str | None:
    """A parameter as it is, if it is there.

    Raises:
        BadRequest: it is there twice.
    """
    given = request.args.getlist(name)
    if len(given) > 1:
        raise BadQuery(name, "is given twice.")
    return given[0] if given else None


def number(name: str, low: int = 0, high: int = LARGEST) -> int | None:
    """A parameter that is a whole number, if it is there.

    Raises:
        BadRequest: it is none, or out of its bounds.
    """
    given = text(name)
    if given is None:
        return None
    if not _DIGITS.fullmatch(given) or not low <= int(given) <= high:
        raise BadQuery(name, f"must be a whole number from {low} to {high}.")
    return int(given)


def note() -> str | None:
    """Why a change is made.

    Raises:
        BadRequest: it is too long.
    """
    given = text("note")
    if given is not None and len(given) > LONGEST_NOTE:
        raise BadQuery("note", f"may have {LONGEST_NOTE} characters at most.")
    return given or None
