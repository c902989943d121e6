"""Output: JSON for scripts, plain columns in a pipe, aligned and coloured ones on a terminal."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import click

__all__ = ["Cell", "Output", "moment", "safe"]

GAP = 2
"""Columns between two columns."""

NARROW = 8
"""A column is not made narrower than this, if it was wider."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A text of a table, and how it looks."""

    text: str
    colour: str | None = None
    bold: bool = False
    dim: bool = False


class Output:
    """Where a command shows what it did.

    Args:
        as_json: Whether a script reads it.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.terminal: bool = bool(sys.stdout.isatty()) and not as_json
        self.coloured: bool = (
            self.terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        )

    @property
    def width(self) -> int:
        """How many characters a line of the terminal has."""
        return shutil.get_terminal_size().columns

    def document(self, document: object) -> None:
        """Show one JSON document, on lines of its own."""
        click.echo(json.dumps(document, indent=2))

    def record(self, document: object) -> None:
        """Show one JSON document on one line, at once: one of many that a script waits for."""
        click.echo(json.dumps(document, separators=(",", ":")))
        sys.stdout.flush()

    def line(self, text: str = "", *, colour: str | None = None, bold: bool = False) -> None:
        """Show a line. What a terminal would obey is shown escaped."""
        self._echo(self.styled(Cell(safe(text), colour, bold)))

    def cells(self, *cells: Cell | str) -> None:
        """Show a line of several texts, each in its colours."""
        parts = [cell if isinstance(cell, Cell) else Cell(cell) for cell in cells]
        shown = [self.styled(Cell(safe(c.text), c.colour, c.bold, c.dim)) for c in parts]
        self._echo("".join(shown).rstrip())

    def wrapped(self, head: Cell, *cells: Cell | str) -> None:
        """Show a line of several texts, folded at the width, and indented as its head is long."""
        parts = [cell if isinstance(cell, Cell) else Cell(cell) for cell in cells]
        words = [
            Cell(safe(word), part.colour, part.bold, part.dim)
            for part in parts
            for word in re.findall(r"\S*\s*", part.text)
            if word
        ]
        margin = len(head.text)
        line, used = self.styled(head), margin
        for word in words:
            if used > margin and used + _columns(word.text.rstrip()) > self.width:
                self._echo(line.rstrip())
                line, used = " " * margin, margin
            line += self.styled(word)
            used += _columns(word.text)
        self._echo(line.rstrip())

    def raw(self, text: str) -> None:
        """Show a text exactly as it is, if a program reads it."""
        if self.terminal:
            self.line(text)
        else:
            sys.stdout.write(f"{text}\n")  # click would take out what colours it

    def text(self, text: str) -> None:
        """Show lines exactly as they are, if a program reads them."""
        if self.terminal:
            for line in text.splitlines():
                self.line(line)
        else:
            sys.stdout.write(text)

    def note(self, text: str) -> None:
        """Tell a person something that no program should read."""
        click.echo(safe(text), err=True)

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[Cell | str]]) -> None:
        """Show rows: on a terminal below their heads and cut to its width, else with tabs."""
        cells = [[c if isinstance(c, Cell) else Cell(c) for c in row] for row in rows]
        cells = [[Cell(safe(c.text), c.colour, c.bold, c.dim) for c in row] for row in cells]
        if not self.terminal:
            for row in cells:
                click.echo("\t".join(cell.text for cell in row))
            return
        titles = [Cell(head.upper(), dim=True) for head in heads]
        widths = _fitted([titles, *cells], self.width)
        for row in [titles, *cells]:
            shown = [self._padded(cell, width) for cell, width in zip(row, widths, strict=True)]
            self._echo((" " * GAP).join(shown).rstrip())

    def facts(self, facts: Iterable[tuple[str, Cell | str]]) -> None:
        """Show names and what they are, one on a line."""
        pairs = [(name, cell if isinstance(cell, Cell) else Cell(cell)) for name, cell in facts]
        if not self.terminal:
            for name, cell in pairs:
                click.echo(f"{name}\t{safe(cell.text)}")
            return
        width = max(len(name) for name, _ in pairs) + GAP
        for name, cell in pairs:
            text = Cell(safe(cell.text), cell.colour, cell.bold, cell.dim)
            head = self.styled(Cell(name.ljust(width), dim=True))
            self._echo(f"{head}{self.styled(text)}".rstrip())

    def styled(self, cell: Cell) -> str:
        """A text in its colours, if there are any here."""
        if not self.coloured or not (cell.colour or cell.bold or cell.dim):
            return cell.text
        return click.style(cell.text, fg=cell.colour, bold=cell.bold or None, dim=cell.dim or None)

    def _padded(self, cell: Cell, width: int) -> str:
        text = _cut(cell.text, width)
        fill = " " * (width - _columns(text))
        return self.styled(Cell(text, cell.colour, cell.bold, cell.dim)) + fill

    def _echo(self, text: str) -> None:
        click.echo(text, color=self.coloured)


def safe(text: str) -> str:
    """A text with escapes for what a terminal would obey."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def moment(at: datetime) -> str:
    """A time as people read it, to the minute, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}Z"


# --- widths -----------------------------------------------------------------------------------


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _cut(text: str, width: int) -> str:
    if _columns(text) <= width:
        return text
    while text and _columns(text) > width - 3:
        text = text[:-1]
    return f"{text}..."


def _fitted(rows: Sequence[Sequence[Cell]], room: int) -> list[int]:
    """How wide each column is: as its longest text, but the widest give way if there is no room."""
    widths = [max(_columns(cell.text) for cell in column) for column in zip(*rows, strict=True)]
    room -= GAP * (len(widths) - 1)
    while sum(widths) > room and max(widths) > NARROW:
        widths[widths.index(max(widths))] -= 1
    return widths
