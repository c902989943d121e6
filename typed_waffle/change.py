"""Change and FieldChange, and the delta between two sets of overrides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

__all__ = [
    "Change",
    "Channel",
    "Delta",
    "FieldChange",
    "FieldRecord",
    "Head",
    "Overrides",
    "Record",
    "Stamp",
    "State",
    "stamps",
]

Channel = Literal["python", "cli", "admin", "api", "import", "rollback"]
"""The surface through which a change came."""

Overrides = Mapping[str, str]
"""Field name to JSON text: what the store keeps of a namespace."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """What one change did to one field."""

    field: str
    before: object
    """The value in force before, a default included; asterisks for a secret."""
    after: object
    """The value in force after, a default included; asterisks for a secret."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one revision did, who did it, when, and why."""

    revision: int
    id: str
    """Random, so that two stores that count alike are still told apart."""
    at: datetime
    """When it was committed: the database's clock, in UTC."""
    actor: str | None
    note: str | None
    channel: Channel
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """Where a namespace stands."""

    revision: int = 0
    change_id: str = ""
    """The id of the change that made the revision; empty at revision 0."""


@dataclass(frozen=True, slots=True)
class State:
    """All that is stored for a namespace, read at one moment."""

    head: Head = Head()
    overrides: Overrides = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Delta:
    """What to do to one set of overrides to get the next."""

    set: Overrides = field(default_factory=dict, repr=False)
    unset: frozenset[str] = frozenset()

    @staticmethod
    def between(before: Overrides, after: Overrides) -> Delta:
        """The delta that turns `before` into `after`."""
        return Delta(
            {name: text for name, text in after.items() if before.get(name) != text},
            frozenset(before.keys() - after.keys()),
        )

    def applied_to(self, overrides: Overrides) -> dict[str, str]:
        """The overrides after this delta."""
        kept = {name: text for name, text in overrides.items() if name not in self.unset}
        return {**kept, **self.set}

    @property
    def fields(self) -> frozenset[str]:
        """Every field that it touches."""
        return frozenset(self.set) | self.unset


@dataclass(frozen=True, slots=True)
class FieldRecord:
    """One field of a history row: the values in force as JSON texts, secrets masked."""

    field: str
    before: str
    after: str
    was_stored: bool
    """Whether `before` was an override, not the default."""
    is_stored: bool
    """Whether `after` is an override, not the default."""


@dataclass(frozen=True, slots=True)
class Record:
    """A history row."""

    revision: int
    id: str
    follows: str
    """The id of the change before."""
    at: datetime
    actor: str | None
    note: str | None
    channel: Channel
    fields: tuple[FieldRecord, ...]


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who made a change, when, and why: a record without what it changed."""

    revision: int
    at: datetime
    actor: str | None
    note: str | None
    channel: Channel


def stamps(records: Iterable[Record]) -> dict[str, Stamp]:
    """The newest change of each field, of records in the order in which they were made."""
    return {
        field.field: Stamp(record.revision, record.at, record.actor, record.note, record.channel)
        for record in records
        for field in record.fields
    }
