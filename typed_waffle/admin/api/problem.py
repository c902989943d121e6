"""Problem: what went wrong, as RFC 9457 has it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from flask import Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from typed_waffle.admin.api.body import Unfit
from typed_waffle.admin.api.conditional import conditioned, tag
from typed_waffle.admin.api.faults import faults, short
from typed_waffle.admin.api.pointer import pointer_in
from typed_waffle.admin.api.query import BadQuery
from typed_waffle.admin.api.resource import answer
from typed_waffle.admin.counter import Barred
from typed_waffle.errors import (
    BusUnavailable,
    InvalidChange,
    RevisionConflict,
    SettingLocked,
    StoreUnavailable,
    UnknownSetting,
    WaffleError,
)
from typed_waffle.forms import change_form
from typed_waffle.model import WaffleModel

__all__ = ["CONTENT_TYPE", "KINDS", "problem"]

logger: logging.Logger = logging.getLogger("typed_waffle.admin")

CONTENT_TYPE: Final = "application/problem+json"

KINDS: Final[dict[type[Exception], tuple[int, str]]] = {
    InvalidChange: (422, "The settings refuse the change"),
    UnknownSetting: (422, "There is no such setting"),
    SettingLocked: (409, "An environment variable locks the setting"),
    RevisionConflict: (412, "Somebody else changed the settings"),
    StoreUnavailable: (503, "The database does not answer"),
    BusUnavailable: (503, "Redis does not answer"),
    Barred: (403, "You may not change this"),
}
"""Status and title of the errors that have a type of their own."""

LONGEST: Final = 4000
"""The most characters of the sentence that tells what is wrong."""

RETRY: Final = 5
"""Seconds after which to ask again what does not answer."""


def problem(model: type[WaffleModel], error: Exception) -> ResponseReturnValue:
    """The problem document of an error; `model` has the settings that it may be about."""
    kind = next((kind for kind in KINDS if isinstance(error, kind)), None)
    status, title = KINDS[kind] if kind else _plain(error)
    if kind is RevisionConflict and not conditioned():
        status = 409  # no condition of theirs failed
    document = {
        "type": f"urn:typed-waffle:{kind.__name__}" if kind else "about:blank",
        "title": title,
        "status": status,
        "detail": short(_detail(error), LONGEST),
        **dict(_members(model, error)),
    }
    if isinstance(error, WaffleError) and status >= 500:  # noqa: PLR2004 - a server's fault
        logger.error("%s %r failed", request.method, request.path, exc_info=error)
    made = answer(document, status, CONTENT_TYPE)
    _add_headers(made, error)
    return made


def _detail(error: Exception) -> str:
    if isinstance(error, HTTPException):
        return str(error.description or "")
    if isinstance(error, RevisionConflict):
        if not conditioned():
            return "Others changed the settings again and again: nothing was written. Try again."
        return (
            f"The store is at revision {error.actual}, not {error.expected}: nothing was written. "
            f"Look at the changes, then try again with If-Match: {tag(error.actual)}."
        )
    if not isinstance(error, tuple(KINDS)):  # what is set up wrong may quote what is hidden
        return "The application cannot use its settings here; its log says what is wrong."
    return str(error)


def _plain(error: Exception) -> tuple[int, str]:
    status = error.code or 500 if isinstance(error, HTTPException) else 500
    return status, HTTP_STATUS_CODES.get(status, "Unknown error")


def _members(
    model: type[WaffleModel], error: Exception
) -> Iterator[tuple[str, Any]]:  # Any: a JSON value
    """What a program needs, so that it has to read no sentence."""
    if isinstance(error, InvalidChange):
        yield from faults(error.errors(), partial(pointer_in, model)).items()
    elif isinstance(error, UnknownSetting):
        yield "setting", error.field
        yield "nearest", error.nearest
    elif isinstance(error, SettingLocked):
        yield "setting", error.field
    elif isinstance(error, RevisionConflict):
        yield "expected", error.expected
        yield "actual", error.actual
        yield "changes", [change_form(change) for change in error.changes]
    elif isinstance(error, StoreUnavailable):
        yield "in_doubt", error.in_doubt
    elif isinstance(error, Barred):
        yield "settings", list(error.names)
    elif isinstance(error, BadQuery | Unfit):
        yield from error.members.items()


def _add_headers(made: Response, error: Exception) -> None:
    if isinstance(error, HTTPException):
        for name, value in error.get_headers():
            if name.lower() != "content-type":
                made.headers.add(name, value)
    if isinstance(error, StoreUnavailable | BusUnavailable):
        made.headers["Retry-After"] = str(RETRY)
    if isinstance(error, RevisionConflict):
        made.headers["ETag"] = tag(error.actual)
