"""Messages and notes: to signed bytes and back.

A message is `<hex HMAC-SHA256>.<JSON>`. Whoever lacks the key cannot make one that carries values;
what is unsigned or forged is at most a hint. A note is `<hex HMAC-SHA256>.<text>`; what is signed
is where it lies as well, so that it is worth nothing elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import datetime

from typed_waffle.change import Delta
from typed_waffle.protocols import Announcement, Hint

__all__ = ["MAX_MESSAGE", "Codec"]

MAX_MESSAGE = 1024 * 1024
"""The longest message that is looked at, in bytes."""

_CONTEXT = b"typed-waffle message 1"
"""Keeps the key apart from other uses of the same secret (an app's `SECRET_KEY` signs cookies)."""

_NOTE_CONTEXT = b"typed-waffle note 1"
"""Keeps notes apart from messages."""

_ID = re.compile(r"[0-9a-f]{32}|")
_MAX_REVISION = 2**63


class Codec:
    """Encodes and verifies with one key; without a key, all messages are hints."""

    def __init__(self, key: str | bytes | None) -> None:
        secret = key.encode() if isinstance(key, str) else key
        self._key = hmac.digest(secret, _CONTEXT, "sha256") if secret else None
        self._note_key = hmac.digest(secret, _NOTE_CONTEXT, "sha256") if secret else None

    def encode(self, announcement: Announcement) -> bytes:
        """The bytes of one announcement. Without a key they carry no values, only a hint."""
        delta = announcement.delta if self._key else None
        body = json.dumps(
            {
                "namespace": announcement.namespace,
                "revision": announcement.revision,
                "id": announcement.change_id,
                "follows": announcement.follows,
                "set": dict(delta.set) if delta else None,
                "unset": sorted(delta.unset) if delta else [],
                "origin": announcement.origin,
                "at": announcement.at.isoformat(),
            },
            separators=(",", ":"),
        ).encode()
        return self._signature(body) + b"." + body

    def decode(self, message: bytes) -> Announcement | Hint | None:
        """What a message is worth: an announcement if signed, else a hint; `None` for garbage."""
        if len(message) > MAX_MESSAGE:
            return None
        signature, dot, body = message.partition(b".")
        signed = self._key is not None and hmac.compare_digest(signature, self._signature(body))
        try:
            content = json.loads(body if dot else message)
            return _announcement(content) if signed else _hint(content)
        except (ValueError, TypeError, KeyError, RecursionError):
            return None

    def seal(self, shelf: str, name: str, text: str) -> bytes:
        """The bytes of a note; without a key they are not signed."""
        body = text.encode("utf-8", "surrogatepass")
        return self._seal(shelf, name, body) + b"." + body

    def unseal(self, shelf: str, name: str, note: bytes) -> str | None:
        """The text of a note that was left there, under our key; `None` if it was not.

        Without a key, nothing can be told from a signature, and any note's text is given.
        """
        seal, dot, body = note.partition(b".")
        if self._note_key is not None:
            if not hmac.compare_digest(seal, self._seal(shelf, name, body)):
                return None
        elif not dot:
            return None
        try:
            return body.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return None

    def _seal(self, shelf: str, name: str, body: bytes) -> bytes:
        if self._note_key is None:
            return b""
        place = json.dumps([shelf, name]).encode()
        return hmac.new(self._note_key, place + b"\n" + body, hashlib.sha256).hexdigest().encode()

    def _signature(self, body: bytes) -> bytes:
        if self._key is None:
            return b""
        return hmac.new(self._key, body, hashlib.sha256).hexdigest().encode()


def _hint(content: object) -> Hint | None:
    if not isinstance(content, dict) or not isinstance(content.get("namespace"), str):
        return None
    return Hint(content["namespace"])


def _announcement(content: dict[str, object]) -> Announcement:
    namespace, origin = _text(content["namespace"]), _text(content["origin"])
    change_id, follows = _text(content["id"]), _text(content["follows"])
    revision, at = content["revision"], datetime.fromisoformat(_text(content["at"]))
    if not (_ID.fullmatch(change_id) and _ID.fullmatch(follows)) or at.tzinfo is None:
        raise ValueError("not an id, or not a time")
    if type(revision) is not int or not 0 < revision < _MAX_REVISION:
        raise ValueError("not a revision")
    delta = _delta(content["set"], content["unset"])
    return Announcement(namespace, revision, change_id, follows, delta, origin, at)


def _delta(texts: object, unset: object) -> Delta | None:
    if texts is None:
        return None
    if not isinstance(texts, dict) or not isinstance(unset, list):
        raise TypeError("not a delta")
    return Delta({name: _text(text) for name, text in texts.items()}, frozenset(map(_text, unset)))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
