"""The command, under `flask waffle` and under `python -m`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from typed_waffle.errors import WaffleError
from typed_waffle.stubgen.module import generated
from typed_waffle.stubgen.output import difference, written

__all__ = ["stubgen"]


@click.command("stubgen", short_help="Write a typed module for checkers without plugins.")
@click.argument("target", metavar="PACKAGE.MODULE:WAFFLE")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The module to write.",
)
@click.option("--check", is_flag=True, help="Write nothing; fail if the module is out of date.")
@click.option("--json", "as_json", is_flag=True, help="Show JSON, for scripts.")
def stubgen(target: str, *, output: Path, check: bool, as_json: bool) -> None:
    """Write a typed module from the settings model of a Waffle, for checkers without plugins."""
    if str(Path.cwd()) not in sys.path:  # as `python -m` has it, and `flask` has not
        sys.path.insert(0, str(Path.cwd()))
    try:
        text = generated(target)
        done = not check and written(text, output)
        stale = difference(text, output)
    except WaffleError as error:
        raise _end(type(error).__name__, str(error), as_json=as_json) from error
    if stale and not as_json:
        click.echo(stale, nl=False)
    if stale:
        raise _end(
            "Stale",
            f"{output} is {'out of date' if output.exists() else 'missing'}: "
            "run this without --check, and commit what it writes.",
            as_json=as_json,
        )
    if as_json:
        click.echo(json.dumps({"output": str(output), "written": done}, indent=2))
    else:
        click.echo(f"{output} {'is written' if done else 'is up to date'}.")


def _end(kind: str, message: str, *, as_json: bool) -> Exception:
    """How it ends if it cannot do it, as the other commands do."""
    if not as_json:
        return click.ClickException(message)
    error = {"kind": kind, "message": message, "settings": []}
    click.echo(json.dumps({"error": error}, indent=2))
    return click.exceptions.Exit(1)
