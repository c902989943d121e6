"""`prune` and `rotate-keys`: what the store needs now and then."""

from __future__ import annotations

from typing import Any

import click

from typed_waffle.cli.group import on_settings
from typed_waffle.cli.output import Output
from typed_waffle.desk import Desk

__all__ = ["prune", "rotate_keys"]


@click.command("prune", short_help="Delete the oldest changes from the history.")
@click.option(
    "--keep",
    type=click.IntRange(min=0),
    required=True,
    help="How many changes to keep; a rollback needs those after its revision.",
)
@on_settings
def prune(desk: Desk[Any], out: Output, *, keep: int) -> None:  # Any: of any model
    """Delete all but the newest changes from the history."""
    deleted = desk.waffle.prune(keep=keep)
    if out.as_json:
        out.document({"deleted": deleted})
    else:
        out.line(f"{deleted} changes were deleted from the history.")


@click.command("rotate-keys", short_help="Encrypt the stored secrets with a new key.")
@on_settings
def rotate_keys(desk: Desk[Any], out: Output) -> None:  # Any: of any model
    """Encrypt the stored secrets anew with the first of WAFFLE_ENCRYPTION_KEYS."""
    encrypted = desk.waffle.rotate_keys()
    if out.as_json:
        out.document({"encrypted": encrypted})
    else:
        out.line(f"{encrypted} secrets are encrypted with the first key.")
