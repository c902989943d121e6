"""The runtime of one worker: it writes, applies, heals and calls back."""

from __future__ import annotations

import itertools
import logging
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

import pytest
from pydantic import field_validator

from tests.support.waiting import PATIENCE
from tests.support.worker import Settings, Tape, Watched, Worker, change_id, delta, store_at, worker
from typed_waffle import WaffleModel, agenda
from typed_waffle.buses.message import Codec
from typed_waffle.change import Delta
from typed_waffle.display import Observer
from typed_waffle.edit import Draft
from typed_waffle.environment import Pinned
from typed_waffle.errors import (
    ConfigurationError,
    InvalidChange,
    RevisionConflict,
    StoreUnavailable,
    UnknownSetting,
)
from typed_waffle.protocols import Announcement, BusError, Event, Hint, Subscribed
from typed_waffle.runtime import Rules, Runtime
from typed_waffle.stores.memory import MemoryStore

KEY = "the key"
CANARY = "canary-4711"


@pytest.fixture
def tape() -> Tape:
    """What the writer publishes."""
    return Tape()


@pytest.fixture
def truth() -> MemoryStore:
    """The one store of the fleet."""
    return MemoryStore()


@pytest.fixture
def writer(truth: MemoryStore, tape: Tape) -> Worker:
    """The worker that makes the changes."""
    return worker(truth, tape)


@pytest.fixture
def reader(truth: MemoryStore) -> Worker:
    """Another worker: it is live, and nothing is due."""
    made = worker(truth, Tape())
    made.settle()
    return made


def revisions(of: Worker) -> list[tuple[int, int]]:
    """The swaps that a worker told of."""
    return [(old.revision, new.revision) for old, new in of.changes]


def due(of: Worker) -> bool:
    """Whether the store is read again before long, and not only at the next poll."""
    return of.runtime.agenda.wait() < 1


def look(of: Worker) -> None:
    """Read the store, if a read is due before the next poll."""
    if due(of):
        of.runtime.check()


# --- messages ---------------------------------------------------------------------------------


def test_deltas_in_order_cost_no_read(writer: Worker, reader: Worker, tape: Tape) -> None:
    """However many changes come, the store is not asked."""
    for number in range(1, 21):
        writer.write(low=-number)
        reader.hears(tape.said[-1])
        assert reader.settings.low == -number
        assert not due(reader)
    assert reader.revision == 20
    assert reader.store.reads == []


def test_deltas_out_of_order_cost_no_read(writer: Worker, reader: Worker, tape: Tape) -> None:
    """A message that overtook its predecessor waits for it."""
    for number in range(1, 4):
        writer.write(low=-number)
    for said in reversed(tape.said):
        reader.hears(said)
    assert (reader.revision, reader.settings.low) == (3, -3)
    assert not due(reader)
    assert reader.store.reads == []


def test_a_burst_is_applied_at_once(writer: Worker, reader: Worker, tape: Tape) -> None:
    """Many messages that came together make one swap."""
    for number in range(1, 101):
        writer.write(low=-number)
    reader.hears(*tape.said)
    assert revisions(reader) == [(0, 100)]
    assert reader.store.reads == []


def test_a_burst_too_long_to_keep_is_read(writer: Worker, reader: Worker, tape: Tape) -> None:
    """One read of the store stands for the messages that could not be kept."""
    for number in range(1, 601):
        writer.write(low=-number)
    reader.hears(*tape.said)
    look(reader)
    assert (reader.revision, reader.settings.low) == (600, -600)
    assert reader.store.looks == 1


def test_a_reset_travels_as_well(writer: Worker, reader: Worker, tape: Tape) -> None:
    """A field that goes back to its default does so everywhere."""
    writer.write(name="Cake", low=-1)
    writer.write("name")
    reader.hears(*tape.said)
    assert (reader.settings.name, reader.settings.low) == ("Waffle", -1)
    assert reader.runtime.live.origin("name") == "default"


def test_one_s_own_message_is_ignored(writer: Worker, tape: Tape) -> None:
    """The echo of a change makes no swap and no read, not even a late one."""
    writer.settle()
    for number in range(1, 6):
        writer.write(low=-number)
    before = len(writer.changes)
    writer.hears(*tape.said, *reversed(tape.said))
    assert len(writer.changes) == before
    assert not due(writer)


def test_a_message_of_another_namespace_is_ignored(
    writer: Worker, reader: Worker, tape: Tape
) -> None:
    """Several namespaces may share a channel."""
    writer.write(low=-1)
    reader.hears(replace(tape.said[0], namespace="other"))
    reader.runtime.receive([Hint("other")])
    assert reader.revision == 0
    assert not due(reader)


def test_a_message_during_a_write_is_applied_after_it(truth: MemoryStore) -> None:
    """The change of another worker that follows one's own, but comes first, needs no read."""
    tape = Tape()
    first, second = worker(truth, Tape()), worker(truth, tape)
    first.settle()

    def interrupt() -> None:
        second.write(high=20)
        first.hears(*tape.said)

    first.store.after_commit = interrupt
    first.write(low=-1)
    assert (first.settings.low, first.settings.high, first.revision) == (-1, 20, 2)
    assert not due(first)


# --- hostile messages -------------------------------------------------------------------------


def history_of(writer: Worker, tape: Tape) -> list[Announcement]:
    """Some changes, and what was said of them."""
    for number in range(1, 6):
        writer.write(low=-number)
    return tape.said


HOSTILE: dict[str, Callable[[list[Announcement]], bytes]] = {
    "another key": lambda said: Codec("another").encode(
        replace(said[-1], revision=6, change_id="6" * 32, follows=said[-1].change_id)
    ),
    "unsigned": lambda said: Codec(None).encode(said[-1]),
    "replayed": lambda said: Codec(KEY).encode(said[1]),
    "duplicate": lambda said: Codec(KEY).encode(said[-1]),
    "old, never seen": lambda said: Codec(KEY).encode(
        replace(said[1], change_id="2" * 32, delta=delta(low="-99"))
    ),
    "of another chain": lambda said: Codec(KEY).encode(
        replace(said[-1], revision=6, change_id="6" * 32, follows="5" * 32)
    ),
    "from the future": lambda said: Codec(KEY).encode(
        replace(said[-1], revision=10**9, change_id="9" * 32, follows="8" * 32)
    ),
    "from the future, without values": lambda said: Codec(KEY).encode(
        replace(said[-1], revision=10**9, change_id="9" * 32, follows="8" * 32, delta=None)
    ),
    "truncated": lambda said: Codec(KEY).encode(said[-1])[:-1],
    "garbage": lambda _: b"\x00\xff garbage",
    "10 MB": lambda _: b"x" * 10_000_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_message_costs_one_read_at_the_most(
    kind: str, writer: Worker, reader: Worker, tape: Tape
) -> None:
    """It never changes what is shown, and what follows works as before."""
    said = history_of(writer, tape)
    reader.hears(*said)
    before = reader.runtime.live
    for _ in range(3):
        event = Codec(KEY).decode(HOSTILE[kind](said))
        reader.runtime.receive([event] if event else [])
    for _ in range(5):
        look(reader)
    assert reader.runtime.live is before
    assert reader.store.looks <= 1
    reader.store.reads.clear()
    writer.write(low=-6)
    reader.hears(said[-1])
    assert reader.settings.low == -6
    assert not due(reader)
    assert reader.store.reads == []


def test_a_thousand_hints_cost_one_read(reader: Worker) -> None:
    """They are collected before the store is asked."""
    reader.runtime.receive([Hint("default")] * 1000)
    for _ in range(5):
        look(reader)
    assert reader.store.reads == ["head"]


def test_a_hint_lets_a_change_be_found(writer: Worker, reader: Worker) -> None:
    """Without a key, that is how changes travel."""
    writer.write(low=-1)
    reader.runtime.receive([Hint("default")])
    look(reader)
    assert reader.settings.low == -1
    assert reader.store.reads == ["head", "state"]


def test_a_gap_is_read_from_the_store(writer: Worker, reader: Worker, tape: Tape) -> None:
    """If a message was lost, the one after it costs one read."""
    for number in range(1, 4):
        writer.write(low=-number)
    reader.hears(tape.said[2])
    assert reader.revision == 0
    look(reader)
    assert (reader.revision, reader.settings.low) == (3, -3)
    assert reader.store.reads == ["head", "state"]
    assert not due(reader)


def test_a_value_that_no_json_is_is_rejected(writer: Worker, reader: Worker, tape: Tape) -> None:
    """A holder of the key cannot break a worker with a text that is not JSON."""
    writer.write(low=-1)
    reader.hears(replace(tape.said[0], delta=delta(low='1,"high":0')))
    assert reader.settings == Settings()
    assert reader.runtime.status().state == "rejected"


def test_a_hint_during_a_read_is_not_forgotten(reader: Worker) -> None:
    """What was said after the store looked up its answer needs another read."""
    reader.store.during_head = lambda: reader.runtime.receive([Hint("default")])
    reader.runtime.check()
    assert due(reader)


# --- secrets ----------------------------------------------------------------------------------


def test_a_secret_does_not_cross_the_bus(writer: Worker, reader: Worker, tape: Tape) -> None:
    """The message carries no value, and the others read it from the store."""
    writer.write(token=CANARY, low=-1)
    assert tape.said[0].delta is None
    assert CANARY.encode() not in Codec(KEY).encode(tape.said[0])
    reader.hears(tape.said[0])
    look(reader)
    assert reader.settings.token.get_secret_value() == CANARY
    assert reader.store.reads == ["head", "state"]


def test_a_change_on_top_of_an_edit_carries_no_value(
    writer: Worker, reader: Worker, tape: Tape
) -> None:
    """Somebody edited a row by hand: the others must read all of it."""
    writer.write(low=-1)
    reader.hears(*tape.said)
    assert isinstance(writer.store.inner, MemoryStore)
    writer.store.inner.rewrite("default", lambda _: {"low": "-5"})
    writer.write(name="Cake")
    reader.hears(*tape.said)
    look(reader)
    assert reader.settings == writer.settings == Settings(low=-5, name="Cake")
    assert [said.delta is None for said in tape.said] == [False, True]


def test_a_change_of_many_characters_carries_no_value(
    truth: MemoryStore, writer: Worker, tape: Tape
) -> None:
    """Beyond a bound, the others read the store."""

    class Long(WaffleModel):
        name: str = ""
        other: str = ""

    big = worker(truth, tape, model=Long)
    big.write(name="x" * 200_000)
    big.write(name="y" * 200_000, other="z" * 200_000)
    assert tape.said[0].delta is not None
    assert tape.said[1].delta is None


def test_a_store_that_lags_is_asked_again_for_what_must_come(
    writer: Worker, reader: Worker, tape: Tape
) -> None:
    """A replica that does not show a change yet that a signed message spoke of is read again."""
    reader.store.shows = reader.store.inner.state("default")
    writer.write(token=CANARY)
    reader.hears(tape.said[0])
    look(reader)
    assert reader.revision == 0
    reader.store.shows = None
    assert due(reader)
    look(reader)
    assert reader.revision == 1


# --- what does not fit ------------------------------------------------------------------------


def refusal(worker: Worker) -> tuple[int, int | None, list[str]]:
    """What a worker tells the fleet: what it shows, what it refuses, and the fields it names."""
    info = worker.runtime.info()
    return info.revision, info.rejected_revision, re.findall(r"(\w+):", info.reason or "")


class Loose(WaffleModel):
    """The same fields without the rules: a newer version of the application."""

    name: str = "Waffle"
    low: int = 0
    high: int = 10


@pytest.fixture
def loose(truth: MemoryStore, tape: Tape) -> Worker:
    """A worker that may write what `Settings` refuses."""
    return worker(truth, tape, model=Loose)


def test_a_revision_that_does_not_fit_is_not_shown(
    loose: Worker, reader: Worker, tape: Tape, caplog: pytest.LogCaptureFixture
) -> None:
    """The last good snapshot stays; log, observer and status say so, once."""
    loose.write(low=-1)
    loose.write(name="much too long a name", low=-2)
    reader.hears(*tape.said[:1])
    good = reader.runtime.live
    reader.hears(*tape.said[1:])
    for _ in range(3):
        reader.runtime.check()
    assert reader.runtime.live is good
    assert [(revision, list(reasons)) for revision, reasons in reader.rejections] == [(2, ["name"])]
    found = reader.runtime.status()
    assert (found.state, found.revision) == ("rejected", 1)
    assert "name" in (found.last_error or "")
    assert refusal(reader) == (1, 2, ["name"])
    assert [r.levelno for r in caplog.records if "does not fit" in r.message] == [logging.ERROR]


def test_a_later_revision_heals(loose: Worker, reader: Worker, tape: Tape) -> None:
    """What came in between is not lost, and the status is live again."""
    loose.write(low=20, name="Cake")
    loose.write(high=30)
    reader.hears(tape.said[0])
    assert reader.runtime.status().state == "rejected"
    reader.hears(tape.said[1])
    assert reader.settings == Settings(low=20, high=30, name="Cake")
    assert reader.runtime.status().state == "live"
    assert revisions(reader) == [(0, 2)]
    assert refusal(reader) == (2, None, [])
    assert reader.store.reads == []


def test_a_worker_can_mend_what_it_rejects(loose: Worker, reader: Worker, tape: Tape) -> None:
    """It may write on top of a revision that it does not show."""
    loose.write(name="much too long a name", low=-2)
    reader.hears(*tape.said)
    reader.write(name="Cake")
    assert (reader.settings.name, reader.settings.low, reader.revision) == ("Cake", -2, 2)
    assert reader.runtime.status().state == "live"


class Once(Loose):
    """Its validation is interrupted once when that is wanted, as by a signal or a timeout."""

    interruption: ClassVar[type[BaseException] | None] = None

    @field_validator("name")
    @classmethod
    def checked(cls, name: str) -> str:
        """Be interrupted, or accept it."""
        interruption, cls.interruption = cls.interruption, None
        if interruption is not None:
            raise interruption
        return name


def test_a_validator_that_exits_rejects(truth: MemoryStore, loose: Worker, tape: Tape) -> None:
    """A parser of command lines in a validator ends no listener: what it refuses does not fit."""

    class Parsed(Loose):
        @field_validator("name")
        @classmethod
        def parsed(cls, name: str) -> str:
            if name.startswith("--"):
                raise SystemExit(2)
            return name

    made = worker(truth, Tape(), model=Parsed)
    loose.write(name="--new")
    made.hears(*tape.said)
    assert made.settings.name == "Waffle"
    assert made.runtime.status().state == "rejected"
    assert refusal(made)[:2] == (0, 1)


def test_a_handler_of_the_log_that_fails_prevents_no_rejection(
    truth: MemoryStore, loose: Worker, tape: Tape
) -> None:
    """Otherwise the worker would read and refuse the same again and again, and be live."""
    made = worker(truth, Tape())
    made.settle()
    loose.write(name="much too long a name")
    display = logging.getLogger("typed_waffle.display")

    def fail(_: logging.LogRecord) -> bool:
        raise ZeroDivisionError

    display.addFilter(fail)
    try:
        with pytest.raises(ZeroDivisionError):
            made.hears(*tape.said)
    finally:
        display.removeFilter(fail)
    assert made.runtime.status().state == "rejected"
    assert refusal(made)[:2] == (0, 1)
    assert made.runtime.newest == 1


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("way", ["told", "read"])
def test_a_change_whose_validation_is_interrupted_is_found_again(
    way: str,
    interruption: type[BaseException],
    truth: MemoryStore,
    loose: Worker,
    tape: Tape,
) -> None:
    """A worker counts no revision as known that it neither shows nor rejects."""
    made = worker(truth, Tape(), model=Once)
    made.settle()
    loose.write(name="Cake")
    learns = made.runtime.refresh if way == "read" else partial(made.hears, *tape.said)
    Once.interruption = interruption
    with pytest.raises(interruption):
        learns()
    made.runtime.refresh()
    assert (made.settings.name, made.revision) == ("Cake", 1)
    assert revisions(made) == [(0, 1)]


def test_what_follows_ones_own_change_is_found_again_as_well(
    truth: MemoryStore, loose: Worker, tape: Tape
) -> None:
    """The message was heard during the write, and what it says is validated after it."""
    made = worker(truth, Tape(), model=Once)
    made.settle()

    def overtake() -> None:
        loose.write(name="Cake")
        made.hears(*tape.said)
        Once.interruption = KeyboardInterrupt

    made.store.after_commit = overtake
    with pytest.raises(KeyboardInterrupt):
        made.write(low=-1)
    assert (made.settings.low, made.revision) == (-1, 1)
    look(made)
    assert (made.settings.name, made.revision) == ("Cake", 2)


def test_what_does_not_fit_at_boot_takes_its_default(truth: MemoryStore, loose: Worker) -> None:
    """The application starts; the other stored values are shown, and the status says why."""
    loose.write(name="much too long a name", low=-2)
    made = worker(truth)
    assert (made.settings.name, made.settings.low) == ("Waffle", -2)
    assert made.runtime.status().state == "rejected"
    assert [revision for revision, _ in made.rejections] == [1]
    assert refusal(made) == (1, 1, ["name"])
    loose.write(high=20)
    made.runtime.check()
    assert refusal(made) == (2, 2, ["name"])
    loose.write("name")
    made.runtime.check()
    assert refusal(made) == (3, None, [])


def test_what_does_not_fit_at_boot_can_be_fatal(truth: MemoryStore, loose: Worker) -> None:
    """With WAFFLE_ON_INVALID=raise the boot fails, and names the field."""
    loose.write(name="much too long a name")
    with pytest.raises(ConfigurationError, match="name"):
        worker(truth, rules=Rules(raise_on_invalid=True))


def test_what_fits_is_shown_when_the_store_comes_after_the_boot(loose: Worker) -> None:
    """A worker that began with defaults has no last good snapshot to keep."""
    store = Watched(loose.store.inner)
    loose.write(name="much too long a name", low=-2)
    store.outage()
    made = worker(store)
    store.away = None
    made.runtime.check()
    assert (made.settings.name, made.settings.low) == ("Waffle", -2)
    assert made.runtime.status().state == "rejected"
    assert [revision for revision, _ in made.rejections] == [1]
    assert refusal(made) == (1, 1, ["name"])


def test_an_environment_that_breaks_a_rule_is_fatal(truth: MemoryStore) -> None:
    """The variables at fault are named."""
    locks = {"low": Pinned("SHOP_LOW", "99")}
    nobody: Observer[Settings] = Observer(lambda _: None, lambda *_: None, lambda *_: None)
    with pytest.raises(ConfigurationError, match="SHOP_LOW"):
        Runtime(Settings, Rules(), truth, None, nobody, locks)


# --- stores that go back ----------------------------------------------------------------------


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that was behind for three reads is followed, without the seconds."""
    monkeypatch.setattr(agenda, "BEHIND_SECONDS", 0.0)


def at(revision: int, **overrides: str) -> Worker:
    """A live worker at a revision."""
    made = worker(store_at(revision, **overrides), Tape())
    made.settle()
    return made


@pytest.mark.usefixtures("eager")
def test_an_older_backup_is_followed_after_repeated_reads(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The first reads may be of a replica that lags; then the store is believed, loudly."""
    made = at(9, low="-9")
    made.store.inner = store_at(4, low="-4")
    shown = []
    for _ in range(3):
        made.runtime.check()
        shown.append(made.revision)
    assert shown == [9, 9, 4]
    assert made.settings.low == -4
    assert [r.levelno for r in caplog.records if "restored" in r.message] == [logging.WARNING]
    made.runtime.check()
    assert made.revision == 4


def test_a_store_that_is_behind_is_read_again_soon() -> None:
    """It is not left until the next poll."""
    made = at(9)
    made.store.inner = store_at(4)
    made.runtime.check()
    assert made.runtime.agenda.wait() <= agenda.BEHIND_GAP


@pytest.mark.usefixtures("eager")
def test_a_lagging_replica_is_not_followed() -> None:
    """A store that shows an older state for a while takes nobody back."""
    made = at(9, low="-9")
    made.store.shows = store_at(4, low="-4").state("default")
    for _ in range(2):
        made.runtime.check()
    made.store.shows = None
    made.runtime.check()
    made.store.shows = store_at(4, low="-4").state("default")
    for _ in range(2):
        made.runtime.check()
    assert (made.revision, made.settings.low) == (9, -9)
    assert revisions(made) == []


def test_an_equal_revision_of_another_change_is_followed_at_once() -> None:
    """One chain cannot have both, so the store was restored and changed again."""
    made = at(9, low="-9")
    made.store.inner = store_at(9, chain="that", low="-99")
    made.runtime.check()
    assert made.settings.low == -99
    assert revisions(made) == [(9, 9)]


def test_a_restored_store_that_is_further_is_followed_at_once() -> None:
    """A higher revision is newer, whatever chain it is of."""
    made = at(9, low="-9")
    made.store.inner = store_at(12, chain="that", low="-12")
    made.runtime.check()
    assert (made.revision, made.settings.low) == (12, -12)


@pytest.mark.usefixtures("eager")
def test_a_write_that_overtakes_a_read_takes_nobody_back() -> None:
    """A head that was read before one's own change is not taken for an older store."""
    made = at(9)
    numbers = iter(range(1, 100))

    def overtake() -> None:
        made.write(low=-next(numbers))

    made.store.during_head = overtake
    made.store.during_state = overtake
    for _ in range(10):
        made.runtime.check()
    assert all(new == old + 1 for old, new in revisions(made))


def test_one_s_own_change_of_a_restored_store_is_shown(tape: Tape) -> None:
    """A writer sees the store under its lock, which is the truth: it reads its own write."""
    made = at(9, low="-9", high="99")
    made.store.inner = store_at(4, low="-4")
    made.write(name="Cake")
    assert (made.revision, made.settings.low, made.settings.name) == (5, -4, "Cake")
    assert made.settings.high == 10


def test_a_store_that_fails_between_head_and_state_is_no_answer(reader: Worker) -> None:
    """`refresh` says so instead of showing an old state as new."""
    reader.store.inner = store_at(3)
    reader.store.during_head = reader.store.outage
    with pytest.raises(StoreUnavailable):
        reader.runtime.refresh()
    assert reader.runtime.agenda.wait() <= 2.4
    assert reader.runtime.status().state == "degraded"


# --- outages ----------------------------------------------------------------------------------


def test_without_the_store_the_defaults_are_shown(truth: MemoryStore, writer: Worker) -> None:
    """A boot without the database is no error; the status is `stale` until it answers."""
    writer.write(low=-1)
    store = Watched(truth)
    store.outage()
    made = worker(store, Tape())
    assert made.settings == Settings()
    assert made.runtime.status().state == "stale"
    store.away = None
    made.settle()
    assert made.settings.low == -1
    assert made.runtime.status().state == "live"


def test_a_store_that_is_away_is_tried_again_soon(reader: Worker) -> None:
    """A healthy bus does not make the worker wait for the rare poll."""
    reader.store.outage()
    reader.runtime.check()
    assert reader.runtime.agenda.wait() <= 2.4
    assert reader.runtime.status().state == "degraded"


def without_store(reader: Worker) -> str:
    """The state of a worker whose store is away, after the look that is due."""
    reader.store.outage()
    reader.runtime.agenda.now()
    reader.runtime.tick()
    return reader.runtime.status().state


def test_a_change_that_cannot_be_read_makes_it_stale(
    writer: Worker, reader: Worker, tape: Tape
) -> None:
    """The bus told of it without its values, and the database is away: the worker is behind."""
    assert without_store(reader) == "degraded"
    writer.write(token=CANARY)
    reader.hears(*tape.said)
    assert reader.runtime.status().state == "stale"
    assert without_store(reader) == "stale"
    reader.store.away = None
    reader.runtime.check()
    assert reader.runtime.status().state == "live"
    assert without_store(reader) == "degraded"


@pytest.mark.parametrize("said", ["hint", "repeated", "late"])
def test_whatever_only_the_store_can_tell_makes_it_stale(
    said: str, writer: Worker, reader: Worker, tape: Tape
) -> None:
    """While the database is away, nobody knows whether there is a change behind it."""
    assert without_store(reader) == "degraded"
    writer.write(low=-1)
    events: dict[str, Event] = {
        "hint": Hint("default"),
        "repeated": replace(tape.said[0], delta=None, follows=""),
        "late": replace(tape.said[0], revision=0),
    }
    reader.runtime.receive([events[said]])
    assert reader.runtime.status().state == "stale"


def test_a_gap_makes_it_stale_until_it_is_filled(
    writer: Worker, reader: Worker, tape: Tape
) -> None:
    """While the database is away, a missing message may still come."""
    assert without_store(reader) == "degraded"
    for number in range(1, 4):
        writer.write(low=-number)
    reader.hears(tape.said[0])
    assert reader.runtime.status().state == "degraded"
    reader.hears(tape.said[2])
    assert without_store(reader) == "stale"
    reader.hears(tape.said[1])
    assert (reader.revision, reader.runtime.status().state) == (3, "degraded")


def test_a_subscription_vouches_for_what_was_read_after_it_began(reader: Worker) -> None:
    """What was announced before it is known to the database alone."""
    reader.runtime.deaf("gone")
    assert without_store(reader) == "stale"
    reader.runtime.receive([Subscribed()])
    assert without_store(reader) == "stale"
    reader.store.away = None
    reader.store.during_head = lambda: reader.runtime.receive([Subscribed()])
    reader.runtime.check()
    assert without_store(reader) == "stale"  # that read began before the newest subscription
    reader.store.away, reader.store.during_head = None, lambda: None
    reader.runtime.check()
    assert without_store(reader) == "degraded"


def test_a_change_in_doubt_makes_it_stale(writer: Worker) -> None:
    """What this worker made may be stored, and is not shown."""
    writer.settle()

    def lose() -> None:
        writer.store.outage()
        raise StoreUnavailable("testing", "the answer was lost", in_doubt=True)

    writer.store.after_commit = lose
    with pytest.raises(StoreUnavailable):
        writer.write(low=-1)
    look(writer)
    assert writer.runtime.status().state == "stale"


def test_an_error_that_nobody_expects_delays_no_poll(reader: Worker) -> None:
    """A store of somebody else's that raises anything is read again."""
    reader.store.away = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        reader.runtime.check()
    assert reader.runtime.agenda.wait() <= 2.4
    assert reader.runtime.status().state == "degraded"


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyboardInterrupt()])
def test_a_change_is_in_doubt_whatever_the_store_raises(
    error: BaseException, writer: Worker, reader: Worker, tape: Tape
) -> None:
    """Only who refuses a change says that nothing was written: else it is looked for and told."""
    writer.settle()

    def fail() -> None:
        writer.store.after_commit = lambda: None
        raise error

    writer.store.after_commit = fail
    with pytest.raises(type(error)):
        writer.write(low=-1)
    look(writer)
    assert writer.settings.low == -1
    reader.hears(*tape.said)
    look(reader)
    assert reader.settings.low == -1


def test_a_refused_change_leaves_no_doubt(writer: Worker) -> None:
    """Nothing was written, so there is nothing to look for."""
    writer.settle()
    with pytest.raises(InvalidChange):
        writer.write(low=11)
    assert not due(writer)


def test_a_write_that_meets_no_store_lets_the_status_say_so(writer: Worker) -> None:
    """It does not wait for the next poll to be known."""
    writer.settle()
    writer.store.outage()
    with pytest.raises(StoreUnavailable):
        writer.write(low=-1)
    look(writer)
    assert writer.runtime.status().state == "degraded"


def test_a_change_in_doubt_is_announced_once_it_is_found(
    writer: Worker, reader: Worker, tape: Tape
) -> None:
    """Nobody heard that it was committed: the store tells its writer, who then tells the others."""
    writer.settle()

    def lose() -> None:
        writer.store.after_commit = lambda: None
        raise StoreUnavailable("testing", "the answer was lost", in_doubt=True)

    writer.store.after_commit = lose
    with pytest.raises(StoreUnavailable):
        writer.write(low=-1)
    assert tape.said == []
    look(writer)
    assert writer.settings.low == -1
    reader.hears(*tape.said)
    look(reader)
    assert reader.settings.low == -1


def test_refresh_raises_if_the_store_is_away(reader: Worker) -> None:
    """Who asks for the newest values must know that there are none."""
    reader.store.outage()
    with pytest.raises(StoreUnavailable, match="it is away"):
        reader.runtime.refresh()


def test_refresh_shows_what_is_stored(writer: Worker, reader: Worker) -> None:
    """Without any message."""
    writer.write(low=-1)
    reader.runtime.refresh()
    assert reader.settings.low == -1


def test_losing_the_bus_makes_polls_frequent(reader: Worker) -> None:
    """The next look does not wait for the rare poll that was planned."""
    reader.runtime.deaf("gone")
    assert reader.runtime.agenda.wait() <= 2.4
    assert reader.runtime.status().state == "degraded"


@pytest.mark.parametrize("error", [BusError("refused"), ZeroDivisionError("a bug")])
def test_a_failed_publish_does_not_fail_the_write(
    error: Exception, writer: Worker, tape: Tape, caplog: pytest.LogCaptureFixture
) -> None:
    """The change is committed and shown; the status keeps the error."""
    tape.refuses = error
    change = writer.write(low=-1)
    assert change is not None
    assert (writer.settings.low, writer.revision) == (-1, 1)
    assert str(error) in (writer.runtime.status().last_error or "")
    assert "could not be announced" in caplog.text


def test_a_writer_that_is_interrupted_owes_the_announcement(
    writer: Worker, reader: Worker, tape: Tape, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A timeout that ends a request after the commit leaves the others without the message."""
    writer.settle()

    def interrupt(_: Announcement) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tape, "publish", interrupt)
        with pytest.raises(KeyboardInterrupt):
            writer.write(low=-1)
    look(writer)
    reader.hears(*tape.said)
    look(reader)
    assert reader.settings.low == -1


def test_an_announcement_owed_is_made_later(writer: Worker, reader: Worker, tape: Tape) -> None:
    """Once the bus is back the others are told that there is something to read."""
    writer.settle()
    tape.refuses = BusError("refused")
    writer.write(low=-1)
    assert writer.runtime.agenda.wait() <= 2.4
    writer.runtime.check()
    tape.refuses = None
    assert writer.runtime.agenda.wait() <= 2.4
    writer.runtime.check()
    writer.runtime.check()
    assert [(said.revision, said.delta) for said in tape.said] == [(1, None)]
    reader.hears(*tape.said)
    look(reader)
    assert reader.settings.low == -1


def test_what_is_owed_is_not_paid_before_the_store_answers(
    writer: Worker, reader: Worker, tape: Tape
) -> None:
    """Until a change in doubt is found, nobody knows what there is to tell."""
    writer.settle()

    def lose() -> None:
        writer.store.after_commit = lambda: None
        writer.store.outage()
        raise StoreUnavailable("testing", "the answer was lost", in_doubt=True)

    writer.store.after_commit = lose
    with pytest.raises(StoreUnavailable):
        writer.write(low=-1)
    writer.runtime.check()
    assert tape.said == []
    writer.store.away = None
    writer.runtime.check()
    reader.hears(*tape.said)
    look(reader)
    assert reader.settings.low == -1


@pytest.mark.parametrize("moment", ["looked", "repeating"])
def test_a_debt_is_not_paid_by_what_was_read_before_it(
    moment: str, writer: Worker, tape: Tape, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change that could not be announced meanwhile is not the one that is repeated."""
    writer.settle()
    tape.refuses = BusError("refused")
    writer.write(low=-1)
    tape.refuses = None
    publish = tape.publish

    def meanwhile() -> None:
        writer.store.during_head = lambda: None
        monkeypatch.setattr(tape, "publish", publish)
        writer.store.after_commit = lose
        with pytest.raises(StoreUnavailable):
            writer.write(low=-2)

    def lose() -> None:
        writer.store.after_commit = lambda: None
        raise StoreUnavailable("testing", "the answer was lost", in_doubt=True)

    def repeat(said: Announcement) -> None:
        meanwhile()
        publish(said)

    if moment == "looked":
        writer.store.during_head = meanwhile
    else:
        monkeypatch.setattr(tape, "publish", repeat)
    writer.runtime.check()
    assert [said.revision for said in tape.said] == [1]
    writer.runtime.check()
    assert [said.revision for said in tape.said] == [1, 2]


def test_a_change_does_not_pay_for_the_one_after_it(writer: Worker, tape: Tape) -> None:
    """It is told later than a newer one, which could not be announced."""
    writer.settle()

    def overtake() -> None:
        writer.store.after_commit = lambda: None
        tape.refuses = BusError("refused")
        writer.write(high=20)
        tape.refuses = None

    writer.store.after_commit = overtake
    writer.write(low=-1)
    assert [said.revision for said in tape.said] == [1]
    writer.runtime.check()
    assert [said.revision for said in tape.said] == [1, 2]


def test_an_announcement_owed_waits_for_the_bus(writer: Worker, tape: Tape) -> None:
    """While nobody is subscribed, no message is wasted."""
    tape.refuses = BusError("refused")
    writer.write(low=-1)
    tape.refuses = None
    writer.runtime.check()
    assert tape.said == []
    writer.runtime.receive([Subscribed()])
    writer.runtime.check()
    assert len(tape.said) == 1


def test_a_later_change_pays_what_is_owed(writer: Worker, reader: Worker, tape: Tape) -> None:
    """The next message has a gap before it, which lets the others read the store."""
    writer.settle()
    tape.refuses = BusError("refused")
    writer.write(low=-1)
    tape.refuses = None
    writer.write(high=20)
    writer.runtime.check()
    assert [said.revision for said in tape.said] == [2]
    reader.hears(*tape.said)
    look(reader)
    assert (reader.settings.low, reader.settings.high) == (-1, 20)


# --- callbacks --------------------------------------------------------------------------------


def test_a_callback_is_told_old_and_new(writer: Worker) -> None:
    """Each swap is told, in order, and each begins where the last one ended."""
    for number in range(1, 6):
        writer.write(low=-number)
    assert revisions(writer) == [(n, n + 1) for n in range(5)]


def test_a_callback_holds_no_lock(truth: MemoryStore, tape: Tape) -> None:
    """While one runs, another thread can write, receive and look at the store."""
    ended: list[bool] = []

    def told(_old: object, new: Any) -> None:  # noqa: ANN401 - a snapshot of any model
        if new.revision == 1:
            thread = threading.Thread(target=work)
            thread.start()
            thread.join(PATIENCE)
            ended.append(not thread.is_alive())

    def work() -> None:
        made.write(low=-2)
        made.hears(*tape.said)
        made.runtime.check()

    made = worker(truth, tape, told=told)
    made.write(low=-1)
    assert ended == [True]
    assert made.revision == 2


def test_a_callback_that_fails_stops_nothing(
    truth: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    """The write succeeds, the error is logged, and the next change is told again."""

    def told(_old: object, _new: object) -> None:
        raise ZeroDivisionError

    made = worker(truth, told=told)
    assert made.write(low=-1) is not None
    assert made.write(low=-2) is not None
    assert revisions(made) == [(0, 1), (1, 2)]
    assert caplog.text.count("ZeroDivisionError") >= 2


def test_a_callback_may_write(truth: MemoryStore) -> None:
    """Its change is told after the one that it was called for."""

    def told(_old: object, new: Any) -> None:  # noqa: ANN401 - a snapshot of any model
        if new.revision < 3:
            made.write(low=-new.revision - 1)

    made = worker(truth, told=told)
    made.write(low=-1)
    assert (made.revision, made.settings.low) == (3, -3)
    assert revisions(made) == [(0, 1), (1, 2), (2, 3)]


# --- writing ----------------------------------------------------------------------------------


def test_a_message_says_what_a_change_did(writer: Worker, tape: Tape) -> None:
    """It carries the revision, the ids and the delta."""
    first = writer.write(low=-1, name="Cake")
    second = writer.write("name", low=-2)
    assert first is not None
    assert second is not None
    said = tape.said[1]
    assert (said.revision, said.change_id, said.follows) == (2, second.id, first.id)
    assert said.delta == Delta({"low": "-2"}, frozenset({"name"}))
    assert said.origin == writer.runtime.id
    assert said.at.tzinfo is UTC
    assert abs((said.at - datetime.now(UTC)).total_seconds()) < 60


def test_what_differs_in_nothing_is_no_change(writer: Worker, tape: Tape) -> None:
    """No revision, no message, no callback."""
    assert writer.write(low=0) is None
    assert (writer.revision, tape.said, writer.changes) == (0, [], [])


def test_a_refused_change_leaves_everything(writer: Worker, tape: Tape) -> None:
    """Nothing is written, shown, said or told."""
    before = writer.runtime.live
    with pytest.raises(InvalidChange):
        writer.write(low=99)
    assert writer.runtime.live is before
    assert writer.store.inner.state("default").head.revision == 0
    assert (tape.said, writer.changes) == ([], [])


def test_a_change_is_validated_on_what_is_stored(
    truth: MemoryStore, writer: Worker, tape: Tape
) -> None:
    """A rule across fields sees the other worker's change, although no message came."""
    late = worker(truth, tape)
    writer.write(high=3)
    with pytest.raises(InvalidChange):
        late.write(low=5)
    late.write(low=2)
    assert (late.settings.low, late.settings.high) == (2, 3)


def test_a_text_that_was_rewritten_is_not_undone(truth: MemoryStore, writer: Worker) -> None:
    """A rewrite makes no revision, and still a write elsewhere starts from the texts it left."""
    writer.write(name="a", low=-1)
    truth.rewrite("default", lambda texts: {**texts, "name": '"b"'})
    writer.write(low=-2)
    assert truth.state("default").overrides == {"name": '"b"', "low": "-2"}
    assert (writer.settings.name, writer.settings.low) == ("b", -2)


def test_a_revision_that_was_not_expected_is_a_conflict(
    truth: MemoryStore, writer: Worker, reader: Worker
) -> None:
    """The error says what changed in between, and nothing is written."""
    writer.write(low=-1)
    writer.write(name="Cake")
    with pytest.raises(RevisionConflict) as caught:
        reader.runtime.write(Draft(change_id("x", 1), updates={"high": 20}, expected_revision=0))
    found = caught.value
    assert (found.expected, found.actual) == (0, 2)
    assert [change.fields[0].field for change in found.changes] == ["low", "name"]
    assert truth.head("default").revision == 2


def test_an_expected_revision_that_fits_is_written(writer: Worker) -> None:
    """Also the revision 0."""
    for number in range(2):
        draft = Draft(change_id("x", number), updates={"low": -number - 1})
        draft.expected_revision = number
        assert writer.runtime.write(draft) is not None


def test_two_threads_write_one_after_the_other(truth: MemoryStore, tape: Tape) -> None:
    """No change is lost, and snapshots, messages and callbacks are in order."""
    made = worker(truth, tape)
    made.settle()
    seen: list[int] = []
    stop = threading.Event()

    def write(field: str, sign: int) -> None:
        for number in range(1, 51):
            assert made.write(**{field: sign * number + (10 if sign > 0 else 0)}) is not None

    def watch() -> None:
        while not stop.is_set():
            seen.append(made.revision)
            made.runtime.check()

    threads = [
        threading.Thread(target=write, args=("low", -1)),
        threading.Thread(target=write, args=("high", 1)),
        threading.Thread(target=watch),
    ]
    for thread in threads:
        thread.start()
    for thread in threads[:2]:
        thread.join(PATIENCE)
    stop.set()
    threads[2].join(PATIENCE)
    assert (made.revision, made.settings.low, made.settings.high) == (100, -50, 60)
    assert seen == sorted(seen)
    swaps = revisions(made)
    assert swaps[0][0] == 0
    assert swaps[-1][1] == 100
    assert all(swap[1] == later[0] for swap, later in itertools.pairwise(swaps))
    assert sorted(said.revision for said in tape.said) == list(range(1, 101))


# --- telling ----------------------------------------------------------------------------------


def test_history_is_typed_by_the_model(writer: Worker) -> None:
    """Values come as the model's types, and a secret as asterisks."""
    writer.write(low=-1)
    writer.write(token=CANARY)
    changes = writer.runtime.ledger.page(field=None, limit=50, before=None)
    assert [change.revision for change in changes] == [2, 1]
    assert changes[1].fields[0].after == -1
    assert CANARY not in repr(changes)
    page = writer.runtime.ledger.page(field="low", limit=1, before=2)
    assert [change.revision for change in page] == [1]


def test_history_of_a_field_that_is_none_is_an_error(writer: Worker) -> None:
    """A misspelt name is not an empty history."""
    with pytest.raises(UnknownSetting):
        writer.runtime.ledger.page(field="lo", limit=50, before=None)


def test_after_close_the_last_snapshot_stays(writer: Worker, tape: Tape) -> None:
    """Store and bus are given back, and reading goes on."""
    writer.write(low=-1)
    writer.runtime.close()
    assert (writer.store.closed, tape.closed) == (True, True)
    assert writer.settings.low == -1
    assert writer.runtime.status().state == "closed"


def test_a_worker_without_a_bus_writes_and_polls(truth: MemoryStore, writer: Worker) -> None:
    """One process needs no Redis."""
    alone = worker(truth)
    assert alone.runtime.status().state == "live"
    alone.write(low=-1)
    writer.runtime.check()
    assert writer.settings.low == -1
    writer.write(low=-2)
    alone.runtime.check()
    assert alone.settings.low == -2
    alone.runtime.close()
