"""Watch: it sees every byte that an application answers, and lets no secret through."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Watch", "told"]


class Watch:
    """A WSGI application around another, which fails where the other tells a secret.

    Args:
        application: The other.
        secret: What no answer may have, neither in its body nor in a header.
    """

    def __init__(self, application: WSGIApplication, secret: str) -> None:
        self._application = application
        self._secret = secret

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        begun: list[tuple[Any, ...]] = []

        def start(*arguments: Any) -> Any:  # noqa: ANN401 - as WSGI has it
            begun.append(arguments)
            return start_response(*arguments)

        parts = self._application(environ, start)
        try:
            whole = b"".join(parts)
        finally:
            getattr(parts, "close", lambda: None)()
        where = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        assert not told(whole, self._secret), f"a secret is in the answer to {where}"
        assert not told(repr(begun).encode(), self._secret), f"a secret is in a header of {where}"
        return [whole]


def told(data: bytes, secret: str) -> bool:
    """Whether a secret stands there: as it is, in hexadecimal, or in base64 at any place."""
    plain = secret.encode()
    spelled = {plain, plain.hex().encode()}
    for shift in range(3):
        coded = base64.b64encode(bytes(shift) + plain + b"\0\0\0")
        spelled.add(coded[4:-8])  # without what depends on its neighbours
    return any(one in data for one in spelled)
