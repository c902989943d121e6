"""One worker's runtime with a store that is watched, and a bus that records or fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, model_validator

from typed_waffle import Snapshot, WaffleModel
from typed_waffle.buses.memory import MemoryBus
from typed_waffle.change import Change, Channel, Delta, FieldRecord, Head, Record, Stamp, State
from typed_waffle.display import Observer
from typed_waffle.edit import Draft
from typed_waffle.errors import StoreUnavailable
from typed_waffle.lastgood import LastGood
from typed_waffle.protocols import (
    Announcement,
    Bus,
    BusError,
    Decide,
    Proposal,
    Rewrite,
    Store,
    Subscribed,
    Subscription,
)
from typed_waffle.runtime import Rules, Runtime
from typed_waffle.stores.memory import MemoryStore

__all__ = ["Settings", "Tape", "Watched", "Worker", "change_id", "delta", "store_at", "worker"]


class Settings(WaffleModel):
    """A few settings, a rule across two of them, and a secret."""

    name: Annotated[str, Field(max_length=10)] = "Waffle"
    low: int = 0
    high: int = 10
    token: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def in_order(self) -> Self:
        """Low is at most high."""
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


class Watched:
    """A store that counts its reads, and that can be away or show something else."""

    def __init__(self, inner: Store | None = None) -> None:
        self.inner = inner or MemoryStore()
        self.reads: list[str] = []
        self.away: BaseException | None = None
        self.shows: State | None = None
        """What reads show instead of the truth: a lagging replica."""
        self.during_head: Callable[[], object] = lambda: None
        self.during_state: Callable[[], object] = lambda: None
        self.after_commit: Callable[[], object] = lambda: None
        """Called after the truth was looked up or changed, and before it is given back."""
        self.closed = False

    def outage(self) -> None:
        """Be away from now on."""
        self.away = StoreUnavailable("testing", "it is away")

    def _asked(self, what: str) -> None:
        self.reads.append(what)
        if self.away is not None:
            raise self.away

    def head(self, namespace: str) -> Head:
        self._asked("head")
        head = self.shows.head if self.shows else self.inner.head(namespace)
        self.during_head()
        return head

    def state(self, namespace: str) -> State:
        self._asked("state")
        state = self.shows or self.inner.state(namespace)
        self.during_state()
        return state

    def commit(self, namespace: str, decide: Decide) -> Record | None:
        if self.away is not None:
            raise self.away
        record = self.inner.commit(namespace, decide)
        self.after_commit()
        return record

    def history(
        self,
        namespace: str,
        *,
        field: str | None = None,
        limit: int = 50,
        before: int | None = None,
    ) -> Sequence[Record]:
        return self.inner.history(namespace, field=field, limit=limit, before=before)

    def latest(self, namespace: str) -> Mapping[str, Stamp]:
        return self.inner.latest(namespace)

    def prune(self, namespace: str, keep: int) -> int:
        return self.inner.prune(namespace, keep)

    def rewrite(self, namespace: str, again: Rewrite) -> int:
        return self.inner.rewrite(namespace, again)

    def close(self) -> None:
        self.closed = True

    @property
    def looks(self) -> int:
        """How often the store was looked at; reading all after the head is part of one look."""
        return self.reads.count("head")


class Tape:
    """A bus that records what is published, or refuses it."""

    def __init__(self) -> None:
        self.said: list[Announcement] = []
        self.notes = MemoryBus()
        self.refuses: Exception | None = None
        self.closed = False

    def publish(self, announcement: Announcement) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.said.append(announcement)

    def leave(self, shelf: str, name: str, text: str | None, lasts: float) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.notes.leave(shelf, name, text, lasts)

    def left(self, shelf: str) -> dict[str, str]:
        if self.refuses is not None:
            raise self.refuses
        return self.notes.left(shelf)

    def subscribe(self) -> Subscription:
        raise BusError("nobody listens to a tape")

    def close(self) -> None:
        self.closed = True


@dataclass
class Worker:
    """A booted runtime, and what it told its observer."""

    runtime: Runtime[Any]
    store: Watched
    changes: list[tuple[Any, Any]] = field(default_factory=list)
    rejections: list[tuple[int, Mapping[str, str]]] = field(default_factory=list)

    @property
    def settings(self) -> Any:  # noqa: ANN401 - of any model
        return self.runtime.live.settings

    @property
    def revision(self) -> int:
        return self.runtime.live.revision

    def write(self, *resets: str, **updates: object) -> Change | None:
        """Commit a change."""
        draft = self.draft()
        draft.update(updates)
        draft.reset(resets)
        return self.runtime.write(draft)

    def roll_back(self, revision: int, note: str | None = None) -> Change | None:
        """Commit a change that brings a revision back."""
        return self.runtime.rollback(revision, self.draft(note))

    def draft(self, note: str | None = None) -> Draft:
        """An empty draft with an id of its own."""
        self._drafts = getattr(self, "_drafts", 0) + 1
        channel: Channel = "python" if note is None else "rollback"
        return Draft(change_id(self.runtime.id, self._drafts), None, note, channel)

    def hears(self, *said: Announcement) -> None:
        """Get these messages together, and do what is due."""
        self.runtime.receive(said)

    def settle(self) -> None:
        """Begin anew: subscribed, the store read, nothing due, nothing counted."""
        self.runtime.receive([Subscribed()])
        self.runtime.tick()
        self.store.reads.clear()
        self.changes.clear()


def worker(
    store: Store | None = None,
    bus: Bus | None = None,
    *,
    model: type[WaffleModel] = Settings,
    rules: Rules | None = None,
    told: Callable[[Any, Any], object] = lambda _old, _new: None,
    last_good: LastGood | None = None,
) -> Worker:
    """A booted worker on this store; `told` is its callback for changes."""
    watched = store if isinstance(store, Watched) else Watched(store)
    made: list[Worker] = []

    def changed(old: Snapshot[Any], new: Snapshot[Any]) -> None:
        made[0].changes.append((old, new))
        told(old, new)

    def rejected(revision: int, reasons: Mapping[str, str]) -> None:
        made[0].rejections.append((revision, reasons))

    runtime: Runtime[Any] = Runtime(
        model, rules or Rules(), watched, bus, Observer(lambda _: None, changed, rejected), {}
    )
    made.append(Worker(runtime, watched))
    runtime.boot(last_good)
    runtime.deliver()
    return made[0]


def change_id(of: object, number: int) -> str:
    """An id of the form that change ids have."""
    return f"{abs(hash(of)) % 2**64:016x}{number:016x}"


def delta(**texts: str) -> Delta:
    return Delta(texts)


def _always(proposal: Proposal, _: State) -> Proposal:
    return proposal


def store_at(revision: int, *, chain: str = "this", **overrides: str) -> MemoryStore:
    """A store at a revision that a chain of other changes made; it holds these overrides."""
    store = MemoryStore()
    for number in range(1, revision + 1):
        record = FieldRecord("name", '"a"', '"b"', was_stored=True, is_stored=True)
        step = Proposal(change_id(chain, number), overrides, (record,), None, None, "python")
        store.commit("default", partial(_always, step))
    return store
