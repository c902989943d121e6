"""`typed-waffle`: the commands without Flask, for settings that a worker uses by `connect`."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from typed_waffle.cli import waffle
from typed_waffle.cli.group import CONTEXT, Group
from typed_waffle.extension import Waffle
from typed_waffle.stubgen.target import found

__all__ = ["console", "main"]


@dataclass(frozen=True, slots=True)
class Target:
    """The settings that `--model` names."""

    name: str | None

    def declared(self) -> Waffle[Any]:  # Any: of any model
        """See `Source`."""
        if self.name is None:
            raise click.UsageError(
                "which settings? Say --model package.module:waffle, or set TYPED_WAFFLE_MODEL."
            )
        if str(Path.cwd()) not in sys.path:  # as `flask` and `python -m` have it
            sys.path.insert(0, str(Path.cwd()))
        return found(self.name, "--model").waffle

    def opened(self) -> AbstractContextManager[Waffle[Any]]:  # Any: as above
        """See `Source`. The `WAFFLE_*` keys are environment variables."""
        return self.declared().connect()


class Console(Group):
    """Knows its settings before it is invoked: completion invokes nothing."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what `--model` says."""
        rest = super().parse_args(ctx, args)
        ctx.obj = Target(ctx.params.get("model"))
        return rest


@click.group(cls=Console, context_settings=CONTEXT, commands=waffle.commands)
@click.option(
    "--model",
    envvar="TYPED_WAFFLE_MODEL",
    metavar="MODULE:WAFFLE",
    help="Which settings, as package.module:waffle; or set TYPED_WAFFLE_MODEL.",
)
def console(model: str | None) -> None:
    """Look after the settings that operators change, without Flask.

    The WAFFLE_* keys are read from environment variables.
    """


def main() -> None:
    """Run it."""
    console(prog_name="typed-waffle")
