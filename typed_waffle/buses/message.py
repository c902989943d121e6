"""Messages and notes: to signed bytes and back.

A message is `<hex HMAC-SHA256>.<JSON>`. Whoever lacks the key cannot make one that carries values;
what is unsigned or forged is at most a hint. A note is `<hex HMAC-SHA256>.<text>`; what is signed
is where it lies as well, so that it is worth nothing elsewhere.
"""

from __future__ import annotations

import json
import re
from datetime import datetime

from typed_waffle.change import Delta
from typed_waffle.protocols import Announcement, Hint
from typed_waffle.signing import Signer

__all__ = ["MAX_MESSAGE", "Codec"]

MAX_MESSAGE = 1024 * 1024
"""The longest message that is looked at, in bytes."""

_MESSAGE, _NOTE = b"typed-waffle message 1", b"typed-waffle note 1"
"""What is signed."""

_ID = re.compile(r"[0-9a-f]{32}|")
_MAX_REVISION = 2**63


class Codec:
    """Encodes and verifies with one key; without a key, all messages are hints."""

    def __init__(self, key: str | bytes | None) -> None:
        self._signer = Signer(key, _MESSAGE) if key else None
        self._note_signer = Signer(key, _NOTE) if key else None

    def encode(self, announcement: Announcement) -> bytes:
        """The bytes of one announcement. Without a key they carry no values, only a hint."""
        delta = announcement.delta if self._signer else None
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
        return (self._signer.sign(body) if self._signer else b"") + b"." + body

    def decode(self, message: bytes) -> Announcement | Hint | None:
        """What a message is worth: an announcement if signed, else a hint; `None` for garbage."""
        if len(message) > MAX_MESSAGE:
            return None
        signature, dot, body = message.partition(b".")
        signed = self._signer is not None and self._signer.signed(signature, body)
        try:
            content = json.loads(body if dot else message)
            return _announcement(content) if signed else _hint(content)
        except (ValueError, TypeError, KeyError, RecursionError):
            return None

    def seal(self, shelf: str, name: str, text: str) -> bytes:
        """The bytes of a note; without a key they are not signed."""
        body = text.encode("utf-8", "surrogatepass")
        signer = self._note_signer
        return (signer.sign(_placed(shelf, name, body)) if signer else b"") + b"." + body

    def unseal(self, shelf: str, name: str, note: bytes) -> str | None:
        """The text of a note that was left there, under our key; `None` if it was not.

        Without a key, nothing can be told from a signature, and any note's text is given.
        """
        seal, dot, body = note.partition(b".")
        signer, placed = self._note_signer, _placed(shelf, name, body)
        if not dot or (signer is not None and not signer.signed(seal, placed)):
            return None
        try:
            return body.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return None


def _placed(shelf: str, name: str, body: bytes) -> bytes:
    return json.dumps([shelf, name]).encode() + b"\n" + body


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
