from collections.abc import Callable
from typing import TypeVar

from flask import Response

_Verify = TypeVar("_Verify", bound=Callable[[str, str], str | None])

class HTTPBasicAuth:
    def __init__(self, scheme: str | None = None, realm: str | None = None) -> None: ...
    def login_required(
        self,
        f: Callable[[], str] | None = None,
        role: str | None = None,
        optional: bool | None = None,
    ) -> Callable[[], str | Response]: ...
    def current_user(self) -> str | None: ...
    def verify_password(self, f: _Verify) -> _Verify: ...
