"""Files: settings in a file, read and written by `export`, `import` and `edit`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from typed_waffle.cli.outcome import Conflict, Failure
from typed_waffle.errors import RevisionConflict
from typed_waffle.paths import joined
from typed_waffle.portable.complaint import Complaint
from typed_waffle.portable.document import TEXTS
from typed_waffle.portable.format import EXTENSIONS, Format, Unreadable, format_named

__all__ = [
    "Flaw",
    "Source",
    "ended",
    "flaws",
    "format_for",
    "loaded",
    "refusal",
    "saved",
    "unreadable",
]

STANDARD = "-"


@dataclass(frozen=True, slots=True)
class Source:
    """A text that holds settings."""

    name: str
    text: str
    made: Format
    root: tuple[str, ...] = ()
    """What the settings stand in."""

    def tree(self) -> dict[str, object]:
        """What it holds.

        Raises:
            Unreadable: it is not of its format.
        """
        return self.made.read(self.text)

    def line(self, complaint: Complaint) -> int | None:
        """Where a complaint belongs."""
        if not complaint.keys:
            return None
        texts = self.tree().get(TEXTS)
        for depth in range(len(complaint.keys), 0, -1):
            path = joined(complaint.keys[0], complaint.keys[1:depth])
            if isinstance(texts, dict) and path in texts:
                return self.made.line(self.text, (TEXTS, path))
        return self.made.line(self.text, (*self.root, *complaint.keys))


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong, and on which line."""

    line: int | None
    setting: str | None
    message: str
    kind: str


def flaws(source: Source, complaints: Iterable[Complaint]) -> list[Flaw]:
    """The complaints with their lines, in the order of these."""
    found = [Flaw(source.line(c), c.setting, c.text, c.kind) for c in complaints]
    return sorted(found, key=lambda flaw: flaw.line or 0)


def unreadable(error: Unreadable) -> Flaw:
    """What is wrong with a text that is not of its format."""
    return Flaw(error.line, None, error.why, "Unreadable")


def refusal(source: Source, found: list[Flaw]) -> Failure:
    """The end of a command whose file was refused."""
    told = [
        f"{source.name}{f':{flaw.line}' if flaw.line else ''}: {flaw.message.removesuffix('.')}"
        for flaw in found
    ]
    kinds = {flaw.kind for flaw in found}
    end = Conflict if kinds == {RevisionConflict.__name__} else Failure
    return end(
        kinds.pop() if len(kinds) == 1 else "InvalidChange",
        f"{ended('; '.join(told))} Nothing was written: correct it and try again.",
        settings=tuple(dict.fromkeys(flaw.setting for flaw in found if flaw.setting)),
    )


def ended(text: str) -> str:
    """A text that ends as a sentence does."""
    return text if text.endswith((".", "?")) else f"{text}."


def format_for(name: str, chosen: str | None, otherwise: str = "json") -> Format:
    """The format that was chosen, or that a file's name says.

    Raises:
        ConfigurationError: it needs a package that is not installed.
    """
    return format_named(chosen or EXTENSIONS.get(Path(name).suffix.lower(), otherwise))


def loaded(name: str, chosen: str | None, root: tuple[str, ...]) -> Source:
    """A file, or standard input."""
    made = format_for(name, chosen)
    where = "standard input" if name == STANDARD else name
    try:
        raw = sys.stdin.buffer.read() if name == STANDARD else Path(name).read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise click.UsageError(f"{name} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{where} is not UTF-8. Nothing was written.") from None
    return Source(where, text, made, root)


def saved(file: str, text: str, *, private: bool) -> None:
    """Write a file; a private one can be read by its owner only."""
    try:
        mode = 0o600 if private else 0o666
        number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(number, "w", encoding="utf-8", newline="\n") as opened:
            if private and os.fstat(number).st_mode & 0o077:
                os.fchmod(number, 0o600)
            opened.write(text)
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror}.") from None
