"""Processes that write to one database at the same moment, and processes that are killed at it."""

from __future__ import annotations

import random
import threading
from contextlib import suppress
from typing import Any

import pytest

from tests.support.databases import Database
from tests.support.replay import records_until, replayed
from tests.support.waiting import PATIENCE
from tests.support.writers import Budget, boot, race, spend, started, together
from typed_waffle.change import State
from typed_waffle.stores.sql import SqlStore
from typed_waffle.values import loaded

WRITERS = 8
KILLS = 100


@pytest.fixture
def config(database: Database) -> dict[str, Any]:
    return {"WAFFLE_DATABASE_URL": database.url}


@pytest.fixture
def store(database: Database) -> SqlStore:
    return SqlStore(database.engine())


def test_changes_of_many_processes_are_all_kept_and_keep_the_rule(
    config: dict[str, Any], store: SqlStore
) -> None:
    """Each change that was told as made is one revision, and the rule held after every one."""
    results = together(spend, config, WRITERS)
    made = sorted(revision for revisions, _ in results for revision in revisions)
    state = store.state("default")
    assert made == list(range(1, state.head.revision + 1))
    assert sum(refused for _, refused in results) > 0
    records = records_until(store, "default", state)
    assert records[-1].id == state.head.change_id
    states = replayed(records)
    assert states[-1] == state.overrides
    for overrides in states:
        loaded(Budget, overrides)  # it would raise where the rule is broken


def test_of_those_who_expect_the_same_revision_one_wins(config: dict[str, Any]) -> None:
    """In each round one writer gets through, and the others are told what it did."""
    rounds = zip(*together(race, config, WRITERS), strict=True)
    for number, outcomes in enumerate(rounds):
        (winner,) = [outcome["won"] for outcome in outcomes if outcome["won"]]
        assert winner[0] == number + 1
        assert {outcome["seen"] for outcome in outcomes} == {number}
        for lost in (outcome for outcome in outcomes if not outcome["won"]):
            assert (lost["expected"], lost["actual"]) == (number, number + 1)
            assert lost["between"] == [winner]


def test_twenty_processes_begin_on_an_empty_database(
    config: dict[str, Any], store: SqlStore
) -> None:
    """All of them make the tables at the same moment; each finds the store, and is heard."""
    results = together(boot, config, 20)
    assert [answered for answered, _ in results] == [True] * 20
    assert sorted(revision for _, revision in results if revision) == list(
        range(1, store.head("default").revision + 1)
    )


def test_killed_writers_leave_whole_changes(config: dict[str, Any], store: SqlStore) -> None:
    """After each of 100 kills at any moment, head, overrides and history agree.

    What a writer was told is made stays made, and the next writer is not held up.
    """
    dice = random.Random()  # noqa: S311 - no secret depends on it
    pause = threading.Event()
    before = State()
    for _ in range(KILLS):
        with started(config, before.head.revision) as (writer, told):
            assert told.poll(PATIENCE), "the next writer did not get through"
            pause.wait(dice.uniform(0, 0.06))
            writer.kill()
            writer.join(PATIENCE)
            acknowledged = 0
            with suppress(EOFError, OSError):  # the last message may be half a one
                while True:
                    acknowledged = int.from_bytes(told.recv_bytes())
        state = store.state("default")
        assert state.head.revision >= acknowledged > before.head.revision
        records = records_until(store, "default", state, before.head.revision)
        assert records[-1].id == state.head.change_id
        assert replayed(records, before)[-1] == state.overrides
        before = state
    assert replayed(records_until(store, "default", before))[-1] == before.overrides
