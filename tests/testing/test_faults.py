"""FaultyBus and FaultyStore: no trouble without a command, and exactly that trouble with one."""

import gc
import threading
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.support.apps import Settings
from tests.support.waiting import eventually
from typed_waffle import StoreUnavailable, Waffle
from typed_waffle.buses.memory import MemoryBus, MemorySubscription
from typed_waffle.protocols import Announcement, Bus, BusError, Store, Subscribed
from typed_waffle.stores.memory import MemoryStore
from typed_waffle.testing import (
    BusContract,
    FaultyBus,
    FaultyStore,
    Memory,
    StoreContract,
    memory,
)


class TestFaultyBus(BusContract):
    @pytest.fixture
    def bus(self) -> Bus:
        return FaultyBus(MemoryBus())

    @pytest.fixture
    def other_bus(self, bus: Bus) -> Bus:
        return bus


class TestFaultyStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return FaultyStore(MemoryStore())

    @pytest.fixture
    def other_store(self, store: Store) -> Store:
        return store


@pytest.fixture
def bus() -> FaultyBus:
    return FaultyBus(MemoryBus())


@pytest.fixture
def store() -> FaultyStore:
    return FaultyStore(MemoryStore())


@pytest.fixture
def writer() -> Waffle[Settings]:
    return Waffle(Settings)


@pytest.fixture
def reader() -> Waffle[Settings]:
    return Waffle(Settings)


@pytest.fixture
def shared(
    bus: FaultyBus, store: FaultyStore, writer: Waffle[Settings], reader: Waffle[Settings]
) -> Iterator[Memory]:
    with memory(writer, reader, store=store, bus=bus) as shared:
        shared.wait_delivered()
        yield shared


# --- the bus ------------------------------------------------------------------------------------


def test_a_lost_message(
    bus: FaultyBus, shared: Memory, writer: Waffle[Settings], reader: Waffle[Settings]
) -> None:
    """The other worker does not learn of it from the bus; of the next one it does, with both."""
    bus.drop(2)
    for low in (1, 2):
        writer.update(low=low)
    shared.wait_delivered()
    assert (reader.current_settings.low, len(bus.dropped)) == (0, 2)
    writer.update(high=20)
    shared.wait_delivered()
    assert (reader.current_settings.low, reader.current_settings.high) == (2, 20)


@pytest.mark.parametrize("order", ["sent", "reversed", [1, 0, 2], [2, 0, 1, 2]])
def test_messages_that_are_held_back(
    bus: FaultyBus,
    shared: Memory,
    writer: Waffle[Settings],
    reader: Waffle[Settings],
    order: list[int],
) -> None:
    """They come in the order that is asked for, and in any of them the end is the same."""
    seen: list[int] = []
    reader.on_change()(lambda _, new: seen.append(new.low))
    bus.hold()
    for low in (1, 2, 3):
        writer.update(low=low)
    shared.wait_delivered()
    assert reader.current_settings.low == 0
    assert bus.release(order) == 3
    shared.wait_delivered()
    assert seen == sorted(seen)
    assert seen[-1] == reader.current_settings.low == 3


def test_a_doubled_message(
    bus: FaultyBus, shared: Memory, writer: Waffle[Settings], reader: Waffle[Settings]
) -> None:
    """It counts once."""
    seen: list[int] = []
    reader.on_change()(lambda _, new: seen.append(new.low))
    ear = bus.subscribe()
    ear.get(0)
    bus.duplicate()
    writer.update(low=1)
    assert ear.get(0) == ear.get(0) is not None
    shared.wait_delivered()
    writer.update(low=2)
    shared.wait_delivered()
    assert seen == [1, 2]


def test_a_bus_that_is_away(
    bus: FaultyBus, shared: Memory, writer: Waffle[Settings], reader: Waffle[Settings]
) -> None:
    """A write is made all the same, workers say so, and all is well when it is back."""
    bus.fail("the bus is on strike")
    writer.update(low=1)
    eventually(lambda: reader.status().bus.detail == "the bus is on strike")
    for use in (lambda: bus.left("x"), lambda: bus.leave("x", "y", None, 1), bus.subscribe):
        with pytest.raises(BusError, match="on strike"):
            use()
    bus.recover()
    shared.wait_delivered(20)
    assert reader.current_settings.low == 1
    eventually(lambda: reader.status().state == "live")


def test_a_connection_that_is_lost(
    bus: FaultyBus, shared: Memory, writer: Waffle[Settings], reader: Waffle[Settings]
) -> None:
    """What was published meanwhile is found when the worker has subscribed anew."""
    bus.drop()
    writer.update(low=1)
    bus.disconnect()
    shared.wait_delivered(20)
    assert reader.current_settings.low == 1


def test_a_subscription_that_was_closed_is_forgotten(bus: FaultyBus) -> None:
    """A bus that outlives many workers does not collect their subscriptions."""
    ear = bus.subscribe()
    gone = weakref.ref(ear)
    ear.close()
    del ear
    gc.collect()
    assert gone() is None


def test_a_subscription_that_is_made_while_the_bus_fails() -> None:
    """It is refused, and ended: none is left that hears of anything."""
    made: list[MemorySubscription] = []

    class Failing(MemoryBus):
        def subscribe(self) -> MemorySubscription:
            made.append(super().subscribe())
            faulty.fail("the bus is on strike")
            return made[0]

    faulty = FaultyBus(Failing())
    with pytest.raises(BusError, match="on strike"):
        faulty.subscribe()
    assert isinstance(made[0].get(0), Subscribed)
    with pytest.raises(BusError, match="closed"):
        made[0].get(0)


def test_what_cannot_be_released_is_held() -> None:
    """What the inner bus refuses, and what comes after that, can be released again."""

    class Refusing(MemoryBus):
        def publish(self, announcement: Announcement) -> None:
            if announcement.revision == refused:
                raise BusError("not this one")
            super().publish(announcement)

    bus, refused = FaultyBus(Refusing()), 2
    ear = bus.subscribe()
    ear.get(0)
    bus.hold()
    for revision in (1, 2, 3):
        bus.publish(
            Announcement("shop", revision, "id", "before", None, "worker", datetime.now(UTC))
        )
    with pytest.raises(BusError, match="not this one"):
        bus.release("reversed")
    refused = 0
    assert bus.release() == 2
    heard = [ear.get(0) for _ in range(4)]
    assert [getattr(event, "revision", None) for event in heard] == [3, 2, 1, None]


@pytest.mark.parametrize("count", [0, -1])
def test_a_command_for_no_message_or_call_is_refused(
    bus: FaultyBus, store: FaultyStore, count: int
) -> None:
    """It would do nothing, or all; and nothing is left of it."""
    for command in (bus.drop, bus.duplicate):
        with pytest.raises(ValueError, match=f"count = {count} is refused: give 1 or more"):
            command(count)
    with pytest.raises(ValueError, match=f"times = {count} is refused: .*leave it out for all"):
        store.fail(times=count)
    with pytest.raises(ValueError, match=f"times = {count} is refused: give 1 or more"):
        store.lose_answer(count)
    assert store.head("shop").revision == 0


# --- the store ----------------------------------------------------------------------------------


def test_a_store_that_fails(store: FaultyStore, shared: Memory, writer: Waffle[Settings]) -> None:
    """Only the calls that are named fail, with the error that is given, and so often."""
    store.fail("commit", error=StoreUnavailable("testing", "no disk"), times=2)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="no disk"):
            writer.update(low=1)
    assert writer.history() == ()
    writer.update(low=1)
    store.fail()
    with pytest.raises(StoreUnavailable, match="told to fail"):
        writer.history()
    assert writer.current_settings.low == 1
    store.recover()
    assert len(writer.history()) == 1


def test_an_answer_that_is_lost(
    store: FaultyStore, shared: Memory, writer: Waffle[Settings], reader: Waffle[Settings]
) -> None:
    """The change is made, and whoever made it does not know."""
    store.lose_answer()
    with pytest.raises(StoreUnavailable) as caught:
        writer.update(low=1)
    assert caught.value.in_doubt
    reader.refresh()
    assert reader.current_settings.low == 1


def test_a_store_that_is_frozen(
    store: FaultyStore, shared: Memory, writer: Waffle[Settings]
) -> None:
    """Who calls waits, and goes on when it is released; a read of settings does not wait."""
    store.hold()
    thread = threading.Thread(target=lambda: writer.update(low=1))
    thread.start()
    assert writer.current_settings.low == 0
    store.release()
    thread.join(10)
    assert writer.current_settings.low == 1
