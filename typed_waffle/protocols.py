"""Store and Bus: the two roles that adapters fill, and what each promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from typed_waffle.change import (
    Channel,
    Delta,
    FieldRecord,
    Head,
    Overrides,
    Record,
    Stamp,
    State,
)

__all__ = [
    "Announcement",
    "Bus",
    "BusError",
    "Decide",
    "Event",
    "Hint",
    "Proposal",
    "Rewrite",
    "Store",
    "Subscribed",
    "Subscription",
]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a writer wants committed on top of the state it was shown."""

    change_id: str
    overrides: Overrides = field(repr=False)
    """All overrides after the change."""
    fields: tuple[FieldRecord, ...]
    actor: str | None
    note: str | None
    channel: Channel


Decide = Callable[[State], Proposal | None]
"""Looks at the stored state under the write lock. Returns what to commit, or `None` for nothing;
raises to refuse. It may be called again after a deadlock or a lost connection: it must be pure."""

Rewrite = Callable[[Overrides], Overrides]
"""Gives every override another text of the same meaning (encrypted anew, say). Pure, as above."""


class Store(Protocol):
    """The SQL side, and the only truth.

    Promises:

    - A change is atomic: overrides, revision and history row appear together or not at all.
    - Writers of a namespace come one after another; `decide` sees the state that its proposal will
      follow, and nothing can come between.
    - Revisions of a namespace are 1, 2, 3, ... without a gap; `Record.follows` is the id of the
      revision before ("" for the first).
    - `state` reads overrides and head at one moment.
    - Reading and refusing write nothing. A namespace that nobody wrote to is at revision 0.
    - Texts come back exactly as they were given.
    - Whatever goes wrong in the database is a `StoreUnavailable`, and then either nothing was
      written or the error says that the outcome is unknown.
    - Safe to call from many threads.
    """

    def head(self, namespace: str) -> Head:
        """The revision and its change id: the cheapest read."""
        ...

    def state(self, namespace: str) -> State:
        """Everything stored."""
        ...

    def commit(self, namespace: str, decide: Decide) -> Record | None:
        """Make one change under the namespace's write lock; `None` if `decide` wants nothing."""
        ...

    def history(
        self,
        namespace: str,
        *,
        field: str | None = None,
        limit: int = 50,
        before: int | None = None,
    ) -> Sequence[Record]:
        """Changes, newest first: those below revision `before`, those that touch `field`."""
        ...

    def latest(self, namespace: str) -> Mapping[str, Stamp]:
        """The newest change of each field that the history knows, in one query."""
        ...

    def prune(self, namespace: str, keep: int) -> int:
        """Delete all but the newest `keep` changes from the history; how many were deleted.

        Overrides and revision stay as they are.
        """
        ...

    def rewrite(self, namespace: str, again: Rewrite) -> int:
        """Store texts anew that mean what they meant; how many differ. It is no change.

        Revision and history stay as they are; writers wait for it and it for them.
        """
        ...

    def close(self) -> None:
        """Give back every connection; safe to call twice."""
        ...


class BusError(Exception):
    """The bus cannot be reached or refused; the text is for people and has no password in it."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A verified message: somebody who holds the signing key committed this change."""

    namespace: str
    revision: int
    change_id: str
    follows: str
    delta: Delta | None
    """What to do to the overrides of `follows`; `None` when only the store can tell."""
    origin: str
    """The id of the worker that sent it."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Hint:
    """An unverified message: worth one look at the store, and no more."""

    namespace: str


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The subscription was (re)made; messages before this moment may be lost."""


Event = Announcement | Hint | Subscribed


class Subscription(Protocol):
    """One worker's ear on the bus. Used by one thread."""

    def get(self, timeout: float) -> Event | None:
        """The next event, or `None` after `timeout` seconds (never much longer).

        The first event is `Subscribed`, and so is one after each reconnection.

        Raises:
            BusError: the connection is gone or does not answer; close it and subscribe anew.
        """
        ...

    def close(self) -> None:
        """Hang up; safe to call twice and after an error."""
        ...


class Bus(Protocol):
    """The Redis side: carries changes to the workers, and keeps notes that they leave.

    Promises:

    - `publish`, `leave` and `left` return or raise within about a second, whatever state the server
      is in. A note that fails keeps no message back, nor the other way round.
    - What a subscription yields as an `Announcement` was signed with the right key and arrived
      whole; anything else is a `Hint` or nothing.
    - No other promise: messages may be lost, doubled and reordered. The store heals that.
    - What `left` gives was left under that name on that shelf by somebody with the right key, maybe
      a while ago. A bus without a key gives what anybody left: take it for hearsay.
    - A note goes by the server's clock, when its time is over, whatever became of who left it. It
      may go earlier: a server forgets when it starts anew.
    - No secret's value crosses the bus: the caller leaves it out of delta and note.
    """

    def publish(self, announcement: Announcement) -> None:
        """Send to every subscription, the sender's own included.

        Raises:
            BusError: it could not be sent.
        """
        ...

    def leave(self, shelf: str, name: str, text: str | None, lasts: float) -> None:
        """Leave a note for others, in place of the one of that name; `None` takes it away.

        It lasts for `lasts` seconds, if it is not left again. Notes of one shelf should be of a
        kind, and few; a text of 1 MiB is short enough.

        Raises:
            BusError: it is not known to be there, or to be gone.
        """
        ...

    def left(self, shelf: str) -> dict[str, str]:
        """The notes on a shelf now, by name: all of them, or none.

        Raises:
            BusError: they cannot be read, or are too many.
        """
        ...

    def subscribe(self) -> Subscription:
        """Open a subscription. It may return before the server is reached.

        Raises:
            BusError: the server cannot be reached. If that is not known yet, `get` says it.
        """
        ...

    def close(self) -> None:
        """Hang up; safe to call twice."""
        ...
