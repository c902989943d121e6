"""`workers` and `status`: how the workers are, and the settings as a whole."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from typed_waffle.catalog import Entry
from typed_waffle.cli.group import on_settings
from typed_waffle.cli.output import Cell, Output, moment
from typed_waffle.desk import Desk
from typed_waffle.errors import BusUnavailable
from typed_waffle.fleet import WorkerInfo
from typed_waffle.forms import stamp_form, worker_form

__all__ = ["status", "workers"]

_COLOURS = {"live": "green", "rejected": "red", "stale": "red", "degraded": "yellow"}


@click.command("workers", short_help="Show the live workers.")
@on_settings
def workers(desk: Desk[Any], out: Output) -> None:  # Any: of any model
    """Show every live worker, and what it shows. One that died is gone after 35 seconds."""
    fleet = desk.workers()
    if out.as_json:
        out.document({"workers": [worker_form(worker) for worker in fleet]})
        return
    if not fleet:
        out.note("No worker is alive.")
        return
    heads = ("host", "pid", "server", "state", "revision", "since", "reason")
    out.table(heads, [_row(worker) for worker in fleet])


def _row(worker: WorkerInfo) -> list[Cell | str]:
    refused = worker.rejected_revision
    reason = worker.reason or ""
    return [
        worker.host,
        Cell(str(worker.pid), bold=True),
        worker.server,
        Cell(worker.state, _COLOURS.get(worker.state)),
        str(worker.revision),
        moment(worker.since),
        reason if refused is None else f"revision {refused}: {reason}",
    ]


@click.command("status", short_help="Show how things are, at a glance.")
@on_settings
def status(desk: Desk[Any], out: Output) -> None:  # Any: of any model
    """Show the revision, how many settings are set, and how the workers are."""
    catalog = desk.catalog()
    entries = catalog.entries()
    stamps = [entry.latest for entry in entries if entry.latest is not None]
    latest = max(stamps, key=lambda stamp: stamp.revision, default=None)
    counts = _counts(entries)
    fleet, trouble = _fleet(desk)
    if out.as_json:
        states = None if fleet is None else dict(Counter(worker.state for worker in fleet))
        out.document(
            {
                "namespace": desk.namespace,
                "model": desk.model.__qualname__,
                "revision": catalog.revision,
                "latest": stamp_form(latest),
                "settings": counts,
                "workers": states,
                "redis": trouble,
            }
        )
        return
    changed = "never"
    if latest is not None:
        who = f" by {latest.actor}" if latest.actor else ""
        note = f": {latest.note}" if latest.note else ""
        changed = f"{moment(latest.at)}{who}{note}"
    settings = f"{counts['declared']}, {counts['stored']} set, {counts['locked']} locked"
    refused = Cell(str(counts["refused"]), "red" if counts["refused"] else None)
    out.facts(
        [
            ("namespace", desk.namespace),
            ("model", desk.model.__qualname__),
            ("revision", Cell(str(catalog.revision), bold=True)),
            ("changed", changed),
            ("settings", settings),
            ("refused", refused),
            ("workers", _said(fleet, trouble)),
        ]
    )


def _counts(entries: tuple[Entry, ...]) -> dict[str, int]:
    return {
        "declared": len(entries),
        "stored": sum(entry.stored for entry in entries),
        "locked": sum(entry.variable is not None for entry in entries),
        "refused": sum(entry.problem is not None for entry in entries),
    }


def _fleet(desk: Desk[Any]) -> tuple[tuple[WorkerInfo, ...] | None, str | None]:  # Any: see above
    """The workers; or why they are not known."""
    if not desk.shares:
        return None, "not used"
    try:
        return desk.workers(), None
    except BusUnavailable as error:
        return None, error.cause


def _said(fleet: tuple[WorkerInfo, ...] | None, trouble: str | None) -> Cell:
    if fleet is None:
        if trouble == "not used":
            return Cell("not known: Redis is not used")
        return Cell(f"not known: {trouble}", "red")
    if not fleet:
        return Cell("none is alive")
    states = Counter(worker.state for worker in fleet)
    well = set(states) == {"live"}
    told = ", ".join(f"{count} {state}" for state, count in states.most_common())
    return Cell(told, "green" if well else "yellow")
