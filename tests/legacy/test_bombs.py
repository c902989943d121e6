"""Bombs: small pickles that would be large, deep, or without an end."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.plain import refusal, stored
from typed_waffle.legacy.plain import DEEPEST, LONGEST, decoded


def laughs(kind: Callable[[list[Any]], object]) -> bytes:
    value: Any = "ha"
    for _ in range(50):
        value = kind([value, value])
    return pickle.dumps(value)


@pytest.mark.parametrize("kind", [list, tuple, lambda pair: dict(enumerate(pair))])
def test_a_billion_laughs_are_refused(kind: Callable[[list[Any]], object]) -> None:
    """What is referred to many times counts many times."""
    data = laughs(kind)
    assert len(data) < 2000
    assert refusal(data) == "it holds more than 10000 values"


@pytest.mark.parametrize("value", ["x" * 100_000, b"x" * 100_000, 2**800_000], ids=type)
def test_a_long_value_may_not_be_repeated_for_ever(value: object) -> None:
    """The length of a value counts as often as it is referred to."""
    assert refusal(pickle.dumps([value] * 20)) == f"it is longer than {LONGEST} bytes"


def test_many_values_are_refused() -> None:
    """A setting is not a table."""
    assert len(decoded(stored(pickle.dumps([0] * 9_999)))) == 9_999  # type: ignore[arg-type] # a list
    assert refusal(pickle.dumps([0] * 10_000)) == "it holds more than 10000 values"
    assert refusal(b"N" * 200_000 + b".") == "it has more than 100000 instructions"


def test_deep_nesting_is_refused() -> None:
    """However deep it is nested, it is refused, and does not end the process."""

    def nested(depth: int) -> bytes:
        return b"]" * depth + b"a" * (depth - 1) + b"."

    decoded(stored(nested(DEEPEST)))
    for depth in (DEEPEST + 2, 50_000):
        assert refusal(nested(depth)).startswith(f"it is nested more than {DEEPEST} deep")


def circle_of(kind: str) -> bytes:
    if kind == "dict":
        by_key: dict[int, object] = {}
        by_key[0] = by_key
        return pickle.dumps(by_key)
    holds: list[object] = [0]
    holds.append(holds if kind == "list" else (1, holds))
    return pickle.dumps(holds)


@pytest.mark.parametrize("kind", ["list", "dict", "tuple"])
def test_what_holds_itself_is_refused(kind: str) -> None:
    """A circle has no JSON, and no end."""
    assert "or holds itself" in refusal(circle_of(kind))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"}]Ns.", "a dict in it has a key that can be mutated"),
        (b"\x8f(]\x90.", "a set in it holds what can be mutated"),
        (b"(}\x91.", "a frozenset in it holds what can be mutated"),
    ],
)
def test_a_key_that_can_be_mutated_is_refused(data: bytes, why: str) -> None:
    """Python could not hold it either."""
    assert refusal(data) == why
