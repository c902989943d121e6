"""Forms: what the library tells, as the JSON documents that `docs/cli.schema.json` describes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from typed_waffle.catalog import Entry
from typed_waffle.change import Change, FieldChange, Stamp
from typed_waffle.fleet import FleetReport, WorkerInfo

__all__ = [
    "change_form",
    "entry_form",
    "field_form",
    "layers_form",
    "report_form",
    "stamp_form",
    "worker_form",
]

Form = dict[str, Any]  # Any: a JSON object


def stamp_form(stamp: Stamp | None) -> Form | None:
    """Who made a change, when, and why."""
    return None if stamp is None else asdict(stamp) | {"at": stamp.at.isoformat()}


def entry_form(entry: Entry) -> Form:
    """One setting, without the places that its value may come from."""
    form = asdict(entry)
    del form["layers"]
    return form | {"latest": stamp_form(entry.latest)}


def layers_form(entry: Entry) -> list[Form]:
    """The places that a setting's value may come from."""
    return [asdict(layer) for layer in entry.layers]


def field_form(field: FieldChange) -> Form:
    """What became of one setting, its values as plain data."""
    return asdict(field)


def change_form(change: Change | None) -> Form | None:
    """A change, its values as plain data."""
    if change is None:
        return None
    return asdict(change) | {
        "at": change.at.isoformat(),
        "fields": [field_form(field) for field in change.fields],
    }


def worker_form(worker: WorkerInfo) -> Form:
    """One worker."""
    return asdict(worker) | {"since": worker.since.isoformat()}


def report_form(report: FleetReport | None) -> Form | None:
    """Who has applied a change."""
    if report is None:
        return None
    return {
        group: [worker_form(worker) for worker in workers]
        for group, workers in (
            ("applied", report.applied),
            ("rejected", report.rejected),
            ("pending", report.pending),
        )
    }
