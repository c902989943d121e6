"""Copies: the stored state of one namespace as a signed text, for a start without the database.

A copy is `<hex HMAC-SHA256>.<JSON>`. Whoever lacks the signing key cannot make one that is read.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from typed_waffle.change import Head, State
from typed_waffle.sealing import Cipher, kept
from typed_waffle.signing import Signer

__all__ = ["Copies", "Copy"]

_USE = b"typed-waffle copy 1"


@dataclass(frozen=True, slots=True)
class Copy:
    """What was stored when somebody kept it."""

    state: State
    at: datetime
    """When it was kept, by the clock of whoever did. It orders nothing."""
    lacks: tuple[str, ...] = ()
    """Fields of the model that were stored and are not in the copy: secrets, without keys."""


class Copies:
    """Makes copies of one namespace, and reads them.

    A secret goes in encrypted, or not at all. What the model does not know might be a secret, so it
    goes in only if it is encrypted already.

    Args:
        namespace: Whose state it is; a copy of another namespace is not read.
        key: What signs.
        secret: The fields that are secrets, under all their names.
        plain: The other fields of the model, under all their names.
        cipher: What encrypts secrets; without one they are left out.
    """

    def __init__(
        self,
        namespace: str,
        key: str,
        secret: Collection[str],
        plain: Collection[str],
        cipher: Cipher | None,
    ) -> None:
        self._namespace = namespace
        self._signer = Signer(key, _USE)
        self._secret = frozenset(secret)
        self._plain = frozenset(plain)
        self._cipher = cipher

    def text(self, state: State) -> str:
        """A copy of this state, made now."""
        texts = {name: self._kept(name, text) for name, text in state.overrides.items()}
        body = json.dumps(
            {
                "namespace": self._namespace,
                "revision": state.head.revision,
                "id": state.head.change_id,
                "at": datetime.now(UTC).isoformat(),
                "overrides": {name: text for name, text in texts.items() if text is not None},
                "lacks": sorted(name for name, text in texts.items() if text is None),
            },
            separators=(",", ":"),
        )
        return f"{self._signer.sign(body.encode()).decode()}.{body}"

    def read(self, text: str) -> Copy:
        """What a copy holds, its secrets opened; one that does not open is closed, as in the store.

        Raises:
            ValueError: it is no copy, not one of this namespace, or not signed with this key.
        """
        signature, _, body = text.partition(".")
        signed = body.encode("utf-8", "surrogatepass")
        if not self._signer.signed(signature.encode("utf-8", "surrogatepass"), signed):
            raise ValueError("it is not whole, or not signed with this worker's signing key")
        content = json.loads(body)
        try:
            namespace, copy = content["namespace"], _copy(content)
        except (KeyError, TypeError, ValueError) as error:  # it was signed, so this is no attack
            raise ValueError("another version of typed-waffle wrote it") from error
        if namespace != self._namespace:
            raise ValueError(f"it is one of the namespace {namespace!r}")
        known, texts = self._secret | self._plain, copy.state.overrides
        opened = {n: self._opened(n, text) if n in known else text for n, text in texts.items()}
        return replace(
            copy,
            state=State(copy.state.head, opened),
            lacks=tuple(name for name in copy.lacks if name in known),
        )

    def agrees(self, copy: Copy, state: State) -> bool:
        """Whether a copy of this state would hold nothing else, as far as the model knows it."""
        ours, theirs = state.overrides, copy.state.overrides
        for name in self._secret | self._plain:
            text = ours.get(name)
            if text is not None and name in self._secret and not self._may_hold(text):
                # Whoever has the keys may have put it in: that is better than what we could do.
                if name not in copy.lacks and name not in theirs:
                    return False
            elif theirs.get(name) != text:
                return False
        return True

    def _may_hold(self, secret: str) -> bool:
        return self._cipher is not None or kept(secret) is not None

    def _kept(self, name: str, text: str) -> str | None:
        as_it_was = kept(text)
        if as_it_was is not None or name in self._plain:
            return as_it_was or text
        if name in self._secret and self._cipher is not None:
            return self._cipher.seal(text, self._namespace, name)
        return None

    def _opened(self, name: str, text: str) -> str:
        return self._cipher.open(text, self._namespace, name) if self._cipher else text


def _copy(content: dict[str, Any]) -> Copy:  # Any: JSON
    head = Head(content["revision"], content["id"])
    texts, lacks = dict(content["overrides"]), tuple(content["lacks"])
    at = datetime.fromisoformat(content["at"])
    if type(head.revision) is not int or at.tzinfo is None:
        raise TypeError("not a revision, or not a time")
    if not all(isinstance(text, str) for text in (head.change_id, *texts.values(), *lacks)):
        raise TypeError("not a text")
    return Copy(State(head, texts), at, lacks)
