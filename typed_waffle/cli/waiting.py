"""Waiting: `--wait`, the bar it shows, and who did not apply the change."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from typed_waffle.change import Change
from typed_waffle.cli.changes import show_fields
from typed_waffle.cli.outcome import Failure
from typed_waffle.cli.output import Output
from typed_waffle.desk import Desk, Signature
from typed_waffle.errors import BusUnavailable
from typed_waffle.fleet import FleetReport, WorkerInfo
from typed_waffle.forms import change_form, report_form

__all__ = ["Terms", "concluded"]

STEP = 0.25
"""Seconds between two looks at the fleet while the bar is shown."""

BAR = 24
"""Characters of the bar."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a change is made."""

    signature: Signature
    wait: float | None
    """Seconds to wait until every worker has applied it; `None` not to wait."""

    def check(self, desk: Desk[Any]) -> None:  # Any: of any model
        """See to it, before anything is written, that the workers can be asked.

        Raises:
            ConfigurationError, BusUnavailable: they cannot.
        """
        if self.wait is not None:
            desk.workers()


def _report(
    desk: Desk[Any], revision: int, seconds: float, out: Output
) -> FleetReport:  # Any: as above
    """Wait, with a bar on a terminal; who has applied the revision then."""
    bar = _Bar(out)
    until = time.monotonic() + seconds
    while True:
        left = until - time.monotonic()
        try:
            report = desk.waffle.wait_applied(revision, max(0.0, min(STEP, left)))
        except BusUnavailable:
            if left <= 0:
                bar.end()
                raise
            continue
        bar.show(report)
        if left <= 0 or not report.pending:
            bar.end()
            return report


class _Bar:
    """Workers that applied, out of workers alive; nothing unless on a terminal."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._shown = False

    def show(self, report: FleetReport) -> None:
        done = len(report.applied)
        total = done + len(report.rejected) + len(report.pending)
        if not self._out.terminal or total == 0:
            return
        filled = BAR * done // total
        bar = f"[{'#' * filled}{'-' * (BAR - filled)}]"
        refused = f", {len(report.rejected)} rejected it" if report.rejected else ""
        click.echo(f"\r{bar} {done} of {total} workers applied it{refused}\x1b[K", nl=False)
        self._shown = True

    def end(self) -> None:
        if self._shown:
            click.echo()
            self._shown = False


def concluded(
    desk: Desk[Any],  # Any: of any model
    out: Output,
    change: Change | None,
    terms: Terms,
    more: Mapping[str, object] | None = None,
    *,
    brief: bool = False,
) -> None:
    """Show a change that was made, and wait for the workers if that was asked for.

    Args:
        desk: Whose change it is.
        out: Where it is shown.
        change: What was made, its values plain; `None` if nothing was to be changed.
        terms: Say how long the workers are waited for.
        more: More for the JSON document.
        brief: Leave out the values, which were shown before.

    Raises:
        Failure: not every worker has applied it.
    """
    revision = change.revision if change else desk.revision
    if not out.as_json:
        _show(out, change, revision, brief=brief)
    report = None if terms.wait is None else _report(desk, revision, terms.wait, out)
    document = {
        "revision": revision,
        "change": change_form(change),
        "fleet": report_form(report),
        **(more or {}),
    }
    if report is not None and (report.rejected or report.pending):
        raise Failure("NotApplied", _complaint(revision, report), document=document)
    if out.as_json:
        out.document(document)
    elif report is not None and not report.applied:
        out.line("No worker is alive.")
    elif report is not None and not out.terminal:
        out.line(f"All {len(report.applied)} workers applied it.")


def _show(out: Output, change: Change | None, revision: int, *, brief: bool) -> None:
    if change is None:
        out.line(f"Nothing was to be changed: this is still revision {revision}.")
        return
    if not brief:
        show_fields(out, change.fields)
    out.line(f"This is revision {revision}.")


def _complaint(revision: int, report: FleetReport) -> str:
    alive = len(report.applied) + len(report.rejected) + len(report.pending)
    said = [
        f"{_name(worker)} rejected it: {worker.reason or 'it does not say why'}"
        for worker in report.rejected
    ]
    said += [f"{_name(worker)} has not answered" for worker in report.pending]
    return (
        f"the change is committed as revision {revision}, and {len(report.applied)} of {alive} "
        f"workers applied it. {'; '.join(said)}. Look at `flask waffle workers`, and at the logs "
        "of these processes."
    )


def _name(worker: WorkerInfo) -> str:
    return f"{worker.server} {worker.pid} on {worker.host}"
