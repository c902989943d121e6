"""Processes that write to one database at the same moment, and processes that are killed at it."""

from __future__ import annotations

import json
import random
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases import Database
from tests.support.processes import Python
from tests.support.replay import records_until, replayed
from tests.support.shop import GAP, Limits
from tests.support.waiting import PATIENCE
from tests.support.writers import Budget, boot, race, spend, started, together
from typed_waffle import Waffle
from typed_waffle.change import State
from typed_waffle.stores.sql import SqlStore
from typed_waffle.testing.load import together as at_once
from typed_waffle.values import loaded

WRITERS = 8
KILLS = 100

# Each takes some seconds, and many times that on a machine that does much else.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


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
        store.commit("default", lambda _: None)  # after one that the server may still be making
        state = store.state("default")
        assert state.head.revision >= acknowledged > before.head.revision
        records = records_until(store, "default", state, before.head.revision)
        assert records[-1].id == state.head.change_id
        assert replayed(records, before)[-1] == state.overrides
        before = state
    assert replayed(records_until(store, "default", before))[-1] == before.overrides


def test_children_of_a_fork_do_not_use_their_parent_s_connections(
    database: Database, tmp_path: Path
) -> None:
    """With an engine whose pool was full at the fork, nobody gets an answer meant for another."""
    told = {"url": database.url, "children": 2, "changes": 20}
    command = ["-W", "ignore::DeprecationWarning", "-m", "tests.support.heirs", json.dumps(told)]
    with Python(command, tmp_path / "heirs.log") as script:
        code = script.ended()
        output = script.output()
    assert code == 0, output
    made = [revision for line in output.splitlines() for revision in json.loads(line)]
    assert sorted(made) == list(range(1, 61))


def test_threads_of_one_process_go_only_forward(config: dict[str, Any], database: Database) -> None:
    """While eight threads write, none of them, and no reader, sees an older or a mixed state."""
    with Waffle(Limits).connect(config, engine=database.engine()) as waffle:
        ended = threading.Event()
        seen: list[tuple[int, int]] = []

        def write(number: int) -> None:
            for value in range(10):
                change = waffle.update(low=10 * number + value, high=10 * number + value + GAP)
                assert change is not None
                assert waffle.snapshot().revision >= change.revision

        def watch() -> None:
            while not ended.wait(0.001):
                snapshot = waffle.snapshot()
                seen.append((snapshot.revision, snapshot.settings.high - snapshot.settings.low))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            at_once(*(partial(write, number + 1) for number in range(WRITERS)))
        finally:
            ended.set()
            watcher.join(PATIENCE)
        assert waffle.snapshot().revision == 10 * WRITERS
    revisions = [revision for revision, _ in seen]
    assert revisions == sorted(revisions)
    assert {gap for _, gap in seen} == {GAP}
