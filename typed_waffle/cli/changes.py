"""Changes: how one looks, wherever it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from typed_waffle.change import Change, FieldChange
from typed_waffle.cli.output import Cell, Output, moment, spelled
from typed_waffle.paths import joined

__all__ = ["show_change", "show_fields"]

_NOTHING = "(nothing)"


def show_fields(out: Output, fields: Iterable[FieldChange], margin: str = "") -> None:
    """Show what became of each setting, part by part where it has parts."""
    for field in fields:
        for path, before, after in _differences(field.field, field.before, field.after):
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


def _differences(path: str, before: object, after: object) -> Iterator[tuple[str, str, str]]:
    """The parts that differ; all of it if none does, for then a secret in it did."""
    found = list(_parts(path, before, after))
    yield from found or [(path, spelled(before), spelled(after))]


def _parts(path: str, before: object, after: object) -> Iterator[tuple[str, str, str]]:
    if not isinstance(before, dict) or not isinstance(after, dict):
        if before != after:
            yield path, spelled(before), spelled(after)
        return
    for key in {**before, **after}:
        if key not in before:
            yield joined(path, [key]), _NOTHING, spelled(after[key])
        elif key not in after:
            yield joined(path, [key]), spelled(before[key]), _NOTHING
        else:
            yield from _parts(joined(path, [key]), before[key], after[key])
