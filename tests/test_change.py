"""Change and FieldChange, and the delta between two sets of overrides."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.models import CANARY
from typed_waffle import Change, FieldChange
from typed_waffle.change import Delta, Head, State

NAMES = st.sampled_from(["a", "b", "c", "d"])
OVERRIDES = st.dictionaries(NAMES, st.sampled_from(["1", "2", "null"]))


@settings(max_examples=100)
@given(OVERRIDES, OVERRIDES)
def test_a_delta_turns_the_one_into_the_other(
    before: dict[str, str], after: dict[str, str]
) -> None:
    """Applied to what it was made from, it gives what it was made for."""
    assert Delta.between(before, after).applied_to(before) == after


@settings(max_examples=50)
@given(OVERRIDES)
def test_a_delta_between_equals_touches_nothing(overrides: dict[str, str]) -> None:
    """Nothing differs, so nothing is said."""
    assert Delta.between(overrides, overrides).fields == frozenset()


def test_a_delta_says_only_what_differs() -> None:
    """What stays the same does not travel."""
    delta = Delta.between({"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "d": "1"})

    assert (delta.set, delta.unset) == ({"b": "2", "d": "1"}, frozenset({"c"}))
    assert delta.fields == {"b", "c", "d"}


def test_applying_a_delta_leaves_its_source_alone() -> None:
    """The overrides of a live snapshot are never written to."""
    before = {"a": "1"}

    Delta({"a": "2"}, frozenset()).applied_to(before)

    assert before == {"a": "1"}


def test_what_is_set_wins_over_what_is_unset() -> None:
    """A delta that says both sets the field."""
    assert Delta({"a": "2"}, frozenset({"a"})).applied_to({"a": "1"}) == {"a": "2"}


def test_nothing_stored_is_revision_0() -> None:
    """A namespace that nobody wrote to has no change."""
    assert State() == State(Head(0, ""), {})


@pytest.mark.parametrize(
    "holder", [State(overrides={"token": CANARY}), Delta({"token": CANARY}, frozenset())]
)
def test_stored_texts_are_in_no_repr(holder: object) -> None:
    """They hold secrets in the clear, and a repr ends in logs (FAULTS X4)."""
    assert CANARY not in repr(holder)


def test_a_change_is_frozen() -> None:
    """What happened does not change."""
    change = Change(1, "id", datetime(2024, 1, 1, tzinfo=UTC), None, None, "python", ())

    with pytest.raises(dataclasses.FrozenInstanceError):
        change.revision = 2  # type: ignore[misc] # that is the case


def test_a_field_change_reads_like_what_it_did() -> None:
    """It is for people to look at."""
    assert repr(FieldChange("low", 0, 1)) == "FieldChange(field='low', before=0, after=1)"
