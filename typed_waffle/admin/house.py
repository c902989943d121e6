"""House: the blueprint that pages and API stand in, and what they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic

from flask import Blueprint, Flask, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, default_exceptions

from typed_waffle.admin.counter import Counter
from typed_waffle.admin.guard import Guard, protect, told_of, visitor
from typed_waffle.admin.throttle import Throttle
from typed_waffle.admin.token import KEY, Token
from typed_waffle.admin.visitor import Rights
from typed_waffle.change import Channel
from typed_waffle.config import Config
from typed_waffle.desk import Desk
from typed_waffle.errors import ConfigurationError, WaffleError
from typed_waffle.extension import Waffle
from typed_waffle.model import M

__all__ = ["Answer", "House"]

Answer = Callable[[Exception], ResponseReturnValue]
"""Makes the answer for an `HTTPException`, or for a `WaffleError`."""


class House(Generic[M]):
    """The blueprint, closed to everybody whom the guard does not let in.

    Args:
        waffle: The settings.
        url_prefix: Where the pages are.
        authorize: Who asks; `None` leaves it to the token.
        rights: What they may see and change.
    """

    def __init__(
        self,
        waffle: Waffle[M],
        url_prefix: str,
        authorize: Callable[[], str | None] | None,
        rights: Rights,
    ) -> None:
        self.waffle: Waffle[M] = waffle
        self._authorize = authorize
        self.token: Token = Token(waffle.namespace, Throttle())
        self.name: str = _name(waffle.namespace)
        self.blueprint: Blueprint = _Door(self.name, url_prefix, self._check)
        guard = Guard(authorize, self.token, rights)
        self.blueprint.before_request(guard.check)
        self.blueprint.after_request(protect)
        for code in default_exceptions:  # or the application's handler of a code would answer
            self.blueprint.register_error_handler(code, self._failed)
        self.blueprint.register_error_handler(HTTPException, self._failed)
        self.blueprint.register_error_handler(WaffleError, self._failed)
        self._answers: dict[bool, Answer] = {}
        self.again: dict[str, Callable[..., ResponseReturnValue]] = {}
        """By endpoint, what shows its form again if the token against forgery is stale, called as
        the endpoint's view is."""

    def answer_errors(self, answer: Answer, *, of_api: bool) -> None:
        """Let a function answer what goes wrong in the API, or in the pages."""
        self._answers[of_api] = answer

    def _failed(self, error: Exception) -> ResponseReturnValue:
        if isinstance(error, HTTPException):
            told_of(error)
            if error.response is not None:
                return error.get_response()  # as a function of the developer's wants it
        endpoint = (request.endpoint or "").rpartition(".")[2]
        return self._answers[endpoint.startswith("api_")](error)

    def counter(self, channel: Channel) -> Counter[M]:
        """The counter for who asks in this request."""
        return Counter(Desk(self.waffle), visitor(), channel)

    def _check(self, app: Flask) -> None:
        """See to it that somebody says who may come in, before anybody can."""
        token = Config.read(app.config).admin_token
        if self._authorize is None and token is None:
            raise ConfigurationError(
                "authorize",
                "nothing says who may use the admin page, so it stays closed. Give "
                f"`waffle.admin(authorize=...)` a function that names who asks, or set {KEY}",
            )
        if not app.secret_key:
            raise ConfigurationError(
                "SECRET_KEY",
                "the admin page signs its forms with it, and it is not set. Set it to the same "
                "text in all workers",
            )
        self.token.set(app, token)
        csrf = app.extensions.get("csrf")
        if csrf is not None:
            csrf.exempt(self.blueprint)  # it checks its forms itself, and the API needs no token


class _Door(Blueprint):
    """A blueprint that is not registered, not even in part, unless a check lets it be."""

    def __init__(self, name: str, url_prefix: str, check: Callable[[Flask], None]) -> None:
        super().__init__(
            name,
            __name__,
            url_prefix=url_prefix,
            static_folder="static",
            static_url_path="/assets",  # below "/", the application has a /static of its own
        )
        self._check = check

    def register(
        self,
        app: Any,  # noqa: ANN401 - a Flask, whose base class in Flask's signature is not public
        options: dict[str, Any],  # Any: as in Flask
    ) -> None:
        """As Flask's, after the check."""
        self._check(app)
        super().register(app, options)


def _name(namespace: str) -> str:
    """The blueprint's name, of which an application may have one for each namespace."""
    # No dot may be in it, and no namespace has a colon.
    plain = namespace.replace(".", ":")
    return "waffle_admin" if namespace == "default" else f"waffle_admin_{plain}"
