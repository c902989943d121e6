"""Typed: what somebody typed into the form, read leaf by leaf."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from werkzeug.datastructures import MultiDict

from typed_waffle.admin.pages.control import Control
from typed_waffle.admin.pages.leaf import NOTHING, Leaf, Shown
from typed_waffle.admin.pages.sheet import Sheet
from typed_waffle.admin.sealed import seal, unseal
from typed_waffle.errors import InvalidChange
from typed_waffle.model import WaffleModel
from typed_waffle.paths import Assignment, Path

__all__ = ["FRESH", "Posted", "Reader", "Typed", "revision_of"]

FRESH: Final = -1
"""The revision of a form that was not shown yet."""

_AS_IT_IS: Final = frozenset({"line", "area", "lines", "text", "json", "password", "sealed"})
"""Controls whose text may begin or end with blanks."""

_DIGITS: Final = 18
"""Of a revision: it is a number of 64 bits."""

_LATE: Final = "The secret was typed too long ago, and is not kept any longer: type it again."


@dataclass(frozen=True, slots=True)
class Typed:
    """One leaf that is to change."""

    leaf: Leaf
    shown: Shown = field(repr=False)
    """What stands in its control."""
    was: str
    """The digest of what stood there when somebody began to type; empty if nobody knows."""
    assignment: Assignment | None = field(default=None, repr=False)
    reset: bool = False
    """Whether it goes back to its default instead."""
    error: str | None = None
    """Why it cannot be, if that is known already."""

    @property
    def plain(self) -> object:
        """The value as plain data; `NOTHING` if there is none, or no way to write it."""
        return self.leaf.plain(self.assignment.value) if self.assignment else NOTHING


@dataclass(slots=True)
class Posted:
    """What a form says."""

    revision: int
    """What the form was shown on top of."""
    note: str = ""
    typed: dict[str, Typed] = field(default_factory=dict)
    """Leaves that are to change, by path."""
    decisions: dict[str, str] = field(default_factory=dict)
    """By path: whose value it shall be, and against which."""
    unknown: list[str] = field(default_factory=list)
    """Names that the model does not have."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The settings that are to change."""
        return tuple(dict.fromkeys(t.leaf.path.field for t in self.typed.values()))

    @property
    def assignments(self) -> list[Assignment]:
        """What is to be set."""
        return [t.assignment for t in self.typed.values() if t.assignment and not t.reset]

    @property
    def resets(self) -> list[Path]:
        """What is to go back to its default."""
        return [t.leaf.path for t in self.typed.values() if t.reset]


class Reader:
    """Reads forms of one visitor.

    Args:
        sheet: Which leaves there are.
        model: The settings.
        namespace: Of them.
        actor: Who sends the form; a sealed secret is theirs alone.
    """

    def __init__(self, sheet: Sheet, model: type[WaffleModel], namespace: str, actor: str) -> None:
        self._sheet = sheet
        self._model = model
        self._namespace = namespace
        self._actor = actor

    def posted(self, form: MultiDict[str, str]) -> Posted:
        """What a form says."""
        lasts = {name: values[-1] for name, values in form.lists() if values}
        found = Posted(revision_of(lasts.get("revision", ""), 0), _lines(lasts.get("note", "")))
        pressed = frozenset(form.getlist("reset"))
        for name in _names(lasts, pressed):
            leaf = self._sheet.leaves.get(name)
            if leaf is None:
                found.unknown.append(name)
            elif name != lasts.get("keep"):
                typed = self._typed(leaf, lasts, reset=name in pressed)
                if typed is not None:
                    found.typed[name] = typed
            if f"d.{name}" in lasts:
                found.decisions[name] = lasts[f"d.{name}"]
        return found

    def sealed(self, typed: Typed) -> str:
        """A secret that was typed, as a page may carry it."""
        return seal(self._namespace, self._actor, typed.leaf.name, typed.shown.text)

    def _typed(self, leaf: Leaf, form: Mapping[str, str], *, reset: bool) -> Typed | None:
        was = form.get(f"w.{leaf.name}", "")
        control = leaf.control(was.partition(":")[0]) or leaf.controls[0]
        shown = _shown(leaf, control, form)
        if reset or _still_reset(leaf, shown, form):
            return Typed(leaf, shown, was, reset=True)
        if leaf.secret:
            return self._secret(leaf, shown, was, form)
        if f"v.{leaf.name}" not in form or shown.digest == was:
            return None
        typed = self._read(leaf, shown, was)
        return None if _is_the_same(typed) else typed

    def _secret(self, leaf: Leaf, shown: Shown, was: str, form: Mapping[str, str]) -> Typed | None:
        if shown.text.strip() or shown.none:
            return self._read(leaf, shown, was)
        kept = form.get(f"s.{leaf.name}")
        if kept is None:
            return None
        text = unseal(self._namespace, self._actor, leaf.name, kept)
        if text is None:
            return Typed(leaf, shown, was, error=_LATE)
        return self._read(leaf, replace(shown, text=text), was)

    def _read(self, leaf: Leaf, shown: Shown, was: str) -> Typed:
        try:
            return Typed(leaf, shown, was, leaf.assigned(self._model, shown))
        except InvalidChange as error:
            said = "; ".join(detail["msg"] for detail in error.errors())
            where = _where(shown.text) if shown.control.as_json else ""
            return Typed(leaf, shown, was, error=said + where)


def _names(form: Iterable[str], pressed: Iterable[str]) -> Iterator[str]:
    """The paths that a form speaks of."""
    posted = [name[2:] for name in form if name[:2] in {"v.", "n.", "s.", "r."}]
    return iter(dict.fromkeys([*posted, *pressed]))


def _shown(leaf: Leaf, control: Control, form: Mapping[str, str]) -> Shown:
    text = _lines(form.get(f"v.{leaf.name}", ""))
    if control.kind not in _AS_IT_IS:
        text = text.strip()
    if leaf.flagged:
        none = f"n.{leaf.name}" in form
        if none and text and form.get(f"w.{leaf.name}") == Shown(control, "", none=True).digest:
            none = False  # it was so before, and without scripts nothing takes the mark away
        return Shown(control, "" if none else text, none)
    empty = not text and leaf.optional and not control.as_json
    return Shown(control, text, none=empty)


def _lines(text: str) -> str:
    """A text with its lines ended as in Python: a browser ends them as HTTP does."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _where(text: str) -> str:
    """Where a text stops being JSON."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f": {error.msg} (line {error.lineno}, column {error.colno})"
    except (ValueError, RecursionError):
        return ""
    return ""


def _still_reset(leaf: Leaf, shown: Shown, form: Mapping[str, str]) -> bool:
    """Whether a leaf was to be reset before, and nothing was typed after that."""
    standing = form.get(f"r.{leaf.name}")
    if standing is None or f"v.{leaf.name}" not in form:
        return standing is not None
    return not (shown.text or shown.none) if leaf.secret else shown.digest == standing


def _is_the_same(typed: Typed) -> bool:
    """Whether a browser, or somebody, only wrote in another way what stood there."""
    plain = typed.plain
    if plain is NOTHING:
        return False
    text = "" if typed.shown.none else typed.shown.control.shows(plain)
    return text is not None and replace(typed.shown, text=text).digest == typed.was


def revision_of(text: str, otherwise: int) -> int:
    """The revision that a text says."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else otherwise
