"""Completion: names of settings and of their parts, and values where there are few.

It never fails, and never says anything: whoever presses the key has a command line to finish.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
from collections.abc import Generator

import click
from click.shell_completion import CompletionItem
from click.types import StringParamType
from flask import current_app, has_app_context
from flask.cli import ScriptInfo

from typed_waffle.cli.group import named, source_of
from typed_waffle.constraints import choices
from typed_waffle.errors import WaffleError
from typed_waffle.insides import waffles_of
from typed_waffle.model import WaffleModel, facts
from typed_waffle.paths import names, parsed

__all__ = ["ASSIGNMENT", "FIELD", "PATH"]


class _Of(StringParamType):
    """A text that names something of the settings model."""

    name = "path"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """What the text may go on with; nothing if there are no settings to be found."""
        try:
            with _quiet():
                model = _model(ctx)
                return [CompletionItem(text) for text in self.texts(model, ctx, param, incomplete)]
        except Exception:  # noqa: BLE001 - the application may raise anything
            return []

    def texts(
        self, model: type[WaffleModel], ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[str]:
        """All that begins as the text does."""
        del ctx, param
        return [name for name in facts(model) if name.startswith(incomplete)]


class _Path(_Of):
    """A setting, or a part of one."""

    def texts(
        self, model: type[WaffleModel], ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[str]:
        """A path, part by part."""
        del ctx, param
        return [path for path in names(model, incomplete) if path.startswith(incomplete)]


class _Assignment(_Of):
    """The same, and a value for it."""

    name = "path=value"

    def texts(
        self, model: type[WaffleModel], ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[str]:
        """A path, and behind its sign a value. Bash takes the sign for a word of its own."""
        before = list(ctx.params.get(param.name or "") or ())
        if not incomplete and before and _bare_sign():
            return _values(model, before[-1], "")
        if before[-1:] == ["="] and len(before) > 1:
            return _values(model, before[-2], incomplete)
        path, sign, begin = incomplete.partition("=")
        if sign:
            return [f"{path}={text}" for text in _values(model, path, begin)]
        return [text for text in names(model, incomplete) if text.startswith(incomplete)]


def _bare_sign() -> bool:
    """Whether Bash's last word is the sign alone, which click does not pass on."""
    words = os.environ.get("COMP_WORDS", "").split()
    return words[-1:] == ["="]


def _values(model: type[WaffleModel], path: str, begin: str) -> list[str]:
    return [text for text in choices(parsed(model, path).info) if text.startswith(begin)]


def _model(context: click.Context) -> type[WaffleModel]:
    namespace = context.params.get("namespace")
    source = source_of(context)
    if source is not None:
        return source.declared().model
    if has_app_context():
        return named(waffles_of(current_app), namespace).model
    app = context.ensure_object(ScriptInfo).load_app()
    try:
        return named(waffles_of(app), namespace).model
    except WaffleError:
        # Bash's words may end before the option that names one.
        return next(iter(waffles_of(app).values())).model


@contextlib.contextmanager
def _quiet() -> Generator[None, None, None]:
    """What an application prints while it is loaded would become completions."""
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)


FIELD = _Of()
"""The name of a setting."""

PATH = _Path()
"""The path of a setting, or of a part of one."""

ASSIGNMENT = _Assignment()
"""A path and a value."""
