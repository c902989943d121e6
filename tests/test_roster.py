"""One worker's place in the fleet: when it reports, when it does not, and what it sees."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.support.models import Shop
from tests.support.waiting import PATIENCE, eventually
from typed_waffle import BusUnavailable, WorkerInfo, roster
from typed_waffle.buses.memory import MemoryBus
from typed_waffle.fleet import encoded, newcomer
from typed_waffle.protocols import BusError
from typed_waffle.roster import Roster

SHELF = "fleet:shop"
SOON = 1.0


class Shelf(MemoryBus):
    """A bus that counts the reports, refuses them, or hangs."""

    def __init__(self) -> None:
        super().__init__()
        self.reports = 0
        self.refuses: Exception | None = None
        self.answers = threading.Event()
        self.answers.set()

    def leave(self, shelf: str, name: str, text: str | None, lasts: float) -> None:
        self.reports += 1
        assert self.answers.wait(PATIENCE)
        if self.refuses is not None:
            raise self.refuses
        super().leave(shelf, name, text, lasts)

    def left(self, shelf: str) -> dict[str, str]:
        if self.refuses is not None:
            raise self.refuses
        return super().left(shelf)


class Me:
    """A worker that says what it is told to."""

    def __init__(self, bus: MemoryBus | None) -> None:
        self.info = replace(newcomer("me", Shop), state="live")
        self.well = True
        self.roster = Roster(bus, "shop", lambda: self.info, lambda: self.well)

    def shows(self, revision: int) -> None:
        self.info = replace(self.info, revision=revision)

    def tends(self, until: Callable[[], object]) -> float:
        """Do as a loop does until something holds; how long that took."""

        def held() -> bool:
            self.roster.tend()
            return bool(until())

        return eventually(held)


@pytest.fixture
def bus() -> Iterator[Shelf]:
    bus = Shelf()
    yield bus
    bus.answers.set()


@pytest.fixture
def me(bus: Shelf) -> Me:
    return Me(bus)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times that a test can wait for."""
    monkeypatch.setattr(roster, "EVERY", (0.3, 0.4))
    monkeypatch.setattr(roster, "GAP", 0.1)
    monkeypatch.setattr(roster, "FIRST_RETRY", 0.1)


def other(number: int, revision: int, refused: int | None = None) -> WorkerInfo:
    info = newcomer(f"other {number}", Shop)
    return replace(info, host=f"host {number}", revision=revision, rejected_revision=refused)


def put(bus: MemoryBus, *workers: WorkerInfo) -> None:
    for worker in workers:
        MemoryBus.leave(bus, SHELF, worker.id, encoded(worker), PATIENCE)


# --- when it reports --------------------------------------------------------------------------


def test_it_reports_at_once(me: Me, bus: Shelf) -> None:
    """And then not again for long, if nothing changes."""
    me.tends(lambda: bus.left(SHELF) == {"me": encoded(me.info)})
    eventually(lambda: 9 < me.roster.wait() <= 12)
    me.roster.tend()
    assert bus.reports == 1


@pytest.mark.usefixtures("quick")
def test_it_reports_now_and_then(me: Me, bus: Shelf) -> None:
    """Its record would go if it did not."""
    took = me.tends(lambda: bus.reports == 4)
    assert took > 0.8


def test_the_figures_keep_a_record_through_two_losses() -> None:
    """Idle, a worker writes once in ten seconds at most, and is seen though two writes failed."""
    assert roster.EVERY[0] >= 10
    assert roster.EVERY[1] * 2 + 10 < roster.LASTS


@pytest.mark.usefixtures("quick")
def test_a_change_is_reported_at_once(me: Me, bus: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not wait for its turn."""
    monkeypatch.setattr(roster, "EVERY", (3600, 3600))
    me.tends(lambda: bus.reports)
    me.shows(7)
    assert me.tends(lambda: bus.left(SHELF) == {"me": encoded(me.info)}) < SOON


def test_a_storm_of_changes_is_two_reports_a_second(me: Me, bus: Shelf) -> None:
    """The last one is told; most of those before it are not."""
    began = time.monotonic()
    for revision in range(100):
        me.shows(revision)
        me.roster.tend()
        time.sleep(0.012)
    me.tends(lambda: bus.left(SHELF) == {"me": encoded(me.info)})
    assert bus.reports <= 2 * (time.monotonic() - began) + 2


def test_a_bus_that_is_away_is_not_tried(me: Me, bus: Shelf) -> None:
    """Once it is back, a report is made at once."""
    me.well = False
    me.roster.tend()
    assert me.roster.wait() == float("inf")
    me.well = True
    assert me.roster.wait() == 0
    me.tends(lambda: bus.reports == 1)


def test_without_a_bus_nothing_is_due() -> None:
    """There is nobody to report to."""
    lone = Me(None)
    lone.roster.tend()
    assert lone.roster.wait() == float("inf")
    assert lone.roster.workers() == (lone.info,)
    lone.roster.leave()


@pytest.mark.usefixtures("quick")
def test_a_failure_is_logged_once_and_tried_again(
    me: Me, bus: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    """With growing pauses, whatever changes meanwhile; another reason is logged anew."""
    bus.refuses = BusError("no permission")
    me.tends(lambda: bus.reports == 3)
    me.shows(7)
    me.tends(lambda: bus.reports == 5)
    bus.refuses = RuntimeError("another")
    me.tends(lambda: bus.reports == 6)
    bus.refuses = None
    me.tends(lambda: bus.left(SHELF) == {"me": encoded(me.info)})
    told = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert [("no permission" in line, "another" in line) for line in told] == [
        (True, False),
        (False, True),
    ]


def test_retries_become_rare(me: Me, bus: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """As rare as reports are."""
    bus.refuses = BusError("no")
    waits: list[float] = []
    for number in range(1, 8):
        me.tends(lambda number=number: bus.reports == number)  # type: ignore[misc] # bound now
        eventually(lambda: me.roster.wait() < float("inf"))
        waits.append(me.roster.wait())
        me.roster._due = 0.0
    assert waits == sorted(waits[:3]) + waits[3:]
    assert 1 < waits[0] <= 2 < waits[1] <= 4
    assert all(9 < wait <= 12 for wait in waits[4:])


def test_a_bus_that_hangs_holds_nobody(me: Me, bus: Shelf) -> None:
    """The loop goes on, and nothing piles up."""
    bus.answers.clear()
    began = time.monotonic()
    for revision in range(20):
        me.shows(revision)
        me.roster.tend()
    assert time.monotonic() - began < SOON
    assert me.roster.wait() == float("inf")
    eventually(lambda: bus.reports == 1)
    bus.answers.set()
    me.tends(lambda: bus.left(SHELF) == {"me": encoded(me.info)})


# --- when it leaves ---------------------------------------------------------------------------


def test_leaving_takes_the_record_away(me: Me, bus: Shelf) -> None:
    """At once, and for good."""
    me.tends(lambda: bus.left(SHELF))
    me.roster.leave()
    assert bus.left(SHELF) == {}
    me.shows(7)
    me.roster.tend()
    me.roster.leave()
    assert me.roster.wait() == float("inf")
    assert bus.reports == 2


def test_a_report_under_way_does_not_bring_the_record_back(me: Me, bus: Shelf) -> None:
    """What was begun before is over, or not made, before it is taken away."""
    bus.answers.clear()
    me.tends(lambda: bus.reports == 1)
    began = time.monotonic()
    me.roster.leave()
    assert time.monotonic() - began < SOON
    bus.answers.set()
    eventually(lambda: bus.reports == 2)
    eventually(lambda: bus.left(SHELF) == {})


@pytest.mark.parametrize("trouble", ["away", "failing", "silent"])
def test_nothing_is_taken_away_in_vain(trouble: str, me: Me, bus: Shelf) -> None:
    """A bus that is away, or never worked, or was never told anything, costs no time at the end."""
    if trouble == "failing":
        bus.refuses = BusError("no")
    if trouble != "silent":
        me.tends(lambda: bus.reports == 1)
        eventually(lambda: me.roster.wait() < float("inf"))
    me.well = trouble != "away"
    before = bus.reports
    me.roster.leave()
    assert bus.reports == before


def test_a_record_that_stays_is_told(me: Me, bus: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    """It is no trouble: it goes by itself."""
    caplog.set_level(logging.INFO, "typed_waffle")
    me.tends(lambda: bus.left(SHELF))
    bus.refuses = BusError("gone")
    me.roster.leave()
    assert "a while longer (gone)" in caplog.text


# --- what it sees -----------------------------------------------------------------------------


def test_it_sees_itself_as_it_is(me: Me, bus: Shelf) -> None:
    """Among the others, in order, whatever its record says; garbage is left out."""
    me.tends(lambda: bus.left(SHELF))
    me.shows(7)
    one, two = other(1, 5), other(2, 6)
    put(bus, two, one)
    MemoryBus.leave(bus, SHELF, "garbage", "{", PATIENCE)
    found = me.roster.workers()
    assert set(found) == {me.info, one, two}
    assert [worker.host for worker in found] == sorted(worker.host for worker in found)


def test_a_fleet_that_cannot_be_asked_for_is_an_error(me: Me, bus: Shelf) -> None:
    """It says why, and what to do."""
    bus.refuses = BusError("no route")
    with pytest.raises(BusUnavailable, match=r"no route.*WAFFLE_REDIS_URL") as caught:
        me.roster.workers()
    assert caught.value.cause == "no route"


def test_waiting_ends_when_nobody_is_pending(me: Me, bus: Shelf) -> None:
    """Those who refused are not waited for."""
    me.shows(7)
    put(bus, other(1, 7), other(2, 6, 7), other(3, 6))
    later = threading.Timer(0.3, lambda: put(bus, other(3, 8)))
    later.start()
    began = time.monotonic()
    report = me.roster.wait_applied(7, PATIENCE, lambda: None)
    assert 0.3 <= time.monotonic() - began < SOON + 0.5
    later.join()
    assert {w.id for w in report.applied} == {"me", "other 1", "other 3"}
    assert [w.id for w in report.rejected] == ["other 2"]
    assert report.pending == ()


@pytest.mark.parametrize("timeout", [0.3, 0, -1])
def test_waiting_ends_when_the_time_is_over(timeout: float, me: Me, bus: Shelf) -> None:
    """The report names who is pending; without any time it is one look."""
    me.shows(6)
    put(bus, other(1, 7))
    began = time.monotonic()
    report = me.roster.wait_applied(7, timeout, lambda: None)
    assert timeout <= time.monotonic() - began < SOON
    assert [w.id for w in report.applied] == ["other 1"]
    assert [w.id for w in report.pending] == ["me"]


def test_a_worker_that_works_when_told_is_told(me: Me) -> None:
    """Before each look."""
    report = me.roster.wait_applied(3, PATIENCE, lambda: me.shows(me.info.revision + 1))
    assert report.applied == (me.info,)
    assert me.info.revision == 3


def test_waiting_outlasts_a_bus_that_is_away(me: Me, bus: Shelf) -> None:
    """One answer is enough."""
    me.shows(7)
    bus.refuses = BusError("away")
    back = threading.Timer(0.2, lambda: setattr(bus, "refuses", None))
    back.start()
    report = me.roster.wait_applied(7, PATIENCE, lambda: None)
    back.join()
    assert report.applied == (me.info,)


def test_waiting_for_a_bus_that_stays_away_is_an_error(me: Me, bus: Shelf) -> None:
    """After the whole time."""
    bus.refuses = BusError("away")
    began = time.monotonic()
    with pytest.raises(BusUnavailable, match="away"):
        me.roster.wait_applied(7, 0.3, lambda: None)
    assert 0.3 <= time.monotonic() - began < SOON


def test_a_bus_that_goes_away_leaves_the_last_answer(me: Me, bus: Shelf) -> None:
    """It is given when the time is over."""
    put(bus, other(1, 6))
    looks: list[None] = []

    def poke() -> None:
        looks.append(None)
        if len(looks) == 2:
            bus.refuses = BusError("away")

    report = me.roster.wait_applied(7, 0.3, poke)
    assert len(report.pending) == 2


def test_who_is_no_member_only_asks(bus: Shelf) -> None:
    """A command sees the workers, is not among them, and writes no record."""
    worker = replace(newcomer("worker", Shop), state="live")
    bus.leave(SHELF, worker.id, encoded(worker), 60)
    reports = bus.reports
    me = Me(bus)
    command = Roster(bus, "shop", lambda: me.info, lambda: True, member=False)
    assert command.wait() == float("inf")
    command.tend()
    command.leave()
    assert bus.reports == reports
    assert [found.id for found in command.workers()] == ["worker"]
    assert command.wait_applied(0, 1, lambda: None).pending == ()
    alone = Roster(None, "shop", lambda: me.info, lambda: True, member=False)
    assert alone.workers() == ()
