"""Sealed: a secret that somebody typed, encrypted while they review what they are about to save.

So no page ever holds it, and it need not be typed twice.
"""

from __future__ import annotations

import base64
import hmac
import json

from cryptography.fernet import Fernet, InvalidToken
from flask import current_app

__all__ = ["seal", "unseal"]

LASTS = 12 * 3600
"""Seconds after which it has to be typed again."""


def seal(namespace: str, actor: str, path: str, text: str) -> str:
    """The text, encrypted for one path, and for one actor to save."""
    return _fernet().encrypt(json.dumps([namespace, actor, path, text]).encode()).decode()


def unseal(namespace: str, actor: str, path: str, token: str) -> str | None:
    """The text that was sealed; `None` if it was so elsewhere, for somebody else, or long ago."""
    try:
        plain = json.loads(_fernet().decrypt(token.encode(), ttl=LASTS))
    except InvalidToken:
        return None
    *place, text = plain
    return str(text) if place == [namespace, actor, path] else None


def _fernet() -> Fernet:
    secret = current_app.secret_key or b""
    key = secret.encode() if isinstance(secret, str) else secret
    derived = hmac.digest(key, b"typed_waffle.admin.sealed", "sha256")
    return Fernet(base64.urlsafe_b64encode(derived))
