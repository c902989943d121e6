"""Fleet: all workers of a namespace, each with the record that it keeps for the others."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from typed_waffle.fingerprint import fingerprint
from typed_waffle.model import WaffleModel
from typed_waffle.serving import server_of, version

__all__ = [
    "FleetReport",
    "WorkerInfo",
    "decoded",
    "encoded",
    "in_order",
    "newcomer",
    "sorted_out",
]

LONGEST = 1000
"""The most characters of a text in a record."""

_LONG_AGO = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """One worker, as it last described itself."""

    id: str
    """Its own, for as long as it lives."""
    host: str
    pid: int
    server: str
    """What runs it, as far as can be told: `gunicorn`, `uwsgi`, `celery`, or a script's name."""
    version: str
    """The version of this library that it runs."""
    model: str
    """A fingerprint of its settings model: workers with another one run other code."""
    revision: int
    """The revision that it shows."""
    state: str
    """As in `Status.state`."""
    since: datetime
    """When the state began, by the clock of its host."""
    rejected_revision: int | None
    """The revision that does not fit its model, if one does not: it shows an older one, or this one
    with defaults in place of what does not fit."""
    reason: str | None
    """Why that does not fit."""


@dataclass(frozen=True, slots=True)
class FleetReport:
    """Who has applied a revision, as `Waffle.wait_applied` gives it."""

    applied: tuple[WorkerInfo, ...]
    """They show the revision, or a later one."""
    rejected: tuple[WorkerInfo, ...]
    """It does not fit their model, or a later one does not; `reason` says why."""
    pending: tuple[WorkerInfo, ...]
    """They have not said anything of it yet."""


def newcomer(worker_id: str, model: type[WaffleModel]) -> WorkerInfo:
    """A worker of this process, before it did anything."""
    return WorkerInfo(
        id=worker_id,
        host=socket.gethostname(),
        pid=os.getpid(),
        server=server_of(sys.modules, sys.argv),
        version=version(),
        model=fingerprint(model),
        revision=0,
        state="starting",
        since=datetime.now(UTC),
        rejected_revision=None,
        reason=None,
    )


def in_order(workers: Iterable[WorkerInfo]) -> tuple[WorkerInfo, ...]:
    """Sorted by host and process."""
    return tuple(sorted(workers, key=lambda worker: (worker.host, worker.pid, worker.id)))


def sorted_out(workers: Iterable[WorkerInfo], revision: int) -> FleetReport:
    """Who of them has applied a revision, who has rejected it, and who neither."""
    groups: dict[str, list[WorkerInfo]] = {"applied": [], "rejected": [], "pending": []}
    for worker in workers:
        refused = worker.rejected_revision
        if worker.revision >= revision and (refused is None or refused > worker.revision):
            groups["applied"].append(worker)
        elif refused is not None and refused >= revision:
            groups["rejected"].append(worker)
        else:
            groups["pending"].append(worker)
    return FleetReport(**{group: in_order(found) for group, found in groups.items()})


def encoded(worker: WorkerInfo) -> str:
    """The record of a worker, as JSON."""
    record = {
        key: value[:LONGEST] if isinstance(value, str) else value
        for key, value in asdict(worker).items()
    }
    return json.dumps(record | {"since": worker.since.isoformat()}, separators=(",", ":"))


def decoded(name: str, record: str) -> WorkerInfo | None:
    """The worker of that name; `None` if this is no record.

    Other versions of this library may leave keys out and have more; their values may be others.
    """
    try:
        told = json.loads(record)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None

    def text(key: str) -> str | None:
        value = told.get(key)
        return value[:LONGEST] if isinstance(value, str) else None

    def number(key: str) -> int | None:
        value = told.get(key)
        return value if type(value) is int else None

    return WorkerInfo(
        id=name,
        host=text("host") or "",
        pid=number("pid") or 0,
        server=text("server") or "",
        version=text("version") or "",
        model=text("model") or "",
        revision=number("revision") or 0,
        state=text("state") or "",
        since=_time(text("since")),
        rejected_revision=number("rejected_revision"),
        reason=text("reason"),
    )


def _time(text: str | None) -> datetime:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return _LONG_AGO
    return time if time.tzinfo is not None else _LONG_AGO
