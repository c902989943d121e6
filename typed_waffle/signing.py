"""Signing: HMACs under a key of its own for each use, all derived from one secret."""

from __future__ import annotations

import hashlib
import hmac

__all__ = ["Signer"]


class Signer:
    """Signs bytes, and knows its own signatures.

    Args:
        secret: The signing key, which may have other uses: an app's `SECRET_KEY` signs cookies.
        use: What is signed. A signature made for one use is worth nothing in another.
    """

    def __init__(self, secret: str | bytes, use: bytes) -> None:
        key = secret.encode() if isinstance(secret, str) else secret
        self._key = hmac.digest(key, use, "sha256")

    def sign(self, body: bytes) -> bytes:
        """The signature of these bytes: 64 hexadecimal digits."""
        return hmac.new(self._key, body, hashlib.sha256).hexdigest().encode()

    def signed(self, signature: bytes, body: bytes) -> bool:
        """Whether the signature is ours, and of these bytes."""
        return hmac.compare_digest(signature, self.sign(body))
