"""Options that several commands have: who changes and why, what is expected, what is waited for."""

from __future__ import annotations

import functools
import getpass
from collections.abc import Callable
from typing import Any

import click

from typed_waffle.change import Channel
from typed_waffle.cli.waiting import Terms
from typed_waffle.desk import Signature

__all__ = ["Writing", "as_actor", "writing"]

PATIENCE = 30.0
"""Seconds that `--wait` waits unless it says how many."""


class Writing(click.Command):
    """A command whose `--wait` may stand alone: what follows it is never taken for its seconds."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give a bare `--wait` its seconds."""
        end = args.index("--") if "--" in args else len(args)
        head = [f"--wait={PATIENCE:g}" if arg == "--wait" else arg for arg in args[:end]]
        return super().parse_args(ctx, [*head, *args[end:]])


def as_actor(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--actor` and `--note`, for the history."""
    who = click.option("--actor", default=_user, help="Who does it; the system's user by default.")
    why = click.option("--note", help="Why, for the history.")
    return who(why(command))


def writing(channel: Channel) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command that makes a change the `terms` on which it is made."""

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        @as_actor
        @click.option(
            "--expect-revision",
            type=click.IntRange(min=0),
            metavar="REVISION",
            help="Write nothing if the settings were changed since this revision.",
        )
        @click.option(
            "--wait",
            type=click.FloatRange(min=0, max=86_400),
            metavar="[=SECONDS]",
            help=f"Wait until every worker has applied it; {PATIENCE:g} seconds unless said.",
        )
        @functools.wraps(command)
        def run(
            *arguments: object,
            actor: str | None,
            note: str | None,
            expect_revision: int | None,
            wait: float | None,
            **options: Any,  # noqa: ANN401 - of any command
        ) -> None:
            signature = Signature(channel, actor, note, expect_revision)
            command(*arguments, terms=Terms(signature, wait), **options)

        return run

    return decorated


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container's user need not have a name
        return None
