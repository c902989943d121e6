"""Changes: how one looks, wherever it is shown."""

from __future__ import annotations

from collections.abc import Iterable

from typed_waffle.change import Change, FieldChange
from typed_waffle.cli.output import Cell, Output, moment
from typed_waffle.differences import differences

__all__ = ["show_change", "show_fields"]


def show_fields(out: Output, fields: Iterable[FieldChange], margin: str = "") -> None:
    """Show what became of each setting, part by part where it has parts."""
    for field in fields:
        for path, before, after in differences(field):
            out.cells(
                margin,
                Cell(path, bold=True),
                ": ",
                Cell(before, "red"),
                " -> ",
                Cell(after, "green"),
            )


def show_change(out: Output, change: Change) -> None:
    """Show a change: who made it and why, and below that what became of each setting."""
    note = f": {change.note}" if change.note else ""
    out.cells(
        Cell(f"revision {change.revision}", "yellow"),
        f"  {moment(change.at)}  ",
        Cell(change.actor or "somebody", bold=True),
        Cell(f" ({change.channel})", dim=True),
        note,
    )
    show_fields(out, change.fields, "    ")
