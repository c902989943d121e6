"""Callbacks: the functions that an application wants called after its settings changed."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Generic

from typed_waffle.deliveries import every
from typed_waffle.model import M, facts
from typed_waffle.values import same

__all__ = ["Callbacks", "differing"]


@dataclass(frozen=True, slots=True)
class _Callback(Generic[M]):
    fields: frozenset[str]
    call: Callable[[M, M], object]


class Callbacks(Generic[M]):
    """Functions of the old and the new settings, in the order in which they were added."""

    def __init__(self) -> None:
        self._all: list[_Callback[M]] = []

    def add(self, fields: AbstractSet[str], call: Callable[[M, M], object]) -> None:
        """Call it when one of these fields changed its value; with none, when any did."""
        self._all.append(_Callback(frozenset(fields), call))

    def tell(self, changed: AbstractSet[str], before: M, after: M) -> None:
        """Call those that asked for one of the changed fields; one that raises is logged."""
        every(
            [each.call for each in self._all if not each.fields or each.fields & changed],
            lambda call: call(before, after),
            "a callback for changed settings failed: %r",
        )


def differing(before: M, after: M) -> set[str]:
    """The fields whose values differ."""
    return {n for n in facts(type(before)) if not same(getattr(before, n), getattr(after, n))}
