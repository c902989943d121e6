"""The agenda: when the store is read next."""

from __future__ import annotations

import time

import pytest

from typed_waffle import agenda as module
from typed_waffle.agenda import Agenda

POLL, FALLBACK = 1000.0, 100.0

INFINITE = float("inf")


@pytest.fixture
def agenda() -> Agenda:
    """An agenda after a first read, with a bus that is well."""
    agenda = Agenda(POLL, FALLBACK)
    agenda.begun()
    agenda.done(1, pushed=True)
    return agenda


def read(agenda: Agenda, revision: int = 1) -> None:
    agenda.begun()
    agenda.done(revision, pushed=True)


def test_the_first_read_is_due_at_once() -> None:
    """A worker that never read has nothing to wait for."""
    assert Agenda(POLL, FALLBACK).wait() == 0


@pytest.mark.parametrize(("pushed", "interval"), [(True, POLL), (False, FALLBACK)])
def test_polls_are_spread(pushed: bool, interval: float) -> None:  # noqa: FBT001 - a case
    """The next poll comes after the interval that holds, give or take a fifth, not in step."""
    waits = set()
    for _ in range(200):
        agenda = Agenda(POLL, FALLBACK)
        agenda.begun()
        agenda.done(1, pushed=pushed)
        waits.add(round(agenda.wait(), 3))
    assert interval * 0.79 < min(waits) < interval * 0.9
    assert interval * 1.1 < max(waits) < interval * 1.21
    assert len(waits) > 100


def test_now_is_at_once(agenda: Agenda) -> None:
    """After a subscription was made, the store is read without delay."""
    agenda.now()
    assert agenda.wait() == 0


def test_hints_cost_five_reads_a_second_at_the_most(agenda: Agenda) -> None:
    """However many come, the next read keeps its distance from the last one."""
    for _ in range(1000):
        agenda.hint()
    assert 0 < agenda.wait() <= module.HINT_GAP


def test_a_hint_long_after_the_last_read_is_due_at_once(
    agenda: Agenda, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The distance is kept to a read, not to the hint."""
    monkeypatch.setattr(module, "HINT_GAP", 0.0)
    agenda.hint()
    assert agenda.wait() == 0


def test_a_gap_gives_the_missing_message_a_moment(
    agenda: Agenda, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The read is due soon, and no more once the message came."""
    monkeypatch.setattr(module, "HINT_GAP", 0.0)
    agenda.gap()
    assert 0 < agenda.wait() <= module.REORDER
    agenda.filled()
    assert agenda.wait() > FALLBACK


def test_without_the_bus_polls_come_often_from_now_on(agenda: Agenda) -> None:
    """The long wait that a healthy bus allowed is cut short."""
    agenda.deaf()
    assert agenda.wait() <= FALLBACK * 1.2


def test_a_reason_during_a_read_needs_another(agenda: Agenda) -> None:
    """What comes while a read is under way is not answered by it."""
    agenda.begun()
    agenda.hint()
    agenda.done(1, pushed=True)
    assert agenda.wait() <= module.HINT_GAP


def test_a_reason_before_a_read_is_answered_by_it(agenda: Agenda) -> None:
    """One read answers all that was asked before."""
    agenda.hint()
    agenda.gap()
    agenda.now()
    read(agenda)
    assert agenda.wait() > FALLBACK


def test_nothing_is_due_during_a_read(agenda: Agenda) -> None:
    """A second thread that asks finds no read due while one is under way."""
    agenda.now()
    agenda.begun()
    assert agenda.wait() == INFINITE


def test_an_expected_revision_is_looked_for(
    agenda: Agenda, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is read again a few times until it shows it, and then no more."""
    monkeypatch.setattr(module, "CATCH_UP", (1.0, 2.0, 3.0))
    agenda.expect(2)
    waits = []
    for _ in range(5):
        read(agenda)
        waits.append(round(agenda.wait()))
    assert waits[:3] == [1, 2, 3]
    assert min(waits[3:]) > FALLBACK


def test_an_expected_revision_that_came_is_forgotten(agenda: Agenda) -> None:
    """Once the store shows it, polling is as before."""
    agenda.expect(2)
    read(agenda, 2)
    assert agenda.wait() > FALLBACK


def test_a_store_that_is_behind_is_looked_at_again_soon(agenda: Agenda) -> None:
    """The poll interval does not delay finding out that a store was restored."""
    agenda.begun()
    assert not agenda.behind()
    agenda.done(1, pushed=True)
    assert agenda.wait() <= module.BEHIND_GAP


def test_a_store_is_followed_back_after_enough_reads(
    agenda: Agenda, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three reads in a row have to show it, and long enough apart."""
    assert [agenda.behind() for _ in range(5)] == [False] * 5
    monkeypatch.setattr(module, "BEHIND_SECONDS", 0.0)
    assert agenda.behind()
    assert [agenda.behind() for _ in range(3)] == [False, False, True]


def test_a_store_that_caught_up_begins_anew(
    agenda: Agenda, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reads that were behind before do not count after one that was not."""
    monkeypatch.setattr(module, "BEHIND_SECONDS", 0.0)
    agenda.behind()
    agenda.behind()
    agenda.level()
    assert not agenda.behind()


def test_the_wall_clock_decides_nothing(agenda: Agenda, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is set a day forward or back changes no wait."""
    before = agenda.wait()
    day = time.time() + 86_400
    monkeypatch.setattr(time, "time", lambda: day)
    assert before - 60 < agenda.wait() <= before
    read(agenda)
    assert POLL * 0.7 < agenda.wait() < POLL * 1.3
