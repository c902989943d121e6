"""The command, under `flask waffle` and under `python -m`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from typed_waffle.errors import WaffleError
from typed_waffle.stubgen.module import generated
from typed_waffle.stubgen.output import difference, written

__all__ = ["stubgen"]


@click.command("stubgen")
@click.argument("target", metavar="PACKAGE.MODULE:WAFFLE")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The module to write.",
)
@click.option("--check", is_flag=True, help="Write nothing; fail if the module is out of date.")
def stubgen(target: str, *, output: Path, check: bool) -> None:
    """Write a typed module from the settings model of a Waffle, for checkers without plugins."""
    if str(Path.cwd()) not in sys.path:  # as `python -m` has it, and `flask` has not
        sys.path.insert(0, str(Path.cwd()))
    try:
        text = generated(target)
        if not check:
            done = written(text, output)
            click.echo(f"{output} {'is written' if done else 'is up to date'}.")
            return
        stale = difference(text, output)
    except WaffleError as error:
        raise click.ClickException(str(error)) from error
    if stale:
        click.echo(stale, nl=False)
        raise click.ClickException(
            f"{output} is {'out of date' if output.exists() else 'missing'}: "
            f"run this without --check, and commit what it writes."
        )
    click.echo(f"{output} is up to date.")
