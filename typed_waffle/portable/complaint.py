"""Complaint: what is wrong with a file of settings, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from typed_waffle.errors import (
    InvalidChange,
    SettingLocked,
    UnknownSetting,
    WaffleError,
)
from typed_waffle.refusal import sentence

__all__ = ["Complaint", "complaints_of"]


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is wrong."""

    keys: tuple[str, ...]
    """Where it stands, below what holds the settings; empty if it is about all of them."""
    text: str
    """What is wrong; no secret is in it."""
    kind: str
    """The name of the class of the error."""

    @property
    def setting(self) -> str | None:
        """The setting at fault."""
        return self.keys[0] if self.keys else None


def complaints_of(error: WaffleError, keys: Iterable[str] = ()) -> list[Complaint]:
    """What an error complains of, if it refuses a change; `keys` are where, if that is known."""
    kind, where = type(error).__name__, tuple(keys)
    if isinstance(error, InvalidChange):
        found = [
            Complaint(where or tuple(map(str, detail["loc"])), sentence(detail), kind)
            for detail in error.errors()
        ]
        return found or [Complaint(where, str(error), kind)]
    if isinstance(error, UnknownSetting | SettingLocked):
        return [Complaint(where or (error.field,), str(error), kind)]
    return []
