"""`list`, `get` and `explain`: what the settings are, and why."""

from __future__ import annotations

import fnmatch
from dataclasses import replace
from typing import Any

import click

from typed_waffle.catalog import Entry, Layer
from typed_waffle.cli.completion import FIELD, PATH
from typed_waffle.cli.group import on_settings
from typed_waffle.cli.output import Cell, Output, moment
from typed_waffle.constraints import words
from typed_waffle.desk import Desk
from typed_waffle.differences import spelled
from typed_waffle.errors import UnknownSetting
from typed_waffle.fieldtypes import spelled as typed
from typed_waffle.forms import entry_form, layers_form
from typed_waffle.paths import Path, at, parsed

__all__ = ["explain", "get", "list_"]

_COLOURS = {"default": None, "stored": "green", "environment": "yellow"}


@click.command("list", short_help="Show the settings.")
@click.argument("pattern", required=False, type=FIELD)
@click.option("--changed", is_flag=True, help="Only what somebody set.")
@click.option("--locked", is_flag=True, help="Only what an environment variable pins.")
@click.option("-l", "--long", "more", is_flag=True, help="Show types and descriptions as well.")
@on_settings
def list_(
    desk: Desk[Any],  # Any: of any model
    out: Output,
    *,
    pattern: str | None,
    changed: bool,
    locked: bool,
    more: bool,
) -> None:
    """List the settings; with a PATTERN such as 'smtp*', those whose name fits."""
    catalog = desk.catalog()
    entries = [
        entry
        for entry in catalog.entries()
        if (pattern is None or fnmatch.fnmatchcase(entry.field, pattern))
        and (entry.stored or not changed)
        and (entry.variable is not None or not locked)
    ]
    if out.as_json:
        settings = [entry_form(entry) for entry in entries]
        revision = catalog.revision
        out.document({"namespace": desk.namespace, "revision": revision, "settings": settings})
    elif not out.terminal:
        out.table((), [_columns(entry) for entry in entries])
    elif not entries:
        out.note("No setting fits.")
    else:
        _show(out, entries, more=more)


def _columns(entry: Entry) -> list[str]:
    """All there is to tell, for a program that cuts lines at their tabs."""
    latest = entry.latest
    return [
        entry.field,
        spelled(entry.value),
        entry.origin,
        entry.type,
        entry.constraint or "",
        entry.description or "",
        "" if latest is None else moment(latest.at),
        "" if latest is None else latest.actor or "",
    ]


def _show(out: Output, entries: list[Entry], *, more: bool) -> None:
    if not more:
        heads = ("setting", "value", "origin", "changed")
        out.table(heads, [_row(entry) for entry in entries])
        return
    for number, entry in enumerate(entries):
        if number:
            out.line()
        name, value = Cell(entry.field, bold=True), Cell(spelled(entry.value), "cyan")
        out.cells(name, " = ", value, "  ", _origin(entry))
        takes = f"{entry.type}: {entry.constraint}" if entry.constraint else entry.type
        for text in (takes, entry.description, _when(entry)):
            if text:
                out.cells("    ", Cell(text, dim=True))


def _row(entry: Entry) -> list[Cell | str]:
    value = Cell(spelled(entry.value), None if entry.origin == "default" else "cyan")
    return [Cell(entry.field, bold=True), value, _origin(entry), _when(entry)]


def _origin(entry: Entry) -> Cell:
    if entry.problem is not None:
        return Cell("refused", "red")
    return Cell(entry.origin, _COLOURS[entry.origin], dim=entry.origin == "default")


def _when(entry: Entry) -> str:
    if entry.latest is None:
        return ""
    who = f" by {entry.latest.actor}" if entry.latest.actor else ""
    return f"{moment(entry.latest.at)}{who}"


@click.command("get", short_help="Show a value.")
@click.argument("path", type=PATH)
@on_settings
def get(desk: Desk[Any], out: Output, *, path: str) -> None:  # Any: of any model
    """Show the value at PATH, such as smtp.host. A secret is shown as asterisks."""
    where = parsed(desk.model, path)
    catalog = desk.catalog()
    entry = catalog.entry(where.field)
    value = at(desk.model, where, entry.value)
    if out.as_json:
        revision = catalog.revision
        out.document(
            {"path": str(where), "value": value, "origin": entry.origin, "revision": revision}
        )
    elif isinstance(value, str):
        out.raw(value)
    else:
        out.line(spelled(value))


@click.command("explain", short_help="Show where a value comes from.")
@click.argument("path", type=PATH)
@on_settings
def explain(desk: Desk[Any], out: Output, *, path: str) -> None:  # Any: of any model
    """Show where the value at PATH comes from, and what may stand there."""
    where = parsed(desk.model, path)
    catalog = desk.catalog()
    entry = catalog.entry(where.field)
    if where.keys:
        entry = _part(desk, where, entry)
    if out.as_json:
        form = {"path": str(where), "revision": catalog.revision, "setting": entry_form(entry)}
        out.document(form | {"layers": layers_form(entry)})
        return
    out.facts(_facts(where, entry))
    out.line()
    for layer in entry.layers:
        note = f" ({layer.note})" if layer.note else ""
        mark = Cell("* " if layer.wins else "  ", "green")
        out.cells(mark, Cell(f"{layer.origin:<12}", bold=layer.wins), spelled(layer.value), note)


def _part(desk: Desk[Any], where: Path, entry: Entry) -> Entry:  # Any: as above
    """What is known of a part of a setting; layers that do not have it are left out."""
    value = at(desk.model, where, entry.value)
    layers: list[Layer] = []
    default: object = None
    for layer in entry.layers:
        try:
            there = at(desk.model, where, layer.value)
        except UnknownSetting:
            continue
        layers.append(replace(layer, value=there))
        default = there if layer.origin == "default" else None
    return replace(
        entry,
        type=typed(where.info.annotation),
        value=value,
        default=default,
        secret=where.secret,
        constraint=words(where.info),
        layers=tuple(layers),
    )


def _facts(where: Path, entry: Entry) -> list[tuple[str, Cell | str]]:
    facts: list[tuple[str, Cell | str]] = [
        ("setting", Cell(str(where), bold=True)),
        ("value", Cell(spelled(entry.value), "cyan")),
        ("origin", _origin(entry)),
        ("type", entry.type),
    ]
    if entry.constraint:
        facts.append(("takes", entry.constraint))
    if entry.description:
        facts.append(("description", entry.description))
    if entry.variable:
        facts.append(("locked by", Cell(entry.variable, "yellow")))
    if entry.problem:
        facts.append(("refused", Cell(entry.problem, "red")))
    if entry.latest is not None:
        latest = entry.latest
        note = f": {latest.note}" if latest.note else ""
        facts.append(("changed", f"{_when(entry)}, revision {latest.revision}{note}"))
    return facts
