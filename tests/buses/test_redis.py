"""The bus over Redis, on real servers that are killed, frozen and forbidden to."""

from __future__ import annotations

import gc
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import BlockingConnectionPool, ConnectionPool, Redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from tests.support.redis import RedisServer
from tests.support.waiting import PATIENCE, eventually
from typed_waffle.buses import redis as module
from typed_waffle.buses.message import Codec
from typed_waffle.buses.redis import RedisBus, RedisSubscription
from typed_waffle.change import Delta
from typed_waffle.protocols import (
    Announcement,
    Bus,
    BusError,
    Event,
    Hint,
    Subscribed,
    Subscription,
)
from typed_waffle.testing import BusContract

CHANNEL = "waffleconf"
KEY = "the key"
PASSWORD = "canary-4711"

SOON = 2.5
"""What takes about a second at the most may take this long on a busy machine."""


def announcement(revision: int = 1) -> Announcement:
    change, at = uuid.uuid4().hex, datetime.now(UTC)
    return Announcement("shop", revision, change, "", Delta({"a": "1"}), "me", at)


def heard(ear: Subscription) -> Event:
    event: Event | None = None

    def hear() -> bool:
        nonlocal event
        event = ear.get(0.1)
        return event is not None

    eventually(hear)
    assert event is not None
    return event


def listening(bus: Bus) -> Subscription:
    ear = bus.subscribe()
    assert heard(ear) == Subscribed()
    return ear


def failure(ear: Subscription) -> str:
    """The text of the BusError in which the subscription ends."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            ear.get(0.1)
        except BusError as error:
            return str(error)
    raise AssertionError("the subscription goes on")


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[Redis]:
    client = redis_server.client()
    yield client
    client.close()


@pytest.fixture
def bus(client: Redis) -> Iterator[RedisBus]:
    bus = RedisBus(client, CHANNEL, Codec(KEY))
    yield bus
    bus.close()


@pytest.fixture
def ear(bus: RedisBus) -> Iterator[Subscription]:
    ear = listening(bus)
    yield ear
    ear.close()


class TestRedisBus(BusContract):
    @pytest.fixture
    def other_bus(self, redis_server: RedisServer) -> Iterator[Bus]:
        client = redis_server.client()
        bus = RedisBus(client, CHANNEL, Codec(KEY))
        yield bus
        bus.close()
        client.close()


# --- what comes over the channel --------------------------------------------------------------


def test_garbage_is_passed_over(client: Redis, bus: RedisBus, ear: Subscription) -> None:
    """What is not a message of ours, however big, yields nothing and ends nothing."""
    for garbage in (b"", b"\xff\xfe", b"{", b"[" * 100_000, b"x" * 10_000_000):
        client.publish(CHANNEL, garbage)
    said = announcement()
    bus.publish(said)
    assert heard(ear) == said


def test_a_forged_message_is_a_hint(client: Redis, ear: Subscription) -> None:
    """Under another key it is worth a look at the store, and carries nothing."""
    client.publish(CHANNEL, Codec("another key").encode(announcement()))
    assert heard(ear) == Hint("shop")


def test_another_channel_is_not_heard(client: Redis, ear: Subscription) -> None:
    """Applications on one Redis are kept apart by their channels."""
    client.publish(CHANNEL + "2", Codec(KEY).encode(announcement()))
    assert ear.get(0.3) is None


# --- clients that are handed in ---------------------------------------------------------------

CLIENTS: dict[str, Callable[[RedisServer], Redis]] = {
    "url": lambda server: Redis.from_url(server.url),
    "decoding": lambda server: server.client(decode_responses=True),
    "resp2": lambda server: server.client(protocol=2),
    "resp3": lambda server: server.client(protocol=3),
    "blocking-pool": lambda server: Redis(
        connection_pool=BlockingConnectionPool(host="127.0.0.1", port=server.port)  # type: ignore[no-untyped-call]
    ),
    "health-check": lambda server: server.client(health_check_interval=1),
    "patient": lambda server: server.client(
        socket_timeout=60, retry=Retry(ExponentialBackoff(), 10)
    ),
    "single": lambda server: server.client(single_connection_client=True),
}


@pytest.mark.parametrize("kind", CLIENTS)
def test_any_client_will_do(kind: str, redis_server: RedisServer) -> None:
    """Only the address and the credentials of a handed-in client count."""
    client = CLIENTS[kind](redis_server)
    bus = RedisBus(client, CHANNEL, Codec(KEY))
    ear, said = listening(bus), announcement()
    bus.publish(said)
    assert heard(ear) == said
    ear.close()
    bus.close()
    client.close()


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_frozen_server_holds_no_client_up(kind: str, redis_server: RedisServer) -> None:
    """Our own timeouts hold for a publish, whatever those of the client are."""
    client = CLIENTS[kind](redis_server)
    bus = RedisBus(client, CHANNEL, Codec(KEY))
    bus.publish(announcement())
    redis_server.stop()
    began = time.monotonic()
    with pytest.raises(BusError):
        bus.publish(announcement())
    took = time.monotonic() - began
    redis_server.cont()
    bus.close()
    client.close()
    assert took < SOON


def test_a_handed_in_client_stays_open(client: Redis, redis_server: RedisServer) -> None:
    """Closing bus and subscription ends our own connections, and none of the client's."""
    before = client.client_id()
    bus = RedisBus(client, CHANNEL, Codec(KEY))
    ear = listening(bus)
    bus.publish(announcement())
    ear.close()
    bus.close()
    eventually(lambda: redis_server.connections() == 1)
    assert client.client_id() == before


class SpecialPool(ConnectionPool):
    """A pool that finds its server in a way of its own, as Sentinel's does."""


def test_a_client_with_a_special_pool_is_used_as_it_is(redis_server: RedisServer) -> None:
    """Nobody but the pool knows where the server is; it is not closed either."""
    pool = SpecialPool(host="127.0.0.1", port=redis_server.port)
    client = Redis(connection_pool=pool, single_connection_client=True)
    before = client.client_id()
    bus = RedisBus(client, CHANNEL, Codec(KEY))
    ear, said = listening(bus), announcement()
    bus.publish(said)
    assert heard(ear) == said
    ear.close()
    bus.close()
    assert client.client_id() == before
    client.close()
    pool.disconnect()


def test_the_client_may_be_forgotten(redis_server: RedisServer) -> None:
    """A subscription lives on when nothing else holds the client any more."""
    bus = RedisBus(redis_server.client(), CHANNEL, Codec(KEY))
    ear = listening(bus)
    gc.collect()
    assert ear.get(0.1) is None
    assert redis_server.subscribers() == 1
    ear.close()
    bus.close()


# --- servers that go away ---------------------------------------------------------------------


def test_a_dead_server_is_noticed(redis_server: RedisServer, ear: Subscription) -> None:
    """When the server dies the subscription ends, and trying again fails until it is back."""
    redis_server.kill()
    assert eventually(lambda: failure(ear)) < SOON


def test_after_a_restart_everything_works(redis_server: RedisServer, bus: RedisBus) -> None:
    """The first message after a restart gets through: the old connection is not trusted."""
    old = listening(bus)
    bus.publish(announcement())
    redis_server.restart()
    failure(old)
    old.close()
    ear, said = listening(bus), announcement()
    bus.publish(said)
    assert heard(ear) == said
    ear.close()


def test_a_killed_connection_is_never_silent(redis_server: RedisServer, ear: Subscription) -> None:
    """The subscription ends, or says that it was made anew: messages in between are lost."""
    redis_server.hang_up_on_subscribers()
    with suppress(BusError):
        assert heard(ear) == Subscribed()


def test_no_server_refuses_at_once(redis_server: RedisServer, bus: RedisBus) -> None:
    """With nobody at the port, publishing and subscribing fail, and say where."""
    redis_server.kill()
    began = time.monotonic()
    with pytest.raises(BusError, match=str(redis_server.port)):
        bus.publish(announcement())
    with pytest.raises(BusError, match=str(redis_server.port)):
        bus.subscribe()
    assert time.monotonic() - began < SOON


def test_after_a_failure_publishing_pauses(
    redis_server: RedisServer, bus: RedisBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a moment no further message is tried, so that writes do not queue up; then it is."""
    monkeypatch.setattr(module, "PAUSE_AFTER_FAILURE", 0.5)
    redis_server.kill()
    with pytest.raises(BusError):
        bus.publish(announcement())
    redis_server.start()
    with pytest.raises(BusError, match="a moment ago"):
        bus.publish(announcement())

    def published() -> bool:
        try:
            bus.publish(announcement())
        except BusError:
            return False
        return True

    eventually(published)


# --- servers that do not answer ---------------------------------------------------------------


@pytest.fixture
def frozen(redis_server: RedisServer) -> Iterator[Callable[[], None]]:
    """Freeze the server; it is thawed in the end, so that connections can be closed."""
    yield redis_server.stop
    redis_server.cont()


def test_a_frozen_server_is_found_by_ping(
    ear: Subscription, frozen: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that keeps its connections and answers nothing is found out by our own ping."""
    monkeypatch.setattr(module, "PING_AFTER", 0.2)
    monkeypatch.setattr(module, "PONG_WITHIN", 0.3)
    frozen()
    began = time.monotonic()
    assert "did not answer a ping" in failure(ear)
    assert time.monotonic() - began < SOON


def test_a_frozen_server_is_found_within_twelve_seconds() -> None:
    """That is the sum of the silence before a ping and the wait for its answer."""
    assert module.PING_AFTER + module.PONG_WITHIN < 12


def test_an_answer_that_nobody_took_in_time_is_one(
    ear: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listener that was busy elsewhere does not take its own delay for the server's."""
    monkeypatch.setattr(module, "PING_AFTER", 0.0)
    monkeypatch.setattr(module, "PONG_WITHIN", 0.2)
    assert ear.get(0.05) is None  # asks
    time.sleep(0.3)  # busy
    assert ear.get(0.0) is None


def test_an_idle_subscription_lives(
    redis_server: RedisServer, client: Redis, ear: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing said for long, pings are answered, and the connection is the same."""
    before = client.client_list(_type="pubsub")[0]["id"]
    monkeypatch.setattr(module, "PING_AFTER", 0.05)

    def pings() -> int:
        assert ear.get(0.05) is None
        return int(client.info("commandstats")["cmdstat_ping"]["calls"])

    eventually(lambda: pings() > 5)
    assert client.client_list(_type="pubsub")[0]["id"] == before


def test_publishing_to_a_frozen_server_takes_a_second(
    bus: RedisBus, frozen: Callable[[], None]
) -> None:
    """A first publish, which has to connect, gives up in time as well."""
    frozen()
    began = time.monotonic()
    with pytest.raises(BusError):
        bus.publish(announcement())
    assert time.monotonic() - began < SOON
    began = time.monotonic()
    with pytest.raises(BusError, match="a moment ago"):
        bus.publish(announcement())
    assert time.monotonic() - began < 0.1


def test_subscribing_to_a_frozen_server_gives_up(bus: RedisBus, frozen: Callable[[], None]) -> None:
    """The listener is not held for long, so that it can poll and be stopped."""
    frozen()
    began = time.monotonic()
    with pytest.raises(BusError):
        listening(bus)
    assert time.monotonic() - began < SOON + module.CONFIRM_WITHIN


# --- servers that refuse ----------------------------------------------------------------------


def allow(client: Redis, rules: str) -> None:
    """Set ACL rules of the user `waffle`, in the words of redis.conf."""
    client.execute_command("ACL", "SETUSER", "waffle", *rules.split())  # type: ignore[no-untyped-call]


@pytest.fixture
def guarded(redis_server: RedisServer, client: Redis) -> Iterator[Callable[[str], RedisBus]]:
    """A bus for a user with these ACL rules."""
    made: list[tuple[RedisBus, Redis]] = []

    def make(rules: str) -> RedisBus:
        allow(client, f"reset on {rules}")
        theirs = redis_server.client(username="waffle", password=PASSWORD)
        made.append((RedisBus(theirs, CHANNEL, Codec(KEY)), theirs))
        return made[-1][0]

    yield make
    for bus, theirs in made:
        bus.close()
        theirs.close()


def test_a_denied_subscription_is_an_error(guarded: Callable[[str], RedisBus]) -> None:
    """A user without the channel is told so, and is not deaf for ever."""
    ear = guarded(f">{PASSWORD} ~* +@all resetchannels").subscribe()
    assert "permission" in failure(ear)
    ear.close()


def test_rights_taken_away_are_noticed(guarded: Callable[[str], RedisBus], client: Redis) -> None:
    """A subscriber that loses its channel ends with an error, now or when it connects anew."""
    bus = guarded(f">{PASSWORD} ~* &* +@all")
    ear = listening(bus)
    allow(client, "resetchannels")
    failure(ear)
    ear.close()
    again = bus.subscribe()
    assert "permission" in failure(again)
    again.close()


def test_a_denied_publish_is_an_error(guarded: Callable[[str], RedisBus]) -> None:
    """The writer learns that nobody was told."""
    with pytest.raises(BusError, match="permission"):
        guarded(f">{PASSWORD} ~* +@all resetchannels").publish(announcement())


def test_an_error_holds_no_password(guarded: Callable[[str], RedisBus]) -> None:
    """Refused credentials do not come out in the text."""
    bus = guarded(">other ~* &* +@all")
    with pytest.raises(BusError) as published:
        bus.publish(announcement())
    with pytest.raises(BusError) as subscribed:
        listening(bus)
    assert PASSWORD not in f"{published.value!r} {subscribed.value!r}"


# --- a server of our own making ---------------------------------------------------------------


class OldServer:
    """Speaks as much of the protocol as a script has it; an old server or a proxy."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.heard = b""
        self.on_subscribe: Callable[[socket.socket], None] = lambda _: None
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        with connection:
            while data := connection.recv(65_536):
                self.heard += data
                if b"SUBSCRIBE" in data:
                    self.on_subscribe(connection)
                else:
                    connection.sendall(b"+OK\r\n" * data.count(b"*"))

    def close(self) -> None:
        self._listener.close()
        self._thread.join(PATIENCE)


@pytest.fixture
def old_server() -> Iterator[OldServer]:
    server = OldServer()
    yield server
    server.close()


@pytest.fixture
def old_ear(old_server: OldServer) -> Iterator[Callable[[], RedisSubscription]]:
    made: list[tuple[RedisSubscription, Redis]] = []

    def subscribe() -> RedisSubscription:
        client = Redis(host="127.0.0.1", port=old_server.port, protocol=3)
        made.append((RedisBus(client, CHANNEL, Codec(KEY)).subscribe(), client))
        return made[-1][0]

    yield subscribe
    for ear, client in made:
        ear.close()
        client.close()


def confirmation() -> bytes:
    return b"*3\r\n$9\r\nsubscribe\r\n$%d\r\n%s\r\n:1\r\n" % (len(CHANNEL), CHANNEL.encode())


def test_a_subscription_that_is_not_confirmed_is_an_error(
    old_ear: Callable[[], RedisSubscription], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that says nothing to SUBSCRIBE is not waited for without end."""
    monkeypatch.setattr(module, "CONFIRM_WITHIN", 0.3)
    assert "not confirmed" in failure(old_ear())


def test_no_protocol_is_asked_for(
    old_server: OldServer, old_ear: Callable[[], RedisSubscription]
) -> None:
    """An old server or a proxy that does not know HELLO will do, whatever the client asks for."""
    old_server.on_subscribe = lambda connection: connection.sendall(confirmation())
    assert heard(old_ear()) == Subscribed()
    assert b"HELLO" not in old_server.heard


def test_the_rest_of_a_message_is_waited_for(
    old_server: OldServer, old_ear: Callable[[], RedisSubscription]
) -> None:
    """A message that arrives in two parts is heard, even by a `get` that does not wait."""
    said = announcement()
    text = Codec(KEY).encode(said)
    message = b"*3\r\n$7\r\nmessage\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (
        len(CHANNEL),
        CHANNEL.encode(),
        len(text),
        text,
    )
    begun = threading.Event()

    def speak(connection: socket.socket) -> None:
        connection.sendall(confirmation())
        connection.sendall(message[:100])
        begun.set()
        threading.Event().wait(0.3)
        connection.sendall(message[100:])

    old_server.on_subscribe = speak
    ear = old_ear()
    assert heard(ear) == Subscribed()
    assert begun.wait(PATIENCE)
    found: list[Event] = []

    def hear() -> bool:
        event = ear.get(0)
        found.extend([event] if event else [])
        return bool(found)

    eventually(hear)
    assert found == [said]


# --- the helper itself ------------------------------------------------------------------------


def test_a_server_that_cannot_start_says_why(redis_executable: str, tmp_path: Path) -> None:
    """The log of redis-server is in the error."""
    server = RedisServer(redis_executable, tmp_path, "--no-such-option", "1")
    with pytest.raises(RuntimeError, match="no-such-option"):
        server.start()
