"""Catalog: what people may know of every setting. Secrets are masked in all of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic

from typed_waffle.change import Change, FieldChange, Stamp
from typed_waffle.constraints import constraint
from typed_waffle.edit import tellable
from typed_waffle.errors import UnknownSetting
from typed_waffle.model import FieldFacts, M, WaffleModel, facts, holding, known
from typed_waffle.parts import bare
from typed_waffle.snapshot import Origin, Snapshot
from typed_waffle.values import data, malformed, masked, shown

__all__ = ["Catalog", "Entry", "Layer", "plain", "plain_fields", "told"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One of the places that a value may come from."""

    origin: Origin
    value: object
    """As plain data."""
    wins: bool
    note: str | None
    """The variable that pins it, or why a stored value is not shown."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting. Values are plain data, as JSON has them."""

    field: str
    type: str
    """As the developer wrote it."""
    value: object
    default: object
    origin: Origin
    secret: bool
    constraint: str | None
    """What the type and its rules take, in words."""
    description: str | None
    variable: str | None
    """The environment variable that pins it; it cannot be changed then."""
    problem: str | None
    """Why what is stored is not shown, if it is not."""
    stored: bool
    """Whether somebody set it."""
    latest: Stamp | None
    """Its last change that the history knows."""
    layers: tuple[Layer, ...]
    """Every place that has a value for it, the winning one among them, strongest first."""


class Catalog(Generic[M]):
    """The settings of one snapshot, in the order of the model."""

    def __init__(self, snapshot: Snapshot[M], latest: Mapping[str, Stamp]) -> None:
        self.revision: int = snapshot.revision
        self._snapshot = snapshot
        self._model = type(snapshot.settings)
        self._latest = latest
        self._defaults: Any = None  # Any: an instance of the model
        self._dumped: dict[int, dict[str, object]] = {}

    def entries(self, only: Collection[str] | None = None) -> tuple[Entry, ...]:
        """Every setting, or those that are named."""
        for settings in (self._snapshot.settings, self._default()):
            self._dumped[id(settings)] = shown(settings)
        return tuple(
            self._entry(fact)
            for name, fact in facts(self._model).items()
            if only is None or name in only
        )

    def entry(self, field: str) -> Entry:
        """One setting, which the model is known to have."""
        return self._entry(facts(self._model)[field])

    def _entry(self, fact: FieldFacts) -> Entry:
        snapshot, name = self._snapshot, fact.name
        pinned, unfit = snapshot.locks.get(name), snapshot.unfit.get(name)
        layers = tuple(self._layers(fact))
        return Entry(
            field=name,
            type=fact.type,
            value=self._data(snapshot.settings, name),
            default=layers[-1].value,
            origin=snapshot.origin(name),
            secret=fact.secret,
            constraint=constraint(self._model, name),  # pyright: ignore[reportArgumentType] # a class hashes, whatever its instances do
            description=fact.description,
            variable=pinned.variable if pinned else None,
            problem=(unfit.why or "a rule across settings refuses it") if unfit else None,
            stored=any(layer.origin == "stored" for layer in layers),
            latest=self._stamp(fact),
            layers=layers,
        )

    def _layers(self, fact: FieldFacts) -> list[Layer]:
        snapshot, name = self._snapshot, fact.name
        wins = snapshot.origin(name)
        found: list[Layer] = []
        pinned, unfit = snapshot.locks.get(name), snapshot.unfit.get(name)
        if pinned is not None:
            value = self._data(snapshot.settings, name)
            found.append(Layer("environment", value, wins == "environment", pinned.variable))
        stored = next((n for n in fact.names if n in snapshot.state.overrides), None)
        if stored is not None:
            text = snapshot.state.overrides[stored]
            shown = None if malformed(text) else data(tellable(self._model, name, text))
            note = unfit.why if unfit else None
            if note is None and stored != name:
                note = f"under its old name, {stored}"
            found.append(Layer("stored", shown, wins == "stored", note))
        default = self._data(self._default(), name)
        found.append(Layer("default", default, wins == "default", None))
        return found

    def _default(self) -> M:
        if self._defaults is None:
            defaults = {n: info.default for n, info in self._model.model_fields.items()}
            # Made without the rules across fields, which hold for the values in force.
            self._defaults = self._snapshot.settings.model_copy(update=defaults)
        made: M = self._defaults
        return made

    def _data(self, settings: M, name: str) -> object:
        dumped = self._dumped.get(id(settings), {})
        return dumped[name] if name in dumped else data(masked(settings, [name])[name])

    def _stamp(self, fact: FieldFacts) -> Stamp | None:
        stamps = [self._latest[name] for name in fact.names if name in self._latest]
        return max(stamps, key=lambda stamp: stamp.revision, default=None)


def told(model: type[WaffleModel], change: Change) -> Change:
    """The same change, with its values as plain data."""
    return replace(change, fields=plain_fields(model, change.fields))


def plain_fields(
    model: type[WaffleModel], fields: Iterable[FieldChange]
) -> tuple[FieldChange, ...]:
    """The same fields, with their values as plain data."""
    return tuple(
        FieldChange(f.field, plain(model, f.field, f.before), plain(model, f.field, f.after))
        for f in fields
    )


def plain(model: type[WaffleModel], name: str, value: object) -> object:
    """A value of a setting, as a change tells it, as plain data."""
    try:
        fact = known(model, name, former=True)
    except UnknownSetting:
        return value  # it is plain: no type says otherwise
    if fact.secret:
        return value  # masked, and plain for that
    holder = holding(bare(model.model_fields[fact.name])).model_construct(value=value)
    return data(masked(holder, ["value"])["value"])
