"""The group, and what its commands share: which settings, what is shown, and how an error ends."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

import click
from flask import current_app, has_app_context
from flask.cli import AppGroup, ScriptInfo

from typed_waffle.cli.outcome import Failure, failure_of
from typed_waffle.cli.output import Output
from typed_waffle.desk import Desk
from typed_waffle.errors import ConfigurationError, NotBound, WaffleError
from typed_waffle.extension import Waffle
from typed_waffle.insides import waffles_of
from typed_waffle.surroundings import COMMAND

__all__ = ["CONTEXT", "Group", "Source", "chosen", "named", "on_settings", "source_of", "waffle"]

CONTEXT: dict[str, Any] = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 80,
}  # Any: of any kind

_JSON = "typed_waffle.json"


class Source(Protocol):
    """Where a command finds its settings without an application: the context's object."""

    def declared(self) -> Waffle[Any]:  # Any: of any model
        """The `Waffle`, of which nothing connects yet."""
        ...

    def opened(self) -> AbstractContextManager[Waffle[Any]]:  # Any: as above
        """The `Waffle`, live."""
        ...


class Group(AppGroup):
    """Ends with the exit code and the message of an error that is raised on purpose."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click's
        """Run the command that was asked for."""
        ctx.meta[COMMAND] = True  # so that it is no worker, and starts no listener
        try:
            return super().invoke(ctx)
        except WaffleError as error:
            failure = failure_of(error)
            failure.as_json = ctx.meta.get(_JSON, False)
            raise failure from error
        except Failure as failure:
            failure.as_json = ctx.meta.get(_JSON, False)
            raise


@click.group(cls=Group, context_settings=CONTEXT)
def waffle() -> None:
    """Look after the settings that operators change."""


def on_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command its settings, and where it shows what it did.

    It is called with a `Desk` and an `Output`, in the application's context if there is one.
    """

    @click.option("--namespace", help="Which settings, if the application has several.")
    @click.option("--json", "as_json", is_flag=True, help="Show JSON, for scripts.")
    @click.pass_context
    @functools.wraps(command)
    def run(
        context: click.Context, /, namespace: str | None, *, as_json: bool, **options: object
    ) -> None:
        context.meta[_JSON] = as_json
        command(Desk(_opened(context, namespace)), Output(as_json=as_json), **options)

    return run


def source_of(context: click.Context) -> Source | None:
    """What gives the settings instead of an application, if anything does."""
    found = context.find_root().obj
    return None if found is None or isinstance(found, ScriptInfo) else found


def _opened(context: click.Context, namespace: str | None) -> Waffle[Any]:  # Any: of any model
    source = source_of(context)
    if source is not None:
        named({w.namespace: w for w in [source.declared()]}, namespace)
        return context.with_resource(source.opened())
    if not has_app_context():
        app = context.ensure_object(ScriptInfo).load_app()
        context.with_resource(app.app_context())
    return chosen(namespace)


def chosen(namespace: str | None) -> Waffle[Any]:  # Any: of any model
    """The application's `Waffle` of this namespace, or the only one.

    Raises:
        NotBound: the application has none.
        ConfigurationError: it has none of this namespace, or several and none is named.
    """
    waffles = waffles_of(current_app)
    if not waffles:
        raise NotBound("this application has no settings: call waffle.init_app(app)")
    return named(waffles, namespace)


def named(waffles: dict[str, Waffle[Any]], namespace: str | None) -> Waffle[Any]:  # Any: as above
    """One of several, by its namespace.

    Raises:
        ConfigurationError: there is none of this namespace, or several and none is named.
    """
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
