"""Snapshot: overrides, environment and model make validated settings."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal

from pydantic import ValidationError

from typed_waffle.change import Overrides, State
from typed_waffle.environment import Locks, locks
from typed_waffle.errors import ConfigurationError
from typed_waffle.fieldtypes import immutable
from typed_waffle.model import M, known, named
from typed_waffle.refusal import details, reasons, secrets_in
from typed_waffle.values import loaded, malformed

__all__ = [
    "MUTABLE",
    "Origin",
    "Rejected",
    "Snapshot",
    "Unfit",
    "assembled",
    "begun",
    "resting",
    "salvaged",
]

MUTABLE = "a validator made a value of it that can be mutated in place"
"""Why a value is refused that its type does not promise."""

Origin = Literal["default", "stored", "environment", "override"]


@dataclass(frozen=True, slots=True)
class Unfit:
    """A stored value that this worker's model refuses."""

    why: str
    instead: str | None = field(default=None, repr=False)
    """The last good text of the field, shown in its place; `None` for the default."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot(Generic[M]):
    """A validated, deeply immutable settings instance and its revision.

    It never changes: keep it as long as you like, hand it to threads.
    """

    settings: M
    """The settings themselves."""
    revision: int
    """The revision of the store that they show; 0 before the first change."""
    state: State = field(default=State(), repr=False)
    """What was stored at that revision (the library's own)."""
    locks: Locks = field(default_factory=dict, repr=False)
    """What the environment pins (the library's own)."""
    unfit: Mapping[str, Unfit] = field(default_factory=dict, repr=False)
    """Stored fields that this model refuses: they show another value (the library's own)."""
    overridden: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What `Waffle.override` puts on top, as JSON texts (the library's own)."""

    def origin(self, field: str) -> Origin:
        """Where the value of a field comes from.

        Raises:
            UnknownSetting: the model has no such field.
        """
        fact = known(type(self.settings), field)
        if field in self.overridden:
            return "override"
        if field in self.locks:
            return "environment"
        stored = any(name in self.state.overrides for name in fact.names)
        if stored and field not in self.unfit:
            return "stored"
        return "default"

    def texts(self) -> dict[str, str]:
        """The JSON texts in force: all that is not a default."""
        texts = in_force(type(self.settings), self.state.overrides, self.locks, self.unfit)
        return {**texts, **self.overridden}


class Rejected(Exception):  # noqa: N818 - internal: it ends in a status, never at a caller
    """A stored state that this worker's model refuses."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__(
            "; ".join(f"{name}: {why}" if name else why for name, why in reasons.items())
        )
        self.reasons = reasons


def in_force(
    model: type[M], overrides: Overrides, locks: Locks, unfit: Mapping[str, Unfit]
) -> dict[str, str]:
    """The texts that decide, the environment's first, fields that the model lacks left out."""
    stored = named(model, overrides)
    for name, found in unfit.items():
        stored.pop(name, None)
        if found.instead is not None:
            stored[name] = found.instead
    return {**stored, **{name: pinned.text for name, pinned in locks.items()}}


def assembled(
    model: type[M], state: State, locks: Locks, unfit: Mapping[str, Unfit] | None = None
) -> Snapshot[M]:
    """The snapshot that a stored state makes, or nothing.

    `unfit` are stored fields refused before, which go on being shown as they were.

    Raises:
        Rejected: a stored value, or a rule across fields, does not fit the model.
    """
    skipped = dict(unfit or {})
    texts = in_force(model, state.overrides, locks, skipped)
    broken = {name: why for name, text in texts.items() if (why := malformed(text))}
    if broken:
        raise Rejected(broken)
    try:
        settings = loaded(model, texts)
    except ValidationError as error:
        refused = reasons(details(model, error, secrets_in(model, texts)))
    except (Exception, SystemExit) as error:  # a validator of the user's may raise anything
        if isinstance(error, SystemExit) and not _exits(model, texts):
            raise  # a signal asked the process to end
        refused = {"": f"a validator raised {type(error).__name__}"}
    else:
        refused = {name: MUTABLE for name in texts if not immutable(getattr(settings, name))}
        if not refused:
            return Snapshot(settings, state.head.revision, state, locks, skipped)
    raise Rejected(refused)


def _exits(model: type[M], texts: Mapping[str, str]) -> bool:
    """Whether a validator exits: it does so each time."""
    try:
        loaded(model, texts)
    except SystemExit:
        return True
    except Exception:  # noqa: BLE001 - whatever it is, it is no exit
        return False
    return False


def salvaged(
    model: type[M], state: State, locks: Locks, last_good: Overrides | None = None
) -> Snapshot[M]:
    """The snapshot that a stored state makes, each refused field at its last good or default value.

    A field that its own rule refuses goes first. If a rule across fields still fails, the fields
    are taken in one at a time, in order and again while that helps, and those that break the rule
    are left out, at their defaults.

    Raises:
        Rejected: the defaults and the environment alone break a rule.
    """
    good = last_good or {}
    unfit: dict[str, Unfit] = {}
    stored = named(model, state.overrides)
    while True:
        try:
            return assembled(model, state, locks, unfit)
        except Rejected as rejected:
            alone = {n: why for n, why in rejected.reasons.items() if n in stored}
        # A last good value that fails as well gives way to the default.
        alone = {n: why for n, why in alone.items() if n not in unfit or unfit[n].instead}
        if not alone:
            return _one_by_one(model, state, locks, unfit)
        for name, why in alone.items():
            unfit[name] = Unfit(unfit[name].why) if name in unfit else Unfit(why, good.get(name))


def begun(
    model: type[M], state: State, locks: Locks, last_good: Overrides | None = None
) -> Snapshot[M]:
    """As `salvaged`, for a worker that begins, or would.

    Raises:
        ConfigurationError: the defaults and the environment alone break a rule.
    """
    try:
        return salvaged(model, state, locks, last_good)
    except Rejected as rejected:
        variables = ", ".join(pinned.variable for pinned in locks.values())
        raise ConfigurationError(variables, f"together they break a rule: {rejected}") from None


def resting(model: type[M], prefix: str | None, environ: Mapping[str, str]) -> Snapshot[M]:
    """What a worker would show that has read nothing: the defaults, and what the environment pins.

    The same snapshot again while the environment stays the same.

    Raises:
        ConfigurationError: as `begun`; or a field refuses its variable.
    """
    start = prefix and prefix.casefold()
    mine = {n: text for n, text in environ.items() if start and n.casefold().startswith(start)}
    return _resting(model, prefix, frozenset(mine.items()))  # pyright: ignore[reportArgumentType] # a class hashes, whatever its instances do


@functools.lru_cache(maxsize=64)
def _resting(
    model: type[M], prefix: str | None, environ: frozenset[tuple[str, str]]
) -> Snapshot[M]:
    return begun(model, State(), locks(model, prefix, dict(environ)) if prefix else {})


def _one_by_one(
    model: type[M], state: State, locks: Locks, unfit: Mapping[str, Unfit]
) -> Snapshot[M]:
    left_out = {name: Unfit(found.why) for name, found in unfit.items()}
    stored = list(named(model, state.overrides))
    left_out |= {name: Unfit("") for name in stored if name not in unfit}
    waiting = [name for name in stored if name not in unfit or unfit[name].instead]
    helps = True
    while helps:
        helps = False
        for name in tuple(waiting):
            wanted = {name: unfit[name]} if name in unfit else {}
            others = {other: found for other, found in left_out.items() if other != name}
            try:
                assembled(model, state, locks, others | wanted)
            except Rejected as rejected:
                left_out[name] = Unfit(left_out[name].why or str(rejected))
            else:
                left_out = others | wanted
                waiting.remove(name)
                helps = True
    return assembled(model, state, locks, left_out)
