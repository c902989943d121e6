"""Ledger: the way back to an earlier revision."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, Field, SecretStr, field_validator

from tests.support.worker import Settings, Watched, Worker, worker
from typed_waffle import InvalidChange, RevisionConflict, SettingLocked, WaffleModel, ledger
from typed_waffle.display import Observer
from typed_waffle.environment import Pinned
from typed_waffle.model import Setting
from typed_waffle.runtime import Rules, Runtime
from typed_waffle.stores.memory import MemoryStore

CANARY = "canary-4711"


@pytest.fixture
def truth() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def made(truth: MemoryStore) -> Iterator[Worker]:
    made = worker(truth)
    yield made
    made.runtime.close()


def overrides(truth: MemoryStore) -> dict[str, str]:
    return dict(truth.state("default").overrides)


def test_every_revision_can_be_brought_back(made: Worker, truth: MemoryStore) -> None:
    """A rollback stores exactly the overrides of that revision, from wherever it starts."""
    held = [overrides(truth)]
    made.write(name="a", low=1)
    held.append(overrides(truth))
    made.write(name="Waffle", high=20)  # the default, chosen: an override all the same
    held.append(overrides(truth))
    made.write("low", "name", high=30)
    held.append(overrides(truth))
    for revision in (2, 0, 3, 1, 2):
        assert made.roll_back(revision) is not None
        assert overrides(truth) == held[revision]
        assert made.settings == worker(truth).settings


def test_a_rollback_is_a_change_of_its_own(made: Worker) -> None:
    """It gets the next revision, its note and channel, and tells what it changed."""
    made.write(low=1)
    made.write(low=2)
    change = made.roll_back(1, note="too low")
    assert change is not None
    assert (change.revision, change.channel, change.note) == (3, "rollback", "too low")
    assert [(f.field, f.before, f.after) for f in change.fields] == [("low", 2, 1)]
    assert made.runtime.ledger.page(field=None, limit=1, before=None) == (change,)


def test_where_one_stands_is_no_change(made: Worker) -> None:
    """Going back to the overrides that hold already writes nothing."""
    made.write(low=1)
    made.write(low=2)
    made.write(low=1)
    assert made.roll_back(3) is None
    assert made.roll_back(1) is None
    assert made.revision == 3


@pytest.mark.parametrize("revision", [-1, 3, 10**9])
def test_a_revision_that_never_was_is_refused(made: Worker, revision: int) -> None:
    """The refusal says where the store is and what to look at."""
    made.write(low=1)
    made.write(low=2)
    with pytest.raises(InvalidChange, match=rf"revision {revision}: the store is at revision 2"):
        made.roll_back(revision)
    assert made.revision == 2


def test_a_pruned_revision_is_refused(made: Worker) -> None:
    """Without the changes in between there is no way back, and the refusal says from where on."""
    for low in range(1, 6):
        made.write(low=low)
    assert made.runtime.prune(2) == 3
    with pytest.raises(InvalidChange, match="pruned up to revision 3"):
        made.roll_back(2)
    assert made.roll_back(3) is not None
    assert made.settings.low == 3


def test_a_long_way_back_is_read_in_pages(made: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many changes lie between, each counts once."""
    monkeypatch.setattr(ledger, "PAGE", 3)
    for low in range(1, 11):
        made.write(low=low - 20)
    for revision in (1, 4, 7):
        made.roll_back(revision)
        assert made.settings.low == revision - 20


def test_a_secret_that_was_changed_stays(
    made: Worker, truth: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    """The history has no secret to bring back: it is left alone, and the log names it."""
    made.write(token="older", low=1)
    made.write(token=CANARY, low=2)
    made.roll_back(1)
    assert made.settings.low == 1
    assert made.settings.token.get_secret_value() == CANARY
    assert "leaves token as it is" in caplog.text
    made.roll_back(0)  # a secret that was not set can be unset
    assert made.settings.token.get_secret_value() == ""
    assert overrides(truth) == {}
    made.roll_back(2)  # and one that was set cannot come back
    assert (made.settings.low, made.settings.token.get_secret_value()) == (2, "")
    assert CANARY not in caplog.text


def test_a_change_in_between_is_rolled_back_too(truth: MemoryStore) -> None:
    """If somebody writes while the history is read, the rollback begins anew."""
    watched = Watched(truth)
    made, other = worker(watched), worker(truth)
    made.write(low=1)
    other.runtime.check()
    pending = ["other"]
    watched.during_state = lambda: pending and other.write(name=pending.pop())
    change = made.roll_back(0)
    assert change is not None
    assert change.revision == 3
    assert overrides(truth) == {}


def test_others_who_never_stop_writing_win(truth: MemoryStore) -> None:
    """A rollback does not try for ever: it ends with the conflict, and nothing is written."""
    watched = Watched(truth)
    made, other = worker(watched), worker(truth)
    made.write(low=1)
    other.runtime.check()
    count = iter(range(1, 1000))
    watched.during_state = lambda: other.write(name=str(next(count)))
    with pytest.raises(RevisionConflict):
        made.roll_back(0)
    assert truth.state("default").overrides["low"] == "1"


def test_fields_that_the_model_lacks_are_left_alone(truth: MemoryStore) -> None:
    """A worker with older code does not undo what newer code stored."""

    class Newer(Settings):
        extra: int = 0

    newer = worker(truth, model=Newer)
    newer.write(extra=1, low=1)
    newer.write(extra=2, low=2)
    older = worker(truth)
    older.roll_back(1)
    assert overrides(truth) == {"extra": "2", "low": "1"}


class Tight(WaffleModel):
    """The settings after a release that narrowed them."""

    name: int = 0
    low: Annotated[int, Field(ge=0)] = 0
    high: int = 10
    token: SecretStr = SecretStr("")


def test_today_s_model_validates_a_rollback(made: Worker, truth: MemoryStore) -> None:
    """What the model of today refuses is not brought back; the refusal names each field."""
    made.write(low=-5)
    made.write(low=3)
    made.write(name="text")
    made.write("name")
    tight = worker(truth, model=Tight)
    before = truth.state("default")
    with pytest.raises(InvalidChange, match="low = -5 is refused: today's type refuses") as low:
        tight.roll_back(1)
    assert low.value.fields == ("low",)
    with pytest.raises(InvalidChange, match="name = 'text' is refused") as name:
        tight.roll_back(3)
    assert name.value.fields == ("name",)
    assert truth.state("default") == before


def test_a_rule_across_fields_refuses_a_rollback(truth: MemoryStore) -> None:
    """The whole model is validated, not field by field."""

    class Loose(WaffleModel):
        low: int = 0
        high: int = 10

    loose = worker(truth, model=Loose)
    loose.write(low=50)
    loose.write("low")
    strict = worker(truth)
    with pytest.raises(InvalidChange, match="low is above high"):
        strict.roll_back(1)
    assert overrides(truth) == {}


def test_a_validator_that_raises_anything_refuses_a_rollback(truth: MemoryStore) -> None:
    """An error of the user's own code is a refusal that names the field."""
    armed: list[bool] = []

    class Odd(WaffleModel):
        low: int = 0

        @field_validator("low")
        @classmethod
        def odd(cls, value: int) -> int:
            if armed:
                raise ValueError("not today")
            return value

    made = worker(truth, model=Odd)
    made.write(low=1)
    made.write(low=2)
    armed.append(True)
    with pytest.raises(InvalidChange, match="low"):
        made.roll_back(1)


def test_what_an_old_name_held_comes_back_under_the_new_one(truth: MemoryStore) -> None:
    """A rollback past a release that renamed a field brings its value back."""

    class Renamed(WaffleModel):
        title: Annotated[str, Setting(renamed_from="name")] = "Waffle"

    worker(truth).write(name="old")
    made = worker(truth, model=Renamed)
    made.write(title="new")
    made.write("title")
    assert made.settings.title == "Waffle"
    assert made.roll_back(1) is not None
    assert made.settings.title == "old"
    made.roll_back(2)
    assert made.settings.title == "new"
    made.roll_back(0)
    assert overrides(truth) == {}


def test_a_locked_field_refuses_a_rollback(truth: MemoryStore) -> None:
    """What the environment pins cannot be written, by a rollback neither."""
    worker(truth).write(low=1)
    worker(truth).write(low=2, high=20)
    runtime: Runtime[Any] = Runtime(
        Settings,
        Rules(),
        truth,
        None,
        Observer(lambda _: None, lambda _a, _b: None, lambda _a, _b: None),
        {"low": Pinned("SHOP_LOW", "5")},
    )
    runtime.boot()
    locked = Worker(runtime, Watched(truth))
    with pytest.raises(SettingLocked, match="SHOP_LOW"):
        locked.roll_back(1)
    assert overrides(truth) == {"low": "2", "high": "20"}


# --- comparing --------------------------------------------------------------------------------


def compared(
    made: Worker, older: int, newer: int | None = None
) -> dict[str, tuple[object, object]]:
    """What became of what."""
    fields = made.runtime.ledger.differences(older, newer)[1]
    return {field.field: (field.before, field.after) for field in fields}


def test_revisions_are_compared(made: Worker) -> None:
    """From one to another, till now, back in time; what came back is no difference."""
    made.write(low=1, name="a")
    made.write(low=2)
    made.write(name="Waffle", high=20)
    assert compared(made, 0) == {"low": (0, 2), "high": (10, 20)}
    assert compared(made, 1, 3) == {"name": ("a", "Waffle"), "low": (1, 2), "high": (10, 20)}
    assert compared(made, 3, 1) == {"name": ("Waffle", "a"), "low": (2, 1), "high": (20, 10)}
    assert compared(made, 2, 2) == {}
    assert made.runtime.ledger.differences(1)[0] == 3


def test_a_secret_that_was_set_differs(made: Worker) -> None:
    """The history cannot tell whether it is another one."""
    made.write(token=CANARY)
    assert list(compared(made, 0)) == ["token"]
    assert CANARY not in str(compared(made, 0))


@pytest.mark.parametrize(("older", "newer"), [(0, 9), (9, 0), (-1, None), (9, None)])
def test_what_never_was_cannot_be_compared(made: Worker, older: int, newer: int | None) -> None:
    """The error says where the store is."""
    made.write(low=1)
    with pytest.raises(InvalidChange, match="to compare with: the store is at revision 1"):
        made.runtime.ledger.differences(older, newer)


def test_what_was_pruned_cannot_be_compared(made: Worker) -> None:
    """What comes after it can."""
    for low in range(1, 5):
        made.write(low=low)
    made.runtime.prune(2)
    assert compared(made, 2) == {"low": (2, 4)}
    with pytest.raises(InvalidChange, match="pruned up to revision 2"):
        compared(made, 1)
    with pytest.raises(InvalidChange, match="pruned"):
        compared(made, 0, 1)


def test_a_long_history_is_compared_page_by_page(
    made: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many changes lie between."""
    monkeypatch.setattr(ledger, "PAGE", 2)
    for low in range(1, 8):
        made.write(low=low)
    assert compared(made, 1) == {"low": (1, 7)}
    assert compared(made, 2, 5) == {"low": (2, 5)}


reads: list[int] = []
"""What was read."""


def counted(value: int) -> int:
    reads.append(value)
    return value


class Counting(WaffleModel):
    """Counts how often a value is read."""

    low: Annotated[int, AfterValidator(counted)] = 0


def test_a_long_history_is_read_once(truth: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a comparison as by a way back; values that were overwritten again are not read at all."""
    made = worker(truth, model=Counting)
    for low in range(1, 31):
        made.write(low=low)
    asked: list[int | None] = []
    history = truth.history

    def noted(*given: Any, **more: Any) -> Any:  # noqa: ANN401 - passed on
        asked.append(more["before"])
        return history(*given, **more)

    monkeypatch.setattr(truth, "history", noted)
    monkeypatch.setattr(ledger, "PAGE", 10)
    reads.clear()
    made.runtime.ledger.differences(0)
    assert asked == [31, 21, 11]
    assert len(reads) <= 4
    asked.clear()
    made.roll_back(0)
    assert asked == [31, 21, 11]
    made.runtime.close()
