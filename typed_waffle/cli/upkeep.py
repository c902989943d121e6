"""`prune` and `rotate-keys`: what the store needs now and then."""

from __future__ import annotations

from typing import Any

import click

from typed_waffle.cli.group import on_settings
from typed_waffle.extension import Waffle

__all__ = ["prune", "rotate_keys"]


@click.command("prune")
@click.option(
    "--keep",
    type=click.IntRange(min=0),
    required=True,
    help="How many changes to keep; a rollback needs those after its revision.",
)
@on_settings
def prune(waffle: Waffle[Any], *, keep: int) -> None:  # Any: of any model
    """Delete all but the newest changes from the history."""
    click.echo(f"{waffle.prune(keep=keep)} changes were deleted from the history.")


@click.command("rotate-keys")
@on_settings
def rotate_keys(waffle: Waffle[Any]) -> None:  # Any: of any model
    """Encrypt the stored secrets anew with the first of WAFFLE_ENCRYPTION_KEYS."""
    click.echo(f"{waffle.rotate_keys()} secrets are encrypted with the first key.")
