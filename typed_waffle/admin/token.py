"""Token: who has `WAFFLE_ADMIN_TOKEN`, in a header or by the login form."""

from __future__ import annotations

import hmac
import time

from flask import Flask, current_app, request, session
from pydantic import SecretStr
from werkzeug.exceptions import TooManyRequests

from typed_waffle.admin.throttle import Throttle
from typed_waffle.signing import Signer

__all__ = ["KEY", "Token"]

KEY = "WAFFLE_ADMIN_TOKEN"

LASTS = 12 * 3600
"""Seconds that somebody stays logged in."""

NAME = "token"
"""The actor, if nobody gave a name."""

LONGEST_NAME = 100


class Token:
    """The token of this application, and who came with it.

    A login is kept in Flask's session, which is signed. What is kept there is a signature under the
    token, so that another token ends every login.
    """

    def __init__(self, namespace: str, throttle: Throttle) -> None:
        self._slot = f"typed_waffle.admin.{namespace}"
        self._throttle = throttle

    @property
    def value(self) -> str | None:
        """The token that is set for the current application."""
        kept: SecretStr | None = current_app.extensions.get(self._slot)
        return kept.get_secret_value() if kept is not None else None

    def set(self, app: Flask, token: SecretStr | None) -> None:
        """Keep the token of an application, as its configuration was checked."""
        app.extensions[self._slot] = token

    def actor(self) -> str | None:
        """Who asks, if they have the token.

        Raises:
            TooManyRequests: there were too many wrong ones.
        """
        value = self.value
        if value is None:
            return None
        actor = self._logged_in(value)
        # A proxy may add a token of its own to what somebody sends who has logged in.
        if actor is None:
            # Werkzeug takes a token with "=" in it for parameters, and WSGI the bytes for Latin-1.
            scheme, _, given = request.headers.get("Authorization", "").partition(" ")
            if scheme.lower() == "bearer" and self._right(
                given.strip().encode("latin-1", "replace")
            ):
                actor = NAME
        return actor

    @property
    def logged_in(self) -> bool:
        """Whether who asks came by the login form."""
        value = self.value
        return value is not None and self._logged_in(value) is not None

    def log_in(self, given: str, name: str) -> bool:
        """Keep who sent the login form, if they have the token.

        Raises:
            TooManyRequests: there were too many wrong ones.
        """
        value = self.value
        if value is None or not self._right(given.encode()):
            return False
        shown = "".join(c for c in " ".join(name.split()) if c.isprintable())
        name = shown[:LONGEST_NAME]
        actor = f"{NAME}: {name}" if name else NAME
        until = int(time.time()) + LASTS
        session[self._slot] = [actor, until, self._proof(value, actor, until)]
        return True

    def log_out(self) -> None:
        """Forget who is logged in."""
        session.pop(self._slot, None)

    def _logged_in(self, value: str) -> str | None:
        kept = session.get(self._slot)
        if not isinstance(kept, list) or len(kept) != 3:  # noqa: PLR2004 - as `log_in` left it
            return None
        actor, until, proof = kept
        if not hmac.compare_digest(str(proof), self._proof(value, actor, until)):
            return None
        return str(actor) if time.time() < until else None

    def _proof(self, value: str, actor: object, until: object) -> str:
        body = f"{self._slot}\n{until}\n{actor}".encode()
        return Signer(value, b"typed_waffle.admin.login").sign(body).decode()

    def _right(self, given: bytes) -> bool:
        address = request.remote_addr or ""
        seconds = self._throttle.wait(address)
        if seconds:
            raise TooManyRequests("Too many wrong tokens.", retry_after=seconds)
        value = self.value or ""
        if value and hmac.compare_digest(given, value.encode()):
            return True
        self._throttle.failed(address)
        return False
