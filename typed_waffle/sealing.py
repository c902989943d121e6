"""Sealing: the JSON text of one secret, encrypted for the store, and opened again.

A sealed text is JSON of one fixed form. There is a space in it, and no value is ever written with
one between its parts: so no value looks like a sealed text, whatever the model allows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from typed_waffle.errors import ConfigurationError

__all__ = ["KEYS", "Cipher", "closed", "kept"]

KEYS = "WAFFLE_ENCRYPTION_KEYS"

_WHY = {
    "sealed": f"it is encrypted, and {KEYS} is not set",
    "unopened": f"it is encrypted, and none of {KEYS} opens it",
    "misplaced": "it was encrypted for another setting or namespace, and copied here",
}
# Base64 is told apart by form: decoders skip what is none of it, and stop at the padding.
_FORM = re.compile(r'\{"typed_waffle\.(sealed|unopened|misplaced)": "([A-Za-z0-9_-]+={0,2})"\}')
_FERNET_KEY = re.compile(r"[A-Za-z0-9+/_-]{43}=")
_MAKE_ONE = (
    'Make one with `python -c "from cryptography.fernet import Fernet; '
    'print(Fernet.generate_key().decode())"`'
)


def closed(text: str) -> str | None:
    """Why a text stays encrypted, or `None` if it is not encrypted."""
    found = _FORM.fullmatch(text)
    return _WHY[found[1]] if found else None


def kept(text: str) -> str | None:
    """The sealed text that a closed one stands for, or `None` if it is not encrypted."""
    found = _FORM.fullmatch(text)
    return _form("sealed", found[2]) if found else None


def _form(word: str, token: str) -> str:
    return f'{{"typed_waffle.{word}": "{token}"}}'


class Cipher:
    """Seals texts with the first key, and opens them with any. Safe to call from many threads.

    The namespace and the field are sealed in with the text: a sealed text that somebody copies to
    another field does not open there, so that no secret shows where another one is meant to.

    Raises:
        ConfigurationError: a key is no Fernet key, there is none, or cryptography is not installed.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ConfigurationError(KEYS, f"it holds no key. {_MAKE_ONE}, or leave it out")
        for position, key in enumerate(keys, 1):
            if not _FERNET_KEY.fullmatch(key):
                raise ConfigurationError(
                    KEYS, f"key {position} of {len(keys)} is not a Fernet key. {_MAKE_ONE}"
                )
        try:
            from cryptography.fernet import (  # noqa: PLC0415 - an extra, loaded if there are keys
                Fernet,
                InvalidToken,
                MultiFernet,
            )
        except ImportError as error:
            raise ConfigurationError(
                KEYS, "it needs cryptography: pip install 'typed-waffle[encryption]'"
            ) from error
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._refusal = InvalidToken

    def seal(self, text: str, namespace: str, field: str) -> str:
        """The text, encrypted with the first key: another result each time."""
        token = self._fernet.encrypt(f"{_place(namespace, field)}{text}".encode())
        return _form("sealed", token.decode())

    def open(self, text: str, namespace: str, field: str) -> str:
        """The text that was sealed; one that does not open comes back closed, see `closed`.

        What is not sealed comes back as it is.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            return text
        try:
            # No time to live: what was sealed long ago opens, whatever the clock says.
            plain = self._fernet.decrypt(found[2]).decode()
        except self._refusal:
            return _form("unopened", found[2])
        place = _place(namespace, field)
        if not plain.startswith(place):
            return _form("misplaced", found[2])
        return plain.removeprefix(place)


def _place(namespace: str, field: str) -> str:
    """Where a text belongs. A JSON array ends itself: no place is the beginning of another."""
    return json.dumps([namespace, field])
