"""Edit: the parts of one change, and their validation on top of what is stored."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from typed_waffle.change import Change, Channel, FieldChange, FieldRecord, Head, Record, State
from typed_waffle.environment import without_rules_across
from typed_waffle.errors import InvalidChange, SettingLocked
from typed_waffle.fieldtypes import immutable
from typed_waffle.model import M, WaffleModel, alone, facts, known, named, reader
from typed_waffle.protocols import Proposal
from typed_waffle.refusal import (
    changed_by_json,
    details,
    fault,
    lost,
    no_json_form,
    secrets_in,
    secrets_of,
    summary,
)
from typed_waffle.snapshot import MUTABLE, Snapshot
from typed_waffle.values import (
    MASK,
    MAX_CHANGE,
    data,
    dumped,
    loaded,
    malformed,
    masked,
    same,
    unreadable,
)

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = [
    "Draft",
    "Edit",
    "Planned",
    "change_of",
    "check_alone",
    "field_change",
    "overlaid",
    "planned",
    "tellable",
]


CORRECT = "Correct it in the call of override."
"""What to do about an override that was refused."""


@dataclass(slots=True)
class Draft:
    """What somebody wants changed, before anything is validated."""

    id: str
    actor: str | None = None
    note: str | None = None
    channel: Channel = "python"
    expected_revision: int | None = None
    updates: dict[str, object] = field(default_factory=dict, repr=False)
    resets: set[str] = field(default_factory=set)
    exact: bool = False
    """Whether a value that is in force as the default is stored all the same (a rollback)."""

    def update(self, fields: Mapping[str, object]) -> None:
        """Set these fields; the last word on a field counts."""
        self.resets -= fields.keys()
        self.updates |= fields

    def reset(self, fields: Iterable[str]) -> None:
        """Put these fields back to their defaults; the last word on a field counts."""
        for name in fields:
            self.updates.pop(name, None)
            self.resets.add(name)


class Edit(Generic[M]):
    """One change of many parts, committed when its `with` block ends."""

    change: Change | None
    """What was committed; `None` before the end of the block, and if nothing differed."""

    def __init__(self, draft: Draft) -> None:
        self.change = None
        self._draft = draft

    def update(self, /, **fields: object) -> None:
        """Set fields. Nothing is validated or written before the block ends."""
        self._draft.update(fields)

    def reset(self, *fields: str) -> None:
        """Put fields back to their defaults."""
        self._draft.reset(fields)


@dataclass(frozen=True, slots=True)
class Planned(Generic[M]):
    """A validated change: what to commit, and the snapshot it makes."""

    proposal: Proposal
    before: Snapshot[M]
    after: Snapshot[M]


def planned(draft: Draft, before: Snapshot[M]) -> Planned[M] | None:
    """Validate a draft on top of `before`, the snapshot of what is stored now.

    The whole model is validated, as `Model(**fields)` would validate it; then the values go
    through JSON and back, because that is what every other worker will see. A field that would
    keep its value is left alone. `None` if nothing would change.

    Raises:
        UnknownSetting: the model has no such field.
        SettingLocked: an environment variable pins the field.
        InvalidChange: the model refuses the change, or a value does not survive JSON.
    """
    model = type(before.settings)
    _check_names(model, draft, before)
    candidate = _candidate(model, draft, before)
    texts = _texts(model, draft, candidate)
    stored = named(model, before.state.overrides)
    updates = {
        name: text
        for name, text in texts.items()
        if name in before.unfit
        or (draft.exact and name not in stored)
        or not same(getattr(before.settings, name), getattr(candidate, name))
    }
    resets = draft.resets & stored.keys()
    touched = [name for name in facts(model) if name in updates or name in resets]
    if not touched:
        return None
    # The old name's too, or it would shine through. An update leaves it: older code reads it.
    dropped = {n for name in resets for n in facts(model)[name].names}
    kept = {n: text for n, text in before.state.overrides.items() if n not in dropped}
    state = State(Head(before.revision + 1, draft.id), {**kept, **updates})
    unfit = {n: found for n, found in before.unfit.items() if n not in touched}
    after = replace(before, revision=state.head.revision, state=state, unfit=unfit)
    after = replace(after, settings=_reloaded(after, updates, candidate))
    records = _records(touched, before, after)
    _check_length(records)
    proposal = Proposal(
        draft.id,
        state.overrides,
        records,
        draft.actor,
        draft.note,
        draft.channel,
    )
    return Planned(proposal, before, after)


def _check_names(model: type[WaffleModel], draft: Draft, before: Snapshot[M]) -> None:
    for name in (*draft.updates, *draft.resets):
        known(model, name)
        pinned = before.locks.get(name)
        if pinned is not None:
            raise SettingLocked(name, pinned.variable)


def _candidate(model: type[M], draft: Draft, before: Snapshot[M]) -> M:
    """The settings that the draft asks for, in Python values."""
    explicit = before.texts().keys() - draft.resets
    values = {name: getattr(before.settings, name) for name in explicit} | draft.updates
    try:
        return model.model_validate(values, extra="forbid", by_alias=False, by_name=True)
    except ValidationError as error:
        found = details(model, error, secrets_of(model, values))
    except OverflowError:
        found = details(model, _beyond(model, values), secrets_of(model, values))
    # Out of the except block, so that Pydantic's error (with the input) is not chained.
    raise InvalidChange(summary(found), found)


def _beyond(model: type[M], values: Mapping[str, object]) -> ValidationError:
    """What is wrong with sizes that no float holds: older Pydantic versions do not say it."""

    def too_large(name: str) -> bool:
        try:
            model.model_validate({name: values[name]}, by_alias=False, by_name=True)
        except ValidationError:
            return False
        except OverflowError:
            return True
        return False

    why = PydanticCustomError("too_large", "it is too large")
    faults = [
        InitErrorDetails(type=why, loc=(name,), input=value)
        for name, value in values.items()
        if too_large(name)
    ]
    return ValidationError.from_exception_data(model.__name__, faults)


def _texts(model: type[WaffleModel], draft: Draft, candidate: WaffleModel) -> dict[str, str]:
    texts: dict[str, str] = {}
    found: list[ErrorDetails] = []
    for name in draft.updates:
        secret = facts(model)[name].secret
        try:
            texts[name] = dumped(candidate, [name])[name]
        except ValueError as error:
            why: str | None = no_json_form(error, secret=secret)
        else:
            unread = unreadable(texts[name])
            why = unread and f"its JSON cannot be loaded: {unread}"
        if not immutable(getattr(candidate, name)):
            why = MUTABLE
        if why is not None:
            found.append(fault(name, draft.updates[name], why, secret=secret))
    if found:
        raise InvalidChange(summary(found), found)
    return texts


def _reloaded(after: Snapshot[M], updates: Mapping[str, str], candidate: M) -> M:
    """The settings as every other worker will load them; they must be what was asked for."""
    model = type(after.settings)
    texts = after.texts()
    found: list[ErrorDetails] = []
    try:
        settings = loaded(model, texts)
    except ValidationError as error:
        found = [changed_by_json(d) for d in details(model, error, secrets_in(model, texts))]
    else:
        for name in updates:
            asked, instead = getattr(candidate, name), getattr(settings, name)
            if not same(instead, asked):
                found.append(lost(name, asked, instead, secret=facts(model)[name].secret))
        if not found:
            return settings
    raise InvalidChange(summary(found), found)


# --- without a store --------------------------------------------------------------------------


def overlaid(before: Snapshot[M], fields: Mapping[str, object]) -> Snapshot[M]:
    """A snapshot with these values on top: what it would show if they could be written.

    What the environment pins gives way as well.

    Raises:
        UnknownSetting: the model has no such field.
        InvalidChange: the model refuses the values, or one does not survive JSON.
    """
    model = type(before.settings)
    draft = Draft("", updates=dict(fields))
    try:
        candidate = _candidate(model, draft, before)
        texts = _texts(model, draft, candidate)
        after = replace(before, overridden={**before.overridden, **texts})
        return replace(after, settings=_reloaded(after, texts, candidate))
    except InvalidChange as refused:
        found = refused.errors()
    raise InvalidChange(summary(found, CORRECT), found)


def check_alone(model: type[M], fields: Mapping[str, object]) -> None:
    """Check values as far as that is possible without those of the other fields.

    Raises:
        UnknownSetting: the model has no such field.
        InvalidChange: a field refuses its value, or the value does not survive JSON.
    """
    for name in fields:
        known(model, name)
    single = _single(model)  # pyright: ignore[reportArgumentType] # a class hashes, whatever its instances do
    try:
        valid = single.model_validate(dict(fields), by_alias=False, by_name=True)
        values = {name: getattr(valid, name) for name in fields}
        candidate = model().model_copy(update=values)
        texts = _texts(model, Draft("", updates=dict(fields)), candidate)
        loads = loaded(single, texts)
    except ValidationError as error:
        found = details(model, error, secrets_of(model, fields))
    except InvalidChange as refused:
        found = refused.errors()
    else:
        found = [
            lost(name, values[name], getattr(loads, name), secret=facts(model)[name].secret)
            for name in fields
            if not same(getattr(loads, name), values[name])
        ]
    if found:
        raise InvalidChange(summary(found, CORRECT), found)


@functools.lru_cache(maxsize=64)
def _single(model: type[WaffleModel]) -> type[BaseModel]:
    """The fields with the rules that look at nothing but their own value."""
    validators = model.__pydantic_decorators__.field_validators
    looking = [
        name
        for name, found in validators.items()
        if len(inspect.signature(found.func).parameters) > (2 if found.info.mode == "wrap" else 1)
    ]
    return without_rules_across(model, looking)


def _records(
    touched: list[str], before: Snapshot[M], after: Snapshot[M]
) -> tuple[FieldRecord, ...]:
    model = type(after.settings)
    old, new = masked(before.settings, touched), masked(after.settings, touched)
    were, are = before.state.overrides, after.state.overrides
    records: list[FieldRecord] = []
    for name in touched:
        records.append(FieldRecord(name, old[name], new[name], name in were, name in are))
        former = facts(model)[name].renamed_from
        if former is not None and former in were and former not in are:
            text = tellable(model, name, were[former])
            records.append(FieldRecord(former, text, new[name], was_stored=True, is_stored=False))
    return tuple(records)


def tellable(model: type[WaffleModel], name: str, text: str) -> str:
    """A stored text as people may see it, and the history may keep it."""
    if facts(model)[name].secret:
        return _hidden(model, name, text)
    return "null" if malformed(text) else text


def _hidden(model: type[WaffleModel], name: str, text: str) -> str:
    """The text of a field with every secret in it masked; all of it, if it does not fit."""
    try:
        return masked(alone(model, name)(text), ["value"])["value"]  # pyright: ignore[reportArgumentType] # a class hashes, whatever its instances do
    except Exception:  # noqa: BLE001 - a validator of the user's may raise anything
        return json.dumps(MASK)


def _check_length(records: tuple[FieldRecord, ...]) -> None:
    length = sum(len(record.before) + len(record.after) for record in records)
    if length > MAX_CHANGE:
        why = (
            f"its values, before and after, are {length} characters of JSON together; "
            f"{MAX_CHANGE} is the most. Make it in parts"
        )
        found: ErrorDetails = {"type": "value_error", "loc": (), "msg": why, "input": None}
        raise InvalidChange(f"the change is refused: {why}. Nothing was written.", [found])


def change_of(model: type[WaffleModel], record: Record) -> Change:
    """A history row as people read it: values typed by today's model where they still fit it."""
    fields = tuple(field_change(model, r.field, r.before, r.after) for r in record.fields)
    return Change(
        revision=record.revision,
        id=record.id,
        at=record.at,
        actor=record.actor,
        note=record.note,
        channel=record.channel,
        fields=fields,
    )


def field_change(model: type[WaffleModel], name: str, before: str, after: str) -> FieldChange:
    """What became of one field, of the texts that the history has, as people read it."""
    return FieldChange(name, _value(model, name, before), _value(model, name, after))


def _value(model: type[WaffleModel], name: str, text: str) -> object:
    try:
        fact = known(model, name, former=True)
        if fact.secret:
            # Again: when the row was written, the field may not have been one.
            return data(_hidden(model, fact.name, text))
        return reader(model, fact.name)(text)
    except Exception:  # noqa: BLE001 - no such field any more; or a validator of the user's
        return data(text)
