"""Typed: what somebody typed into the form, read leaf by leaf."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, get_args

from werkzeug.datastructures import MultiDict

from typed_waffle.admin.pages.control import SECRET, Kind
from typed_waffle.admin.pages.leaf import NOTHING, Leaf, Shown
from typed_waffle.admin.pages.readable import is_duration
from typed_waffle.admin.pages.sheet import Sheet
from typed_waffle.admin.sealed import seal, unseal
from typed_waffle.admin.visitor import Visitor
from typed_waffle.errors import InvalidChange
from typed_waffle.model import WaffleModel
from typed_waffle.paths import Assignment, Path
from typed_waffle.values import MAX_TEXT

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["FRESH", "Posted", "Reader", "Typed", "revision_of"]

FRESH: Final = -1
"""The revision of a form that was not shown yet."""

_AS_IT_IS: Final = frozenset({"line", "area", "lines", "text", "json"}) | SECRET
"""Controls whose text may begin or end with blanks."""

_OPEN: Final = frozenset(get_args(Kind)) - SECRET
"""Kinds of controls that show what is typed."""

_DIGITS: Final = 18
"""Of a revision: it is a number of 64 bits."""

_MOST: Final[Mapping[str, int]] = {"size": 100, "duration": 100}
"""Characters of what is read piece by piece, by the kind of its control."""

_BOTH: Final = "There is a text, and “no value” is ticked: choose one."
_TWICE: Final = "It is refused: a name stands twice in one object."
_NO_DURATION: Final = (
    "It is no duration. Write it as 1 d 2 h 30 min 5.5 s: what is 0 may be left out."
)
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
    def kind(self) -> str | None:
        """The kind of its control, if that is another one than what stood there was in."""
        kind = self.shown.control.kind
        return None if self.leaf.control_of(self.was).kind == kind else kind

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
    unknown: dict[str, str] = field(default_factory=dict, repr=False)
    """What was typed under names of no setting that they may see; of a secret nothing."""
    barred: dict[str, str] = field(default_factory=dict, repr=False)
    """Leaves that were to change and that the visitor may not, by path: what was typed there."""

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
        visitor: Who sends the form; a sealed secret is theirs alone.
    """

    def __init__(
        self,
        sheet: Sheet,
        model: type[WaffleModel],
        namespace: str,
        visitor: Visitor,
    ) -> None:
        self._sheet = sheet
        self._model = model
        self._namespace = namespace
        self._visitor = visitor

    def posted(self, form: MultiDict[str, str]) -> Posted:
        """What a form says."""
        lasts = {name: values[-1] for name, values in form.lists() if values}
        found = Posted(revision_of(lasts.get("revision", ""), 0), _lines(lasts.get("note", "")))
        pressed = frozenset(form.getlist("reset"))
        for name in _names(lasts, pressed):
            leaf = self._sheet.leaves.get(name)
            if leaf is None or not self._visitor.may_read(leaf.path.field):
                found.unknown[name] = _lost(name, lasts)
            elif not self._visitor.may_write(leaf.path.field):
                if name != lasts.get("keep") and (name in pressed or _is_touched(leaf, lasts)):
                    found.barred[name] = "" if leaf.secret else _lines(lasts.get(f"v.{name}", ""))
            elif name != lasts.get("keep"):
                typed = self._typed(leaf, lasts, reset=name in pressed)
                if typed is not None:
                    found.typed[name] = typed
            if f"d.{name}" in lasts:
                found.decisions[name] = lasts[f"d.{name}"]
        return found

    def sealed(self, typed: Typed) -> str:
        """A secret that was typed, as a page may carry it."""
        return seal(self._namespace, self._visitor.actor, typed.leaf.name, typed.shown.text)

    def _typed(self, leaf: Leaf, form: Mapping[str, str], *, reset: bool) -> Typed | None:
        was = form.get(f"w.{leaf.name}", "")
        shown = _shown(leaf, form)
        if reset or _still_reset(leaf, shown, form):
            return Typed(leaf, shown, was, reset=True)
        if leaf.secret:
            return self._secret(leaf, shown, was, form)
        if f"v.{leaf.name}" not in form or shown.digest == was:
            return None
        typed = self._read(leaf, shown, was)
        return None if _is_the_same(typed) else typed

    def _secret(self, leaf: Leaf, shown: Shown, was: str, form: Mapping[str, str]) -> Typed | None:
        kept = form.get(f"s.{leaf.name}")
        if shown.text or (shown.none and kept is None):
            return self._read(leaf, shown, was)
        if kept is None:
            return None
        text = unseal(self._namespace, self._visitor.actor, leaf.name, kept)
        if text is None:
            return Typed(leaf, shown, was, error=_LATE)
        return self._read(leaf, replace(shown, text=text), was)

    def _read(self, leaf: Leaf, shown: Shown, was: str) -> Typed:
        most = _MOST.get(shown.control.kind, MAX_TEXT)
        if len(shown.text) > most:  # before much is done with it
            return Typed(leaf, shown, was, error=f"It has {most} characters at most.")
        if leaf.flagged and shown.none and shown.text:
            return Typed(leaf, shown, was, error=_BOTH)
        if shown.control.as_json and _has_twice(shown.text):
            return Typed(leaf, shown, was, error=_TWICE)
        try:
            typed = Typed(leaf, shown, was, leaf.assigned(self._model, shown))
        except InvalidChange as error:
            said = "; ".join(_placed(detail) for detail in error.errors())
            where = _where(shown.text) if shown.control.as_json else ""
            return Typed(leaf, shown, was, error=said + where)
        if shown.control.kind == "duration" and not (shown.none or is_duration(shown.text)):
            return Typed(leaf, shown, was, error=_NO_DURATION)
        return typed


def _names(form: Iterable[str], pressed: Iterable[str]) -> Iterator[str]:
    """The paths that a form speaks of."""
    posted = [name[2:] for name in form if name[:2] in {"v.", "n.", "s.", "r."}]
    return iter(dict.fromkeys([*posted, *pressed]))


def _lost(name: str, form: Mapping[str, str]) -> str:
    """What was typed where the page showed a setting that is gone, unless that was a secret."""
    kind = form.get(f"w.{name}", "").partition(":")[0]
    return _lines(form.get(f"v.{name}", "")) if kind in _OPEN else ""


def _is_touched(leaf: Leaf, form: Mapping[str, str]) -> bool:
    """Whether somebody typed there, as far as it can be told without reading it."""
    shown = _shown(leaf, form)
    if f"r.{leaf.name}" in form or f"s.{leaf.name}" in form:
        return True
    if leaf.secret:
        return bool(shown.text or shown.none)
    return f"v.{leaf.name}" in form and shown.digest != form.get(f"w.{leaf.name}", "")


def _shown(leaf: Leaf, form: Mapping[str, str]) -> Shown:
    kind = form.get(f"k.{leaf.name}", "")
    control = leaf.control(kind) or leaf.control_of(form.get(f"w.{leaf.name}", ""))
    text = _lines(form.get(f"v.{leaf.name}", ""))
    if control.kind not in _AS_IT_IS:
        text = text.strip()
    if control.kind == "block" and "\n" not in text.rstrip("\n"):
        text = text.rstrip("\n")  # a single line was copied with its end
    if leaf.flagged:
        return _flagged(Shown(control, text, f"n.{leaf.name}" in form), leaf, form)
    empty = not text and leaf.optional and not control.as_json
    return Shown(control, text, none=empty)


def _flagged(shown: Shown, leaf: Leaf, form: Mapping[str, str]) -> Shown:
    """Without the one of text and box that nobody touched; with both, if they touched both."""
    was = form.get(f"w.{leaf.name}", "")
    if not shown.none or not shown.text:
        return shown
    if replace(shown, text="").digest == was:
        return replace(shown, none=False)
    return replace(shown, text="") if replace(shown, none=False).digest == was else shown


def _lines(text: str) -> str:
    """A text with its lines ended as in Python: a browser ends them as HTTP does."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _placed(detail: ErrorDetails) -> str:
    """What is wrong, and where in the value."""
    inside = ".".join(map(str, detail["loc"][1:]))
    return f"At {inside}: {detail['msg']}" if inside else detail["msg"]


def _has_twice(text: str) -> bool:
    """Whether JSON has an object with two values of one name, of which one would be lost."""
    twice = False

    def counted(pairs: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal twice
        found = dict(pairs)
        twice = twice or len(found) < len(pairs)
        return found

    try:
        json.loads(text, object_pairs_hook=counted)
    except (ValueError, RecursionError):
        return False  # whoever reads it says why
    return twice


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
