"""`history`, `diff`, `rollback` and `watch`: what changed, and back again."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import click

from typed_waffle.change import FieldChange
from typed_waffle.cli.changes import show_change, show_fields
from typed_waffle.cli.completion import FIELD
from typed_waffle.cli.group import on_settings
from typed_waffle.cli.options import Writing, writing
from typed_waffle.cli.output import Output
from typed_waffle.cli.waiting import Terms, concluded
from typed_waffle.desk import Desk
from typed_waffle.errors import InvalidChange
from typed_waffle.forms import change_form, field_form

__all__ = ["diff", "history", "rollback", "watch"]

_REVISION = click.IntRange(min=0)


@click.command("history", short_help="Show who changed what, when and why.")
@click.argument("field", required=False, type=FIELD)
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many."
)
@click.option("--before", type=_REVISION, metavar="REVISION", help="Only those before this one.")
@on_settings
def history(
    desk: Desk[Any],  # Any: of any model
    out: Output,
    *,
    field: str | None,
    limit: int,
    before: int | None,
) -> None:
    """Show the changes, newest first; of one FIELD, if it is named.

    For the next page, give the lowest revision of this one to --before.
    """
    changes = desk.history(field=field, limit=limit, before=before)
    if out.as_json:
        out.document({"changes": [change_form(change) for change in changes]})
        return
    for change in changes:
        show_change(out, change)
    if not changes:
        out.note("There is no change.")


@click.command("diff", short_help="Show what differs between two revisions.")
@click.argument("older", type=_REVISION, metavar="REVISION")
@click.argument("newer", type=_REVISION, required=False, metavar="[REVISION]")
@on_settings
def diff(
    desk: Desk[Any],  # Any: of any model
    out: Output,
    *,
    older: int,
    newer: int | None,
) -> None:
    """Show what became of the settings from one REVISION to another, or till now.

    The history keeps no secret's value: one that was set is shown, and not what it was.
    """
    revision, fields = desk.differences(older, newer)
    if out.as_json:
        shown = [field_form(field) for field in fields]
        out.document({"from": older, "to": revision, "fields": shown})
        return
    show_fields(out, fields)
    if not fields:
        out.note(f"Nothing differs between revision {older} and revision {revision}.")


@click.command("rollback", cls=Writing, short_help="Go back to a revision, by a new change.")
@click.argument("revision", type=_REVISION, metavar="REVISION")
@click.option("--yes", is_flag=True, help="Do not ask.")
@writing("rollback")
@on_settings
def rollback(
    desk: Desk[Any],  # Any: of any model
    out: Output,
    *,
    revision: int,
    yes: bool,
    terms: Terms,
) -> None:
    """Make a new change that brings back what was set at REVISION; 0 is before the first.

    It shows what would change, and asks. The history keeps no secret: one that was set to another
    value since stays as it is.
    """
    terms.check(desk)
    signature, fields = terms.signature, _back(desk, revision)
    if not yes:
        seen = desk.revision
        if not sys.stdin.isatty():
            raise click.UsageError(
                f"there is nobody to ask whether to go back to revision {revision}. "
                "Nothing was written. Add --yes."
            )
        show_fields(out, fields)
        click.confirm(f"Go back to revision {revision}?", abort=True, err=True)
        if signature.expected_revision is None:  # what was shown is what is agreed to
            signature = replace(signature, expected_revision=seen)
    change = desk.rollback(revision, signature)
    made = {field.field for field in change.fields} if change else set[str]()
    left = [field.field for field in fields if field.field not in made]
    if left and not out.as_json:
        out.note(f"{', '.join(left)} stays as it is: the history keeps no secret's value.")
    concluded(desk, out, change, terms, brief=not yes)


def _back(desk: Desk[Any], revision: int) -> tuple[FieldChange, ...]:  # Any: of any model
    """What lies between now and a revision; if that cannot be told, going back will say why."""
    seen = desk.fresh().newest
    try:
        return desk.differences(seen, revision)[1]
    except InvalidChange:
        return ()


@click.command("watch", short_help="Show changes as they are made.")
@click.option(
    "--since", type=_REVISION, metavar="REVISION", help="Begin with the changes after this one."
)
@click.option("--count", type=click.IntRange(min=1), help="End after so many changes.")
@on_settings
def watch(
    desk: Desk[Any],  # Any: of any model
    out: Output,
    *,
    since: int | None,
    count: int | None,
) -> None:
    """Show every change as it is made, by whomever. Ctrl-C ends it.

    With --json, each change is one line.
    """
    begin = desk.fresh().newest if since is None else since
    if out.terminal:
        out.note(f"Watching from revision {begin}. Ctrl-C ends it.")

    def trouble(text: str | None) -> None:
        out.note(f"Waiting: {text}" if text else "The database answers again.")

    left = count
    try:
        for change in desk.follow(begin, trouble):
            if out.as_json:
                out.record(change_form(change))
            else:
                show_change(out, change)
                sys.stdout.flush()
            left = None if left is None else left - 1
            if left == 0:
                return
    except KeyboardInterrupt:  # how it is meant to end
        if out.terminal:
            out.note("")
