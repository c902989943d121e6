"""`edit`: change settings in one's own editor."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path as File
from typing import Any

import click

from typed_waffle.change import Change
from typed_waffle.cli.completion import PATH
from typed_waffle.cli.files import Flaw, Source, ended, flaws, refusal, unreadable
from typed_waffle.cli.group import on_settings
from typed_waffle.cli.options import Writing, writing
from typed_waffle.cli.outcome import Failure
from typed_waffle.cli.output import Output, safe
from typed_waffle.cli.waiting import Terms, concluded
from typed_waffle.desk import Desk
from typed_waffle.errors import InvalidChange, RevisionConflict, SettingLocked, UnknownSetting
from typed_waffle.paths import Assignment, Path, joined, parsed
from typed_waffle.portable.complaint import Complaint, complaints_of
from typed_waffle.portable.format import Unreadable, format_named
from typed_waffle.portable.view import View, viewed
from typed_waffle.portable.wish import Wish, wished

__all__ = ["edit"]

_HELP = (
    "Save and close the editor to make one change of all that you changed here.",
    "A setting whose line is removed or commented out stays as it is: `reset` puts it back.",
    "To give up, save nothing, or leave the file empty.",
)


@click.command("edit", cls=Writing, short_help="Change settings in your editor.")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=PATH)
@click.option(
    "--format",
    "chosen",
    type=click.Choice(["yaml", "toml"]),
    default="yaml",
    show_default=True,
    help="How they are written.",
)
@writing("cli")
@on_settings
def edit(
    desk: Desk[Any],  # Any: of any model
    out: Output,
    *,
    paths: tuple[str, ...],
    chosen: str,
    terms: Terms,
) -> None:
    """Change settings in your editor, all of them or those at each PATH, as one change.

    It is the one that VISUAL or EDITOR names. What is refused comes back with what is wrong, at
    its line. Secrets are not shown, but may be written.
    """
    only = [parsed(desk.model, path) for path in paths]
    desk.check(terms.signature)
    terms.check(desk)
    session = _Session(desk, out, chosen, only, terms)
    with tempfile.TemporaryDirectory(prefix="typed-waffle-") as folder:
        change = session.run(File(folder) / f"settings.{chosen}")
    concluded(desk, out, change, terms)


class _Refused(Exception):  # noqa: N818 - internal: the buffer comes back with it
    """What was saved cannot be, or not yet."""

    def __init__(self, found: Sequence[Flaw]) -> None:
        super().__init__()
        self.flaws = list(found)


class _Session:
    """One sitting at the editor."""

    def __init__(
        self,
        desk: Desk[Any],  # Any: of any model
        out: Output,
        chosen: str,
        only: Sequence[Path],
        terms: Terms,
    ) -> None:
        self._desk = desk
        self._out = out
        self._made = format_named(chosen)
        self._only = only
        self._terms = terms
        self._view = self._seen = self._viewed()

    def run(self, file: File) -> Change | None:
        """Have it edited until it is taken; `None` if nothing was changed.

        Raises:
            Failure: it was refused, and given up.
        """
        text = self._view.text
        marks: list[tuple[int, str]] = []
        refused: Failure | None = None
        while True:
            shown = _marked(text, marks)
            again = _edited(file, shown)
            if again == shown or not again.strip():
                if refused is not None:
                    raise refused
                return None
            text = _unmarked(again, marks)
            source = Source(file.name, text, self._made)
            try:
                return self._saved(source)
            except _Refused as refusal_:
                marks = _marks(text, refusal_.flaws)
                refused = refusal(source, refusal_.flaws)
                self._ask(refused)

    def _ask(self, refused: Failure) -> None:
        """Ask whether to go on, if there is somebody to ask."""
        if not sys.stdin.isatty():
            return
        self._out.note(refused.message)
        if not click.confirm("Edit it again?", default=True, err=True):
            raise refused

    def _viewed(self) -> View:
        catalog = self._desk.catalog()
        model, namespace = self._desk.model, self._desk.namespace
        title = f"{model.__qualname__} ({namespace}), revision {catalog.revision}."
        return viewed(model, catalog, self._made, [title, *_HELP], self._only)

    def _saved(self, source: Source) -> Change | None:
        """Make the change that the text asks for."""
        wish = self._wished(source)
        if wish.complaints:
            raise _Refused(flaws(source, wish.complaints))
        if not wish.assignments:
            return None
        while True:
            signature = replace(self._terms.signature, expected_revision=self._seen.revision)
            try:
                return self._desk.change(signature, wish.assignments)
            except (InvalidChange, SettingLocked, UnknownSetting) as error:
                raise _Refused(flaws(source, complaints_of(error))) from None
            except RevisionConflict as error:
                self._overtaken(source, wish.assignments, error)

    def _wished(self, source: Source) -> Wish:
        try:
            tree = source.tree()
        except Unreadable as error:
            raise _Refused([unreadable(error)]) from None
        return wished(self._desk.model, *self._view.changed(tree))

    def _overtaken(
        self, source: Source, assignments: Sequence[Assignment], error: RevisionConflict
    ) -> None:
        """Go on, on top of what others changed meanwhile, unless it is the same.

        Raises:
            _Refused: it is; or the caller expected the revision that it was.
        """
        before, self._seen = self._seen, self._viewed()
        changed = {field.field for change in error.changes for field in change.fields}
        complaints: list[Complaint] = []
        for keys in dict.fromkeys(_leaves(before, assignments)):
            now = self._seen.shown.get(keys)
            if now == before.shown.get(keys) and (now is not None or keys[0] not in changed):
                continue
            is_now = "" if now is None else f": it is {now} now"
            text = (
                f"{joined(keys[0], keys[1:])} was changed by somebody else meanwhile{is_now}. "
                "Delete this line to write yours"
            )
            complaints.append(Complaint(keys, text, type(error).__name__))
        if complaints:
            raise _Refused(flaws(source, complaints))
        if self._terms.signature.expected_revision is not None:
            text = f"{error} Delete this line to write yours".replace("\n", " ")
            raise _Refused([Flaw(None, None, text, type(error).__name__)])


def _leaves(view: View, assignments: Sequence[Assignment]) -> list[tuple[str, ...]]:
    """What of a view the assignments touch."""
    found: list[tuple[str, ...]] = []
    for assignment in assignments:
        keys = (assignment.path.field, *assignment.path.keys)
        for leaf in (*view.shown, *view.hidden):
            shorter = min(len(leaf), len(keys))
            if leaf[:shorter] == keys[:shorter]:
                found.append(leaf)
    return found


# --- the file ---------------------------------------------------------------------------------


def _edited(file: File, text: str) -> str:
    """What the editor leaves of a text."""
    number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(number, "w", encoding="utf-8", newline="\n") as opened:
        opened.write(text)
    try:
        click.edit(filename=str(file))
        return file.read_text("utf-8-sig").replace("\r\n", "\n")
    except (click.ClickException, OSError, UnicodeDecodeError) as error:
        why = error.message if isinstance(error, click.ClickException) else str(error)
        raise Failure(
            "EditorFailed", f"{why}. Nothing was written. VISUAL or EDITOR names the editor."
        ) from None


def _marks(text: str, found: Sequence[Flaw]) -> list[tuple[int, str]]:
    """What is wrong, as lines of comment; each with the index of the line that it goes above."""
    lines = text.split("\n")
    marks: list[tuple[int, str]] = []
    for flaw in found:
        at = min(flaw.line or 1, len(lines)) - 1
        margin = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        marks.append((at, f"{margin}# ERROR: {ended(safe(flaw.message))}"))
    return marks


def _marked(text: str, marks: Sequence[tuple[int, str]]) -> str:
    lines = text.split("\n")
    for at, mark in sorted(marks, reverse=True):
        lines.insert(at, mark)
    return "\n".join(lines)


def _unmarked(text: str, marks: Sequence[tuple[int, str]]) -> str:
    """The text without the lines that were put into it."""
    ours = {mark for _, mark in marks}
    return "\n".join(line for line in text.split("\n") if line not in ours)
