"""Snapshot: overrides, environment and model make validated settings."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Mapping
from typing import Annotated, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, Field, SecretBytes, SecretStr, model_validator

from tests.support.models import CANARY, Shop, shown
from typed_waffle import UnknownSetting, WaffleModel
from typed_waffle.change import Head, State
from typed_waffle.environment import Pinned
from typed_waffle.snapshot import Rejected, Snapshot, Unfit, assembled, salvaged
from typed_waffle.values import dumped


def stored(**texts: str) -> State:
    """A stored state at revision 7."""
    return State(Head(7, "id-7"), texts)


def rescued(
    last_good: Mapping[str, str] | None = None,
    locks: Mapping[str, Pinned] | None = None,
    **texts: str,
) -> Snapshot[Shop]:
    """What a worker shows of these stored texts."""
    return salvaged(Shop, stored(**texts), locks or {}, last_good)


# --- a state that fits ------------------------------------------------------------------------


def test_nothing_stored_shows_the_defaults() -> None:
    """At revision 0."""
    snapshot = shown()

    assert (snapshot.settings, snapshot.revision, snapshot.texts()) == (Shop(), 0, {})


def test_a_stored_value_is_shown() -> None:
    """With the revision that it was read at."""
    snapshot = assembled(Shop, stored(low="3", tags='["x"]'), {})

    assert (snapshot.settings.low, snapshot.settings.tags, snapshot.revision) == (3, ("x",), 7)


def test_the_origin_of_a_field_is_told() -> None:
    """Default, stored, or environment, which wins."""
    snapshot = shown(
        overrides={"low": "1", "high": "2"}, locks={"high": Pinned("SHOP_HIGH", "30")}, revision=1
    )

    assert [snapshot.origin(name) for name in ("name", "low", "high")] == [
        "default",
        "stored",
        "environment",
    ]
    assert snapshot.settings.high == 30


def test_the_origin_of_an_unknown_field_is_an_error() -> None:
    """With the nearest name."""
    with pytest.raises(UnknownSetting, match="did you mean 'low'"):
        shown().origin("lwo")  # type: ignore[waffle-unknown] # that is the case


def test_a_field_that_newer_code_stored_is_ignored_and_kept() -> None:
    """A rolling deploy has two models on one store (FAULTS V12)."""
    snapshot = assembled(Shop, stored(low="3", newer="[1]"), {})

    assert snapshot.settings.low == 3
    assert snapshot.state.overrides == {"low": "3", "newer": "[1]"}
    assert "newer" not in snapshot.texts()


def test_a_malformed_text_of_a_field_that_newer_code_stored_is_ignored() -> None:
    """It is none of this worker's business."""
    assert assembled(Shop, stored(newer="{"), {}).settings == Shop()


def test_a_pinned_field_hides_whatever_is_stored() -> None:
    """Even a text that does not fit."""
    snapshot = assembled(Shop, stored(low="{"), {"low": Pinned("SHOP_LOW", "5")})

    assert snapshot.settings.low == 5


def test_a_snapshot_is_frozen() -> None:
    """It can be handed to threads."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        shown().revision = 2  # type: ignore[misc] # that is the case


def test_a_snapshot_shows_no_secret() -> None:
    """Its repr has the settings, masked, and no stored text."""
    snapshot = shown(
        overrides={"token": f'"{CANARY}"'}, locks={"name": Pinned("SHOP_NAME", f'"{CANARY}2"')}
    )

    assert snapshot.settings.token == SecretStr(CANARY)
    assert CANARY not in repr(snapshot).replace(f"{CANARY}2", "")


def test_a_snapshot_pickles() -> None:
    """It can be sent to another process."""
    snapshot = shown(overrides={"low": "3"}, revision=2)

    again = pickle.loads(pickle.dumps(snapshot))  # noqa: S301 - our own

    assert (again.settings, again.revision) == (snapshot.settings, 2)


# --- a state that does not --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "reasons"),
    [
        ({"low": '"x"'}, {"low": "Input should be a valid integer"}),
        ({"low": '"x"', "name": '""'}, {"low": "Input should be", "name": "String should have"}),
        ({"low": "20"}, {"": "low is above high"}),
        ({"low": "{"}, {"low": "the stored text is not JSON"}),
        ({"low": '1,"high":0'}, {"low": "the stored text is not JSON"}),
        ({"smtp": '{"port":0}'}, {"smtp": "Input should be greater than or equal to 1"}),
        ({"divisor": "0"}, {"": "a validator raised ZeroDivisionError"}),
        ({"ratio": "1e999"}, {"ratio": "Input should be a finite number"}),
    ],
)
def test_a_state_that_does_not_fit_is_rejected_with_reasons(
    texts: dict[str, str], reasons: dict[str, str]
) -> None:
    """Each field at fault and why; the empty name is a rule across fields."""
    with pytest.raises(Rejected) as rejected:
        assembled(Shop, State(overrides=texts), {})

    got = rejected.value.reasons
    assert got.keys() == reasons.keys()
    assert all(got[name].startswith(why) for name, why in reasons.items())
    assert all(why in str(rejected.value) for why in reasons.values())


class Vault(WaffleModel):
    """A rule across fields that quotes a secret which is base64 in its text."""

    key: SecretBytes = SecretBytes(b"")
    size: int = 0

    @model_validator(mode="after")
    def quotes(self) -> Self:
        if self.size > 1:
            raise ValueError(f"not with {self.key.get_secret_value().decode()}")
        return self


def test_a_rejection_quotes_no_secret() -> None:
    """Its reasons are logged and sent to the fleet."""
    texts = {**dumped(Vault(key=SecretBytes(CANARY.encode())), ["key"]), "size": "2"}

    with pytest.raises(Rejected) as rejected:
        assembled(Vault, State(overrides=texts), {})
    assert CANARY not in f"{rejected.value}{rejected.value.reasons}"


class Splitting(WaffleModel):
    """A validator that makes a list, but only of some values."""

    names: Annotated[tuple[str, ...], AfterValidator(lambda v: list(v) if v else v)] = ()
    size: int = 1


def test_a_value_that_a_validator_makes_mutable_is_rejected() -> None:
    """No snapshot holds a list, whoever wrote the row."""
    with pytest.raises(Rejected, match="names: a validator made a value of it that can be mutated"):
        assembled(Splitting, State(overrides={"names": '["a"]'}), {})

    snapshot = salvaged(Splitting, State(overrides={"names": '["a"]', "size": "2"}), {})
    assert (snapshot.settings.names, snapshot.settings.size) == ((), 2)


# --- salvage ----------------------------------------------------------------------------------


def test_a_state_that_fits_is_not_touched() -> None:
    """Salvage of a good state is the state."""
    snapshot = rescued(low="3", high="4")

    assert (snapshot.settings.low, snapshot.settings.high, snapshot.unfit) == (3, 4, {})


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", '""'),
        ("high", '"x"'),
        ("high", "{"),
        ("high", ""),
        ("high", '5,"low":4'),
        ("high", "5}"),
        ("smtp", '{"port":0}'),
        ("divisor", "0"),
        ("tags", "[" * 5000),
        ("name", "null"),
    ],
)
def test_only_the_field_that_does_not_fit_is_left_out(field: str, text: str) -> None:
    """It takes its default; the others keep what is stored (FAULTS V11)."""
    state = stored(**{"low": "3", "ratio": "0.25", field: text})

    snapshot = salvaged(Shop, state, {})

    assert snapshot.unfit.keys() == {field}
    assert getattr(snapshot.settings, field) == getattr(Shop(), field)
    assert (snapshot.settings.low, snapshot.settings.ratio) == (3, 0.25)
    assert snapshot.origin(field) == "default"


def test_nothing_stored_is_changed_by_salvage() -> None:
    """Reading writes nothing: the text waits for a model that takes it."""
    assert rescued(low="x", high="5").state == stored(low="x", high="5")


def test_the_reason_is_told() -> None:
    """It ends in the status."""
    assert rescued(name='""').unfit["name"].why == "String should have at least 1 character"


def test_a_rule_across_fields_drops_as_little_as_it_must() -> None:
    """Of the two that contradict each other one is kept."""
    snapshot = rescued(low="20", high="15", ratio="0.25")

    assert (snapshot.settings.low, snapshot.settings.high) == (0, 15)
    assert snapshot.settings.ratio == 0.25
    assert snapshot.unfit == {"low": Unfit("low is above high")}


def test_two_fields_that_fit_only_together_are_both_kept() -> None:
    """The order of declaration decides nothing: low alone would be above the default of high."""
    snapshot = rescued(low="20", high="30", divisor="0")

    assert (snapshot.settings.low, snapshot.settings.high) == (20, 30)
    assert snapshot.unfit.keys() == {"divisor"}


def test_a_last_good_value_stands_in() -> None:
    """A worker that had a value goes on showing it."""
    snapshot = rescued({"name": '"Good"'}, name='""', low="3")

    assert (snapshot.settings.name, snapshot.settings.low) == ("Good", 3)
    assert snapshot.unfit["name"].instead == '"Good"'


def test_a_last_good_value_that_does_not_fit_gives_way_to_the_default() -> None:
    """The model may have changed since; the others keep their last good values."""
    snapshot = rescued({"name": "5", "ratio": "0.25"}, name='""', ratio='"x"')

    assert (snapshot.settings.name, snapshot.settings.ratio) == ("Waffle", 0.25)
    assert snapshot.unfit["name"].why == "String should have at least 1 character"


def test_a_last_good_value_survives_a_rule_across_other_fields() -> None:
    """It is left out only if it is at fault itself."""
    snapshot = rescued({"ratio": "0.25"}, ratio='"x"', low="20", high="15")

    assert (snapshot.settings.ratio, snapshot.settings.high) == (0.25, 15)


def test_a_last_good_value_that_breaks_a_rule_across_fields_gives_way() -> None:
    """It fits alone, but not with what is stored now."""
    snapshot = rescued({"low": "20"}, low='"x"', high="15")

    assert (snapshot.settings.low, snapshot.settings.high) == (0, 15)


def test_the_environment_is_never_left_out() -> None:
    """A stored value that contradicts it is."""
    snapshot = rescued(locks={"low": Pinned("SHOP_LOW", "9")}, high="8", ratio="0.25")

    assert (snapshot.settings.low, snapshot.settings.high) == (9, 10)
    assert snapshot.settings.ratio == 0.25


def test_an_environment_that_contradicts_the_defaults_is_rejected() -> None:
    """There is nothing left to give way."""
    with pytest.raises(Rejected, match="low is above high"):
        rescued(locks={"low": Pinned("SHOP_LOW", "50")}, ratio="0.25")


def test_a_bad_pin_of_a_stored_field_is_rejected() -> None:
    """Leaving the stored value out does not help, and salvage ends."""
    with pytest.raises(Rejected, match="Input should be a valid integer"):
        rescued({"low": "1"}, {"low": Pinned("SHOP_LOW", '"x"')}, low="3")


def test_what_was_unfit_stays_as_it_was_shown() -> None:
    """A later state is shown with the same stand-ins."""
    unfit = {"name": Unfit("why", '"Good"'), "low": Unfit("why")}

    snapshot = assembled(Shop, stored(name='""', low='"x"', high="5"), {}, unfit)

    assert (snapshot.settings.name, snapshot.settings.low, snapshot.settings.high) == ("Good", 0, 5)
    assert snapshot.texts() == {"name": '"Good"', "high": "5"}


def test_a_stand_in_is_in_no_repr() -> None:
    """It is the text of a stored value, perhaps of a secret."""
    assert CANARY not in repr(Unfit("why", f'"{CANARY}"'))


class Bounds(WaffleModel):
    """Rules of every kind on small numbers."""

    a: Annotated[int, Field(ge=0, le=8)] = 2
    b: Annotated[int, Field(ge=0, le=8)] = 4
    c: Annotated[int, Field(ge=0, le=8)] = 6

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if not self.a <= self.b <= self.c:
            raise ValueError("not in order")
        return self


TEXTS = st.integers(-1, 9).map(str) | st.sampled_from(["", "x", "null", "1}", '1,"b":2'])
OVERRIDES = st.dictionaries(st.sampled_from(["a", "b", "c", "later"]), TEXTS)


@settings(max_examples=150, deadline=None)
@given(OVERRIDES, OVERRIDES)
def test_salvage_always_gives_valid_settings(
    overrides: dict[str, str], last_good: dict[str, str]
) -> None:
    """Whatever is stored, and what is not at fault by itself is shown if all of it fits."""
    state = State(overrides=overrides)

    snapshot = salvaged(Bounds, state, {}, last_good)

    shown_ = snapshot.settings
    assert 0 <= shown_.a <= shown_.b <= shown_.c <= 8
    for name in {"a", "b", "c"} & overrides.keys() - snapshot.unfit.keys():
        assert getattr(shown_, name) == int(overrides[name])
    assert snapshot.state is state
