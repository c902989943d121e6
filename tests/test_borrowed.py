"""A runtime that starts without the store, on a copy; and what becomes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.worker import Settings, Tape, Watched, Worker, change_id, delta, store_at, worker
from typed_waffle import WaffleModel, lastgood
from typed_waffle.change import Head, State
from typed_waffle.copies import Copies
from typed_waffle.errors import StoreUnavailable
from typed_waffle.lastgood import LastGood
from typed_waffle.protocols import Announcement, Subscribed
from typed_waffle.runtime import Rules
from typed_waffle.shelves.bus import BusShelf
from typed_waffle.shelves.file import FileShelf
from typed_waffle.stores.memory import MemoryStore

COPIES = Copies("default", "the key", ("token",), ("name", "low", "high"), None)


@pytest.fixture
def tape() -> Tape:
    return Tape()


def last_good(tape: Tape) -> LastGood:
    return LastGood(COPIES, [BusShelf(tape, "default")])


def kept(tape: Tape, revision: int, **overrides: str) -> LastGood:
    """Shelves with a copy of this revision."""
    found = last_good(tape)
    head = Head(revision, change_id("this", revision))
    found.made(State(head, overrides), reachable=True)
    return found


def away(store: MemoryStore) -> Watched:
    watched = Watched(store)
    watched.outage()
    return watched


def borrowing(
    store: MemoryStore,
    tape: Tape,
    revision: int,
    **overrides: str,
) -> Worker:
    """A worker that began on a copy of this revision, while the store was away."""
    found = kept(tape, revision, **overrides)
    return worker(away(store), tape, last_good=found)


def back(made: Worker) -> None:
    """The store answers again, and the worker looks."""
    made.store.away = None
    made.runtime.check()


def told(made: Worker) -> list[tuple[int, int]]:
    return [(old.revision, new.revision) for old, new in made.changes]


def test_a_worker_begins_on_a_copy(tape: Tape, caplog: pytest.LogCaptureFixture) -> None:
    """Its values and its revision are shown, and the status is `stale`."""
    made = borrowing(store_at(9), tape, 7, low="-7")
    assert (made.settings.low, made.revision) == (-7, 7)
    assert made.runtime.live.origin("low") == "stored"
    status = made.runtime.status()
    assert (status.state, status.revision) == ("stale", 7)
    assert made.changes == []
    assert len([line for line in caplog.messages if "a copy of revision 7" in line]) == 1


def test_a_bus_that_is_up_does_not_make_a_copy_current(tape: Tape) -> None:
    """Nobody can say what was missed."""
    made = borrowing(store_at(9), tape, 7)
    made.runtime.receive([Subscribed()])
    assert made.runtime.status().state == "stale"


@pytest.mark.parametrize("revision", [0, 5, 7, 9])
@pytest.mark.parametrize("chain", ["this", "other"])
def test_the_store_counts_whatever_its_revision_is(tape: Tape, revision: int, chain: str) -> None:
    """Newer, the same, older or emptied: one read, and what is stored is shown and told of."""
    made = borrowing(store_at(revision, chain=chain, low="-9"), tape, 7, low="-7", high="1")
    made.store.reads.clear()
    back(made)
    assert made.settings == Settings(low=-9 if revision else 0)
    assert made.revision == revision
    assert told(made) == [(7, revision)]
    assert made.store.reads == ["state"]
    made.runtime.receive([Subscribed()])
    made.runtime.tick()
    assert made.runtime.status().state == "live"


def test_a_secret_that_a_copy_lacks_comes_with_the_store(
    tape: Tape, caplog: pytest.LogCaptureFixture
) -> None:
    """Also when the revision is the same; until then the log says that it is missing."""
    made = borrowing(store_at(7, token='"secret"', low="-7"), tape, 7, token='"secret"', low="-7")
    assert (made.settings.low, made.settings.token.get_secret_value()) == (-7, "")
    assert "without token" in caplog.text
    back(made)
    assert made.settings.token.get_secret_value() == "secret"
    assert told(made) == [(7, 7)]


def test_a_message_makes_a_worker_on_a_copy_look(tape: Tape) -> None:
    """Even one that follows the copy's change is not merged: the copy may lack something."""
    made = borrowing(store_at(8, low="-8"), tape, 7, low="-7")
    at = datetime.now(UTC)
    ids = change_id("this", 8), change_id("this", 7)
    made.runtime.agenda.done(0, pushed=True)
    made.hears(Announcement("default", 8, *ids, delta(low="-80"), "another", at))
    assert (made.settings.low, made.revision) == (-7, 7)
    assert made.runtime.agenda.wait() < 0.3
    back(made)
    assert (made.settings.low, made.revision) == (-8, 8)


def test_a_write_on_a_copy_is_refused_until_the_store_is_back(tape: Tape) -> None:
    """Then it is made on what is stored, whether the worker looked before or not."""
    made = borrowing(store_at(9, low="-9"), tape, 7, low="-7")
    with pytest.raises(StoreUnavailable):
        made.write(name="Cake")
    assert made.revision == 7
    made.store.away = None
    change = made.write(name="Cake")
    assert change is not None
    assert made.settings == Settings(low=-9, name="Cake")
    assert told(made) == [(7, 10)]
    made.runtime.check()
    assert made.revision == 10
    assert made.runtime.status().store.ok


# --- what does not fit ------------------------------------------------------------------------


def test_a_copy_that_does_not_fit_shows_defaults_in_its_place(
    tape: Tape, caplog: pytest.LogCaptureFixture
) -> None:
    """Loudly; it is no rejection of what is stored, and stops nothing."""
    found = kept(tape, 7, name='"much too long a name"', low="-7")
    rules = Rules(raise_on_invalid=True)
    made = worker(away(store_at(9)), tape, rules=rules, last_good=found)
    assert (made.settings.name, made.settings.low) == ("Waffle", -7)
    assert "the copy of revision 7 does not fit Settings" in caplog.text
    assert made.runtime.status().state == "stale"
    assert made.rejections == []


def test_a_good_copy_is_kept_if_the_store_does_not_fit(tape: Tape) -> None:
    """It is the last good snapshot; the worker is `rejected` until something fits."""
    store = store_at(8, name='"much too long a name"', low="-8")
    made = borrowing(store, tape, 7, name='"Cake"', low="-7")
    back(made)
    assert (made.settings.name, made.settings.low, made.revision) == ("Cake", -7, 7)
    assert [revision for revision, _ in made.rejections] == [8]
    assert made.runtime.status().state == "rejected"
    assert made.changes == []
    change = made.write(name="Tart")
    assert change is not None
    assert (made.settings.name, made.settings.low, made.revision) == ("Tart", -8, 9)
    assert made.runtime.status().last_error is not None
    made.runtime.receive([Subscribed()])
    made.runtime.tick()
    assert made.runtime.status().state == "live"


@pytest.mark.parametrize("copied", [{"token": '"x"'}, {"high": '"no number"'}])
def test_a_copy_that_is_not_whole_is_not_kept(tape: Tape, copied: dict[str, str]) -> None:
    """What fits of the store is better; the copy helps out where a field does not."""
    store = store_at(8, name='"much too long a name"', low="-8", token='"secret"')
    made = borrowing(store, tape, 7, name='"Cake"', low="-7", **copied)
    back(made)
    assert (made.settings.name, made.settings.low, made.revision) == ("Cake", -8, 8)
    assert made.settings.token.get_secret_value() == "secret"
    assert [revision for revision, _ in made.rejections] == [8]
    assert made.runtime.status().state == "rejected"


def test_what_is_stored_is_judged_anew(tape: Tape) -> None:
    """What did not fit of the copy, and does not of the store, is a rejection like any other."""
    text = '"much too long a name"'
    made = borrowing(store_at(7, name=text), tape, 7, name=text)
    assert made.rejections == []
    back(made)
    assert [revision for revision, _ in made.rejections] == [7]
    assert made.runtime.status().state == "rejected"


# --- without one ------------------------------------------------------------------------------


def test_without_a_copy_the_store_counts_as_well(tape: Tape) -> None:
    """A worker on the defaults merges no message either."""
    made = worker(away(store_at(1, low="-1")), tape, last_good=last_good(tape))
    at = datetime.now(UTC)
    made.hears(
        Announcement("default", 1, change_id("this", 1), "", delta(low="-10"), "another", at)
    )
    assert made.settings == Settings()
    back(made)
    assert made.settings == Settings(low=-1)


def test_a_store_that_is_away_can_be_fatal(tape: Tape) -> None:
    """Then no copy is looked for."""
    found = kept(tape, 7)
    tape.refuses = AssertionError("nobody should ask")
    with pytest.raises(StoreUnavailable, match="it is away"):
        worker(away(store_at(9)), tape, rules=Rules(raise_on_unavailable=True), last_good=found)


# --- making copies ----------------------------------------------------------------------------


def copied(tape: Tape) -> Any:  # noqa: ANN401 - a State, or None
    text = BusShelf(tape, "default").read()
    return COPIES.read(text).state if text is not None else None


def test_a_write_leaves_a_copy(tape: Tape) -> None:
    """Of what is stored, not of what is shown in its place; and a quiet worker leaves none."""
    made = worker(store_at(3, low="-3"), tape, last_good=last_good(tape))
    assert copied(tape) is None
    made.write(name="Cake")
    assert copied(tape).head.revision == 4
    assert copied(tape).overrides == {"name": '"Cake"', "low": "-3"}


def test_a_worker_that_connects_leaves_a_copy(tape: Tape) -> None:
    """After it has read the store, if there is none or an older one."""
    made = worker(store_at(3), tape, last_good=kept(tape, 2))
    made.runtime.receive([Subscribed()])
    made.runtime.tick()
    assert copied(tape).head.revision == 3


def test_a_copy_is_not_copied(tape: Tape) -> None:
    """A worker on a copy, or one that keeps it, has nothing to leave."""
    store = store_at(8, name='"much too long a name"')
    made = borrowing(store, tape, 7, low="-7")
    tape.notes.leave("last-good:default", "state", None, 0)
    made.runtime.receive([Subscribed()])
    made.runtime.tick()
    back(made)
    made.runtime.receive([Subscribed()])
    made.runtime.tick()
    assert made.runtime.status().state == "rejected"
    assert copied(tape) is None


def test_who_refuses_a_revision_leaves_its_copy_alone(
    tape: Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older model shows less than is stored, and does not take the store for restored."""
    monkeypatch.setattr(lastgood, "LOOK_SOON", 0.0)
    monkeypatch.setattr(lastgood, "RESTORED_AFTER", 0.0)

    class Newer(WaffleModel):
        name: str = "Waffle"

    def shelves() -> list[BusShelf | FileShelf]:
        return [BusShelf(tape, "default"), FileShelf(tmp_path, "default")]

    store = store_at(1)
    newer = worker(store, tape, model=Newer, last_good=LastGood(COPIES, shelves()))
    older = worker(store, tape, last_good=LastGood(COPIES, shelves()))
    older.runtime.receive([Subscribed()])
    newer.write(name="much too long a name")
    for _ in range(4):
        older.runtime.agenda.now()
        older.runtime.tick()
    assert (older.runtime.status().state, older.revision) == ("rejected", 1)
    found = [COPIES.read(shelf.read() or "").state.head.revision for shelf in shelves()]
    assert found == [2, 2]
