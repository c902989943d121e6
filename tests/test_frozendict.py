"""FrozenDict: a mapping that nobody can write to."""

from __future__ import annotations

import copy
import datetime as dt
import enum
import pickle
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, NewType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypeAliasType

from typed_waffle.frozendict import FrozenDict, textual

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


class Level(enum.IntEnum):
    LOW = 1


class Colour(enum.Enum):
    RED = "red"


def test_json_has_an_object_for_keys_that_are_told_by_their_text() -> None:
    """That is what people expect to read and write."""
    for key, value in ((str, "a"), (int, 1), (dt.date, dt.date(2024, 1, 2)), (Colour, Colour.RED)):
        mapping: Any = FrozenDict
        adapter: TypeAdapter[Any] = TypeAdapter(mapping[key, int])
        text = adapter.dump_json(FrozenDict({value: 1}))

        assert text.startswith(b"{")
        assert adapter.validate_json(text) == {value: 1}


@pytest.mark.parametrize(
    ("keys", "items", "text"),
    [
        (tuple[int, str], {(1, "a"): 2}, b'[[[1,"a"],2]]'),
        (int | str | None, {1: 1, "1": 2, None: 3}, b'[[1,1],["1",2],[null,3]]'),
        (Level, {Level.LOW: 1}, b"[[1,1]]"),
        (Literal["a", 1], {1: 2, "a": 3}, b'[[1,2],["a",3]]'),
        (frozenset[int], {frozenset({1}): 2}, b"[[[1],2]]"),
    ],
)
def test_json_has_pairs_for_other_keys(keys: Any, items: dict[Any, int], text: bytes) -> None:  # noqa: ANN401 - an annotation
    """Pydantic writes such a key as a text, and cannot tell what it was (FAULTS V1)."""
    adapter: TypeAdapter[Any] = TypeAdapter(FrozenDict[keys, int])

    assert adapter.dump_json(FrozenDict(items)) == text
    assert adapter.validate_json(text) == items
    assert {type(key) for key in adapter.validate_json(text)} == {type(key) for key in items}


def test_pairs_are_for_json_only() -> None:
    """In Python it is a mapping, whatever its keys."""
    adapter: TypeAdapter[Any] = TypeAdapter(FrozenDict[tuple[int, ...], frozenset[int]])
    frozen = adapter.validate_python({(1,): [2]})

    assert frozen == {(1,): frozenset({2})}
    assert adapter.dump_python(frozen) == {(1,): {2}}


def test_pairs_that_somebody_else_read_are_taken() -> None:
    """An environment variable holds JSON, too."""
    adapter: TypeAdapter[Any] = TypeAdapter(FrozenDict[tuple[int, ...], int])

    assert adapter.validate_python([[[1, 2], 3]]) == {(1, 2): 3}
    assert adapter.validate_python([]) == {}
    wrong: Any
    for wrong in ([[1, 2, 3]], [{}], [1], "ab", [[{}, 1]]):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)


@pytest.mark.parametrize(
    ("key", "so"),
    [
        (str, True),
        (Annotated[int, "any"], True),
        (NewType("Id", uuid.UUID), True),
        (TypeAliasType("Name", str), True),
        (Literal["a", "b"], True),
        (Literal["a", 1], False),
        (int | None, False),
        (tuple[int], False),
        (Colour, True),
        (Level, False),
        (FrozenDict[str, int], False),
        (Any, False),
    ],
)
def test_which_keys_are_told_by_their_text(key: Any, *, so: bool) -> None:  # noqa: ANN401 - an annotation
    """Through every way of writing a type."""
    assert textual(key) is so


def test_a_strict_mapping_loads_its_json() -> None:
    """Strict means no coercion; a date, a tuple and a number as a key have no other JSON form."""
    adapter: TypeAdapter[Any] = TypeAdapter(
        FrozenDict[int, FrozenDict[dt.date, tuple[int, ...]]], config=ConfigDict(strict=True)
    )
    frozen = FrozenDict({1: FrozenDict({dt.date(2024, 1, 2): (3,)})})

    assert adapter.validate_json(adapter.dump_json(frozen)) == frozen


def test_bare_it_holds_anything() -> None:
    """Without arguments, keys and values are taken as they are."""
    assert TypeAdapter(FrozenDict).validate_python({1: "a"}) == {1: "a"}


def test_it_has_a_json_schema() -> None:
    """Surfaces can describe it: an object."""
    assert TypeAdapter(FrozenDict[str, int]).json_schema() == {
        "type": "object",
        "additionalProperties": {"type": "integer"},
    }
