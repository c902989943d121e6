"""`set` and `reset`: make one change of one or more settings."""

from __future__ import annotations

import re
import sys
from pathlib import Path as File
from typing import Any

import click

from typed_waffle.cli.completion import ASSIGNMENT, PATH
from typed_waffle.cli.group import on_settings
from typed_waffle.cli.options import Writing, writing
from typed_waffle.cli.output import Output
from typed_waffle.cli.waiting import Terms, concluded
from typed_waffle.desk import Desk
from typed_waffle.paths import Assignment, Path, assigned, parsed

__all__ = ["reset", "set_"]

_SIGN = re.compile(r'((?:"(?:[^"\\]|\\.)*"|[^"=])*?)(:?=)(.*)', re.DOTALL)
"""A path, in which a key may stand in quotes, the first sign behind it, and the rest."""


@click.command("set", short_help="Change settings.", cls=Writing)
@click.argument("assignments", nargs=-1, required=True, metavar="PATH[=VALUE]...", type=ASSIGNMENT)
@click.option(
    "--secret-in-argv",
    is_flag=True,
    help="Take a secret's value from the command line, where other users may see it.",
)
@writing("cli")
@on_settings
def set_(
    desk: Desk[Any],  # Any: of any model
    out: Output,
    *,
    assignments: tuple[str, ...],
    secret_in_argv: bool,
    terms: Terms,
) -> None:
    """Change settings: several at once are one change, made as a whole or not at all.

    VALUE is a text as it is, or JSON where the type has several parts. PATH=@FILE reads it from a
    file, PATH=- from standard input, and PATH alone asks for it. PATH:=JSON is always JSON.
    """
    words = [_Word(desk, text) for text in assignments]
    for word in words:
        word.check(secret_in_argv=secret_in_argv)
    if sum(word.from_input for word in words) > 1:
        raise click.UsageError("standard input has one value: write PATH=- once")
    terms.check(desk)
    values = [word.assignment(desk) for word in words]
    concluded(desk, out, desk.change(terms.signature, values), terms)


@click.command("reset", short_help="Put settings back to their defaults.", cls=Writing)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=PATH)
@writing("cli")
@on_settings
def reset(
    desk: Desk[Any],  # Any: of any model
    out: Output,
    *,
    paths: tuple[str, ...],
    terms: Terms,
) -> None:
    """Put settings back to their defaults, as one change; or parts of them."""
    resets = [parsed(desk.model, path) for path in paths]
    terms.check(desk)
    concluded(desk, out, desk.change(terms.signature, resets=resets), terms)


class _Word:
    """One word of `set`: a path, and where its value comes from."""

    def __init__(self, desk: Desk[Any], text: str) -> None:  # Any: of any model
        found = _SIGN.fullmatch(text)
        path, self._sign, self._given = found.groups() if found else (text, "", "")
        self._path: Path = parsed(desk.model, path)
        self.from_input = self._sign != "" and self._given == "-"

    def check(self, *, secret_in_argv: bool) -> None:
        """Refuse a secret that stands on the command line."""
        inside = self._sign and not self.from_input and not self._given.startswith("@")
        if inside and self._path.secret and not secret_in_argv:
            raise click.UsageError(
                f"{self._path} is a secret, and other users of this machine may see the command "
                f"line. Nothing was written. Write {self._path} alone to be asked for it, "
                f"{self._path}=@FILE or {self._path}=-; or add --secret-in-argv."
            )

    def assignment(self, desk: Desk[Any]) -> Assignment:  # Any: of any model
        """The path and its value."""
        return assigned(desk.model, self._path, self._text(), as_json=self._sign == ":=")

    def _text(self) -> str:
        if not self._sign:
            return self._asked()
        if self.from_input:
            return _decoded(sys.stdin.buffer.read(), "standard input")
        if self._given.startswith("@"):
            file = File(self._given[1:])
            try:
                return _decoded(file.read_bytes(), str(file))
            except OSError as error:
                raise click.UsageError(
                    f"{self._path}: {file} cannot be read: {error.strerror}. Nothing was written. "
                    f"A value that begins with @ is written {self._path}:='\"@...\"'."
                ) from None
        return self._given

    def _asked(self) -> str:
        if not sys.stdin.isatty():
            raise click.UsageError(
                f"{self._path} has no value, and there is nobody to ask. Nothing was written. "
                f"Write {self._path}=VALUE, {self._path}=@FILE or {self._path}=-."
            )
        secret = self._path.secret
        text: str = click.prompt(
            str(self._path), hide_input=secret, confirmation_prompt=secret, err=True
        )
        return text


def _decoded(data: bytes, where: str) -> str:
    """What a file holds, without the end of its last line."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise click.UsageError(f"{where} is not UTF-8. Nothing was written.") from None
    return text.removesuffix("\n").removesuffix("\r")
