"""`export`, `import` and `schema`: settings to a file, and from one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import click

from typed_waffle.change import FieldChange
from typed_waffle.cli.changes import show_fields
from typed_waffle.cli.files import (
    STANDARD,
    Source,
    flaws,
    format_for,
    loaded,
    refusal,
    saved,
    unreadable,
)
from typed_waffle.cli.group import on_settings
from typed_waffle.cli.options import Writing, writing
from typed_waffle.cli.outcome import Failure
from typed_waffle.cli.output import Output, moment
from typed_waffle.cli.waiting import Terms, concluded
from typed_waffle.desk import ATTEMPTS, Desk
from typed_waffle.errors import InvalidChange, RevisionConflict, SettingLocked
from typed_waffle.forms import field_form, stamp_form
from typed_waffle.model import named
from typed_waffle.paths import Path
from typed_waffle.portable.complaint import complaints_of
from typed_waffle.portable.document import SETTINGS, exported
from typed_waffle.portable.format import FORMATS, Unreadable
from typed_waffle.portable.schema import schema_of
from typed_waffle.portable.wish import Wish, wished_by_document

__all__ = ["export", "import_", "schema"]

_FORMAT = click.option(
    "--format", "chosen", type=click.Choice(FORMATS), help="By the file's name unless said."
)


@click.command("export", short_help="Write what is set to a file.")
@_FORMAT
@click.option("-o", "--output", metavar="FILE", help="The file; without it, standard output.")
@click.option("--secrets", is_flag=True, help="Export secrets as well, in the clear.")
@on_settings
def export(
    desk: Desk[Any],  # Any: of any model
    out: Output,
    *,
    chosen: str | None,
    output: str | None,
    secrets: bool,
) -> None:
    """Show what is set as JSON, TOML or YAML, or write it to a file.

    Defaults are left out, and secrets unless they are asked for. `import` reads it.
    """
    snapshot = desk.stored()
    document = exported(snapshot, desk.namespace, datetime.now(UTC), secrets=secrets)
    file = None if output in {None, STANDARD} else output
    if file is None and out.as_json and chosen not in {None, "json"}:
        raise click.UsageError("--json shows JSON: leave out --format, or write to a file with -o")
    text = document.written(format_for(file or "", chosen))
    if file is not None:
        saved(file, text, private=secrets)
    if out.as_json and file is not None:
        told = {"file": file, "revision": document.revision, "settings": list(document.settings)}
        out.document(told | {"left_out": document.left_out})
    elif file is not None:
        out.line(f"{len(document.settings)} settings of revision {document.revision} in {file}.")
    else:
        out.text(text)
    if document.left_out and not out.as_json:
        names = ", ".join(f"{name} ({why})" for name, why in document.left_out.items())
        out.note(f"Left out: {names}.")


@click.command("import", cls=Writing, short_help="Set what a file says.")
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@_FORMAT
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option(
    "--only-if-unchanged-since",
    "since",
    type=click.IntRange(min=0),
    metavar="REVISION",
    help="Write nothing if a setting that would change was changed since.",
)
@click.option("--reset-others", is_flag=True, help="Reset what is not in the file, but no secret.")
@writing("import")
@on_settings
def import_(
    desk: Desk[Any],  # Any: of any model
    out: Output,
    *,
    file: str,
    chosen: str | None,
    terms: Terms,
    **limits: Any,  # noqa: ANN401 - the options of _Limits
) -> None:
    """Set what FILE says, as one change, made as a whole or not at all; - is standard input.

    It is a file that `export` wrote. Settings that are not in it stay as they are.
    """
    source = loaded(file, chosen, (SETTINGS,))
    wish = _wished(desk, source)
    desk.check(terms.signature)
    within = _Limits(**limits)
    if not within.dry_run:
        terms.check(desk)
    attempt = 0
    while True:
        attempt += 1
        resets = _resets(desk, wish, within)
        revision, fields = _foreseen(desk, source, wish, resets)
        if within.since is not None:
            _check_drift(desk, within.since, fields)
        if within.dry_run:
            _show_foreseen(out, revision, fields)
            return
        expected = terms.signature.expected_revision
        based_on = revision if expected is None else expected
        signature = replace(terms.signature, expected_revision=based_on)
        try:
            change = desk.change(signature, wish.assignments, resets, exact=True)
        except RevisionConflict:  # somebody wrote since it was foreseen
            if expected is not None or attempt == ATTEMPTS:
                raise
        else:
            concluded(desk, out, change, terms)
            return


@dataclass(frozen=True, slots=True)
class _Limits:
    """What an import may do."""

    dry_run: bool
    since: int | None
    reset_others: bool


def _resets(desk: Desk[Any], wish: Wish, within: _Limits) -> list[Path]:  # Any: of any model
    if not within.reset_others:
        return []
    overrides = desk.stored().state.overrides
    return list(wish.others(desk.model, named(desk.model, overrides)))


def _foreseen(
    desk: Desk[Any],  # Any: as above
    source: Source,
    wish: Wish,
    resets: Sequence[Path],
) -> tuple[int, tuple[FieldChange, ...]]:
    try:
        return desk.foreseen(wish.assignments, resets, exact=True)
    except (InvalidChange, SettingLocked) as error:
        raise refusal(source, flaws(source, complaints_of(error))) from None


def _wished(desk: Desk[Any], source: Source) -> Wish:  # Any: of any model
    try:
        tree = source.tree()
    except Unreadable as error:
        raise refusal(source, [unreadable(error)]) from None
    wish = wished_by_document(desk.model, tree)
    if wish.complaints:
        raise refusal(source, flaws(source, wish.complaints))
    return wish


def _check_drift(
    desk: Desk[Any], since: int, fields: Sequence[FieldChange]
) -> None:  # Any: as above
    """See to it that nobody else changed what is about to be changed."""
    touched = {field.field for field in fields}
    _, between = desk.differences(since)
    drift = [field for field in between if field.field in touched]
    if not drift:
        return
    catalog = desk.catalog()
    told: list[str] = []
    forms: list[Mapping[str, object]] = []
    for field in drift:
        latest = catalog.entry(field.field).latest
        by = f" by {latest.actor}" if latest and latest.actor else ""
        when = f", revision {latest.revision}, {moment(latest.at)}" if latest else ""
        told.append(f"{field.field}{by}{when}")
        forms.append(field_form(field) | {"latest": stamp_form(latest)})
    raise Failure(
        "Drift",
        f"since revision {since} somebody changed what the file would change: {'; '.join(told)}. "
        "Nothing was written. Take it over into the file, or import without "
        "--only-if-unchanged-since.",
        settings=tuple(field.field for field in drift),
        document={"drift": forms},
    )


def _show_foreseen(out: Output, revision: int, fields: Sequence[FieldChange]) -> None:
    if out.as_json:
        foreseen = [field_form(field) for field in fields]
        out.document({"revision": revision, "change": None, "fleet": None, "foreseen": foreseen})
        return
    show_fields(out, fields)
    out.line("Nothing was written." if fields else f"Nothing would change: revision {revision}.")


@click.command("schema", short_help="Show the JSON Schema of the settings.")
@on_settings
def schema(desk: Desk[Any], out: Output) -> None:  # Any: of any model
    """Show the JSON Schema of what `import` takes under "settings", for editors and checks."""
    out.document(schema_of(desk.model))
