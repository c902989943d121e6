"""Pins of a model, and a model that has all that a proxy must show."""

from __future__ import annotations

import functools

from pydantic import SecretStr, computed_field

from typed_waffle import Snapshot, WaffleModel
from typed_waffle.model import M
from typed_waffle.pins import Pins

__all__ = ["Shop", "pins_of"]


class Shop(WaffleModel):
    """A shop."""

    name: str = "Waffle"
    tags: tuple[str, ...] = ("a", "b")
    token: SecretStr = SecretStr("hunter2")

    def greeting(self, whom: str) -> str:
        return f"{self.name} greets {whom}"

    @computed_field  # type: ignore[prop-decorator] # mypy knows no decorated properties
    @property
    def shout(self) -> str:
        return self.name.upper()

    @functools.cached_property
    def letters(self) -> frozenset[str]:
        return frozenset(self.name)

    @classmethod
    def kind(cls) -> str:
        return cls.__name__

    def __len__(self) -> int:
        return len(self.tags)

    def __contains__(self, tag: str) -> bool:
        return tag in self.tags


def pins_of(model: type[M]) -> Pins[M]:
    """Pins of a model; nothing is shown outside of any context."""

    def nowhere() -> Snapshot[M]:
        raise AssertionError("asked outside")

    return Pins(model, nowhere)
