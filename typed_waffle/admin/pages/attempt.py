"""Attempt: what somebody typed, judged against the settings as they are now. Nothing is written."""

from __future__ import annotations

import functools
import re
from collections import Counter as Counted
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from typed_waffle.admin.counter import Barred, Counter
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

_LONG: Final = 1000
"""Characters that are shown once of what was typed where no control can show it."""

_FEW: Final = 10
"""How many unknown names are told, and how many faults of one leaf."""

_MOST_FAULTS: Final = 100
"""How many faults of the model are told."""

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
        StoreUnavailable: the store does not answer.
    """
    attempt = observed(counter, sheet, posted)
    attempt.faults[:0] = _known_faults(attempt)
    if not attempt.faults:
        _foresee(counter, sheet, attempt)
    return attempt


def observed(counter: Counter[Any], sheet: Sheet, posted: Posted) -> Attempt:  # Any: as above
    """What was typed beside the settings as they are now, without a judgement; raises the same."""
    counter.check(posted.fields)
    revision, entries = counter.entries()
    secrets = [one for one in posted.typed.values() if one.leaf.secret]
    oldest = min([posted.revision, *(shown_at(one, posted.revision) for one in secrets)])
    since = Meanwhile()
    if oldest < revision and posted.revision != FRESH:
        since = _since(counter, sheet, oldest, posted.revision)
    attempt = Attempt(posted, revision, {e.field: e for e in entries}, since)
    _merge(counter, attempt)
    attempt.faults += [*_barred(sheet, attempt), *_unread(attempt)]
    return attempt


def _since(
    counter: Counter[Any], sheet: Sheet, oldest: int, shown: int
) -> Meanwhile:  # Any: as above
    """What was changed after the oldest revision that the form has something of."""
    recent = counter.history(field=None, limit=_MANY, before=None)
    seen = [one for one in recent if one.change.revision > oldest]
    if seen and seen[-1].change.revision == oldest + 1:
        return meanwhile(sheet, seen, shown)
    next_one = counter.history(field=None, limit=1, before=oldest + 2)
    is_kept = any(one.change.revision == oldest + 1 for one in next_one)
    known = recent[-1].change.revision if recent else counter.revision() + 1
    return meanwhile(sheet, seen, shown, complete=False, pruned=0 if is_kept else known - 1)


def _barred(sheet: Sheet, attempt: Attempt) -> list[Fault]:
    """What they may not change, and what they typed there: its control shows what is stored."""
    found: list[Fault] = []
    for name, text in attempt.posted.barred.items():
        leaf = sheet.leaves[name]
        why = Barred([leaf.path.field]).description or ""
        there = leaf.path.field in attempt.entries
        found.append(Fault(f"{why}{_quoted(text)}", (leaf,) if there else ()))
    return found


def _unread(attempt: Attempt) -> list[Fault]:
    """What could not be read at all, and is not locked either."""
    return [
        Fault(one.error, (one.leaf,))
        for one in attempt.typed.values()
        if one.error is not None and attempt.entries[one.leaf.path.field].variable is None
    ]


def _merge(counter: Counter[Any], attempt: Attempt) -> None:  # Any: as above
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
        stored = functools.partial(_is_stored, counter, one)
        found = merged(one, now, attempt.since, decision, stored)
        if isinstance(found, Overlap):
            attempt.overlaps.append(found)
        elif found is None:
            del typed[name]
        else:
            typed[name] = found


def _is_stored(counter: Counter[Any], one: Typed) -> bool:  # Any: as above
    """Whether nothing would change. They may write it, so a save would tell them as much."""
    assignments = [one.assignment] if one.assignment and not one.reset else []
    resets = [one.leaf.path] if one.reset else []
    if not assignments and not resets:
        return False
    try:
        return not counter.foreseen(assignments, resets)[1]
    except (InvalidChange, SettingLocked):
        return False


def _known_faults(attempt: Attempt) -> list[Fault]:
    """What needs no model to be known."""
    unknown = attempt.posted.unknown
    found = [_gone(name, text) for name, text in islice(unknown.items(), _FEW)]
    if len(unknown) > _FEW:
        found.append(Fault(f"There are no settings of {len(unknown) - _FEW} more names."))
    for one in attempt.typed.values():
        variable = attempt.entries[one.leaf.path.field].variable
        if variable is not None:
            locked = SettingLocked(one.leaf.path.field, variable)
            text = "" if one.leaf.secret or one.reset else one.shown.text
            found.append(Fault(f"{locked}{_quoted(text)}", (one.leaf,)))
    if len(attempt.posted.note) > LONGEST_NOTE:
        found.append(Fault(f"The note may have {LONGEST_NOTE} characters at most."))
    return found


def _gone(name: str, text: str) -> Fault:
    """A setting that there is not: the application may have been replaced meanwhile."""
    return Fault(f"There is no setting {brief(name)} here.{_quoted(text)}")


def _quoted(text: str) -> str:
    """What was typed where no control can show it."""
    return f" What was typed: {text[:_LONG]}{'...' if len(text) > _LONG else ''}" if text else ""


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
        attempt.faults += _few(sheet, attempt, error.errors())
    except SettingLocked as error:  # since it was looked at
        attempt.faults.append(Fault(str(error), sheet.of.get(error.field, ())))


# --- where a fault belongs --------------------------------------------------------------------


def _few(sheet: Sheet, attempt: Attempt, details: list[ErrorDetails]) -> list[Fault]:
    """The first faults, of each leaf and in all: nobody reads thousands."""
    found: list[Fault] = []
    counts: Counted[Leaf | None] = Counted()
    for detail in details:
        leaf = _leaf(sheet, detail)
        counts[leaf] += 1
        if len(found) < _MOST_FAULTS and (leaf is None or counts[leaf] <= _FEW):
            found.append(_fault(sheet, attempt, detail))
    left = len(details) - len(found)
    return [*found, Fault(f"And {left} more faults like these.")] if left else found


def _leaf(sheet: Sheet, detail: ErrorDetails) -> Leaf | None:
    name, *keys = map(str, detail["loc"] or [""])
    return sheet.covering(name, tuple(keys))


def _fault(sheet: Sheet, attempt: Attempt, detail: ErrorDetails) -> Fault:
    text = detail["msg"]
    if not detail["loc"]:
        return Fault(text, _concerned(attempt, sheet.leaves.values(), text))
    name, *keys = map(str, detail["loc"])
    leaf = _leaf(sheet, detail)
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
