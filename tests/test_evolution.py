"""Models that change while what was stored stays: new releases, and two of them at once."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pytest
from pydantic import Field, SecretStr, model_validator
from sqlalchemy import Engine

from tests.support.worker import Tape, Worker, worker
from typed_waffle import InvalidChange, Waffle, WaffleModel
from typed_waffle.model import Setting, facts, named, reader
from typed_waffle.protocols import Store
from typed_waffle.stores.engines import own_engine
from typed_waffle.stores.sql import SqlStore
from typed_waffle.values import same


@pytest.fixture
def config(tmp_path: Path) -> dict[str, str]:
    return {"WAFFLE_DATABASE_URL": f"sqlite:///{tmp_path / 'waffle.db'}"}


# --- a new release (FAULTS V11) -----------------------------------------------------------------


class Yesterday(WaffleModel):
    """What the last release declared."""

    name: str = "Waffle"
    size: int = 1
    other: int = 2


class Retyped(WaffleModel):
    name: str = "Waffle"
    size: tuple[int, ...] = (1,)
    other: int = 2


class Tightened(WaffleModel):
    name: Annotated[str, Field(max_length=9)] = "Waffle"
    size: int = 1
    other: int = 2


class Ruled(WaffleModel):
    name: str = "Waffle"
    size: int = 1
    other: int = 2

    @model_validator(mode="after")
    def in_proportion(self) -> Self:
        """A rule across two of them."""
        if self.size > 10 * self.other:
            raise ValueError("size is more than ten times other")
        return self


class Removed(WaffleModel):
    name: str = "Waffle"
    other: int = 2


class Forgotten(WaffleModel):
    """Renamed, and nobody said so."""

    title: str = "Waffle"
    size: int = 1
    other: int = 2


class Renamed(WaffleModel):
    title: Annotated[str, Setting(renamed_from="name")] = "Waffle"
    size: int = 1
    other: int = 2


class RenamedAndTightened(WaffleModel):
    title: Annotated[str, Field(max_length=9), Setting(renamed_from="name")] = "Waffle"
    size: int = 1
    other: int = 2


class RenamedAndRetyped(WaffleModel):
    name: str = "Waffle"
    sizes: Annotated[tuple[int, ...], Setting(renamed_from="size")] = (1,)
    other: int = 2


class Hidden(WaffleModel):
    """What was shown is a secret today."""

    name: SecretStr = SecretStr("")
    size: int = 1
    other: int = 2


STORED: Mapping[str, Any] = {"name": "far too long", "size": 77, "other": 3}  # Any: of any field

CHANGES: list[tuple[type[WaffleModel], dict[str, object], str | None]] = [
    (Retyped, {"name": "far too long", "size": (1,)}, "size: Input should be a valid array"),
    (Tightened, {"name": "Waffle", "size": 77}, "name: String should have at most 9 characters"),
    (Ruled, {"name": "far too long", "size": 1}, "size: size is more than ten times other"),
    (Removed, {"name": "far too long"}, None),
    (Forgotten, {"title": "Waffle", "size": 77}, None),
    (Renamed, {"title": "far too long", "size": 77}, None),
    (RenamedAndTightened, {"title": "Waffle", "size": 77}, "title: String should have at most 9"),
    (RenamedAndRetyped, {"name": "far too long", "sizes": (1,)}, "sizes: Input should be a valid"),
    (Hidden, {"name": SecretStr("far too long"), "size": 77}, None),
]


@pytest.mark.parametrize(
    ("model", "shown", "reason"), CHANGES, ids=[model.__name__ for model, *_ in CHANGES]
)
def test_a_stored_value_that_does_not_fit_shows_its_default_alone(
    model: type[WaffleModel], shown: dict[str, object], reason: str | None, config: dict[str, str]
) -> None:
    """The release starts, the rest keeps what is stored, the status says why (FAULTS V11)."""
    with Waffle(Yesterday).connect(config) as yesterday:
        yesterday.update(**STORED)

    with Waffle(model).connect(config) as today:
        settings, status = today.current_settings, today.status()
        assert {name: getattr(settings, name) for name in shown} == shown
        assert getattr(settings, "other") == 3  # noqa: B009 - of any of these models
        assert status.state == ("rejected" if reason else "live")
        assert reason is None or reason in (status.last_error or "")
        changed = today.update(other=30)
        assert changed is not None
        assert [f.field for f in changed.fields] == ["other"]

    with Waffle(Yesterday).connect(config) as yesterday:
        now = yesterday.current_settings
        assert (now.name, now.size) == ("far too long", 77)  # neither a read nor a write took it


def test_what_does_not_fit_is_healed_by_a_write(config: dict[str, str]) -> None:
    """Of that field; then nothing is refused any more."""
    with Waffle(Yesterday).connect(config) as yesterday:
        yesterday.update(**STORED)

    with Waffle(Tightened).connect(config) as today:
        today.update(name="fits")
        assert today.status().state == "live"
        assert today.snapshot().origin("name") == "stored"


# --- two releases at once (FAULTS V12) ----------------------------------------------------------


class A(WaffleModel):
    """The old code."""

    site_name: Annotated[str, Field(max_length=20)] = "Waffle"
    api_key: SecretStr = SecretStr("")
    size: int = 1
    mode: int = 0
    tags: tuple[str, ...] = ()
    legacy: bool = False


class B(WaffleModel):
    """The new code: two fields renamed, two tightened, one of another type, one more, one less."""

    site_title: Annotated[str, Field(max_length=9), Setting(renamed_from="site_name")] = "Waffle"
    token: Annotated[SecretStr, Setting(renamed_from="api_key")] = SecretStr("")
    size: Annotated[int, Field(ge=0, le=50)] = 1
    mode: Literal["on", "off"] = "off"
    tags: tuple[str, ...] = ()
    colour: str = "brown"


_WORDS = ["", "a", "Waffle", "Café", "ten letters", "\U0001f9c7" * 3]


def _value(name: str, chance: random.Random) -> object:
    """A value for a field: mostly one that its own model takes, sometimes not the other's."""
    match name:
        case "size":
            return chance.randrange(-20, 120)
        case "mode":
            return chance.choice([0, 1, 2, "on", "off"])
        case "legacy":
            return chance.choice([True, False])
        case "tags":
            return tuple(chance.sample(_WORDS, chance.randrange(3)))
        case _:
            return chance.choice(_WORDS)


@dataclass
class Fleet:
    """A worker of each release on one database, with a bus that loses messages."""

    store: Store
    """A handle of the test's own, to look at what is stored."""
    handle: Callable[[], Store]
    chance: random.Random
    workers: list[Worker] = field(default_factory=list)
    tapes: list[Tape] = field(default_factory=list)
    refused: int = 0
    rejected: int = 0
    late: list[tuple[Worker, Any]] = field(default_factory=list)  # Any: an announcement

    def __post_init__(self) -> None:
        for model in (A, B):
            self.tapes.append(Tape())
            self.workers.append(worker(self.handle(), self.tapes[-1], model=model))
            self.workers[-1].settle()

    @property
    def stored(self) -> dict[str, str]:
        return dict(self.store.state("default").overrides)

    def step(self) -> None:
        """One random save or reset by either of them, and what becomes of its message."""
        number = self.chance.randrange(2)
        who, other = self.workers[number], self.workers[1 - number]
        names = self.chance.sample(list(facts(who.runtime.model)), self.chance.randrange(1, 4))
        resets = [name for name in names if self.chance.random() < 0.25]
        updates = {n: _value(n, self.chance) for n in names if n not in resets}
        before = self.stored
        try:
            change = who.write(*resets, **updates)
        except InvalidChange:
            self.refused += 1
            assert self.stored == before
        else:
            touched = {f.field for f in change.fields} if change else set()
            self.check(who, before, resets, {n: v for n, v in updates.items() if n in touched})
        self.deliver(other, self.tapes[number])

    def check(
        self, who: Worker, before: dict[str, str], resets: list[str], updates: dict[str, object]
    ) -> None:
        """Only what was asked for was stored or dropped."""
        model = who.runtime.model
        dropped = {name for reset in resets for name in facts(model)[reset].names}
        expected = {n: text for n, text in before.items() if n not in dropped}
        after = self.stored
        for name, value in updates.items():
            assert reader(model, name)(after[name]) == reader(model, name)(json.dumps(value))
            expected[name] = after[name]
        assert after == expected

    def deliver(self, other: Worker, tape: Tape) -> None:
        """Messages arrive, late, or never; then a look at the store finds what they told."""
        said, tape.said = tape.said, []
        fate = self.chance.random()
        if fate < 0.6:
            other.hears(*said)
        elif fate < 0.8:
            self.late += [(other, one) for one in said]
        if self.chance.random() < 0.2:
            late, self.late = self.late, []
            for whom, one in late:
                whom.hears(one)
        if self.chance.random() < 0.3:
            other.runtime.check()
        for each in self.workers:
            self.look(each)

    def look(self, who: Worker) -> None:
        """Its settings are of its model, and those of what it took in."""
        live, model = who.runtime.live, who.runtime.model
        values = {name: getattr(live.settings, name) for name in facts(model)}
        assert same(model.model_validate(values), live.settings)
        for name, text in named(model, live.state.overrides).items():
            if name not in live.unfit:
                assert same(values[name], reader(model, name)(text))
        self.rejected += who.runtime.status().state == "rejected"

    def start(self, model: type[WaffleModel]) -> None:
        """One more worker starts: what its model takes is shown, and of the rest the default."""
        started = worker(self.handle(), model=model)
        unfit = set()
        for name, text in named(model, self.stored).items():
            try:
                fits = reader(model, name)(text)
            except ValueError:
                unfit.add(name)
                fits = model.model_fields[name].default
            assert same(getattr(started.settings, name), fits)
        status = started.runtime.status()
        assert set(started.runtime.live.unfit) == unfit
        assert (status.state == "rejected") == bool(unfit)
        assert all(f"{name}: " in (status.last_error or "") for name in unfit)


def _on_sqlite(folder: Path, engines: list[Engine]) -> Store:
    engines.append(own_engine(None, folder))
    return SqlStore(engines[-1])


@pytest.mark.parametrize("seed", range(3))
def test_two_releases_share_one_database(seed: int, tmp_path: Path) -> None:
    """500 saves and resets lose nothing and hurt nobody (FAULTS V11, V12)."""
    engines: list[Engine] = []
    store = _on_sqlite(tmp_path, engines)
    fleet = Fleet(store, lambda: _on_sqlite(tmp_path, engines), random.Random(seed))  # noqa: S311 - no secret

    for number in range(500):
        fleet.step()
        if number % 50 == 49:
            for model in (A, B):
                fleet.start(model)

    revision = store.head("default").revision
    rows = store.history("default", limit=revision + 1)
    assert [row.revision for row in rows] == list(range(revision, 0, -1))
    latest = {f.field: f.is_stored for row in reversed(rows) for f in row.fields}
    assert {name for name, stored in latest.items() if stored} == fleet.stored.keys()
    for who in fleet.workers:
        who.runtime.check()
        assert who.runtime._display.known == store.state("default")
    # The run is worth something only if all of it happened.
    assert revision > 200
    assert fleet.refused > 20
    assert fleet.rejected > 20
    for engine in engines:
        engine.dispose()
