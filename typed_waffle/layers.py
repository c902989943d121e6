"""Layers: the values that a test puts on top of what is shown. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic

from typed_waffle.edit import overlaid
from typed_waffle.model import M
from typed_waffle.snapshot import Snapshot

__all__ = ["Layer", "Layers"]

KEPT = 8
"""How many bases are remembered with what was made of them: the newest few are asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One entry into an override, told from every other."""

    owner: object
    """The override that was entered."""
    fields: Mapping[str, object] = field(repr=False)


class Layers(Generic[M]):
    """Some layers, the innermost last, which wins. They never change."""

    def __init__(self, layers: tuple[Layer, ...] = ()) -> None:
        self._layers = layers
        self._fields = {name: value for one in layers for name, value in one.fields.items()}
        self._made: dict[Snapshot[M], Snapshot[M]] = {}

    def plus(self, layer: Layer) -> Layers[M]:
        """These, and one more within."""
        return Layers((*self._layers, layer))

    def without(self, layer: Layer) -> Layers[M] | None:
        """These without one, wherever it is; `None` if there is no other."""
        rest = tuple(one for one in self._layers if one is not layer)
        return Layers(rest) if rest else None

    def holds(self, layer: Layer) -> bool:
        """Whether it is one of these."""
        return any(one is layer for one in self._layers)

    def last_of(self, owner: object) -> Layer | None:
        """The innermost layer of an override."""
        return next((one for one in reversed(self._layers) if one.owner is owner), None)

    def over(self, base: Snapshot[M]) -> Snapshot[M]:
        """A snapshot with the layers on top: the same one each time, validated once.

        Raises:
            InvalidChange: a rule across fields refuses them on this one.
        """
        made = self._made.get(base)
        if made is None:
            if len(self._made) >= KEPT:
                self._made.clear()
            made = self._made.setdefault(base, overlaid(base, self._fields))
        return made
