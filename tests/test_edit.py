"""Edit: the parts of one change, and their validation on top of what is stored."""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, ByteSize, Field, SecretStr, ValidationError, create_model

from tests.support.models import CANARY, Shop, Smtp, one, plan, shown
from typed_waffle import InvalidChange, SettingLocked, UnknownSetting, WaffleModel
from typed_waffle.change import FieldRecord, Head, Record, State
from typed_waffle.edit import Draft, Edit, change_of, planned
from typed_waffle.environment import Pinned
from typed_waffle.frozendict import FrozenDict
from typed_waffle.snapshot import Snapshot, Unfit, assembled, salvaged
from typed_waffle.values import MASK, MAX_CHANGE, MAX_TEXT, dumped


def refusal(before: Snapshot[Shop] | None = None, **updates: object) -> InvalidChange:
    """The error of a change that is refused."""
    with pytest.raises(InvalidChange) as refused:
        planned(Draft("new-id", updates=updates), before or shown())
    return refused.value


def refused_value(annotation: Any, default: object, value: object) -> InvalidChange:  # noqa: ANN401 - an annotation
    """The error of a change to a field of this type."""
    before = assembled(one(annotation, default), State(), {})
    with pytest.raises(InvalidChange) as refused:
        planned(Draft("new-id", updates={"value": value}), before)
    return refused.value


# --- what is planned --------------------------------------------------------------------------


def test_an_update_is_planned() -> None:
    """What to store, and the snapshot that it makes."""
    change = plan(shown(), low=3)

    assert change.proposal.overrides == {"low": "3"}
    assert (change.after.settings, change.after.revision) == (Shop(low=3), 1)
    assert change.after.state.head == Head(1, "new-id")


def test_the_snapshot_before_is_left_alone() -> None:
    """A refused or lost change must not show."""
    before = shown(overrides={"low": "1"}, revision=4)

    plan(before, "low", high=8)

    assert (before.settings, before.revision) == (Shop(low=1), 4)
    assert before.state.overrides == {"low": "1"}


def test_only_touched_fields_are_stored() -> None:
    """Defaults stay in the code."""
    change = plan(shown(overrides={"high": "20"}, revision=1), low=3, ratio=0.5)

    assert change.proposal.overrides == {"high": "20", "low": "3"}
    assert [record.field for record in change.proposal.fields] == ["low"]


def test_a_reset_takes_the_override_away() -> None:
    """And the default shows again."""
    change = plan(shown(overrides={"low": "3", "high": "20"}, revision=1), "low")

    assert change.proposal.overrides == {"high": "20"}
    assert change.after.settings.low == 0


def test_updates_and_resets_are_one_change() -> None:
    """Validated together: each alone would break the rule."""
    before = shown(overrides={"low": "20", "high": "30"}, revision=1)

    change = plan(before, "low", high=5)

    assert (change.after.settings.low, change.after.settings.high) == (0, 5)


def test_two_fields_of_a_rule_are_swapped_in_one_change() -> None:
    """One by one, neither would be taken (FAULTS V14)."""
    assert plan(shown(), low=20, high=30).after.settings.high == 30
    assert "low is above high" in str(refusal(low=20))
    assert "low is above high" in str(refusal(high=-1))


@pytest.mark.parametrize(
    "updates",
    [{}, {"low": 0}, {"low": "0"}, {"tags": ["a", "b"]}, {"smtp": {}}, {"limits": {"x": (1, 2)}}],
)
def test_nothing_is_planned_if_nothing_differs(updates: dict[str, object]) -> None:
    """No new revision for what is so already."""
    assert planned(Draft("new-id", updates=updates), shown()) is None


@pytest.mark.parametrize(
    ("annotation", "held", "given"),
    [
        (float, 0.0, -0.0),
        (Decimal, Decimal("1.0"), Decimal("1.00")),
        (Decimal, Decimal("1.0"), "1.00"),
        (bool | int, 1, True),
        (int | float, 1, 1.0),
        (Mapping[str, int], {"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (tuple[bool | int, ...], (1,), (True,)),
    ],
)
def test_what_looks_different_is_a_change(annotation: Any, held: object, given: object) -> None:  # noqa: ANN401 - an annotation
    """Python calls both equal; whoever shows or iterates over them sees the difference."""
    before = assembled(one(annotation, held), State(), {})

    change = planned(Draft("new-id", updates={"value": given}), before)

    assert change is not None
    assert planned(Draft("next-id", updates={"value": given}), change.after) is None


@pytest.mark.parametrize(
    ("annotation", "held", "given"),
    [
        (AbstractSet[str], {"a", "b", "c"}, ["c", "a", "b", "a"]),
        (frozenset[frozenset[int]], [[1, 2]], [[2, 1]]),
        (Annotated[float, Field(allow_inf_nan=True)], float("nan"), float("nan")),
        (ByteSize, ByteSize(2_000_000), "2 MB"),
        (Mapping[tuple[int, int], str], {(1, 2): "a"}, [[[1, 2], "a"]]),
        (datetime, datetime(2024, 7, 1, tzinfo=UTC), datetime(2024, 7, 1, tzinfo=ZoneInfo("UTC"))),
    ],
)
def test_what_is_the_same_in_other_words_is_no_change(
    annotation: Any,  # noqa: ANN401 - an annotation
    held: object,
    given: object,
) -> None:
    """The order of a set, the spelling of a size, the name of a zone."""
    before = assembled(one(annotation, held), State(), {})

    assert planned(Draft("new-id", updates={"value": given}), before) is None


def test_a_reset_of_a_default_is_nothing() -> None:
    """There is no override to take away."""
    assert planned(Draft("new-id", resets={"low"}), shown()) is None


def test_a_reset_of_an_override_that_equals_the_default_is_a_change() -> None:
    """From now on the field follows the code."""
    change = plan(shown(overrides={"low": "0"}, revision=1), "low")

    assert change.proposal.fields == (FieldRecord("low", "0", "0", True, False),)  # noqa: FBT003 - in order


def test_an_update_back_to_the_default_is_stored() -> None:
    """It is a word of an operator, which a later default does not change."""
    change = plan(shown(overrides={"low": "3"}, revision=1), low=0)

    assert change.proposal.overrides == {"low": "0"}


def test_the_last_word_on_a_field_counts() -> None:
    """Within one edit."""
    draft = Draft("new-id")
    edit: Edit[WaffleModel] = Edit(draft)

    edit.update(low=1, high=20, ratio=0.1)
    edit.reset("low", "ratio")
    edit.update(ratio=0.2)

    assert (draft.updates, draft.resets) == ({"high": 20, "ratio": 0.2}, {"low"})
    assert edit.change is None


def test_an_edit_takes_a_field_of_any_name() -> None:
    """A setting may be called `self`."""
    draft = Draft("new-id")

    Edit(draft).update(self=1)

    assert draft.updates == {"self": 1}


def test_values_are_those_that_every_worker_will_load() -> None:
    """Frozen, and through JSON."""
    change = plan(shown(), limits={"a": [1]}, admins={"x"})

    assert type(change.after.settings.limits) is FrozenDict
    assert change.after.settings.limits == {"a": (1,)}
    assert change.after.settings.admins == frozenset({"x"})


def test_a_type_changes_the_value_as_the_model_would() -> None:
    """As `Model(**fields)` takes it."""
    assert plan(shown(), low="7").after.settings.low == 7


def test_who_and_why_are_in_the_proposal() -> None:
    """The store writes them into the history."""
    draft = Draft("new-id", "ann", "sale", "cli", updates={"low": 1})

    change = planned(draft, shown())

    assert change is not None
    proposal = change.proposal
    assert (proposal.change_id, proposal.actor, proposal.note, proposal.channel) == (
        "new-id",
        "ann",
        "sale",
        "cli",
    )


def test_an_alias_is_no_name_of_a_setting() -> None:
    """A field has one name everywhere."""

    class Aliased(WaffleModel):
        size: int = Field(1, alias="SIZE")

    before = assembled(Aliased, State(), {})
    change = planned(Draft("new-id", updates={"size": 2}), before)

    assert change is not None
    assert change.after.settings.size == 2
    with pytest.raises(UnknownSetting):
        planned(Draft("new-id", updates={"SIZE": 2}), before)


# --- refusals ---------------------------------------------------------------------------------


def test_a_refusal_names_the_field_the_value_and_the_rule() -> None:
    """And the next step."""
    assert str(refusal(low="many")) == (
        "low = 'many' is refused: Input should be a valid integer, unable to parse string as an "
        "integer. Nothing was written: correct it and try again."
    )


def test_a_refusal_names_a_nested_field() -> None:
    """With the whole path."""
    error = refusal(smtp={"port": 0, "host": "h"})

    assert error.fields == ("smtp",)
    assert [detail["loc"] for detail in error.errors()] == [("smtp", "port")]


def test_all_faults_are_told_at_once() -> None:
    """Nobody corrects one after the other."""
    assert refusal(low="x", name="", ratio="y").fields == ("name", "low", "ratio")


def test_a_rule_across_fields_is_told() -> None:
    """In the words of its author."""
    error = refusal(low=11)

    assert "a rule across settings refuses the change: low is above high" in str(error)
    assert error.fields == ()


@pytest.mark.parametrize("where", ["updates", "resets"])
@pytest.mark.parametrize("name", ["lwo", "__class__", "model_config", "smtp.port"])
def test_an_unknown_name_is_refused(where: str, name: str) -> None:
    """An update and a reset alike."""
    draft = Draft("new-id", updates={name: 1}) if where == "updates" else Draft("i", resets={name})

    with pytest.raises(UnknownSetting) as refused:
        planned(draft, shown())
    assert refused.value.field == name


def test_an_unknown_name_comes_with_the_nearest() -> None:
    """A typing error is found at once."""
    with pytest.raises(UnknownSetting, match="did you mean 'high'"):
        planned(Draft("new-id", updates={"hihg": 1}), shown())


@pytest.mark.parametrize(
    "draft", [Draft("i", updates={"low": 1}), Draft("i", resets={"low"})], ids=["update", "reset"]
)
def test_a_pinned_field_cannot_be_written(draft: Draft) -> None:
    """The variable is named."""
    before = shown(locks={"low": Pinned("SHOP_LOW", "5")})

    with pytest.raises(SettingLocked, match="SHOP_LOW") as refused:
        planned(draft, before)
    assert (refused.value.field, refused.value.variable) == ("low", "SHOP_LOW")


def test_a_pinned_value_takes_part_in_rules_across_fields() -> None:
    """And it is not stored."""
    before = shown(locks={"low": Pinned("SHOP_LOW", "5")})

    assert "low is above high" in str(refusal(before, high=4))
    assert plan(before, high=6).proposal.overrides == {"high": "6"}


def test_a_value_may_be_as_long_as_the_bound() -> None:
    """The two quotes count."""
    assert plan(shown(), name="x" * (MAX_TEXT - 2)).after.settings.name


def test_a_value_that_is_too_long_is_refused() -> None:
    """Before any database could cut it (FAULTS V6)."""
    error = refusal(name="x" * (MAX_TEXT - 1))

    assert f"it is {MAX_TEXT + 1} characters long; {MAX_TEXT} is the most" in str(error)
    assert len(str(error)) < 400


class Cat(WaffleModel):
    kind: Literal["cat"] = "cat"


class Lion(Cat):
    mane: bool = True


@pytest.mark.parametrize("text", ["1,5 MB", "1.5.5 GB", "5-3", "10 MB/s", "2 MiB or so", "MB"])
def test_a_text_that_only_begins_as_a_size_is_refused(text: str) -> None:
    """It would be taken for another size."""
    error = refused_value(ByteSize, ByteSize(0), text)
    assert "Input should be a size, as 1500, 1.5 kB or 2 MiB" in str(error)
    inside = refused_value(Mapping[str, ByteSize | None], {}, {"a": text})
    assert [found["loc"][:2] for found in inside.errors()] == [("value", "a")]


@pytest.mark.parametrize("text", ["5", "+5", "5.", "5.0", " 5 B ", "5b"])
def test_whatever_is_a_size_is_taken(text: str) -> None:
    """As Pydantic writes or reads it."""
    before = assembled(one(ByteSize, ByteSize(0)), State(), {})
    change = planned(Draft("new-id", updates={"value": text}), before)
    assert change is not None
    assert change.after.settings.value == 5


def test_a_size_beyond_every_number_is_refused() -> None:
    """With every Pydantic, as any text that is no value."""
    error = refused_value(ByteSize, ByteSize(0), "9" * 5000)
    assert [found["loc"] for found in error.errors()] == [("value",)]


@pytest.mark.parametrize(
    ("annotation", "default", "value", "why"),
    [
        pytest.param(int, 0, 10**5000, "number out of range", id="an int of 5001 digits"),
        (Cat, Cat(), Lion(), "does not survive JSON"),
        (Smtp, Smtp(), Smtp.model_construct(host=5), "no JSON form"),
        (Annotated[int, AfterValidator(lambda v: v + 1 if v else v)], 0, 1, "not survive JSON"),
        (
            Annotated[tuple[int, ...], AfterValidator(lambda v: list(v) if v else v)],
            (),
            [1],
            "mutated",
        ),
        (date | str, "", "2024-01-01", "load datetime.date(2024, 1, 1) (date, not str)"),
        (Literal["a", b"b"], "a", b"b", "does not survive JSON: Input should be"),
        (Smtp, Smtp(), Smtp.model_construct(port=0), "greater than or equal to 1"),
    ],
)
def test_a_value_that_does_not_survive_json_is_refused(
    annotation: Any,  # noqa: ANN401 - an annotation
    default: object,
    value: object,
    why: str,
) -> None:
    """Nothing that would load as something else is ever stored (FAULTS V1)."""
    error = refused_value(annotation, default, value)

    assert why in str(error)
    assert error.fields == ("value",)


def test_a_change_that_is_too_long_altogether_is_refused() -> None:
    """Each of its values is short enough; together they do not fit a packet (FAULTS V6)."""
    fields: dict[str, Any] = {f"f{n}": (str, "") for n in range(13)}
    many: Any = create_model("Many", __base__=WaffleModel, **fields)
    draft = Draft("new-id", updates=dict.fromkeys(fields, "x" * (MAX_TEXT - 2)))

    with pytest.raises(InvalidChange, match=r"Make it in parts\. Nothing was written") as refused:
        planned(draft, assembled(many, State(), {}))
    assert refused.value.fields == ()
    assert str(MAX_CHANGE) in refused.value.errors()[0]["msg"]


def test_a_lone_surrogate_is_refused() -> None:
    """No database and no UTF-8 holds it (FAULTS V7)."""
    assert "\\ud800" in str(refusal(name="\ud800"))


def test_what_a_validator_raises_comes_through() -> None:
    """A fault in the model's own code is not a refusal, and nothing is planned."""
    with pytest.raises(ZeroDivisionError):
        plan(shown(), divisor=0)


# --- secrets ----------------------------------------------------------------------------------

LEAKY: list[dict[str, object]] = [
    {"token": [CANARY]},
    {"token": CANARY, "low": "x"},
    {"token": CANARY, "name": CANARY[:7], "low": 11},
    {"token": CANARY, "high": -1},
    {"smtp": {"password": [CANARY]}},
    {"smtp": {"password": CANARY, "port": 0}},
    {"smtp": Smtp.model_construct(password=CANARY)},
    {"token": CANARY * 20_000},
]


@pytest.mark.parametrize("updates", LEAKY, ids=" ".join)
def test_a_secret_is_nowhere_in_a_refusal(updates: dict[str, object]) -> None:
    """Not in the message, the details, the causes or the traceback (FAULTS X4)."""
    with pytest.raises(InvalidChange) as refused:
        planned(Draft("new-id", updates=updates), shown())
    error = refused.value

    assert error.__cause__ is error.__context__ is None
    shown_ = f"{error!s}{error!r}{error.errors()}{vars(error)}{error.args}"
    assert CANARY not in shown_
    assert CANARY not in "".join(traceback.format_exception(error))


def test_a_rule_that_quotes_a_secret_is_hidden() -> None:
    """Here the name is the secret, so only the rule's own words are looked at."""
    error = refusal(token=CANARY, name=CANARY)

    assert CANARY not in str(error)
    assert "hidden, because a secret is in it" in str(error)


def test_a_stored_secret_is_not_quoted_either() -> None:
    """A change to another field can break the rule as well."""
    error = refusal(shown(overrides={"token": f'"{CANARY}"'}, revision=1), name=CANARY)

    assert CANARY not in f"{error}{error.errors()}"


def test_the_history_masks_secrets() -> None:
    """Also those within a model (FAULTS X5)."""
    before = shown(overrides={"token": '"old-secret"'}, revision=1)

    records = plan(before, token=CANARY, smtp={"password": CANARY}).proposal.fields

    assert [(record.field, json.loads(record.after)) for record in records] == [
        ("smtp", {"host": "localhost", "port": 25, "password": MASK}),
        ("token", MASK),
    ]
    assert CANARY not in repr(records)
    assert "old-secret" not in repr(records)


def test_a_secret_that_changes_is_a_change() -> None:
    """Although its mask stays the same."""
    before = shown(overrides={"token": '"a"'}, revision=1)

    assert plan(before, token="b").proposal.overrides == {"token": '"b"'}
    assert planned(Draft("new-id", updates={"token": SecretStr("a")}), before) is None


def test_a_plan_shows_no_secret() -> None:
    """Drafts, proposals and snapshots end in logs and debuggers."""
    draft = Draft("new-id", updates={"token": CANARY})

    assert CANARY not in f"{draft}{planned(draft, shown())}"


# --- history records --------------------------------------------------------------------------


def test_a_record_tells_values_and_whether_they_were_stored() -> None:
    """A default before, an override after."""
    assert plan(shown(), low=3).proposal.fields == (FieldRecord("low", "0", "3", False, True),)  # noqa: FBT003 - in order


def test_records_come_in_the_order_of_declaration() -> None:
    """Whatever the order of the edit."""
    change = plan(shown(overrides={"low": "1"}, revision=1), "low", ratio=0.1, name="x")

    assert [record.field for record in change.proposal.fields] == ["name", "low", "ratio"]


def record(*fields: FieldRecord) -> Record:
    """A history row."""
    at = datetime(2024, 1, 1, tzinfo=UTC)
    return Record(3, "id-3", "id-2", at, "ann", "sale", "cli", fields)


def test_a_change_is_read_with_todays_types() -> None:
    """People and callbacks see values, not JSON."""
    row = record(FieldRecord("limits", '{"x":[1,2]}', '{"a":[]}', False, True))  # noqa: FBT003 - in order

    change = change_of(Shop, row)

    assert (change.revision, change.id, change.actor, change.note, change.channel) == (
        3,
        "id-3",
        "ann",
        "sale",
        "cli",
    )
    assert change.fields[0].after == FrozenDict({"a": ()})


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("low", '"many"', "many"),
        ("gone", '{"a":[1]}', {"a": [1]}),
        ("token", f'"{MASK}"', MASK),
        ("name", '""', ""),
    ],
)
def test_what_todays_model_does_not_take_is_shown_as_plain_data(
    field: str, text: str, value: object
) -> None:
    """History outlives models."""
    change = change_of(Shop, record(FieldRecord(field, text, text, True, True)))  # noqa: FBT003 - in order

    assert change.fields[0].after == value


def test_a_validator_that_fails_does_not_take_the_history_down() -> None:
    """It may raise anything for a value of long ago."""
    model = one(Annotated[int, AfterValidator(lambda v: v * (1 // v))], 1)

    change = change_of(model, record(FieldRecord("value", "0", "1", True, True)))  # noqa: FBT003 - in order

    assert (change.fields[0].before, change.fields[0].after) == (0, 1)


# --- stored fields that do not fit ------------------------------------------------------------


def test_an_unknown_stored_field_is_kept() -> None:
    """Newer code stored it, and will want it (FAULTS V12)."""
    change = plan(shown(overrides={"newer": "[1]", "low": "1"}, revision=1), low=3)

    assert change.proposal.overrides == {"newer": "[1]", "low": "3"}
    assert [record.field for record in change.proposal.fields] == ["low"]


def misfit(last_good: Mapping[str, str] | None = None) -> Snapshot[Shop]:
    """A snapshot of a store with one text that today's model refuses."""
    return salvaged(Shop, State(Head(1, "id-1"), {"ratio": '"x"', "low": "1"}), {}, last_good)


def test_a_stored_field_that_does_not_fit_is_tolerated_and_kept() -> None:
    """A change to another field goes on as if it were not there (FAULTS V11)."""
    change = plan(misfit(), low=3)

    assert change.proposal.overrides == {"ratio": '"x"', "low": "3"}
    assert change.after.unfit.keys() == {"ratio"}
    assert change.after.settings.ratio == 0.5


def test_the_value_shown_in_its_place_stays() -> None:
    """It is neither stored nor lost by a change to another field."""
    change = plan(misfit({"ratio": "0.25"}), low=3)

    assert change.after.settings.ratio == 0.25
    assert change.proposal.overrides["ratio"] == '"x"'


def test_an_update_heals_a_field_that_does_not_fit() -> None:
    """Even one to the very value that is shown in its place."""
    change = plan(misfit(), ratio=0.5)

    assert change.proposal.overrides["ratio"] == "0.5"
    assert change.after.unfit == {}
    assert change.after.origin("ratio") == "stored"


def test_a_reset_heals_a_field_that_does_not_fit() -> None:
    """The misfit is gone from the store."""
    change = plan(misfit(), "ratio")

    assert change.proposal.overrides == {"low": "1"}
    assert change.after.unfit == {}


def test_a_field_that_fits_again_only_with_others_is_still_tolerated() -> None:
    """What a rule across fields left out is kept as well."""
    before = salvaged(Shop, State(Head(1, "id-1"), {"low": "20", "high": "15"}), {})
    assert before.unfit == {"low": Unfit("low is above high")}

    change = plan(before, ratio=0.1)

    assert change.proposal.overrides == {"low": "20", "high": "15", "ratio": "0.1"}


# --- any sequence of changes ------------------------------------------------------------------

VALUES = {
    "name": st.text(min_size=1, max_size=5),
    "low": st.integers(-5, 15),
    "high": st.integers(-5, 15),
    "ratio": st.floats(),
    "tags": st.lists(st.text(max_size=3), max_size=3),
    "limits": st.dictionaries(st.text(max_size=2), st.lists(st.integers(), max_size=2), max_size=2),
    "admins": st.sets(st.text(max_size=3), max_size=3),
    "token": st.text(max_size=5),
}
DRAFTS = st.builds(
    Draft,
    st.uuids().map(str),
    updates=st.fixed_dictionaries({}, optional=VALUES),
    resets=st.just(set()) | st.sets(st.sampled_from(sorted(VALUES))),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(DRAFTS, max_size=6))
def test_any_sequence_of_changes_leaves_valid_settings(drafts: list[Draft]) -> None:
    """Each is refused with nothing changed, or makes exactly what a fresh worker would load."""
    now = shown()
    for draft in drafts:
        draft.resets -= draft.updates.keys()
        try:
            change = planned(draft, now)
        except InvalidChange:
            continue
        if change is None:
            continue
        assert change.after.revision == now.revision + 1
        assert change.after.settings == assembled(Shop, change.after.state, {}).settings
        for name, value in draft.updates.items():
            assert getattr(Shop(**{**dict(change.after.settings), name: value}), name) == getattr(
                change.after.settings, name
            )
        now = change.after
    assert now.settings.low <= now.settings.high


def test_a_draft_is_validated_as_the_model_would_validate_it() -> None:
    """The same values are refused by both."""
    with pytest.raises(ValidationError):
        Shop(low=11)
    assert refusal(low=11).errors()[0]["loc"] == ()


def test_a_stored_text_is_what_dumping_gives() -> None:
    """There is one form of each value in the store."""
    change = plan(shown(), limits={"a": [1]}, smtp=Smtp(password=SecretStr("p")))

    assert change.proposal.overrides == dumped(change.after.settings, ["limits", "smtp"])
