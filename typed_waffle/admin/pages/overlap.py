"""Overlap: what others made of the leaves that somebody is about to change.

A form says what it showed. So for each leaf there are three: what stood there when somebody began
to type, what they typed, and what stands there now. Only where all three differ must they decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from typed_waffle.admin.counter import Seen
from typed_waffle.admin.pages.leaf import NOTHING, Leaf, Shown
from typed_waffle.admin.pages.sheet import Sheet
from typed_waffle.admin.pages.typed import Typed, revision_of
from typed_waffle.change import Change, Stamp
from typed_waffle.portable.format import exactly

__all__ = ["Meanwhile", "Now", "Overlap", "at", "base_of", "meanwhile", "merged", "shown_at"]

_THEIRS: Final = "theirs"
_MINE: Final = "mine"


@dataclass(frozen=True, slots=True)
class Now:
    """What is at a leaf, as plain data."""

    value: object = field(repr=False)
    default: object = field(repr=False)
    revision: int
    latest: Stamp | None
    """The last change of the setting."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """A leaf that somebody else changed as well, to something else."""

    typed: Typed
    theirs: object = field(repr=False)
    """What it is now, as plain data."""
    base: str
    """The digest of that: a decision is against it, and against no later value."""
    change: Change | Stamp | None
    """Who made it that, if the history knows."""

    @property
    def choices(self) -> tuple[tuple[str, str], ...]:
        """What a form may say of it, and whose value that is."""
        return tuple((whose, f"{whose}:{self.base}") for whose in (_THEIRS, _MINE))


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What was changed since a form was shown."""

    seen: tuple[Seen, ...] = ()
    """The changes, newest first."""
    leaves: Mapping[str, Change] = field(default_factory=dict)
    """The newest change of each leaf that one of them changed, by path."""
    complete: bool = True
    """Whether all of them were looked at."""
    pruned: int = 0
    """The last revision of those that the history does not have any more."""

    def of(self, leaf: Leaf, latest: Stamp | None) -> int:
        """The revision of the newest change of a leaf, 0 if there was none.

        Of its setting, if it is not known what that changed; and of the newest that was pruned, if
        it is not known whether that was one of the leaf.
        """
        change = self.leaves.get(leaf.name) or (None if self.complete else latest)
        return change.revision if change else self.pruned


def meanwhile(
    sheet: Sheet,
    seen: Sequence[Seen],
    revision: int,
    *,
    complete: bool = True,
    pruned: int = 0,
) -> Meanwhile:
    """What these changes, newest first, changed of each leaf; those since a revision are told."""
    leaves: dict[str, Change] = {}
    for one in seen:
        for changed in one.change.fields:
            of = sheet.of.get(changed.field, ())
            differing = [
                leaf
                for leaf in of
                if at(changed.before, leaf.path.keys) != at(changed.after, leaf.path.keys)
            ]
            # The history has no secret: whether one was changed as well, nobody can see.
            secrets = [leaf for leaf in of if leaf.secret]
            for leaf in [*differing, *secrets]:
                leaves.setdefault(leaf.name, one.change)
    told = tuple(one for one in seen if one.change.revision > revision)
    return Meanwhile(told, leaves, complete, pruned)


def at(data: object, keys: tuple[str, ...]) -> object:
    """What stands somewhere in plain data; `None` if nothing does."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def base_of(leaf: Leaf, shown: Shown, revision: int) -> str:
    """What a form says of a leaf as it was shown. Of a secret nothing is shown but when."""
    return f"{shown.control.kind}:r{revision}" if leaf.secret else shown.digest


def merged(
    typed: Typed, now: Now, since: Meanwhile, decision: str, stored: Callable[[], bool]
) -> Typed | Overlap | None:
    """What is to be done about a leaf: what was typed, nothing, or first a decision.

    Args:
        typed: What somebody wants there.
        now: What is there.
        since: What was changed since they began to type.
        decision: What they decided, if they did.
        stored: Says whether a secret is what they want already; it is not in `now`.
    """
    leaf = typed.leaf
    base = base_of(leaf, leaf.shown(now.value), now.revision)
    changed = since.of(leaf, now.latest)
    if _untouched(typed, base, changed):
        return typed
    if leaf.secret and changed != since.pruned:  # other changes are nothing to decide about
        base = base_of(leaf, leaf.shown(now.value), changed)
    if leaf.secret and stored():
        return None
    if not leaf.secret and _agrees(typed, now):
        return replace(typed, was=base) if typed.reset else None
    whose, _, against = decision.partition(":")
    # A secret's may be against a later revision: then the history had lost its change already.
    holds = leaf.secret and revision_of(against.partition(":r")[2], -1) >= changed
    if whose in {_MINE, _THEIRS} and (against == base or holds):
        return replace(typed, was=base) if whose == _MINE else None
    return Overlap(typed, now.value, base, since.leaves.get(leaf.name) or now.latest)


def _agrees(typed: Typed, now: Now) -> bool:
    """Whether others made of it what is wanted."""
    if typed.reset:
        return exactly(now.value) == exactly(now.default)
    plain = typed.plain
    return plain is not NOTHING and exactly(plain) == exactly(now.value)


def _untouched(typed: Typed, base: str, changed: int) -> bool:
    if typed.was == base or not typed.leaf.secret:
        return typed.was == base
    return not changed or changed <= shown_at(typed, changed - 1)


def shown_at(typed: Typed, otherwise: int) -> int:
    """The revision at which a secret's control was shown."""
    return revision_of(typed.was.partition(":r")[2], otherwise)
