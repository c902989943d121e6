"""Review: what somebody sees before they save."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from typed_waffle.admin.pages.attempt import Attempt
from typed_waffle.admin.pages.leaf import NOTHING
from typed_waffle.admin.pages.overlap import Overlap
from typed_waffle.admin.pages.typed import Posted, Reader, Typed
from typed_waffle.differences import spelled
from typed_waffle.values import MASK

__all__ = ["Decision", "Review", "carried", "reviewed"]


@dataclass(frozen=True, slots=True)
class Decision:
    """One overlap, as people read it."""

    overlap: Overlap
    theirs: str
    mine: str


@dataclass(frozen=True, slots=True)
class Review:
    """What the page has beside the attempt."""

    carried: tuple[tuple[str, str], ...]
    """What was typed, to be sent again."""
    decisions: tuple[Decision, ...]
    secrets: tuple[str, ...]
    """The paths of secrets that were typed: no difference shows them."""


def carried(posted: Posted, reader: Reader) -> tuple[tuple[str, str], ...]:
    """What was typed, as fields of a form that nobody sees. Secrets are sealed."""
    return tuple(field for one in posted.typed.values() for field in _carried(one, reader))


def reviewed(attempt: Attempt, reader: Reader) -> Review:
    """The review of an attempt."""
    typed = attempt.typed.values()
    return Review(
        carried(attempt.posted, reader),
        tuple(_decision(overlap) for overlap in attempt.overlaps),
        tuple(one.leaf.name for one in typed if one.leaf.secret and not one.reset),
    )


def _carried(one: Typed, reader: Reader) -> Iterator[tuple[str, str]]:
    name = one.leaf.name
    yield f"w.{name}", one.was
    if one.reset:
        yield f"r.{name}", ""
    elif one.leaf.secret and one.shown.text:
        yield f"s.{name}", reader.sealed(one)
    else:
        yield f"v.{name}", one.shown.text
    if one.shown.none and not one.reset:
        yield f"n.{name}", "1"


def _decision(overlap: Overlap) -> Decision:
    one = overlap.typed
    if one.reset:
        mine = "its default"
    elif one.leaf.secret:
        mine = MASK
    else:
        plain = one.plain
        mine = one.shown.text if plain is NOTHING else spelled(plain)
    return Decision(overlap, MASK if one.leaf.secret else spelled(overlap.theirs), mine)
