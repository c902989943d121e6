"""Plan: what an import would do, and the one change that does it."""

from __future__ import annotations

import difflib
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Generic

from typed_waffle.change import Change, Record
from typed_waffle.edit import Draft, Planned, change_of, planned
from typed_waffle.errors import ConfigurationError, InvalidChange, SettingLocked
from typed_waffle.extension import Waffle
from typed_waffle.insides import writer_of
from typed_waffle.legacy.pickles import NotPlainData
from typed_waffle.legacy.plain import decoded
from typed_waffle.model import M, WaffleModel, facts, known
from typed_waffle.refusal import sentence
from typed_waffle.snapshot import Snapshot

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["Entry", "Ignored", "Plan", "Refused", "plan"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored key that would set a field."""

    key: str
    field: str
    before: object
    """The value in force, a default included; asterisks for a secret."""
    after: object
    """The value that it would have; asterisks for a secret."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A key that would set nothing."""

    key: str
    why: str
    nearest: str | None = None
    """The name that may have been meant."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What keeps the import from being made."""

    key: str | None
    """The stored key; `None` for a rule across settings."""
    field: str | None
    """The field it is for; `None` as above."""
    why: str


@dataclass(frozen=True, slots=True)
class Plan(Generic[M]):
    """What an import would do. Nothing is written before `apply`."""

    revision: int
    """The revision on which the plan is made."""
    entries: tuple[Entry, ...]
    """What would be set."""
    ignored: tuple[Ignored, ...]
    """What would be left out, and why."""
    refused: tuple[Refused, ...]
    """What cannot be set, and why. While there is any, nothing can be."""
    _waffle: Waffle[M] = field(repr=False, compare=False)
    _values: Mapping[str, object] = field(repr=False, compare=False)

    def _check(self) -> None:
        if not self.refused:
            return
        parts = [f"{found.key}: {found.why}" if found.key else found.why for found in self.refused]
        details: list[ErrorDetails] = [
            {
                "type": "value_error",
                "loc": (found.field,) if found.field else (),
                "msg": found.why,
                "input": None,
            }
            for found in self.refused
        ]
        raise InvalidChange(
            f"the import is refused, as a whole. {'; '.join(parts)}. Nothing was written: correct "
            "what is stored, map the key to another field, or skip it.",
            details,
        )

    def apply(self, *, actor: str | None = None, note: str | None = None) -> Change | None:
        """Make the import, as one change of the channel `import`; `None` if nothing would differ.

        Args:
            actor: Who imports; `WAFFLE_ACTOR` names it unless given.
            note: Why, for the history.

        Raises:
            InvalidChange: Something is refused; nothing was written.
            RevisionConflict: The settings were changed since the plan was made.
            StoreUnavailable: The database does not answer.
        """
        self._check()
        with writer_of(self._waffle).edit(
            "import", actor=actor, note=note, expected_revision=self.revision
        ) as edit:
            edit.update(**self._values)
        return edit.change


def plan(
    waffle: Waffle[M],
    stored: Mapping[str, object],
    *,
    mapping: Mapping[str, str] | None = None,
    skip: Collection[str] = (),
) -> Plan[M]:
    """Plan the import of what Flask-WaffleConf stored. It reads the settings, and writes nothing.

    Args:
        waffle: The settings to import into, bound to an application or connected.
        stored: The keys and their stored values, as `stored` reads them.
        mapping: Old key to field, where the names differ in more than case.
        skip: Old keys to leave out.

    Raises:
        UnknownSetting: `mapping` names a field that the model does not have.
        ConfigurationError: Two keys are for one field.
        StoreUnavailable: The database of the settings does not answer.
    """
    assigned, ignored = _assigned(waffle.model, stored, mapping or {}, skip)
    values: dict[str, object] = {}
    refused: list[Refused] = []
    for name, key in assigned.items():
        try:
            values[name] = decoded(stored[key])
        except NotPlainData as error:
            refused.append(Refused(key, name, str(error)))
    waffle.refresh()
    before = waffle.snapshot()
    made = _tried(before, values, assigned, refused)
    entries = _entries(waffle.model, made, assigned)
    if all(found.key for found in refused):  # no rule across settings, which is about all of them
        set_to = {entry.field for entry in entries}
        ignored += [
            Ignored(assigned[name], f"{name} has this value already")
            for name in values
            if name not in set_to
        ]
    return Plan(before.revision, entries, tuple(ignored), tuple(refused), waffle, values)


# --- which key is for which field -----------------------------------------------------------------


def _assigned(
    model: type[WaffleModel],
    keys: Iterable[str],
    mapping: Mapping[str, str],
    skip: Collection[str],
) -> tuple[dict[str, str], list[Ignored]]:
    """Field to key, and the keys that are for none."""
    for name in mapping.values():
        known(model, name)
    assigned: dict[str, str] = {}
    ignored: list[Ignored] = []
    for key in keys:
        if key in skip:
            ignored.append(Ignored(key, "it is skipped"))
            continue
        names = [mapping[key]] if key in mapping else _alike(model, key)
        if len(names) != 1:
            ignored.append(_unassigned(model, key, names))
            continue
        twin = assigned.setdefault(names[0], key)
        if twin != key:
            raise ConfigurationError(
                "mapping",
                f"the keys {twin!r} and {key!r} are both for {names[0]}. "
                "Skip one of them, or map it to another field",
            )
    for key in dict.fromkeys([*mapping, *skip]):
        if key not in keys:
            close = difflib.get_close_matches(key, keys, n=1)
            ignored.append(Ignored(key, "it is not in the table", close[0] if close else None))
    return assigned, ignored


def _alike(model: type[WaffleModel], key: str) -> list[str]:
    """The fields that a key may mean: the one of its very name, or all that differ in case only."""
    if key in facts(model):
        return [key]
    return [name for name in facts(model) if name.casefold() == key.casefold()]


def _unassigned(model: type[WaffleModel], key: str, names: list[str]) -> Ignored:
    if names:
        return Ignored(key, f"it may mean {' or '.join(names)}: map it to one of them")
    close = difflib.get_close_matches(key.casefold(), facts(model), n=1)
    return Ignored(key, "there is no such setting", close[0] if close else None)


# --- what the model says to it --------------------------------------------------------------------


def _tried(
    before: Snapshot[M],
    values: dict[str, object],
    assigned: Mapping[str, str],
    refused: list[Refused],
) -> Planned[M] | None:
    """The change that the values make; those that are refused move from `values` to `refused`.

    So that one run tells them all: with a refused value in it, Pydantic does not try the rules
    across settings.
    """
    while True:
        draft = Draft(uuid.uuid4().hex, channel="import", updates=dict(values))
        why: dict[str, str] = {}
        rules: list[str] = []
        try:
            return planned(draft, before)
        except SettingLocked as locked:
            why[locked.field] = f"it is locked by the environment variable {locked.variable}"
        except InvalidChange as error:
            for detail in error.errors():
                name = str(detail["loc"][0]) if detail["loc"] else ""
                if name in values:
                    why.setdefault(name, sentence(detail))
                else:
                    rules.append(sentence(detail))
        refused += [Refused(assigned[name], name, reason) for name, reason in why.items()]
        if not why:
            refused += [Refused(None, None, reason) for reason in rules]
            return None
        for name in why:
            del values[name]


def _entries(
    model: type[WaffleModel], made: Planned[M] | None, assigned: Mapping[str, str]
) -> tuple[Entry, ...]:
    """What the history would say of it."""
    if made is None:
        return ()
    proposal = made.proposal
    record = Record(
        made.after.revision,
        proposal.change_id,
        "",
        datetime.now(UTC),
        proposal.actor,
        proposal.note,
        proposal.channel,
        proposal.fields,
    )
    fields = change_of(model, record).fields
    return tuple(Entry(assigned[f.field], f.field, f.before, f.after) for f in fields)
