"""FrozenDict: a mapping that nobody can write to."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from typed_waffle.frozendict import FrozenDict

ITEMS = st.dictionaries(st.text(max_size=5), st.integers(), max_size=5)


def test_it_is_a_mapping() -> None:
    """It reads like the dict it was made of."""
    frozen = FrozenDict({"a": 1, "b": 2})

    assert isinstance(frozen, Mapping)
    assert (frozen["a"], frozen.get("c"), len(frozen), list(frozen), "b" in frozen) == (
        1,
        None,
        2,
        ["a", "b"],
        True,
    )


def test_nothing_is_an_empty_mapping() -> None:
    """Without items it is empty."""
    assert FrozenDict() == {}


def test_it_is_no_window_on_the_dict_it_was_made_of() -> None:
    """A later write to the source does not show."""
    source = {"a": 1}
    frozen = FrozenDict(source)

    source["a"] = 2

    assert frozen == {"a": 1}


@pytest.mark.parametrize(
    "attack",
    [
        lambda frozen: frozen.__setitem__("a", 2),
        lambda frozen: frozen.__delitem__("a"),
        lambda frozen: frozen.update(a=2),
        lambda frozen: frozen.pop("a"),
        lambda frozen: frozen.popitem(),
        lambda frozen: frozen.clear(),
        lambda frozen: frozen.setdefault("b", 2),
        lambda frozen: frozen.__ior__({"b": 2}),
        lambda frozen: setattr(frozen, "_items", {}),
        lambda frozen: setattr(frozen, "new", {}),
        lambda frozen: delattr(frozen, "_items"),
        lambda frozen: frozen.__dict__.update(a=1),
    ],
)
def test_it_cannot_be_written_to(attack: Callable[[Any], object]) -> None:
    """Every way in which a dict is changed fails."""
    frozen = FrozenDict({"a": 1})

    with pytest.raises(AttributeError):
        attack(frozen)
    assert frozen == {"a": 1}


@settings(max_examples=50)
@given(ITEMS)
def test_equal_mappings_hash_alike(items: dict[str, int]) -> None:
    """It hashes by its items, in any order, and equals a dict of the same items."""
    frozen, turned = FrozenDict(items), FrozenDict(dict(reversed(items.items())))

    assert frozen == turned == items
    assert hash(frozen) == hash(turned) == hash(frozen)


def test_it_does_not_hash_with_a_mutable_value() -> None:
    """It promises no more than its values do."""
    with pytest.raises(TypeError, match="unhashable"):
        hash(FrozenDict({"a": [1]}))


def pickled(value: object) -> object:
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, pickled])
def test_it_copies_and_pickles(clone: Callable[[object], object]) -> None:
    """A copy is equal, hashes alike, and is frozen as well."""
    frozen = FrozenDict({"a": (1, 2)})
    hash(frozen)

    other = clone(frozen)

    assert type(other) is FrozenDict
    assert other == frozen
    assert hash(other) == hash(frozen)


def test_its_repr_is_that_of_the_items() -> None:
    """People see a dict."""
    assert repr(FrozenDict({"a": 1})) == "{'a': 1}"


@pytest.mark.parametrize(
    "given_", [{"a": "1"}, FrozenDict({"a": "1"}), MappingProxyType({"a": 1}), OrderedDict(a=1)]
)
def test_pydantic_makes_one_of_any_mapping(given_: Mapping[str, object]) -> None:
    """As a type, it takes any mapping and validates keys and values."""
    made = TypeAdapter(FrozenDict[str, int]).validate_python(given_)

    assert type(made) is FrozenDict
    assert made == {"a": 1}


def test_pydantic_checks_its_items() -> None:
    """The place of a wrong value is told."""
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(FrozenDict[str, int]).validate_python({"a": "x"})
    assert refused.value.errors()[0]["loc"] == ("a",)


def test_pydantic_dumps_it_as_a_dict() -> None:
    """Dumping gives back plain data, at any depth."""
    adapter = TypeAdapter(FrozenDict[str, FrozenDict[int, bytes]])

    dumped = adapter.dump_python(FrozenDict({"a": FrozenDict({1: b"x"})}), mode="json")

    assert dumped == {"a": {"1": "x"}}


def test_bare_it_holds_anything() -> None:
    """Without arguments, keys and values are taken as they are."""
    assert TypeAdapter(FrozenDict).validate_python({1: "a"}) == {1: "a"}


def test_it_has_a_json_schema() -> None:
    """Surfaces can describe it: an object."""
    assert TypeAdapter(FrozenDict[str, int]).json_schema() == {
        "type": "object",
        "additionalProperties": {"type": "integer"},
    }
