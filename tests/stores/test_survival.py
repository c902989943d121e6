"""Types that must survive: written by one worker, read by another, on every store."""

from __future__ import annotations

import re
import uuid
from typing import Any, Self

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import create_model, model_validator

from tests.support.compounds import KINDS, nested
from tests.support.databases import Database
from tests.support.handles import Handles
from tests.support.kinds import Kind
from tests.support.worker import Worker, worker
from typed_waffle import InvalidChange, Waffle, WaffleModel
from typed_waffle.change import Change, State
from typed_waffle.ledger import Ledger
from typed_waffle.protocols import Store
from typed_waffle.runtime import Rules
from typed_waffle.values import MASK, MAX_CHANGE, MAX_TEXT, same

EXAMPLES = {"memory": 30, "sqlite": 10, "postgresql": 5, "mariadb": 5}
"""How many values of each kind are tried: each costs five transactions."""


def started(model: type[WaffleModel], store: Store, namespace: str) -> Worker:
    """A worker that has just read this store."""
    return worker(store, model=model, rules=Rules(namespace))


def history(model: type[WaffleModel], store: Store, namespace: str) -> tuple[Change, ...]:
    return Ledger(model, store, namespace).page(field="value", limit=9, before=None)


def check(kind: Kind, value: object, stores: Handles) -> None:
    """It is refused with nothing written, or another worker reads the very same."""
    namespace = uuid.uuid4().hex
    writer = started(kind.model, stores.one, namespace)
    if kind.refused(value):
        with pytest.raises(InvalidChange) as refusal:
            writer.write(value=value)
        assert refusal.value.fields == ("value",)
        assert "Nothing was written" in str(refusal.value)
        assert stores.other.state(namespace) == State()
        assert same(writer.settings, kind.model())
        return

    change = writer.write(value=value)
    reader = started(kind.model, stores.other, namespace)

    assert same(writer.settings.value, value)
    assert same(reader.settings.value, value)
    if same(value, kind.model().value):
        assert change is None
        return
    assert change is not None
    assert same(change, history(kind.model, stores.other, namespace)[0])
    after = change.fields[0].after
    assert same(after, value) or MASK in repr(after)
    assert reader.write(value=value) is None


@pytest.mark.parametrize("name", KINDS)
def test_a_value_of_note_survives_or_is_refused(name: str, stores: Handles) -> None:
    """What other systems have lost or changed comes back the same, of the same type (V1)."""
    for value in KINDS[name].picked:
        check(KINDS[name], value, stores)


@pytest.mark.parametrize("name", KINDS)
def test_any_value_survives_or_is_refused(name: str, stores: Handles) -> None:
    """It is known beforehand which values are refused; all others come back the same."""
    kind = KINDS[name]

    @settings(
        max_examples=EXAMPLES[stores.kind],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(kind.values)
    def each(value: object) -> None:
        check(kind, value, stores)

    each()


@pytest.mark.parametrize("depth", [100, 101, 300])
def test_a_tree_survives_as_deep_as_json_is_read(depth: int, stores: Handles) -> None:
    """That is 200 levels, two for each of the tree's; a deeper one is refused (V9)."""
    check(KINDS["WaffleModel: deep"], nested(depth), stores)


SIZES = [
    *(2**16 - 1, 2**16, 2**16 + 1),  # where a TEXT column of MySQL ends
    *(MAX_TEXT, MAX_TEXT + 1, 2**20),
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("letter", ["x", '"', "\0", "\U0001f9c7"])
def test_a_text_survives_up_to_the_bound(letter: str, size: int, stores: Handles) -> None:
    """Nothing is cut, and what is too long is refused before a database sees it (V6)."""
    width = {"x": 1, '"': 2, "\0": 6, "\U0001f9c7": 12}[letter]
    letters, rest = divmod(size - 2, width)  # the quotes of the JSON are two
    kind = Kind(str, "", KINDS["str"].values, refused=lambda _: size > MAX_TEXT)

    check(kind, letter * letters + "x" * rest, stores)


BIG: dict[str, Any] = {f"f{n}": (str, "") for n in range(MAX_CHANGE // MAX_TEXT)}
Big: type[WaffleModel] = create_model("Big", __base__=WaffleModel, **BIG)


def test_a_change_survives_up_to_the_bound(stores: Handles) -> None:
    """The most that one change may hold fits every packet; more is refused (V6)."""
    namespace = uuid.uuid4().hex
    writer = started(Big, stores.one, namespace)
    *most, last = ({f"f{n}": '"' * (MAX_TEXT // 2 - 1)} for n in range(len(BIG)))
    together = {name: text for part in most for name, text in part.items()}

    assert writer.write(**together)
    assert same(started(Big, stores.other, namespace).settings, writer.settings)
    with pytest.raises(InvalidChange, match="Make it in parts") as refused:
        writer.write(**{name: f"x{text[:-1]}" for name, text in together.items()})
    assert refused.value.fields == ()
    assert stores.other.head(namespace).revision == 1
    assert writer.write(**last)


class Range(WaffleModel):
    low: int = 0
    high: int = 10

    @model_validator(mode="after")
    def in_order(self) -> Self:
        """Low is at most high."""
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


def test_two_fields_of_a_rule_are_moved_in_one_change_only(stores: Handles) -> None:
    """One by one, in either order, the first is refused and nothing is written (V14)."""
    namespace = uuid.uuid4().hex
    writer = started(Range, stores.one, namespace)

    with pytest.raises(InvalidChange, match="low is above high"):
        writer.write(low=20)
    assert stores.other.state(namespace) == State()
    assert writer.write(low=20, high=30)
    with pytest.raises(InvalidChange, match="low is above high"):
        writer.write(high=10)
    with pytest.raises(InvalidChange, match="low is above high"):
        writer.write("high")

    assert same(started(Range, stores.other, namespace).settings, Range(low=20, high=30))
    assert writer.write("low", "high")


def named(kind: str) -> str:
    """A field's name, of letters that some databases hold to be equal."""
    return "é" + re.sub(r"\W+", "_", kind)


def test_one_change_of_all_kinds_survives(database: Database) -> None:
    """Through the public API, on two engines."""
    kinds = {named(name): kind for name, kind in KINDS.items() if kind.config is None}
    fields: dict[str, Any] = {name: (kind.type, kind.default) for name, kind in kinds.items()}
    model: Any = create_model("Everything", __base__=WaffleModel, **fields)
    values = {
        name: next(value for value in (*kind.picked, kind.default) if not kind.refused(value))
        for name, kind in kinds.items()
    }
    config = {"WAFFLE_LISTENER": "inline"}

    with Waffle(model).connect(config, engine=database.engine()) as waffle:
        change = waffle.update(**values)
    with Waffle(model).connect(config, engine=database.own()) as waffle:
        shown = waffle.snapshot().settings
        found = waffle.history()

    assert change is not None
    assert same(found, (change,))
    for name, value in values.items():
        assert same(getattr(shown, name), model.model_validate({name: value}).__dict__[name]), name
