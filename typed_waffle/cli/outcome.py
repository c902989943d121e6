"""Outcome: how a command that did not do what it should ends, for a person and for a script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

import click

from typed_waffle.cli.output import safe
from typed_waffle.errors import (
    BusUnavailable,
    InvalidChange,
    RevisionConflict,
    SettingLocked,
    StoreUnavailable,
    UnknownSetting,
    WaffleError,
)

__all__ = ["CONFLICT", "FAILED", "UNAVAILABLE", "Conflict", "Failure", "failure_of"]

FAILED = 1
"""It was refused, or found something wrong, or not every worker applied it."""
CONFLICT = 3
"""Somebody else changed the settings since the revision that was expected."""
UNAVAILABLE = 4
"""The database or Redis does not answer."""


class Failure(click.ClickException):
    """The end of a command that failed.

    Args:
        kind: What went wrong, as a script tells it: the name of an error's class, or a word.
        message: The same for a person, with the next step.
        settings: The settings at fault.
        document: The rest of the JSON document, if there is more to tell than the error.
    """

    exit_code = FAILED

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        settings: tuple[str, ...] = (),
        document: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.settings = settings
        self.document = document
        self.as_json = False

    def show(self, file: IO[Any] | None = None) -> None:
        """Tell it: as JSON in the output if a script reads that, else beside it."""
        if not self.as_json:
            click.echo(f"Error: {safe(self.message)}", file=file, err=file is None)
            return
        error = {"kind": self.kind, "message": self.message, "settings": list(self.settings)}
        click.echo(json.dumps({**(self.document or {}), "error": error}, indent=2), file=file)


class Conflict(Failure):
    """The end of a command that came too late."""

    exit_code = CONFLICT


class Unavailable(Failure):
    """The end of a command that was not answered."""

    exit_code = UNAVAILABLE


def failure_of(error: WaffleError) -> Failure:
    """How an error that the library raises on purpose ends a command."""
    end = Failure
    if isinstance(error, RevisionConflict):
        end = Conflict
    elif isinstance(error, StoreUnavailable | BusUnavailable):
        end = Unavailable
    return end(type(error).__name__, str(error), settings=_settings(error))


def _settings(error: WaffleError) -> tuple[str, ...]:
    if isinstance(error, InvalidChange):
        return error.fields
    if isinstance(error, UnknownSetting | SettingLocked):
        return (error.field,)
    if isinstance(error, RevisionConflict):
        return tuple(dict.fromkeys(f.field for change in error.changes for f in change.fields))
    return ()
