"""The changes of a namespace as they come."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from tests.support.models import Shop
from tests.support.waiting import eventually
from tests.support.worker import Watched
from typed_waffle import following
from typed_waffle.buses.memory import MemoryBus
from typed_waffle.change import FieldRecord, State
from typed_waffle.following import Following
from typed_waffle.ledger import Ledger
from typed_waffle.protocols import Announcement, Bus, BusError, Hint, Proposal, Subscription
from typed_waffle.stores.memory import MemoryStore


class Follower:
    """Follows in a thread, until it is told to stop."""

    def __init__(self, store: Watched, bus: Bus | None, after: int = 0) -> None:
        self.revisions: list[int] = []
        self.troubles: list[str | None] = []
        ledger = Ledger(Shop, store, "shop")
        self._following = Following(ledger, store, bus, "shop", self.troubles.append)
        self._after = after
        self._over = False
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        for change in self._following.changes(self._after):
            if change.note == "over":
                return
            self.revisions.append(change.revision)


@contextmanager
def follows(store: Watched, bus: Bus | None, after: int = 0) -> Iterator[Follower]:
    follower = Follower(store, bus, after)
    follower.thread.start()
    try:
        yield follower
    finally:
        store.away = None
        put(store, "over")
        follower.thread.join(30)


@pytest.fixture
def store() -> Watched:
    return Watched(MemoryStore())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for in seconds takes less in these tests."""
    monkeypatch.setattr(following, "POLL", 0.02)
    monkeypatch.setattr(following, "RETRY", 0.02)


def put(store: Watched, note: str = "") -> Announcement:
    """Make a change; what would be announced of it."""

    def decide(state: State) -> Proposal:
        text = str(state.head.revision + 1)
        field = FieldRecord("low", "0", text, was_stored=False, is_stored=True)
        return Proposal(f"id-{text}", {"low": text}, (field,), None, note, "cli")

    record = store.inner.commit("shop", decide)
    assert record is not None
    return Announcement(
        "shop", record.revision, record.id, record.follows, None, "other", datetime.now(UTC)
    )


def test_without_a_bus_they_are_looked_for(store: Watched) -> None:
    """Each change comes once, oldest first, from where it was begun."""
    for _ in range(3):
        put(store)
    with follows(store, None, after=1) as follower:
        eventually(lambda: follower.revisions == [2, 3])
        put(store)
        put(store)
        eventually(lambda: follower.revisions == [2, 3, 4, 5])
    assert follower.troubles == []


def test_a_bus_tells_of_them(store: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one, the store is hardly looked at, and a change comes at once."""
    monkeypatch.setattr(following, "SLOW_POLL", 3600)
    bus = MemoryBus()
    with follows(store, bus) as follower:
        eventually(lambda: store.looks)  # the subscription stands before that
        for n in range(1, 4):
            bus.publish(put(store))
            eventually(lambda: len(follower.revisions) == n)  # noqa: B023 - called at once
        looks = store.looks
        bus.publish(Announcement("blog", 1, "id", "", None, "other", datetime.now(UTC)))
        assert store.looks == looks
        bus.publish(put(store, "over"))
        follower.thread.join(30)
    assert follower.revisions == [1, 2, 3]


class Broken:
    """A bus that cannot be subscribed to at first, and whose subscription then breaks."""

    def __init__(self) -> None:
        self.asked = 0
        self.closed = 0

    def subscribe(self) -> Subscription:
        self.asked += 1
        if self.asked % 2:
            raise BusError("away")
        return self

    def get(self, timeout: float) -> Hint | None:
        raise BusError(f"gone within {timeout}")

    def close(self) -> None:
        self.closed += 1

    def publish(self, announcement: Announcement) -> None:
        raise BusError(str(announcement))

    def leave(self, shelf: str, name: str, text: str | None, lasts: float) -> None:
        raise BusError(f"{shelf} {name} {text} {lasts}")

    def left(self, shelf: str) -> dict[str, str]:
        raise BusError(shelf)


def test_a_bus_that_breaks_loses_nothing(store: Watched) -> None:
    """While it is away the store is looked at, and it is tried again."""
    bus = Broken()
    with follows(store, bus) as follower:
        put(store)
        eventually(lambda: follower.revisions == [1] and bus.closed >= 2)
        put(store)
        eventually(lambda: follower.revisions == [1, 2])


def test_a_store_that_is_away_is_told_once(store: Watched) -> None:
    """So is its return; what changed meanwhile comes then."""
    with follows(store, None) as follower:
        put(store)
        eventually(lambda: follower.revisions == [1])
        store.outage()
        looks = store.looks
        eventually(lambda: store.looks > looks + 3)
        put(store)
        store.away = None
        eventually(lambda: follower.revisions == [1, 2])
    assert len(follower.troubles) == 2
    assert "it is away" in str(follower.troubles[0])
    assert follower.troubles[1] is None


def test_a_store_that_was_restored_is_followed(store: Watched) -> None:
    """From where it is then, though that is behind."""
    for _ in range(3):
        put(store)
    with follows(store, None) as follower:
        eventually(lambda: follower.revisions == [1, 2, 3])
        store.inner = MemoryStore()
        put(store)
        looks = store.looks
        eventually(lambda: store.looks > looks + 1)
        put(store)
        eventually(lambda: follower.revisions == [1, 2, 3, 2])


def test_many_changes_come_page_by_page(store: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, and those that were pruned are left out."""
    monkeypatch.setattr(following, "PAGE", 2)
    for _ in range(7):
        put(store)
    store.inner.prune("shop", 5)
    with follows(store, None) as follower:
        eventually(lambda: follower.revisions == [3, 4, 5, 6, 7])
