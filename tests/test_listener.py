"""The listener: the loop that keeps a runtime current, in a thread, inline, and across a fork."""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest

from tests.support.redis import RedisServer
from tests.support.waiting import PATIENCE, eventually
from tests.support.worker import Watched, Worker, worker
from typed_waffle.buses.memory import MemoryBus, MemorySubscription
from typed_waffle.buses.message import Codec
from typed_waffle.buses.redis import RedisBus
from typed_waffle.listener import InlineListener, Listener, ThreadListener, listen
from typed_waffle.loop import Loop
from typed_waffle.protocols import (
    Announcement,
    Bus,
    BusError,
    Event,
    Hint,
    Subscribed,
    Subscription,
)
from typed_waffle.runtime import Rules
from typed_waffle.stores.memory import MemoryStore

NEVER = Rules(poll_interval=3600, fallback_poll_interval=3600)
"""Polling that cannot be what heals."""

OFTEN = Rules(poll_interval=3600, fallback_poll_interval=0.05)

SOON = 2.0
"""What happens at once may take this long on a busy machine."""


@pytest.fixture
def truth() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
def writer(truth: MemoryStore, bus: MemoryBus) -> Worker:
    """Another worker, which makes the changes."""
    return worker(truth, bus)


Starts = Callable[[Worker, Bus | None], Listener]


@pytest.fixture
def starts() -> Iterator[Starts]:
    """Starts the listener thread of a worker; it is stopped in the end."""
    made: list[Listener] = []

    def start(one: Worker, bus: Bus | None) -> Listener:
        made.append(listen("thread", one.runtime, bus))
        return made[-1]

    yield start
    for listener in made:
        listener.stop(PATIENCE)


def state(one: Worker) -> str:
    return one.runtime.status().state


def shows(one: Worker, low: int) -> bool:
    return bool(one.settings.low == low)


# --- the loop ---------------------------------------------------------------------------------


def test_a_change_is_pushed(
    truth: MemoryStore, bus: MemoryBus, writer: Worker, starts: Starts
) -> None:
    """A change of another worker is shown at once, without a look at the store."""
    reader = worker(truth, bus, rules=NEVER)
    starts(reader, bus)
    eventually(lambda: state(reader) == "live")
    reader.store.reads.clear()
    writer.write(low=-1)
    assert eventually(lambda: reader.settings.low == -1) < SOON
    assert reader.store.reads == []


def test_what_changed_before_the_subscription_is_read(
    truth: MemoryStore, bus: MemoryBus, writer: Worker, starts: Starts
) -> None:
    """The store is read after the subscription stands, so nothing falls in between."""
    reader = worker(truth, bus, rules=NEVER)
    writer.write(low=-1)
    starts(reader, bus)
    eventually(lambda: reader.settings.low == -1)


def test_a_lost_subscription_is_made_anew(
    truth: MemoryStore, bus: MemoryBus, writer: Worker, starts: Starts
) -> None:
    """What changed in between is read, and push works again."""
    reader = worker(truth, bus, rules=NEVER)
    starts(reader, bus)
    eventually(lambda: state(reader) == "live")
    bus.close()
    writer.write(low=-1)
    eventually(lambda: reader.settings.low == -1)
    eventually(lambda: state(reader) == "live")
    reader.store.reads.clear()
    writer.write(low=-2)
    eventually(lambda: reader.settings.low == -2)
    assert reader.store.reads == []


class Gate(MemoryBus):
    """A bus that is away until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open = False
        self.tries = 0

    def subscribe(self) -> Subscription:  # type: ignore[override] # any subscription
        self.tries += 1
        if not self.open:
            raise BusError("refused")
        return super().subscribe()


def test_without_the_bus_at_boot_it_polls_and_recovers(
    truth: MemoryStore, writer: Worker, starts: Starts
) -> None:
    """It says `degraded` and polls; when the bus appears, push works without a restart."""
    gate = Gate()
    reader = worker(truth, gate, rules=OFTEN)
    starts(reader, gate)
    eventually(lambda: reader.runtime.status().last_error == "refused")
    assert state(reader) == "degraded"
    writer.write(low=-1)
    eventually(lambda: reader.settings.low == -1)
    gate.open = True
    eventually(lambda: state(reader) == "live")
    reader.store.reads.clear()
    worker(truth, gate).write(low=-2)
    assert eventually(lambda: reader.settings.low == -2) < SOON
    assert reader.store.reads == []


def test_tries_to_connect_are_spaced(truth: MemoryStore, starts: Starts) -> None:
    """A bus that refuses is not asked in a tight loop."""
    gate = Gate()
    reader = worker(truth, gate, rules=NEVER)
    starts(reader, gate)
    eventually(lambda: gate.tries >= 3)
    began, before = time.monotonic(), gate.tries
    eventually(lambda: gate.tries >= before + 2)
    assert (gate.tries - before) / (time.monotonic() - began) < 50


def test_without_the_store_at_boot_it_heals(truth: MemoryStore, bus: MemoryBus) -> None:
    """The defaults are shown as `stale`, and then what is stored."""
    worker(truth, bus).write(low=-1)
    store = Watched(truth)
    store.outage()
    reader = worker(store, bus, rules=OFTEN)
    listener = listen("thread", reader.runtime, bus)
    eventually(lambda: reader.runtime.status().bus.ok)
    assert state(reader) == "stale"
    store.away = None
    eventually(lambda: state(reader) == "live")
    assert reader.settings.low == -1
    listener.stop(PATIENCE)


def test_without_a_bus_it_only_polls(truth: MemoryStore, writer: Worker, starts: Starts) -> None:
    """A thread may keep a single process current as well."""
    reader = worker(truth, rules=OFTEN)
    starts(reader, None)
    writer.write(low=-1)
    eventually(lambda: reader.settings.low == -1)


def test_a_burst_is_coalesced(
    truth: MemoryStore, bus: MemoryBus, writer: Worker, starts: Starts
) -> None:
    """What comes while a callback runs is applied together, and nothing is lost."""
    begun, release = threading.Event(), threading.Event()

    def told(_old: object, _new: object) -> None:
        begun.set()
        assert release.wait(PATIENCE)

    reader = worker(truth, bus, rules=NEVER, told=told)
    starts(reader, bus)
    eventually(lambda: state(reader) == "live")
    writer.write(low=-1)
    assert begun.wait(PATIENCE)
    for number in range(2, 101):
        writer.write(low=-number)
    release.set()
    eventually(lambda: reader.revision == 100)
    eventually(lambda: len(reader.changes) == 2)


# --- what goes wrong in it --------------------------------------------------------------------


class Spoilt(MemoryBus):
    """A bus whose next subscriptions fail in a way that nobody expects."""

    def __init__(self, *errors: BaseException) -> None:
        super().__init__()
        self.errors = list(errors)

    def subscribe(self) -> Subscription:  # type: ignore[override] # any subscription
        if self.errors:
            raise self.errors.pop(0)
        return super().subscribe()


def test_no_error_ends_the_loop(
    truth: MemoryStore, starts: Starts, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a bus raises is logged, and the loop starts over."""
    bus = Spoilt(ZeroDivisionError(), SystemExit(1), CancelledError())
    reader = worker(truth, bus, rules=NEVER)
    starts(reader, bus)
    eventually(lambda: state(reader) == "live")
    assert caplog.text.count("starts over") == 3


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit, MemoryError, CancelledError])
def test_no_callback_ends_the_loop(
    error: type[BaseException], truth: MemoryStore, bus: MemoryBus, writer: Worker, starts: Starts
) -> None:
    """Not even one that calls sys.exit(), or lets the end of a timeout out."""

    def told(_old: object, _new: object) -> None:
        raise error

    reader = worker(truth, bus, rules=OFTEN, told=told)
    starts(reader, bus)
    eventually(lambda: state(reader) == "live")
    for number in range(1, 4):
        writer.write(low=-number)
        eventually(partial(shows, reader, -number))
    eventually(lambda: state(reader) == "live")


def test_a_loop_that_hangs_is_stood_in_for(
    monkeypatch: pytest.MonkeyPatch, truth: MemoryStore, bus: MemoryBus, writer: Worker
) -> None:
    """A callback that never returns stops the loop: the application then looks by itself."""
    monkeypatch.setattr("typed_waffle.status.SILENT_AFTER", 0.1)
    hangs, over = threading.Event(), threading.Event()

    def hang(*_: object) -> None:
        hangs.set()
        over.wait(PATIENCE)

    reader = worker(truth, bus, rules=OFTEN, told=hang)
    listener = listen("thread", reader.runtime, bus)
    eventually(lambda: state(reader) == "live")
    writer.write(name="one")
    assert hangs.wait(PATIENCE)
    writer.write(name="two")

    def follows() -> bool:
        listener.poke()
        return bool(reader.settings.name == "two")

    eventually(follows)
    assert state(reader) == "degraded"
    assert "has not run for" in reader.runtime.status().bus.detail
    over.set()
    eventually(lambda: state(reader) == "live")
    writer.write(name="three")
    eventually(lambda: reader.settings.name == "three")
    listener.stop(PATIENCE)


def test_a_loop_that_hangs_is_no_secret(
    monkeypatch: pytest.MonkeyPatch, truth: MemoryStore, bus: MemoryBus, writer: Worker
) -> None:
    """Where nothing is at work to look by itself, the status says that nobody knows."""
    monkeypatch.setattr("typed_waffle.status.SILENT_AFTER", 0.1)
    over = threading.Event()
    reader = worker(truth, bus, rules=NEVER, told=lambda *_: over.wait(PATIENCE))
    listener = listen("thread", reader.runtime, bus)
    eventually(lambda: state(reader) == "live")
    writer.write(name="one")
    eventually(lambda: state(reader) == "stale")
    over.set()
    eventually(lambda: state(reader) == "live")
    listener.stop(PATIENCE)


@pytest.mark.parametrize("error", [ZeroDivisionError(), SystemExit(1), CancelledError()])
def test_no_store_ends_the_loop(
    error: BaseException, truth: MemoryStore, writer: Worker, starts: Starts
) -> None:
    """A store of somebody else's may raise anything, with and without a bus."""
    reader = worker(truth, rules=OFTEN)
    reader.store.away = error
    starts(reader, None)
    before = len(reader.store.reads)
    eventually(lambda: len(reader.store.reads) > before + 2)
    assert repr(error) in (reader.runtime.status().last_error or "")
    reader.store.away = None
    writer.write(low=-1)
    eventually(lambda: reader.settings.low == -1)


@pytest.mark.ladder
def test_hostile_messages_over_redis_do_nothing(
    redis_server: RedisServer, truth: MemoryStore, starts: Starts
) -> None:
    """Whatever is published, the snapshot is right, and each costs one read at the most."""
    client, codec = redis_server.client(), Codec("the key")
    bus = RedisBus(client, "waffleconf", codec)
    writer, reader = worker(truth, bus), worker(truth, bus, rules=NEVER)
    starts(reader, bus)
    eventually(lambda: state(reader) == "live")
    said: list[Announcement] = []
    ear = bus.subscribe()
    eventually(lambda: ear.get(0.1) == Subscribed())
    for number in range(1, 4):
        writer.write(low=-number)
        event = ear.get(PATIENCE)
        assert isinstance(event, Announcement)
        said.append(event)
    ear.close()
    eventually(lambda: reader.revision == 3)
    before = reader.runtime.live
    reader.store.reads.clear()
    next_one = replace(said[-1], revision=4, change_id="4" * 32, follows=said[-1].change_id)
    hostile = [
        Codec("another key").encode(next_one),
        Codec(None).encode(next_one),
        codec.encode(said[0]),
        codec.encode(said[-1]),
        codec.encode(replace(next_one, revision=10**6, follows="5" * 32)),
        codec.encode(next_one)[:-1],
        b"\x00\xff garbage",
        b"[" * 100_000,
        b"x" * 10_000_000,
    ]
    for message in hostile:
        client.publish("waffleconf", message)
    writer.write(low=-4)
    eventually(lambda: reader.settings.low == -4)
    assert [old.revision for old, _ in reader.changes][-1] == before.revision
    assert reader.store.looks <= len(hostile)
    assert state(reader) == "live"
    bus.close()
    client.close()


# --- stopping ---------------------------------------------------------------------------------


def test_it_stops_within_a_second(truth: MemoryStore, bus: MemoryBus) -> None:
    """Also twice."""
    listener = listen("thread", worker(truth, bus, rules=NEVER).runtime, bus)
    began = time.monotonic()
    listener.stop(PATIENCE)
    listener.stop(PATIENCE)
    assert time.monotonic() - began < SOON
    assert "typed-waffle" not in {thread.name for thread in threading.enumerate()}


def test_it_stops_while_it_waits_to_connect(truth: MemoryStore) -> None:
    """A bus that is away does not hold it up."""
    gate = Gate()
    listener = listen("thread", worker(truth, gate, rules=NEVER).runtime, gate)
    eventually(lambda: gate.tries >= 3)
    began = time.monotonic()
    listener.stop(PATIENCE)
    assert time.monotonic() - began < SOON


def test_it_leaves_the_bus_when_it_stops(truth: MemoryStore) -> None:
    """Its subscription is closed."""
    left: list[MemorySubscription] = []

    class Noted(MemoryBus):
        def forget(self, ear: MemorySubscription) -> None:
            left.append(ear)

    bus = Noted()
    reader = worker(truth, bus, rules=NEVER)
    listener = listen("thread", reader.runtime, bus)
    eventually(lambda: state(reader) == "live")
    listener.stop(PATIENCE)
    assert len(set(left)) == 1


def test_a_callback_may_stop_it(
    truth: MemoryStore, bus: MemoryBus, writer: Worker, starts: Starts
) -> None:
    """It does not wait for itself."""
    stopped = threading.Event()
    listeners: list[Listener] = []

    def told(_old: object, _new: object) -> None:
        listeners[0].stop(PATIENCE)
        stopped.set()

    reader = worker(truth, bus, rules=NEVER, told=told)
    listeners.append(starts(reader, bus))
    eventually(lambda: state(reader) == "live")
    writer.write(low=-1)
    assert stopped.wait(SOON)


# --- inline -----------------------------------------------------------------------------------


def test_inline_needs_no_thread(truth: MemoryStore, writer: Worker) -> None:
    """The store is looked at when the application works and a look is due."""
    reader = worker(truth, rules=Rules(fallback_poll_interval=0.05))
    listener = listen("inline", reader.runtime, None)
    assert isinstance(listener, InlineListener)
    writer.write(low=-1)

    def poked() -> bool:
        listener.poke()
        return bool(reader.settings.low == -1)

    eventually(poked)
    listener.stop(PATIENCE)


def test_inline_costs_nothing_when_nothing_is_due(truth: MemoryStore) -> None:
    """A look for each interval, not for each request."""
    reader = worker(truth, rules=NEVER)
    listener = InlineListener(reader.runtime)
    reader.store.reads.clear()
    for _ in range(100):
        listener.poke()
    assert reader.store.reads == []


def test_inline_one_looks_and_the_others_go_on(truth: MemoryStore) -> None:
    """A slow database holds one request for a moment, and the others not at all."""
    reader = worker(truth, rules=NEVER)
    listener = InlineListener(reader.runtime)
    reader.store.reads.clear()
    begun, release = threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        assert release.wait(PATIENCE)

    reader.store.during_head = slow
    reader.runtime.agenda.now()
    first = threading.Thread(target=listener.poke)
    first.start()
    assert begun.wait(PATIENCE)
    first.join(PATIENCE)
    assert not first.is_alive()
    reader.runtime.agenda.now()
    listener.poke()
    assert reader.store.reads == ["head"]
    release.set()
    listener.stop(PATIENCE)


def test_inline_waits_only_for_a_store_that_is_well(truth: MemoryStore) -> None:
    """While the database is known to be away, no request waits for a look at it."""
    reader = worker(truth, rules=OFTEN)
    listener = InlineListener(reader.runtime)
    reader.store.outage()
    reader.runtime.agenda.now()
    listener.poke()
    listener.stop(PATIENCE)
    release = threading.Event()
    reader.store.away = None
    reader.store.during_head = lambda: release.wait(PATIENCE)
    for _ in range(1000):
        reader.runtime.agenda.now()
        listener.poke()
    assert not reader.runtime.board.store_ok
    release.set()
    listener.stop(PATIENCE)
    assert reader.runtime.board.store_ok


@pytest.mark.parametrize("error", [ZeroDivisionError(), SystemExit(1), CancelledError()])
def test_inline_a_request_survives_any_error(
    error: BaseException, truth: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    """What goes wrong in a look is logged, and stays out of the request."""
    reader = worker(truth, rules=OFTEN)
    reader.store.away = error
    reader.runtime.agenda.now()
    listener = InlineListener(reader.runtime)
    listener.poke()
    listener.stop(PATIENCE)
    assert type(error).__name__ in caplog.text
    assert repr(error) in (reader.runtime.status().last_error or "")


class Interrupted(BaseException):
    """A signal or a timeout, in the middle of anything."""


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, Interrupted])
def test_inline_an_interruption_of_a_request_that_looks_itself_goes_on(
    error: type[BaseException],
    truth: MemoryStore,
    writer: Worker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where no thread can run it may be meant for the request; the next one looks again."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    reader = worker(truth, rules=OFTEN)
    listener = InlineListener(reader.runtime)
    writer.write(low=-1)
    reader.store.away = error()
    reader.runtime.agenda.now()
    with pytest.raises(error):
        listener.poke()
    reader.store.away = None
    reader.runtime.agenda.now()
    listener.poke()
    assert shows(reader, -1)


@pytest.mark.parametrize("when", ["before the look", "after it"])
def test_inline_an_interrupted_request_stops_no_later_look(
    when: str, truth: MemoryStore, writer: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one begins it anew."""
    reader = worker(truth, rules=OFTEN)
    listener = InlineListener(reader.runtime)
    writer.write(low=-1)
    start = threading.Thread.start

    def interrupt(thread: threading.Thread) -> None:
        if when == "after it":
            start(thread)
            thread.join(PATIENCE)
        raise Interrupted

    reader.runtime.agenda.now()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupt)
        with pytest.raises(Interrupted):
            listener.poke()
    assert shows(reader, -1) == (when == "after it")
    for number in (-2, -3):
        writer.write(low=number)
        reader.runtime.agenda.now()
        listener.poke()
        eventually(partial(shows, reader, number))
    listener.stop(PATIENCE)


def test_where_no_thread_can_start_it_is_inline(
    truth: MemoryStore,
    bus: MemoryBus,
    writer: Worker,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A process at its limit goes on, and the status says why it is not pushed to."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    reader = worker(truth, bus, rules=Rules(fallback_poll_interval=0.05))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        listener = listen("thread", reader.runtime, bus)
    assert isinstance(listener, InlineListener)
    assert state(reader) == "degraded"
    assert "can't start new thread" in reader.runtime.status().bus.detail
    assert "checking inline" in caplog.text
    writer.write(low=-1)

    def poked() -> bool:
        listener.poke()
        return bool(reader.settings.low == -1)

    eventually(poked)


def test_no_thread_is_started_at_the_end_of_the_interpreter(
    truth: MemoryStore, bus: MemoryBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some versions of Python raise there, and others hang."""
    monkeypatch.setattr(sys, "is_finalizing", lambda: True)
    assert isinstance(listen("thread", worker(truth, bus).runtime, bus), InlineListener)


def test_a_thread_needs_no_poke(truth: MemoryStore, bus: MemoryBus) -> None:
    """A request costs it nothing."""
    reader = worker(truth, bus, rules=NEVER)
    reader.store.reads.clear()
    reader.runtime.agenda.now()
    ThreadListener(reader.runtime, bus).poke()
    assert reader.store.reads == []


# --- forks ------------------------------------------------------------------------------------


class Forking(MemoryBus):
    """Forks in the middle of a `get`, as gevent lets a copy of the loop live on in the child."""

    def __init__(self) -> None:
        super().__init__()
        self.stop: Callable[[], object] = lambda: None
        self.child: int | None = None
        self.gets = 0
        self.closes = 0

    def subscribe(self) -> Subscription:  # type: ignore[override] # this one
        return self

    def get(self, timeout: float) -> Event | None:  # noqa: ARG002 - it does not wait
        self.gets += 1
        if self.gets == 1:
            return Subscribed()
        if self.child is None:
            self.child = os.fork()
            if self.child:
                self.stop()
        return Hint("default")

    def close(self) -> None:
        self.closes += 1


def test_a_forked_copy_of_the_loop_ends_itself(truth: MemoryStore) -> None:
    """It acts on nothing that it heard, and leaves the parent's socket alone."""
    bus = Forking()
    reader = worker(truth, bus, rules=NEVER)
    reader.store.reads.clear()
    looks: list[int] = []
    reader.store.during_head = lambda: looks.append(os.getpid())
    loop = Loop(reader.runtime, bus)
    bus.stop = loop.stop
    loop.run()
    if bus.child == 0:
        # The child: it came out of the loop by itself.
        os._exit(0 if (bus.closes, os.getpid() in looks) == (0, False) else 1)
    assert bus.child is not None
    assert os.waitstatus_to_exitcode(os.waitpid(bus.child, 0)[1]) == 0
    assert bus.closes > 0


def test_an_idle_loop_costs_no_time(truth: MemoryStore, bus: MemoryBus, starts: Starts) -> None:
    """Waiting is waiting: a second of it takes a small part of a second of the processor."""
    reader = worker(truth, bus, rules=NEVER)
    starts(reader, bus)
    eventually(lambda: state(reader) == "live")
    before = resource.getrusage(resource.RUSAGE_SELF)
    threading.Event().wait(1.0)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.2
