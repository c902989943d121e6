"""Encryption keys that are the same in every run: a test's name may hold one."""

import base64
import hashlib

__all__ = ["fernet_key"]


def fernet_key(name: str) -> str:
    """The key of this name."""
    return base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).decode()
