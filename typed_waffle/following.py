"""Following: the changes of a namespace as they come, for people who watch. It is no worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic

from typed_waffle.change import Change
from typed_waffle.errors import StoreUnavailable
from typed_waffle.ledger import Ledger
from typed_waffle.model import M
from typed_waffle.protocols import Bus, BusError, Store, Subscribed, Subscription

__all__ = ["Following"]

POLL = 1.0
"""Seconds between two looks at the store without a bus that answers."""

SLOW_POLL = 10.0
"""Seconds between two looks at the store while the bus answers."""

RETRY = 2.0
"""Seconds until another subscription is tried."""

PAGE = 100
"""How many changes are read at a time."""


class Following(Generic[M]):
    """Subscribes to hear that there is something new, and reads the history for what it is.

    Args:
        ledger: The history.
        store: Where the revision is looked up.
        bus: Tells of changes; without any they are looked for.
        namespace: Whose changes.
        trouble: Told of what goes wrong, once, and of `None` when that is over.
    """

    def __init__(
        self,
        ledger: Ledger[M],
        store: Store,
        bus: Bus | None,
        namespace: str,
        trouble: Callable[[str | None], None],
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._bus = bus
        self._namespace = namespace
        self._trouble = trouble
        self._said: str | None = None
        self._subscription: Subscription | None = None
        self._retry_at = float("-inf")
        self._pause = threading.Event()

    def changes(self, after: int) -> Iterator[Change]:
        """Every change after a revision, oldest first, without end.

        A store that was restored is followed from where it is then.
        """
        seen, due = after, float("-inf")
        try:
            while True:
                told = self._told(max(0.0, due - time.monotonic()))
                if told or time.monotonic() >= due:
                    seen, found = self._looked(seen)
                    due = time.monotonic() + (SLOW_POLL if self._subscription else POLL)
                    yield from found
        finally:
            self._hang_up()

    def _looked(self, seen: int) -> tuple[int, list[Change]]:
        """Where the store is, and the changes since; as before, if it does not answer."""
        found: list[Change] = []
        try:
            revision = self._store.head(self._namespace).revision
            before = revision + 1
            while before > seen + 1:
                page = self._ledger.page(field=None, limit=PAGE, before=before)
                found += [change for change in page if change.revision > seen]
                if not page:
                    break  # pruned
                before = page[-1].revision
        except StoreUnavailable as error:
            self._say(str(error))
            return seen, []
        self._say(None)
        return revision, found[::-1]

    def _told(self, within: float) -> bool:
        """Wait for a sign of a change; whether there was one."""
        subscription = self._subscribed()
        if subscription is None:
            self._pause.wait(min(within, POLL))
            return False
        try:
            event = subscription.get(min(within, 1.0))
        except BusError:
            self._hang_up()
            return True  # whatever was said meanwhile is in the store
        if event is None or isinstance(event, Subscribed):
            return event is not None
        return event.namespace == self._namespace

    def _subscribed(self) -> Subscription | None:
        if self._subscription is None and self._bus is not None:
            now = time.monotonic()
            if now >= self._retry_at:
                self._retry_at = now + RETRY
                try:
                    self._subscription = self._bus.subscribe()
                except BusError:
                    return None
        return self._subscription

    def _hang_up(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.close()

    def _say(self, text: str | None) -> None:
        if text != self._said:
            self._said = text
            self._trouble(text)
