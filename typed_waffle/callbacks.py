"""Callbacks: the functions that an application wants called after its settings changed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Generic

from typed_waffle.model import M, facts
from typed_waffle.values import same

__all__ = ["Callbacks", "differing"]

logger: logging.Logger = logging.getLogger(__name__)


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
        for callback in list(self._all):
            if not callback.fields or callback.fields & changed:
                try:
                    callback.call(before, after)
                except Exception:
                    logger.exception("a callback for changed settings failed: %r", callback.call)


def differing(before: M, after: M) -> set[str]:
    """The fields whose values differ."""
    return {n for n in facts(type(before)) if not same(getattr(before, n), getattr(after, n))}
