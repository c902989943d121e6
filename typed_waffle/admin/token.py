"""Token: who has `WAFFLE_ADMIN_TOKEN`, in a header or by the login form."""

from __future__ import annotations

import hmac
import time

from flask import current_app, request, session
from werkzeug.exceptions import TooManyRequests

from typed_waffle.admin.throttle import Throttle
from typed_waffle.config import Config
from typed_waffle.signing import Signer

__all__ = ["Token", "token_of"]

KEY = "WAFFLE_ADMIN_TOKEN"

LASTS = 12 * 3600
"""Seconds that somebody stays logged in."""

NAME = "token"
"""The actor, if nobody gave a name."""

LONGEST_NAME = 100


def token_of(config: Config) -> str | None:
    """The token that is set, if one is."""
    return config.admin_token.get_secret_value() if config.admin_token else None


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
        given = current_app.config.get(KEY)
        # Checked when the blueprint was registered: it is a text, and long enough.
        return str(given) if given else None

    def actor(self) -> str | None:
        """Who asks, if they have the token.

        Raises:
            TooManyRequests: there were too many wrong ones.
        """
        value = self.value
        if value is None:
            return None
        given = request.authorization
        if given is not None and given.type == "bearer":
            return NAME if self._right(given.token or "") else None
        return self._logged_in(value)

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
        if value is None or not self._right(given):
            return False
        name = " ".join(name.split())[:LONGEST_NAME]
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

    def _right(self, given: str) -> bool:
        address = request.remote_addr or ""
        seconds = self._throttle.wait(address)
        if seconds:
            raise TooManyRequests("Too many wrong tokens.", retry_after=seconds)
        value = self.value or ""
        if value and hmac.compare_digest(given.encode(), value.encode()):
            return True
        self._throttle.failed(address)
        return False
