"""Guard: what every request has to pass, and the headers that every answer gets."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, cast

from flask import Response, g, request
from flask_wtf.csrf import validate_csrf
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    LengthRequired,
    RequestEntityTooLarge,
    Unauthorized,
    UnsupportedMediaType,
)
from wtforms import ValidationError

from typed_waffle.admin.token import Token
from typed_waffle.admin.visitor import Rights, Visitor

__all__ = ["OPEN", "PUBLIC", "Guard", "Stale", "told_of", "visitor", "visitor_if_any"]

logger: logging.Logger = logging.getLogger("typed_waffle.admin")

PUBLIC: Final = frozenset({"static"})
"""Endpoints that everybody may see: the style sheet and the scripts, which tell nothing."""

OPEN: Final = frozenset({"login"})
"""Endpoints for those who have not come in yet. A token of theirs against forgery is checked."""

LARGEST: Final = 4 * 1024 * 1024
"""The most bytes of a body: a change has 3 Mi characters at most, as JSON."""

MOST: Final = 50_000
"""The most fields of a form: a page sends a few for each setting."""

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Stale(BadRequest):
    """A form whose token against forgery is missing, forged, or too old."""

    def __init__(self) -> None:
        super().__init__(
            "This form was open for too long, or does not come from this page. Nothing was "
            "written: look at it again and send it once more."
        )


class Guard:
    """Lets in whom the developer's function, or the token, lets in."""

    def __init__(
        self, authorize: Callable[[], str | None] | None, token: Token, rights: Rights
    ) -> None:
        self._authorize = authorize
        self._token = token
        self._rights = rights

    def check(self) -> None:
        """Let the request pass, or raise the answer that it gets.

        Raises:
            HTTPException: it may not pass.
        """
        endpoint = (request.endpoint or "").rpartition(".")[2]
        if endpoint in PUBLIC:
            return
        _check_body()
        if request.method not in SAFE:
            _check_origin()
        if endpoint not in OPEN:
            g.typed_waffle_visitor = Visitor(self._actor(), self._rights)
        if request.method not in SAFE:
            _check_forgery(endpoint)

    def _actor(self) -> str:
        try:
            actor = self._asked()
        except HTTPException as error:
            actor = self._token.actor()
            if actor is None:
                if error.code is None:  # an answer made already: Flask asks no handler
                    told_of(error)
                raise
        if actor is None:
            actor = self._token.actor()
        if actor is not None:
            return actor
        if self._token.value is None:
            raise Forbidden("You may not use this page.")
        raise Unauthorized(
            "Log in, or send the token as a bearer token.", www_authenticate=_challenge()
        )

    def _asked(self) -> str | None:
        """What the developer's function says. Whatever is no name lets nobody in."""
        if self._authorize is None:
            return None
        try:
            actor = cast("object", self._authorize())  # whatever it is declared to give
        except HTTPException:
            raise  # a login page of the application's, say
        except Exception as error:
            logger.exception("authorize failed: nobody comes in")
            raise Forbidden("You may not use this page.") from error
        if actor is None:
            return None
        if not isinstance(actor, str) or not actor.strip():
            logger.error(
                "authorize gave %r: nobody comes in. Let it give the name of who asks, or None",
                type(actor).__name__,
            )
            raise Forbidden("You may not use this page.")
        return actor


def visitor() -> Visitor:
    """Who asks in this request."""
    found: Visitor = g.typed_waffle_visitor
    return found


def visitor_if_any() -> Visitor | None:
    """Who asks in this request, if the guard has let somebody in."""
    found: Visitor | None = g.get("typed_waffle_visitor")
    return found


def protect(response: Response) -> Response:
    """Add the headers that every answer has."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if (request.endpoint or "").rpartition(".")[2] not in PUBLIC:
        response.headers.setdefault("Cache-Control", "no-store")
        response.vary.update(("Authorization", "Cookie"))
    return response


def told_of(error: HTTPException) -> None:
    """Log an attempt that was refused: who, what, and why."""
    if error.code in {None, 400, 401, 403, 411, 413, 415, 429}:
        who = getattr(g.get("typed_waffle_visitor"), "actor", None)
        logger.warning(
            "refused %s %r of %r from %s: %r (%s)",
            request.method,
            request.full_path.rstrip("?"),
            who,
            request.remote_addr,
            error.description,
            error.code or getattr(error.response, "status_code", None),
        )


def _challenge() -> WWWAuthenticate:
    return WWWAuthenticate("bearer", {"realm": "settings"})


def _check_body() -> None:
    """Refuse what is too large before any of it is read."""
    if request.headers.get("Transfer-Encoding"):
        raise LengthRequired("Send the length of the body.")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("Send the body as it is, not compressed.")
    if (request.content_length or 0) > LARGEST:
        raise RequestEntityTooLarge(f"The body may have {LARGEST} bytes at most.")


def _check_fields() -> None:
    """Refuse a form of far too many fields before any of them is made."""
    if request.mimetype == "application/x-www-form-urlencoded":
        count = request.get_data(parse_form_data=False).count(b"&")
        if count > MOST:
            raise RequestEntityTooLarge(f"A form may have {MOST} fields at most.")


def _check_origin() -> None:
    """Refuse what another site has a browser send.

    The rule is that of Go's `http.CrossOriginProtection`: browsers say in `Sec-Fetch-Site` where a
    request comes from, older ones in `Origin`. What has neither is no browser's.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site in {"same-origin", "none"}:
        return
    origin = request.headers.get("Origin")
    if site is None and (origin is None or origin.partition("://")[2] == request.host):
        return
    raise Forbidden("The request comes from another site.")


def _check_forgery(endpoint: str) -> None:
    """Check the token against forgery: forms must have one, and it must be right.

    The API needs none: it takes JSON only, which no form can send, and no other site may.
    """
    header = request.headers.get("X-CSRFToken")
    if endpoint.startswith("api_") and header is None:
        return
    _check_fields()
    try:
        validate_csrf(request.form.get("csrf_token") if header is None else header)
    except ValidationError:
        raise Stale from None
