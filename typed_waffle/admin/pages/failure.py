"""Failure: the page for what went wrong. It needs no visitor and no store."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask import request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import (
    Forbidden,
    HTTPException,
    NotFound,
    RequestEntityTooLarge,
    TooManyRequests,
    Unauthorized,
)

from typed_waffle.admin.counter import Barred
from typed_waffle.admin.guard import SAFE, Stale
from typed_waffle.admin.house import House
from typed_waffle.admin.pages.entry import to_login
from typed_waffle.admin.pages.rendering import page
from typed_waffle.errors import (
    BusUnavailable,
    InvalidChange,
    RevisionConflict,
    SettingLocked,
    StoreUnavailable,
    UnknownSetting,
    WaffleError,
)
from typed_waffle.model import M

__all__ = ["RETRY_AFTER", "add"]

logger: logging.Logger = logging.getLogger("typed_waffle.admin")

RETRY_AFTER: Final = "5"
"""Seconds after which it is worth asking again for what is away."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """What the page says."""

    status: int
    title: str
    message: str
    step: str | None
    """What to do next."""


_ASK = "Whoever runs this application can give you the right to."

_STEPS: tuple[tuple[type[HTTPException], str, str | None], ...] = (
    (Stale, "This form is too old", "Go back, load the page anew, and send the form once more."),
    (Barred, "You may not change this", _ASK),
    (
        Unauthorized,
        "You are not logged in",
        "Log in in another tab; then come back, and send this once more.",
    ),
    (Forbidden, "You may not do this", _ASK),
    (NotFound, "There is no such page", "Look for it from the settings, or in the history."),
    (RequestEntityTooLarge, "This is too large", "Send less of it at a time."),
    (TooManyRequests, "Too many wrong tokens", None),
)
"""By error: a title, and what to do next. The first that fits counts."""

_KINDS: tuple[tuple[type[WaffleError], int, str, str | None], ...] = (
    (
        StoreUnavailable,
        503,
        "The database does not answer",
        "Nothing is lost: the workers go on with the settings that they have. Try again soon.",
    ),
    (
        BusUnavailable,
        503,
        "Redis does not answer",
        "Settings can be read and changed without it. Try again soon.",
    ),
    (UnknownSetting, 404, "There is no such setting", "The settings page lists all there are."),
    (SettingLocked, 409, "This setting is locked", None),
    (RevisionConflict, 409, "Somebody else was faster", "The history shows what was changed."),
    (InvalidChange, 422, "This does not fit", "Go back, and look at what was typed."),
)
"""By error: a status, a title, and what to do next. The first that fits counts."""

_IN_DOUBT = "Look in the history whether the change is there, before you make it again."


def add(house: House[M]) -> None:
    """Let it answer what goes wrong in a page."""

    def failed(error: Exception) -> ResponseReturnValue:
        """Show a stale form again; else say what went wrong, and what to do next."""
        endpoint = (request.endpoint or "").rpartition(".")[2]
        if isinstance(error, Stale) and endpoint in house.again:
            try:
                return house.again[endpoint](**(request.view_args or {}))
            except (HTTPException, WaffleError) as another:
                error = another
        looks = request.method in SAFE or endpoint == "logout"
        if isinstance(error, Unauthorized) and looks and house.token.value:
            return to_login()
        response = page(house, "failure", _told(error).status, failure=_told(error))
        for name, value in _headers(error).items():
            response.headers[name] = value
        return response

    house.answer_errors(failed, of_api=False)


def _headers(error: Exception) -> Mapping[str, str]:
    if isinstance(error, HTTPException):
        return {n: v for n, v in error.get_headers() if n.lower() != "content-type"}
    if isinstance(error, StoreUnavailable | BusUnavailable):
        return {"Retry-After": RETRY_AFTER}
    return {}


def _told(error: Exception) -> _Failure:
    if isinstance(error, HTTPException):
        return _of_http(error)
    for kind, status, title, step in _KINDS:
        if isinstance(error, kind):
            doubt = isinstance(error, StoreUnavailable) and error.in_doubt
            return _Failure(status, title, str(error), _IN_DOUBT if doubt else step)
    return _misconfigured(error)


def _of_http(error: HTTPException) -> _Failure:
    status, message = error.code or 500, error.description or ""
    for kind, title, step in _STEPS:
        if isinstance(error, kind):
            return _Failure(status, title, message, _later(error) or step)
    return _Failure(status, error.name, message, None)


def _later(error: HTTPException) -> str | None:
    wait = error.retry_after if isinstance(error, TooManyRequests) else None
    return f"Try again in {wait} seconds." if wait else None


def _misconfigured(error: Exception) -> _Failure:
    """What is set up wrong is told to the log: it may quote what not everybody may see."""
    logger.error("a page cannot be shown: %s", error)
    return _Failure(
        500,
        "The settings are not set up right",
        "The application cannot use its settings here.",
        "The application's log says what is wrong, and how to mend it.",
    )
