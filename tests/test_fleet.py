"""The records of a fleet: what they hold, and who has applied what."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.support.models import Shop
from typed_waffle import WorkerInfo
from typed_waffle.fingerprint import fingerprint
from typed_waffle.fleet import LONGEST, decoded, encoded, in_order, newcomer, sorted_out

WORKER = WorkerInfo(
    id="0" * 32,
    host="web-1",
    pid=4711,
    server="gunicorn",
    version="1.2.3",
    model="0123456789ab",
    revision=7,
    state="rejected",
    since=datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
    rejected_revision=8,
    reason='größe: "x" is too long',
)


@pytest.mark.parametrize(
    "worker",
    [
        WORKER,
        replace(WORKER, rejected_revision=None, reason=None),
        replace(WORKER, since=WORKER.since.astimezone(timezone(timedelta(hours=5)))),
        newcomer("1" * 32, Shop),
    ],
)
def test_a_record_comes_back_as_it_was(worker: WorkerInfo) -> None:
    """Every part of it survives."""
    assert decoded(worker.id, encoded(worker)) == worker


def test_a_newcomer_says_where_it_runs() -> None:
    """Host, process and model are those of this process, and nothing has happened yet."""
    worker = newcomer("1", Shop)
    assert (worker.host, worker.pid) == (socket.gethostname(), os.getpid())
    assert worker.model == fingerprint(Shop)
    assert (worker.state, worker.revision, worker.rejected_revision) == ("starting", 0, None)


def test_long_texts_are_cut() -> None:
    """A reason as long as a book makes no record as long."""
    record = encoded(replace(WORKER, reason="x" * 10**6))
    assert len(record) < 2 * LONGEST
    long = json.dumps({**json.loads(record), "host": "x" * 10**6})
    worker = decoded("1", long)
    assert worker is not None
    assert len(worker.host) == LONGEST


@pytest.mark.parametrize("key", asdict(WORKER))
@pytest.mark.parametrize("value", [None, [], {}, 1.5, True, "text", -1], ids=repr)
def test_a_record_of_another_version_is_read(key: str, value: object) -> None:
    """What is of another type, or not there, is left empty; what is more is passed over."""
    record = json.loads(encoded(WORKER))
    for changed in (
        {**record, key: value, "more": value},
        {k: v for k, v in record.items() if k != key},
    ):
        worker = decoded(WORKER.id, json.dumps(changed))
        assert worker is not None
        assert worker.id == WORKER.id
        assert worker.since.tzinfo is not None
        others = set(asdict(WORKER)) - {key}
        assert {k: getattr(worker, k) for k in others} == {k: getattr(WORKER, k) for k in others}


@pytest.mark.parametrize("record", ["", "{", "null", "[]", "1", '"x"', "[" * 100_000])
def test_garbage_is_no_worker(record: str) -> None:
    """It is left out."""
    assert decoded("1", record) is None


def test_the_fleet_is_in_order() -> None:
    """By host, then by process."""
    first, second, third = (
        replace(WORKER, host="a", pid=20),
        replace(WORKER, host="a", pid=100),
        replace(WORKER, host="b", pid=1),
    )
    assert in_order([third, second, first]) == (first, second, third)


@pytest.mark.parametrize(
    ("shows", "refuses", "group"),
    [
        (7, None, "applied"),
        (8, None, "applied"),
        (6, None, "pending"),
        (6, 7, "rejected"),
        (6, 8, "rejected"),
        (5, 6, "pending"),
        (7, 8, "applied"),  # the last good one is the one that is asked for
        (7, 7, "rejected"),  # shown with defaults in it
        (8, 8, "rejected"),
        (9, 8, "rejected"),  # a store that went back
    ],
)
def test_who_has_applied_what(shows: int, refuses: int | None, group: str) -> None:
    """A worker that shows revision 7 as it is, or a later one, has applied it."""
    worker = replace(WORKER, revision=shows, rejected_revision=refuses)
    report = sorted_out([worker], 7)
    assert getattr(report, group) == (worker,)
    assert len(report.applied + report.rejected + report.pending) == 1
