"""The group, and what its commands share: which settings, who acts, and how an error ends."""

from __future__ import annotations

import difflib
import functools
import getpass
from collections.abc import Callable
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from typed_waffle.errors import ConfigurationError, NotBound, WaffleError
from typed_waffle.extension import Waffle, waffles_of

__all__ = ["as_actor", "on_settings", "waffle"]


class Group(AppGroup):
    """Ends with exit code 1 and the message of an error that the library raises on purpose."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click's
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except WaffleError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Group)
def waffle() -> None:
    """Look after the settings that operators change."""


def on_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the `Waffle` that `--namespace` names, in the application's context."""

    @click.option("--namespace", help="Which settings, if the application has several.")
    @with_appcontext
    @functools.wraps(command)
    def run(namespace: str | None, **options: object) -> None:
        command(chosen(namespace), **options)

    return run


def as_actor(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--actor` and `--note`, for the history."""
    who = click.option("--actor", default=_user, help="Who does it; the system's user by default.")
    why = click.option("--note", help="Why, for the history.")
    return who(why(command))


def chosen(namespace: str | None) -> Waffle[Any]:  # Any: of any model
    """The application's `Waffle` of this namespace, or the only one.

    Raises:
        NotBound: the application has none.
        ConfigurationError: it has none of this namespace, or several and none is named.
    """
    waffles = waffles_of(current_app)
    if not waffles:
        raise NotBound("this application has no settings: call waffle.init_app(app)")
    if namespace is None and len(waffles) == 1:
        return next(iter(waffles.values()))
    names = ", ".join(sorted(waffles))
    if namespace is None:
        raise ConfigurationError("--namespace", f"the application has several. Say which: {names}")
    if namespace not in waffles:
        close = difflib.get_close_matches(namespace, waffles, n=1)
        raise ConfigurationError(
            "--namespace",
            f"the application has no {namespace!r}, only {names}",
            nearest=close[0] if close else None,
        )
    return waffles[namespace]


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container's user need not have a name
        return None
