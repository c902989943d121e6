"""A store whose secrets are encrypted in the store beneath it, and plain for whoever uses it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from typed_waffle.change import Head, Overrides, Record, Stamp, State
from typed_waffle.errors import ConfigurationError
from typed_waffle.protocols import Decide, Proposal, Rewrite, Store
from typed_waffle.sealing import KEYS, Cipher, closed, kept

__all__ = ["SealedStore"]


class SealedStore:
    """Seals the texts of some fields on their way into `inner`, and opens them on their way out.

    A text that is not sealed is read as it is, and sealed when its field is next written. One that
    does not open is shown closed (see `sealing.closed`), and goes back as it was stored. A text
    that keeps its meaning keeps its sealed text too, so that no row is rewritten for nothing.

    Departure from `Store`: a text that has the form of a sealed one is taken for one.

    Args:
        inner: Where the texts are kept.
        cipher: What seals and opens them.
        secret: The fields to seal.
        plain: Fields that are no secrets, or none any more: what is sealed of them is opened, and
            what is written is not sealed. Of any other field, nobody here knows what it is: what
            is sealed stays so.
    """

    def __init__(
        self, inner: Store, cipher: Cipher, secret: Collection[str], plain: Collection[str] = ()
    ) -> None:
        self._inner = inner
        self._cipher = cipher
        self._secret = frozenset(secret)
        self._opened_here = self._secret.union(plain)

    @property
    def inner(self) -> Store:
        """Where the texts are kept."""
        return self._inner

    def head(self, namespace: str) -> Head:
        """See `Store.head`."""
        return self._inner.head(namespace)

    def state(self, namespace: str) -> State:
        """See `Store.state`."""
        return self._shown(namespace, self._inner.state(namespace))

    def commit(self, namespace: str, decide: Decide) -> Record | None:
        """See `Store.commit`."""

        def decide_and_seal(stored: State) -> Proposal | None:
            shown = self._shown(namespace, stored)
            proposal = decide(shown)
            if proposal is None:
                return None
            texts = self._sealed(namespace, proposal.overrides, shown.overrides, stored.overrides)
            return replace(proposal, overrides=texts)

        return self._inner.commit(namespace, decide_and_seal)

    def history(
        self,
        namespace: str,
        *,
        field: str | None = None,
        limit: int = 50,
        before: int | None = None,
    ) -> Sequence[Record]:
        """See `Store.history`. Secrets are masked in it already."""
        return self._inner.history(namespace, field=field, limit=limit, before=before)

    def latest(self, namespace: str) -> Mapping[str, Stamp]:
        """See `Store.latest`."""
        return self._inner.latest(namespace)

    def prune(self, namespace: str, keep: int) -> int:
        """See `Store.prune`."""
        return self._inner.prune(namespace, keep)

    def rewrite(self, namespace: str, again: Rewrite) -> int:
        """See `Store.rewrite`."""

        def rewrite_and_seal(stored: Overrides) -> Overrides:
            shown = self._opened(namespace, stored)
            return self._sealed(namespace, again(shown), shown, stored)

        return self._inner.rewrite(namespace, rewrite_and_seal)

    def rotate(self, namespace: str) -> int:
        """Seal every secret anew with the first key; how many there are. It is no change.

        That goes for secrets stored in the clear, and for whatever else is sealed: afterwards no
        other key is needed.

        Raises:
            ConfigurationError: one does not open; nothing was rewritten.
        """

        def seal_anew(stored: Overrides) -> Overrides:
            return {name: self._rotated(namespace, name, text) for name, text in stored.items()}

        return self._inner.rewrite(namespace, seal_anew)

    def close(self) -> None:
        """See `Store.close`."""
        self._inner.close()

    def _shown(self, namespace: str, stored: State) -> State:
        return replace(stored, overrides=self._opened(namespace, stored.overrides))

    def _opened(self, namespace: str, stored: Overrides) -> dict[str, str]:
        return {
            name: self._cipher.open(text, namespace, name) if name in self._opened_here else text
            for name, text in stored.items()
        }

    def _sealed(
        self, namespace: str, wanted: Overrides, shown: Overrides, stored: Overrides
    ) -> dict[str, str]:
        return {
            name: stored[name] if shown.get(name) == text else self._anew(namespace, name, text)
            for name, text in wanted.items()
        }

    def _anew(self, namespace: str, name: str, text: str) -> str:
        as_it_was = kept(text)
        if as_it_was is not None:
            return as_it_was
        return self._cipher.seal(text, namespace, name) if name in self._secret else text

    def _rotated(self, namespace: str, name: str, text: str) -> str:
        if name not in self._secret and kept(text) is None:
            return text
        plain = self._cipher.open(text, namespace, name)
        why = closed(plain)
        if why is not None:
            raise ConfigurationError(
                KEYS,
                f"the keys were not rotated, and nothing was rewritten, because of {name}: {why}. "
                f"Add the key it was encrypted with, or set {name} anew",
            )
        return self._cipher.seal(plain, namespace, name)
