"""Commands run in this process: with a pipe for their output, or with a terminal."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

from click import Command
from click.testing import Result
from flask import Flask
from flask.cli import ScriptInfo

from tests.support.schema import validate
from typed_waffle.cli import waffle as group

__all__ = ["Screen", "answered", "run", "shown"]


def run(app: Flask, *arguments: str, **more: Any) -> Result:  # noqa: ANN401 - of a CliRunner
    """A command whose output goes into a pipe."""
    return app.test_cli_runner().invoke(group, arguments, **more)


def answered(app: Flask, *arguments: str, code: int = 0) -> Any:  # noqa: ANN401 - a JSON document
    """The JSON document that a command shows, which is as the docs say."""
    result = run(app, *arguments, "--json")
    assert result.exit_code == code, result.output
    document = json.loads(result.stdout)
    validate(arguments[0], document)
    return document


class Screen(io.StringIO):
    """What a program takes for a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass(frozen=True)
class Shown:
    """What stood on a terminal in the end."""

    code: int
    text: str


@contextmanager
def _screen() -> Iterator[Screen]:
    screen = Screen()
    with redirect_stdout(screen), redirect_stderr(screen):
        yield screen


def shown(app: Flask, *arguments: str, command: Command = group) -> Shown:
    """A command that runs on a terminal; `COLUMNS` says how wide it is."""
    with _screen() as screen:
        try:
            command.main(arguments, "flask waffle", obj=ScriptInfo(create_app=lambda: app))
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return Shown(code, screen.getvalue())
