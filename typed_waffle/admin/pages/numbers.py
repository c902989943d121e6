"""Numbers: a revision that somebody typed, or that a form brought."""

from __future__ import annotations

import re

__all__ = ["number"]

_NUMBER = re.compile(r"[0-9]{1,18}")
"""No store counts further."""


def number(text: str | None) -> int | None:
    """The revision that a text stands for; `None` if it is none."""
    text = (text or "").strip()
    return int(text) if _NUMBER.fullmatch(text) else None
