"""Control: one way in which a browser shows a value and lets somebody type another."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from typed_waffle.admin.pages.readable import (
    duration_meant,
    duration_text,
    local_text,
    size_text,
    time_text,
    utc_meant,
    utc_text,
)

__all__ = [
    "BLOCK",
    "JSON",
    "PASSWORD",
    "PLAIN",
    "SEALED",
    "SECRET",
    "Control",
    "Kind",
    "Option",
    "choice",
    "json_text",
    "number",
]

Kind = Literal[
    "switch",
    "select",
    "number",
    "date",
    "time",
    "local",
    "utc",
    "size",
    "duration",
    "line",
    "area",
    "lines",
    "text",
    "json",
    "password",
    "block",
    "sealed",
]

SECRET: Final[frozenset[Kind]] = frozenset({"password", "block", "sealed"})
"""Those that never show anything: a line, several lines as a key in PEM has, and JSON."""

Shows = Callable[[object], str | None]
"""The text that stands in a control for plain data; `None` if it cannot show that."""


@dataclass(frozen=True, slots=True)
class Option:
    """One choice."""

    value: str
    """As JSON."""
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Control:
    """One way to show and to type."""

    kind: Kind
    shows: Shows
    meant: Callable[[str], str] = str
    """What was typed as the type reads it."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Of the element, besides those that every one of its kind has."""
    options: tuple[Option, ...] = ()

    @property
    def as_json(self) -> bool:
        """Whether what is typed is JSON."""
        return self.kind in {"switch", "select", "json", "sealed"}

    @property
    def secret(self) -> bool:
        """Whether it never shows anything."""
        return self.kind in SECRET

    def holds(self, text: str) -> bool:
        """Whether a browser keeps this text in such a control; it drops what it takes for wrong."""
        form = _FORMS.get(self.kind)
        if form is not None:
            return not text or bool(form.fullmatch(text))
        if self.kind in {"switch", "select"}:
            return text in {option.value for option in self.options}
        return self.kind in {"area", "lines", "json", "block"} or "\n" not in text


_FORMS: Final[Mapping[Kind, re.Pattern[str]]] = {
    "number": re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII),
    "date": re.compile(r"(?!0000)\d{4}-\d\d-\d\d", re.ASCII),
    "time": re.compile(r"\d\d:\d\d(:\d\d(\.\d{1,3})?)?", re.ASCII),
    "local": re.compile(r"(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?", re.ASCII),
    "utc": re.compile(r"(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?", re.ASCII),
}

_ODD: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
"""Characters that no browser gives back as they are, or that nobody sees."""


# --- what they show ---------------------------------------------------------------------------


def json_text(data: object) -> str:
    """Plain data as JSON, as people read it."""
    several = isinstance(data, dict | list) and data
    return json.dumps(data, ensure_ascii=False, indent=2 if several else None)


def _number_text(data: object) -> str | None:
    text = _plain_text(data)
    return text if text is not None and _FORMS["number"].fullmatch(text) else None


def _plain_text(data: object) -> str | None:
    """A number or a text as it is."""
    if isinstance(data, bool) or not isinstance(data, str | int | float):
        return None
    text = data if isinstance(data, str) else json.dumps(data)
    return None if _ODD.search(text) or "\n" in text else text


def _area_text(data: object) -> str | None:
    return data if isinstance(data, str) and not _ODD.search(data) else None


def _date_text(data: object) -> str | None:
    return data if isinstance(data, str) and _FORMS["date"].fullmatch(data) else None


def _lines_text(data: object) -> str | None:
    """One item on each line, if each is one that can be."""
    if not isinstance(data, list):
        return None
    lines = [_plain_text(item) for item in data]
    known = [line for line in lines if line and line == line.strip()]
    return "\n".join(known) if len(known) == len(lines) else None


def _nothing(_: object) -> str:
    return ""


JSON: Final = Control("json", json_text)
PASSWORD: Final = Control("password", _nothing)
BLOCK: Final = Control("block", _nothing)
SEALED: Final = Control("sealed", _nothing)
PLAIN: Final[Mapping[Kind, Control]] = {
    "date": Control("date", _date_text),
    "time": Control("time", time_text, attributes={"step": "1"}),
    "local": Control("local", local_text, attributes={"step": "1"}),
    "utc": Control("utc", utc_text, utc_meant, attributes={"step": "1"}),
    "size": Control("size", size_text),
    "duration": Control("duration", duration_text, duration_meant),
    "line": Control("line", _plain_text),
    "area": Control("area", _area_text),
    "lines": Control("lines", _lines_text),
    "text": Control("text", _plain_text),
}
"""Those that need to know nothing of the type."""


def number(attributes: Mapping[str, str]) -> Control:
    """A control for a number."""
    return Control("number", _number_text, attributes=attributes)


def choice(kind: Kind, options: tuple[Option, ...]) -> Control:
    """A control for one of a few values."""
    values = frozenset(option.value for option in options)

    def shows(data: object) -> str | None:
        text = json.dumps(data)
        return text if text in values else None

    return Control(kind, shows, options=options)
