"""A renamed field: read from its old name, written under the new, reset under both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Self

import pytest
from cryptography.fernet import Fernet
from pydantic import Field, SecretStr, model_validator

from tests.support.models import CANARY
from tests.support.vault import stored as stored_in
from tests.support.vault import workers
from tests.support.worker import Tape, Worker, worker
from typed_waffle import RevisionConflict, SettingLocked, UnknownSetting, Waffle, WaffleModel
from typed_waffle.change import FieldRecord, Head, Record, State
from typed_waffle.edit import Draft, Planned, change_of, planned
from typed_waffle.environment import Locks, Pinned
from typed_waffle.model import Setting
from typed_waffle.refusal import secrets_in
from typed_waffle.snapshot import Rejected, Snapshot, Unfit, assembled, salvaged
from typed_waffle.stores.memory import MemoryStore
from typed_waffle.values import MASK


class Old(WaffleModel):
    """What ran before."""

    site_name: str = "Waffle"
    api_key: SecretStr = SecretStr("")
    low: int = 1


class New(WaffleModel):
    """What runs now: two fields renamed, one of them tightened, and a rule across two."""

    site_title: Annotated[str, Field(max_length=9), Setting(renamed_from="site_name")] = "Waffle"
    token: Annotated[SecretStr, Setting(renamed_from="api_key")] = SecretStr("")
    low: int = 1
    high: Annotated[int, Setting(renamed_from="top")] = 10

    @model_validator(mode="after")
    def in_order(self) -> Self:
        """Low is at most high."""
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


def stored(**texts: str) -> State:
    return State(Head(7, "id-7"), texts)


def shown(locks: Locks | None = None, **texts: str) -> Snapshot[New]:
    return assembled(New, stored(**texts), locks or {})


def plan(before: Snapshot[New], *resets: str, **updates: object) -> Planned[New]:
    made = planned(Draft("new-id", updates=dict(updates), resets=set(resets)), before)
    assert made is not None, "nothing differed"
    return made


# --- reading ----------------------------------------------------------------------------------


def test_an_override_under_the_old_name_is_read() -> None:
    """And it is a stored value, under the new name, for everybody who asks."""
    snapshot = shown(site_name='"Café"')

    assert snapshot.settings.site_title == "Café"
    assert snapshot.origin("site_title") == "stored"
    assert snapshot.texts() == {"site_title": '"Café"'}
    assert snapshot.state.overrides == {"site_name": '"Café"'}


def test_an_override_under_the_new_name_wins() -> None:
    """Whatever older code goes on writing."""
    assert shown(site_name='"old"', site_title='"new"').settings.site_title == "new"


def test_nothing_stored_is_the_default() -> None:
    """A rename makes no value."""
    assert shown().settings.site_title == "Waffle"
    assert shown().origin("site_title") == "default"


def test_a_pin_wins_over_both() -> None:
    """By the new name's variable."""
    pinned = {"site_title": Pinned("SHOP_SITE_TITLE", '"pin"')}
    snapshot = shown(pinned, site_name='"old"')

    assert (snapshot.settings.site_title, snapshot.origin("site_title")) == ("pin", "environment")
    for draft in (Draft("i", updates={"site_title": "x"}), Draft("i", resets={"site_title"})):
        with pytest.raises(SettingLocked):
            planned(draft, snapshot)


def test_a_text_under_the_old_name_that_does_not_fit_is_refused_by_the_new() -> None:
    """The reason stands under the name that this model knows."""
    with pytest.raises(Rejected) as rejected:
        shown(site_name='"far too long"')
    assert rejected.value.reasons.keys() == {"site_title"}


def test_a_text_under_the_old_name_is_salvaged_as_any_other() -> None:
    """The field shows its default alone, or its last good value, and nothing is written."""
    state = stored(site_name='"far too long"', low="2")

    snapshot = salvaged(New, state, {})
    assert (snapshot.settings.site_title, snapshot.settings.low) == ("Waffle", 2)
    assert snapshot.unfit.keys() == {"site_title"}
    assert snapshot.origin("site_title") == "default"
    assert snapshot.state is state

    good = salvaged(New, state, {}, {"site_title": '"good"'})
    assert good.settings.site_title == "good"


def test_a_rule_across_fields_leaves_out_a_renamed_field_too() -> None:
    """One at a time, until the rest fits."""
    snapshot = salvaged(New, stored(low="5", top="3"), {})

    assert snapshot.unfit == {"high": Unfit("low is above high")}
    assert (snapshot.settings.low, snapshot.settings.high) == (5, 10)


def test_an_unfit_new_name_does_not_let_the_old_shine_through() -> None:
    """The old text is not what the operator last wanted."""
    snapshot = salvaged(New, stored(site_name='"old"', site_title='"far too long"'), {})

    assert snapshot.settings.site_title == "Waffle"


# --- writing ----------------------------------------------------------------------------------


def test_a_write_stores_the_new_name_and_keeps_the_old() -> None:
    """Workers with the old code go on reading theirs."""
    change = plan(shown(site_name='"old"', unknown="1"), site_title="new")

    assert change.proposal.overrides == {
        "site_name": '"old"',
        "site_title": '"new"',
        "unknown": "1",
    }
    assert change.after.settings.site_title == "new"
    assert change.proposal.fields == (
        FieldRecord("site_title", '"old"', '"new"', was_stored=False, is_stored=True),
    )


def test_a_write_of_what_is_shown_already_is_no_change() -> None:
    """The value in force is compared, under whichever name it is stored."""
    assert planned(Draft("i", updates={"site_title": "old"}), shown(site_name='"old"')) is None


def test_a_write_of_another_field_leaves_the_old_name_alone() -> None:
    """As it leaves all that it was not asked to change."""
    change = plan(shown(site_name='"old"'), low=2)

    assert change.proposal.overrides == {"site_name": '"old"', "low": "2"}
    assert change.after.settings.site_title == "old"


def test_an_unfit_text_under_the_old_name_is_kept_by_a_write() -> None:
    """Also by one that gives the field a value that fits."""
    before = salvaged(New, stored(site_name='"far too long"'), {})

    assert plan(before, low=2).proposal.overrides == {"site_name": '"far too long"', "low": "2"}
    change = plan(before, site_title="Waffle")
    assert change.proposal.overrides == {"site_name": '"far too long"', "site_title": '"Waffle"'}
    assert change.after.unfit == {}


# --- resetting --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "records"),
    [
        ({"site_title": '"n"'}, [FieldRecord("site_title", '"n"', '"Waffle"', True, False)]),  # noqa: FBT003 - in order
        (
            {"site_name": '"o"'},
            [
                FieldRecord("site_title", '"o"', '"Waffle"', False, False),  # noqa: FBT003 - in order
                FieldRecord("site_name", '"o"', '"Waffle"', True, False),  # noqa: FBT003 - in order
            ],
        ),
        (
            {"site_title": '"n"', "site_name": '"o"'},
            [
                FieldRecord("site_title", '"n"', '"Waffle"', True, False),  # noqa: FBT003 - in order
                FieldRecord("site_name", '"o"', '"Waffle"', True, False),  # noqa: FBT003 - in order
            ],
        ),
    ],
)
def test_a_reset_drops_both_names_and_records_each(
    texts: dict[str, str], records: list[FieldRecord]
) -> None:
    """The old one would shine through; the flags are about the very name."""
    change = plan(assembled(New, stored(**texts, low="2"), {}), "site_title")

    assert change.proposal.overrides == {"low": "2"}
    assert change.after.settings.site_title == "Waffle"
    assert list(change.proposal.fields) == records


def test_a_reset_of_nothing_stored_is_no_change() -> None:
    """Under neither name."""
    assert planned(Draft("i", resets={"site_title"}), shown(low="2")) is None


def test_an_unfit_text_under_the_old_name_can_be_reset() -> None:
    """It is recorded as it was stored."""
    change = plan(salvaged(New, stored(site_name='"far too long"'), {}), "site_title")

    assert (dict(change.proposal.overrides), change.after.unfit) == ({}, {})
    assert change.proposal.fields[1].before == '"far too long"'


def test_a_malformed_text_under_the_old_name_can_be_reset() -> None:
    """A history row holds JSON only."""
    change = plan(salvaged(New, stored(site_name="{"), {}), "site_title")

    assert [record.before for record in change.proposal.fields] == ['"Waffle"', "null"]


def replayed(rows: Sequence[Record]) -> dict[str, str]:
    """The overrides that a history, newest first, ends with."""
    texts: dict[str, str] = {}
    for row in reversed(rows):
        for record in row.fields:
            assert (record.field in texts) == record.was_stored
            texts.pop(record.field, None)
            if record.is_stored:
                texts[record.field] = record.after
    return texts


def test_the_history_replays_to_what_is_stored() -> None:
    """Through writes of both models, and resets."""
    store = MemoryStore()
    old, new = worker(store, model=Old), worker(store, model=New)
    steps: list[tuple[Worker, tuple[str, ...], dict[str, object]]] = [
        (old, (), {"site_name": "a"}),
        (new, ("site_title",), {}),
        (old, (), {"site_name": "b", "low": 3}),
        (new, (), {"site_title": "c", "high": 20}),
        (old, (), {"site_name": "d"}),
        (new, ("site_title", "low"), {}),
        (old, (), {"site_name": "e"}),
        (old, ("site_name",), {"low": 4}),
    ]
    for who, resets, updates in steps:
        who.runtime.check()
        assert who.write(*resets, **updates) is not None
        state = store.state("default")
        assert replayed(store.history("default")) == state.overrides
    assert store.state("default").overrides == {"high": "20", "low": "4"}


# --- secrets ----------------------------------------------------------------------------------


def test_a_dropped_secret_is_masked_under_its_old_name_too() -> None:
    """A history row outlives the secret (FAULTS X5)."""
    change = plan(shown(api_key=f'"{CANARY}"', token='"other"'), "token")

    assert [record.field for record in change.proposal.fields] == ["token", "api_key"]
    assert CANARY not in repr(change.proposal.fields)
    assert "other" not in repr(change.proposal.fields)


def row(*fields: FieldRecord) -> Record:
    """A history row."""
    return Record(3, "id-3", "id-2", datetime(2024, 1, 1, tzinfo=UTC), None, None, "cli", fields)


@pytest.mark.parametrize("name", ["token", "api_key"])
def test_a_row_from_before_it_was_a_secret_is_masked(name: str) -> None:
    """The old code wrote it in the clear, under either name."""
    change = change_of(New, row(FieldRecord(name, f'"{CANARY}"', "null", True, False)))  # noqa: FBT003 - in order

    assert [(f.field, f.before, f.after) for f in change.fields] == [(name, MASK, MASK)]


def test_a_row_under_the_old_name_is_typed_as_the_new_field() -> None:
    """Where it fits; else as plain data, and so is a name that nobody knows."""
    change = change_of(
        New,
        row(
            FieldRecord("top", '"7"', '"x"', True, True),  # noqa: FBT003 - in order
            FieldRecord("gone", "[1]", "2", True, True),  # noqa: FBT003 - in order
        ),
    )

    assert [(f.before, f.after) for f in change.fields] == [(7, "x"), ([1], 2)]


class Nested(WaffleModel):
    """A renamed secret of more than one part."""

    class Smtp(WaffleModel):
        host: str = ""
        password: SecretStr = SecretStr("")

    mail: Annotated[Smtp, Setting(renamed_from="smtp")] = Smtp()


def test_a_nested_secret_is_masked_and_the_rest_is_shown() -> None:
    """Under the old name, in the row and in what people read of it."""
    texts = {"smtp": f'{{"host":"h","password":"{CANARY}"}}'}
    change = planned(Draft("new-id", resets={"mail"}), assembled(Nested, stored(**texts), {}))
    assert change is not None

    record = change.proposal.fields[1]
    assert (record.field, record.before) == ("smtp", f'{{"host":"h","password":"{MASK}"}}')
    shown_ = change_of(Nested, row(record)).fields[0].before
    assert shown_ == {"host": "h", "password": MASK}


def test_messages_quote_no_secret_under_its_old_name() -> None:
    """What hides secrets looks for this one too."""
    assert CANARY in secrets_in(New, {"api_key": f'"{CANARY}"'})


def test_no_secret_crosses_the_bus_whatever_its_name() -> None:
    """A message about it carries no value, and the others read the store."""
    tape = Tape()
    new = worker(bus=tape, model=New)

    new.write(token=CANARY)
    new.write("token")
    new.write(low=2)

    assert [said.delta is None for said in tape.said] == [True, True, False]


def test_an_encrypted_secret_opens_under_its_old_name(tmp_path: Path) -> None:
    """And is encrypted anew there, when the keys are rotated."""
    url = f"sqlite:///{tmp_path / 'waffle.db'}"
    first, second = (Fernet.generate_key().decode() for _ in range(2))
    with workers(url) as connect:
        connect(first, model=Old).update(api_key=CANARY)  # type: ignore[waffle-unknown] # connect says Shop

        new = connect(second, first, model=New)
        assert new.snapshot().settings.token == SecretStr(CANARY)
        assert new.rotate_keys() == 1

        assert CANARY not in stored_in(url)["api_key"]
        again = connect(second, model=New)
        assert again.snapshot().settings.token == SecretStr(CANARY)
        again.update(token="other")  # type: ignore[waffle-value] # as a form gives it
        assert "other" not in stored_in(url)["token"]
        before: Any = connect(second, model=Old)
        assert before.current_settings.api_key == SecretStr(CANARY)


class Published(WaffleModel):
    """What was a secret is none any more, and has another name."""

    public_key: Annotated[str, Setting(renamed_from="api_key")] = ""


def test_what_was_a_secret_under_its_old_name_is_opened(tmp_path: Path) -> None:
    """Although nothing is encrypted under either name today."""
    key = Fernet.generate_key().decode()
    with workers(f"sqlite:///{tmp_path / 'waffle.db'}") as connect:
        connect(key, model=Old).update(api_key="no secret")  # type: ignore[waffle-unknown] # connect says Shop

        now: Any = connect(key, model=Published)
        assert now.current_settings.public_key == "no secret"


# --- in a worker ------------------------------------------------------------------------------


def pair() -> tuple[Worker, Worker]:
    """A worker with the old model and one with the new, on one store."""
    store = MemoryStore()
    return worker(store, model=Old), worker(store, model=New)


def test_two_models_share_what_is_stored_until_the_new_name_is_written() -> None:
    """From then on each has its own."""
    old, new = pair()

    old.write(site_name="a")
    new.runtime.check()
    assert new.settings.site_title == "a"

    new.write(site_title="b")
    old.runtime.check()
    assert (old.settings.site_name, new.settings.site_title) == ("a", "b")

    old.write(site_name="c")
    new.runtime.check()
    assert new.settings.site_title == "b"

    new.write("site_title")
    old.runtime.check()
    assert (old.settings.site_name, new.settings.site_title) == ("Waffle", "Waffle")


def test_a_delta_under_the_old_name_reaches_a_worker_with_the_new_model() -> None:
    """Over the bus, without a read of the store."""
    store, tape = MemoryStore(), Tape()
    old, new = worker(store, tape, model=Old), worker(store, model=New)
    new.settle()

    old.write(site_name="a")
    new.hears(*tape.said)

    assert (new.settings.site_title, new.store.reads) == ("a", [])
    assert [(was.settings.site_title, now.settings.site_title) for was, now in new.changes] == [
        ("Waffle", "a")
    ]


def test_an_unfit_text_stays_unfit_until_it_is_another() -> None:
    """It is compared by the name that counts: a change of the old one heals the worker."""
    store = MemoryStore()
    old = worker(store, model=Old)
    old.write(site_name="far too long")
    new = worker(store, model=New)
    assert new.runtime.status().state == "rejected"

    old.write(low=2)
    new.runtime.check()
    assert (new.settings.low, list(new.runtime.live.unfit)) == (2, ["site_title"])

    old.write(site_name="fits")
    new.runtime.check()
    assert (new.settings.site_title, new.runtime.live.unfit) == ("fits", {})
    assert new.runtime.status().last_error is not None


def test_a_conflict_tells_what_older_code_changed() -> None:
    """Under the name that it has there."""
    old, new = pair()
    old.write(site_name="a")

    with pytest.raises(RevisionConflict, match="In between changed: site_name") as conflict:
        new.runtime.write(Draft("i", expected_revision=0, updates={"low": 2}))
    assert [f.after for f in conflict.value.changes[0].fields] == ["a"]


def test_the_history_of_a_field_goes_by_name() -> None:
    """What happened under the old one is asked for by the old one; others are unknown."""
    old, new = pair()
    old.write(site_name="a")
    new.write(site_title="b")
    new.write("site_title")

    def revisions(field: str | None) -> list[int]:
        return [c.revision for c in new.runtime.ledger.page(field=field, limit=9, before=None)]

    assert revisions("site_title") == [3, 2]
    assert revisions("site_name") == [3, 1]
    assert revisions(None) == [3, 2, 1]
    with pytest.raises(UnknownSetting):
        revisions("nobody")


def rolled_back(new: Worker, revision: int) -> dict[str, str]:
    """The overrides after a rollback."""
    new.runtime.rollback(revision, Draft(f"back-to-{revision}", channel="rollback"))
    return dict(new.store.state("default").overrides)


def test_a_rollback_brings_back_what_stood_under_the_old_name() -> None:
    """Under the new one, for that is what this model writes."""
    old, new = pair()
    old.write(site_name="a")
    new.write("site_title")

    assert rolled_back(new, 1) == {"site_title": '"a"'}
    assert new.settings.site_title == "a"


def test_a_rollback_to_before_either_name_was_stored_resets_both() -> None:
    """Whichever of the two a change wrote."""
    old, new = pair()
    old.write(low=2)
    old.write(site_name="a")
    new.write(site_title="b")

    assert rolled_back(new, 1) == {"low": "2"}


def test_a_rollback_reads_an_old_name_that_nobody_touched_since() -> None:
    """What was in force then is in force again."""
    old, new = pair()
    old.write(site_name="a")
    new.write(low=2)
    new.write(site_title="b")

    assert rolled_back(new, 2) == {"site_name": '"a"', "site_title": '"a"', "low": "2"}
    assert rolled_back(new, 1) == {"site_name": '"a"', "site_title": '"a"'}


def test_a_database_of_the_old_code_is_read_by_an_application_of_the_new(tmp_path: Path) -> None:
    """Through the public calls, and SQL."""
    config = {"WAFFLE_DATABASE_URL": f"sqlite:///{tmp_path / 'waffle.db'}"}
    with Waffle(Old).connect(config) as before:
        before.update(site_name="a", api_key=CANARY)  # type: ignore[waffle-value] # as a form gives it

    with Waffle(New).connect(config) as now:
        assert now.current_settings.site_title == "a"
        assert now.current_settings.token.get_secret_value() == CANARY
        assert now.snapshot().origin("token") == "stored"
        change = now.reset("site_title", "token")
        assert change is not None
        assert CANARY not in repr(now.history())
        assert [f.field for f in change.fields] == ["site_title", "site_name", "token", "api_key"]
        assert now.reset("site_title", "token") is None
    with Waffle(Old).connect(config) as before:
        assert before.current_settings == Old()
