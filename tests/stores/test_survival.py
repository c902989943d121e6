"""Types that must survive: written by one worker, read by another, on every database."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.conftest import needed
from tests.support.compounds import KINDS, nested
from tests.support.databases import DATABASES, Servers, missing
from tests.support.kinds import Kind
from typed_waffle import InvalidChange, WaffleModel
from typed_waffle.change import Change, State
from typed_waffle.edit import Draft
from typed_waffle.ledger import Ledger
from typed_waffle.protocols import Store
from typed_waffle.runtime import Observer, Rules, Runtime
from typed_waffle.stores.memory import MemoryStore
from typed_waffle.stores.sql import SqlStore
from typed_waffle.values import MASK, same

EXAMPLES = {"memory": 30, "sqlite": 10, "postgresql": 5, "mariadb": 5}
"""How many values of each kind are tried: each costs five transactions."""


@dataclass
class Handles:
    """One database, as two workers hold it."""

    one: Store
    other: Store
    examples: int


def handles(kind: str, servers: Servers, folder: Callable[[str], Any]) -> Iterator[Handles]:
    if kind == "memory":
        store = MemoryStore()
        yield Handles(store, store, EXAMPLES[kind])
        return
    needed(missing(kind))
    database = servers.database(kind, folder(kind))
    engine = database.own if kind == "sqlite" else database.engine  # pooled, for speed
    yield Handles(SqlStore(engine()), SqlStore(engine()), EXAMPLES[kind])
    database.close()


@pytest.fixture(scope="module", params=["memory", *DATABASES])
def stores(
    request: pytest.FixtureRequest,
    database_servers: Servers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Handles]:
    """One database for all values; each of them gets a namespace of its own."""
    yield from handles(request.param, database_servers, tmp_path_factory.mktemp)


def worker(model: type[WaffleModel], store: Store, namespace: str) -> Runtime[Any]:
    """A worker that has just started."""
    silent: Observer[Any] = Observer(lambda _: None, lambda *_: None, lambda *_: None)
    made: Runtime[Any] = Runtime(model, Rules(namespace), store, None, silent, {})
    made.boot()
    return made


def write(by: Runtime[Any], value: object) -> Change | None:
    return by.write(Draft(uuid.uuid4().hex, updates={"value": value}))


def history(model: type[WaffleModel], store: Store, namespace: str) -> tuple[Change, ...]:
    return Ledger(model, store, namespace).page(field="value", limit=9, before=None)


def check(kind: Kind, value: object, stores: Handles) -> None:
    """It is refused with nothing written, or another worker reads the very same."""
    namespace = uuid.uuid4().hex
    writer = worker(kind.model, stores.one, namespace)
    if kind.refused(value):
        with pytest.raises(InvalidChange) as refusal:
            write(writer, value)
        assert refusal.value.fields == ("value",)
        assert "Nothing was written" in str(refusal.value)
        assert stores.other.state(namespace) == State()
        assert same(writer.live.settings.value, kind.model().value)
        return

    change = write(writer, value)
    reader = worker(kind.model, stores.other, namespace)

    assert same(writer.live.settings.value, value)
    assert same(reader.live.settings.value, value)
    if same(value, kind.model().value):
        assert change is None
        return
    assert change is not None
    assert same(change, history(kind.model, stores.other, namespace)[0])
    after = change.fields[0].after
    assert same(after, value) or MASK in repr(after)
    assert write(reader, value) is None


@pytest.mark.parametrize("name", KINDS)
def test_a_value_of_note_survives_or_is_refused(name: str, stores: Handles) -> None:
    """What other systems have lost or changed comes back the same, of the same type (V1)."""
    for value in KINDS[name].picked:
        check(KINDS[name], value, stores)


@pytest.mark.parametrize("depth", [100, 101, 300])
def test_a_tree_survives_as_deep_as_json_is_read(depth: int, stores: Handles) -> None:
    """That is 200 levels, two for each of the tree's; a deeper one is refused (V9)."""
    check(KINDS["WaffleModel: deep"], nested(depth), stores)


@pytest.mark.parametrize("name", KINDS)
def test_any_value_survives_or_is_refused(name: str, stores: Handles) -> None:
    """It is known beforehand which values are refused; all others come back the same."""
    kind = KINDS[name]

    @settings(
        max_examples=stores.examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(kind.values)
    def each(value: object) -> None:
        check(kind, value, stores)

    each()
