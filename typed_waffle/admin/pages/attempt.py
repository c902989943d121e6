"""Attempt: what somebody typed, judged against the settings as they are now. Nothing is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from typed_waffle.admin.counter import Counter, Seen
from typed_waffle.admin.pages.leaf import Leaf
from typed_waffle.admin.pages.overlap import (
    Meanwhile,
    Now,
    Overlap,
    at,
    base_of,
    meanwhile,
    merged,
    shown_at,
)
from typed_waffle.admin.pages.sheet import Sheet
from typed_waffle.admin.pages.typed import FRESH, Posted, Typed
from typed_waffle.catalog import Entry
from typed_waffle.change import FieldChange
from typed_waffle.differences import spelled
from typed_waffle.errors import InvalidChange, SettingLocked
from typed_waffle.values import brief

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["LONGEST_NOTE", "Attempt", "Fault", "attempted", "observed"]

LONGEST_NOTE: Final = 2000
"""Characters of a note. The store takes any; the history has to be read."""

_SHORT: Final = 80
"""Characters of a value in a message."""

_FEW: Final = 10
"""How many unknown names are told."""

_MANY: Final = 200
"""How many changes of others are looked at."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong."""

    text: str
    leaves: tuple[Leaf, ...] = ()
    """Those that it is about."""


@dataclass(slots=True)
class Attempt:
    """What was typed, and what is to be said of it."""

    posted: Posted
    revision: int
    """Of the settings that it is judged against."""
    entries: Mapping[str, Entry]
    """Those that the visitor may see, by name."""
    since: Meanwhile
    overlaps: list[Overlap] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    fields: tuple[FieldChange, ...] = ()
    """What would become of the settings."""
    unforeseen: bool = False
    """Whether that is not known before somebody decides."""

    @property
    def typed(self) -> dict[str, Typed]:
        """The leaves that are to change, by path."""
        return self.posted.typed

    def errors(self) -> dict[str, list[str]]:
        """What is wrong with each leaf, by path."""
        found: dict[str, list[str]] = {}
        for fault in self.faults:
            for leaf in fault.leaves:
                found.setdefault(leaf.name, []).append(fault.text)
        return found


def attempted(counter: Counter[Any], sheet: Sheet, posted: Posted) -> Attempt:  # Any: of any model
    """Judge what was typed.

    Raises:
        Barred: they may not change one of the settings.
        StoreUnavailable: the store does not answer.
    """
    attempt = observed(counter, sheet, posted)
    attempt.faults += _known_faults(attempt)
    if not attempt.faults:
        _foresee(counter, sheet, attempt)
    return attempt


def observed(counter: Counter[Any], sheet: Sheet, posted: Posted) -> Attempt:  # Any: as above
    """What was typed beside the settings as they are now, without a judgement; raises the same."""
    counter.check(posted.fields)
    revision, entries = counter.entries()
    secrets = [one for one in posted.typed.values() if one.leaf.secret]
    oldest = min([posted.revision, *(shown_at(one, posted.revision) for one in secrets)])
    seen: list[Seen] = []
    if oldest < revision and posted.revision != FRESH:
        recent = counter.history(field=None, limit=_MANY, before=None)
        seen = [one for one in recent if one.change.revision > oldest]
    since = meanwhile(sheet, seen, posted.revision)
    attempt = Attempt(posted, revision, {e.field: e for e in entries}, since)
    _merge(attempt)
    return attempt


def _merge(attempt: Attempt) -> None:
    """Take what others did into account; leaves about which somebody must decide stand aside."""
    typed = attempt.posted.typed
    for name, given in list(typed.items()):
        one = given
        entry, keys = attempt.entries[one.leaf.path.field], one.leaf.path.keys
        values = at(entry.value, keys), at(entry.default, keys)
        now = Now(*values, attempt.revision, entry.latest)
        if not one.was and attempt.posted.revision == attempt.revision:
            # It does not say what it saw of the leaf, but that it saw the settings as they are.
            one = replace(one, was=base_of(one.leaf, one.leaf.shown(now.value), now.revision))
        decision = attempt.posted.decisions.get(name, "")
        found = merged(one, now, attempt.since, decision)
        if isinstance(found, Overlap):
            attempt.overlaps.append(found)
        elif found is None:
            del typed[name]
        else:
            typed[name] = found


def _known_faults(attempt: Attempt) -> list[Fault]:
    """What needs no model to be known."""
    unknown = attempt.posted.unknown
    found = [Fault(f"There is no setting {brief(name)} here.") for name in unknown[:_FEW]]
    if len(unknown) > _FEW:
        found.append(Fault(f"There are no settings of {len(unknown) - _FEW} more names."))
    for one in attempt.typed.values():
        variable = attempt.entries[one.leaf.path.field].variable
        if variable is not None:
            locked = SettingLocked(one.leaf.path.field, variable)
            found.append(Fault(str(locked), (one.leaf,)))
        elif one.error is not None:
            found.append(Fault(one.error, (one.leaf,)))
    if len(attempt.posted.note) > LONGEST_NOTE:
        found.append(Fault(f"The note may have {LONGEST_NOTE} characters at most."))
    return found


def _foresee(counter: Counter[Any], sheet: Sheet, attempt: Attempt) -> None:  # Any: as above
    """See what the change would do, without the leaves about which somebody must decide."""
    undecided = {overlap.typed.leaf.name for overlap in attempt.overlaps}
    ready = [one for name, one in attempt.typed.items() if name not in undecided]
    assignments = [one.assignment for one in ready if one.assignment and not one.reset]
    resets = [one.leaf.path for one in ready if one.reset]
    try:
        _, attempt.fields = counter.foreseen(assignments, resets)
    except InvalidChange as error:
        if undecided:
            attempt.unforeseen = True  # what they decide may mend it
            return
        attempt.faults += [_fault(sheet, attempt, detail) for detail in error.errors()]
    except SettingLocked as error:  # since it was looked at
        attempt.faults.append(Fault(str(error), sheet.of.get(error.field, ())))


# --- where a fault belongs --------------------------------------------------------------------


def _fault(sheet: Sheet, attempt: Attempt, detail: ErrorDetails) -> Fault:
    text = detail["msg"]
    if not detail["loc"]:
        return Fault(text, _concerned(attempt, sheet.leaves.values(), text))
    name, *keys = map(str, detail["loc"])
    leaf = sheet.covering(name, tuple(keys))
    if leaf is None:
        return Fault(text)
    inside = keys[len(leaf.path.keys) :]
    if inside:
        what = spelled(detail["input"]) if leaf.item else f"At {'.'.join(inside)}"
        return Fault(f"{what[:_SHORT]}: {text}", (leaf,))
    if len(leaf.path.keys) > len(keys):  # a rule of what is nested there
        among = [one for one in sheet.of[name] if one.path.keys[: len(keys)] == tuple(keys)]
        return Fault(text, _concerned(attempt, among, text) or (leaf,))
    return Fault(text, (leaf,))


def _concerned(attempt: Attempt, leaves: Iterable[Leaf], text: str) -> tuple[Leaf, ...]:
    """The leaves that a rule's message names as whole words; else those that are to change."""
    among = [leaf for leaf in leaves if leaf.path.field in attempt.entries]
    found = (
        [leaf for leaf in among if _has_word(text, leaf.name)]
        or [leaf for leaf in among if _has_word(text, leaf.label)]
        or [leaf for leaf in among if leaf.name in attempt.typed]
    )
    return tuple(found)


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", text) is not None
