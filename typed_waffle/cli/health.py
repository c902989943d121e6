"""`doctor`, `check` and `init-db`: for an installation, and for a pipeline that deploys to it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from typed_waffle.cli.group import on_settings
from typed_waffle.cli.outcome import Failure
from typed_waffle.cli.output import Cell, Output
from typed_waffle.desk import Desk
from typed_waffle.doctor import Finding, examined
from typed_waffle.inspection import inspected, prepared

__all__ = ["check", "doctor", "init_db"]

_LOOKS = {"well": ("ok", "green"), "note": ("note", "yellow"), "wrong": ("WRONG", "red")}


@click.command("doctor", short_help="Check all that settings need.")
@on_settings
def doctor(desk: Desk[Any], out: Output) -> None:  # Any: of any model
    """Check the database, Redis, keys, workers and what is stored, and say what to do.

    The exit code is 1 if anything is wrong.
    """
    findings = examined(desk)
    wrong = [finding for finding in findings if finding.verdict == "wrong"]
    document = {"ok": not wrong, "findings": [asdict(finding) for finding in findings]}
    if not out.as_json:
        for finding in findings:
            _show(out, finding)
    if wrong:
        plural = "thing is" if len(wrong) == 1 else "things are"
        raise Failure("Unwell", f"{len(wrong)} {plural} wrong: see above.", document=document)
    if out.as_json:
        out.document(document)


def _show(out: Output, finding: Finding) -> None:
    if not out.terminal:
        out.table((), [[finding.verdict, finding.check, finding.detail, finding.todo or ""]])
        return
    word, colour = _LOOKS[finding.verdict]
    out.wrapped(Cell(word.ljust(7), colour), Cell(finding.check, bold=True), f": {finding.detail}")
    if finding.todo:
        out.wrapped(Cell(" " * 7), Cell(finding.todo, dim=True))


@click.command("check", short_help="See whether what is stored fits this code.")
@on_settings
def check(desk: Desk[Any], out: Output) -> None:  # Any: of any model
    """See whether what is stored fits this code's model: before a deploy, with the new code.

    The exit code is 1 if it does not.
    """
    found = inspected(desk)
    document = {"ok": not found.misfits, **asdict(found)}
    if not out.as_json:
        for misfit in found.misfits:
            if out.terminal:
                out.wrapped(Cell(misfit.field or "all", "red"), f": {misfit.why}")
            else:
                out.table((), [[misfit.field, misfit.why]])
        for name in found.unknown:
            out.note(f"{name} is stored, and this code has no such setting: it is kept.")
    if found.misfits:
        raise Failure(
            "Misfit",
            f"what is stored at revision {found.revision} does not fit this code. Workers with it "
            "would show defaults instead. Set what fits, reset these, or correct the model.",
            settings=tuple(misfit.field for misfit in found.misfits if misfit.field),
            document=document,
        )
    if out.as_json:
        out.document(document)
    else:
        out.line(f"What is stored at revision {found.revision} fits this code.")


@click.command("init-db", short_help="Make the tables, or bring them forward.")
@on_settings
def init_db(desk: Desk[Any], out: Output) -> None:  # Any: of any model
    """Make the tables, or bring them forward, whatever WAFFLE_CREATE_TABLES says."""
    made = prepared(desk)
    if out.as_json:
        out.document({"made": made})
    else:
        out.line("The tables are made." if made else "The tables are there already.")
