"""The bus over Redis, on real servers that are killed, frozen and forbidden to."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.retry import Retry

from tests.support.ears import (
    CHANNEL,
    KEY,
    announcement,
    bus_on,
    carries,
    failure,
    heard,
    listening,
)
from tests.support.redis import RedisServer
from tests.support.waiting import PATIENCE, eventually
from typed_waffle.buses import redis as module
from typed_waffle.buses.message import Codec
from typed_waffle.buses.redis import RedisBus
from typed_waffle.protocols import Bus, BusError, Hint, Subscription
from typed_waffle.testing import BusContract

pytestmark = pytest.mark.ladder

PASSWORD = "canary-4711"

SOON = 2.5
"""What takes about a second at the most may take this long on a busy machine."""


class TestRedisBus(BusContract):
    @pytest.fixture
    def other_bus(self, redis_server: RedisServer) -> Iterator[Bus]:
        client = redis_server.client()
        bus = bus_on(client)
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
    ear = listening(bus)
    assert carries(bus, ear)
    ear.close()


def test_a_killed_connection_is_never_silent(redis_server: RedisServer, ear: Subscription) -> None:
    """The subscription ends: redis-py does not get to make it anew while messages are lost."""
    redis_server.hang_up_on_subscribers()
    assert eventually(lambda: failure(ear)) < SOON
    assert redis_server.subscribers() == 0


def test_no_server_refuses_at_once(redis_server: RedisServer, bus: RedisBus) -> None:
    """With nobody at the port, publishing and subscribing fail, and say where."""
    redis_server.kill()
    began = time.monotonic()
    with pytest.raises(BusError, match=str(redis_server.port)):
        bus.publish(announcement())
    ear = bus.subscribe()
    assert str(redis_server.port) in failure(ear)
    ear.close()
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


def test_a_frozen_server_is_found_by_asking(
    ear: Subscription, frozen: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that keeps its connections and answers nothing is found out by asking it."""
    monkeypatch.setattr(module, "PING_AFTER", 0.2)
    monkeypatch.setattr(module, "PONG_WITHIN", 0.3)
    frozen()
    began = time.monotonic()
    assert "did not answer" in failure(ear)
    assert time.monotonic() - began < SOON


def test_a_frozen_server_is_found_within_two_intervals() -> None:
    """One of silence before it is asked, and one of waiting for the answer."""
    assert module.PONG_WITHIN <= module.PING_AFTER
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
    """With nothing said for long, the server answers, and the connection is the same."""
    before = client.client_list(_type="pubsub")[0]["id"]
    monkeypatch.setattr(module, "PING_AFTER", 0.05)

    def asked() -> int:
        assert ear.get(0.05) is None
        return int(client.info("commandstats")["cmdstat_subscribe"]["calls"])

    eventually(lambda: asked() > 5)
    assert client.client_list(_type="pubsub")[0]["id"] == before


@pytest.mark.slow
def test_a_name_server_that_hangs_holds_nobody_up(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No timeout of a socket bounds the look-up of a name: publisher and listener go on."""
    client = Redis(host="redis.example", port=redis_server.port)
    bus = bus_on(client)
    release = threading.Event()
    monkeypatch.setattr(module, "CONNECT_WITHIN", 0.5)
    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(PATIENCE) and [])
        began = time.monotonic()
        with pytest.raises(BusError, match="within"):
            bus.publish(announcement())
        ear = bus.subscribe()
        assert ear.get(0.0) is None
        assert "no server was found" in failure(ear)
        assert time.monotonic() - began < SOON + 0.5
        monkeypatch.setattr(module, "PAUSE_AFTER_FAILURE", 0.0)
        bus._publishing.closed_until = 0.0
        with pytest.raises(BusError, match="still waits"):
            bus.publish(announcement())
        release.set()
    ear.close()
    client.close()


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


@pytest.mark.slow
def test_subscribing_to_a_frozen_server_gives_up(bus: RedisBus, frozen: Callable[[], None]) -> None:
    """The listener is never held, so that it can poll and be stopped."""
    frozen()
    began = time.monotonic()
    ear = bus.subscribe()
    assert ear.get(0.0) is None
    assert time.monotonic() - began < 1
    assert "Timeout" in failure(ear)
    assert time.monotonic() - began < SOON
    ear.close()


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
        made.append((bus_on(theirs), theirs))
        return made[-1][0]

    yield make
    for bus, theirs in made:
        bus.close()
        theirs.close()


def test_a_denied_subscription_is_an_error(guarded: Callable[[str], RedisBus]) -> None:
    """A user without the channel is told so, and is not deaf for ever."""
    ear = guarded(f">{PASSWORD} ~* +@all resetchannels").subscribe()
    text = failure(ear)
    assert CHANNEL in text
    assert "permission" in text
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


def test_few_rights_are_enough(
    guarded: Callable[[str], RedisBus], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To subscribe and to publish, on one channel, is all that a user needs."""
    monkeypatch.setattr(module, "PING_AFTER", 0.05)
    bus = guarded(f">{PASSWORD} resetchannels &{CHANNEL} +subscribe +publish")
    ear = listening(bus)
    assert ear.get(0.3) is None
    assert carries(bus, ear)
    ear.close()


def test_an_error_holds_no_password(guarded: Callable[[str], RedisBus]) -> None:
    """Refused credentials do not come out in the text."""
    bus = guarded(">other ~* &* +@all")
    with pytest.raises(BusError) as published:
        bus.publish(announcement())
    ear = bus.subscribe()
    assert PASSWORD not in f"{published.value!r} {failure(ear)}"
    ear.close()


# --- servers in trouble -----------------------------------------------------------------------


def cannot_save(server: RedisServer, client: Redis, folder: Path) -> None:
    """A disk that cannot be written: the server refuses writes, and PING."""
    lost = folder / "lost"
    lost.mkdir()
    server.kill()
    server.start("--dir", str(lost))
    lost.rmdir()
    client.config_set("save", "3600 1")
    client.set("key", "value")
    client.bgsave()
    eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
    with pytest.raises(RedisError, match=r"MISCONF|RDB"):
        client.ping()


def has_no_memory(server: RedisServer, client: Redis, folder: Path) -> None:
    """A full memory: the server refuses writes."""
    client.config_set("maxmemory", "1")
    with pytest.raises(RedisError, match="maxmemory"):
        client.set("key", "value")


def is_loading(server: RedisServer, client: Redis, folder: Path) -> None:
    """A start with much to load: the server refuses nearly everything."""
    client.config_set("rdbcompression", "no")
    for number in range(40):
        client.set(f"key {number}", bytes(1_000_000))
    client.save()
    server.kill()
    server.start("--key-load-delay", "50000")  # microseconds; it looks up every second key
    with pytest.raises(BusyLoadingError):
        redis_ping(server)


def redis_ping(server: RedisServer) -> None:
    client = server.client(retry=Retry(NoBackoff(), 0))
    try:
        client.ping()
    finally:
        client.close()


@pytest.mark.parametrize(
    "trouble", [cannot_save, has_no_memory, pytest.param(is_loading, marks=pytest.mark.slow)]
)
def test_a_server_in_trouble_still_carries(
    trouble: Callable[[RedisServer, Redis, Path], None],
    redis_server: RedisServer,
    client: Redis,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What keeps a server from its data, and from answering PING, does not touch the channel."""
    monkeypatch.setattr(module, "PING_AFTER", 0.05)
    trouble(redis_server, client, tmp_path)
    bus = bus_on(client)
    ear = listening(bus)
    assert ear.get(0.5) is None
    assert carries(bus, ear)
    ear.close()


def test_a_server_that_is_full_is_an_error(
    redis_server: RedisServer, client: Redis, bus: RedisBus
) -> None:
    """With all its connections taken it says so, and when one is free it carries again."""
    client.config_set("maxclients", 1)
    with pytest.raises(BusError, match="max number of clients"):
        bus.publish(announcement())
    assert "max number of clients" in failure(bus.subscribe())
    client.config_set("maxclients", 100)
    ear = listening(bus)
    ear.close()


def test_a_replica_hears_and_is_not_told(redis_server: RedisServer, replica: RedisServer) -> None:
    """What is published at a replica does not reach the primary's listeners: that is an error."""
    with redis_server.client() as primary, replica.client() as reading:
        there, here = bus_on(primary), bus_on(reading)
        ear = listening(here)
        assert carries(there, ear)
        with pytest.raises(BusError, match="is a replica"):
            here.publish(announcement())
        ear.close()


# --- the helper itself ------------------------------------------------------------------------


def test_a_server_that_cannot_start_says_why(redis_executable: str, tmp_path: Path) -> None:
    """The log of redis-server is in the error."""
    server = RedisServer(redis_executable, tmp_path, "--no-such-option", "1")
    with pytest.raises(RuntimeError, match="no-such-option"):
        server.start()


def test_the_server_tells_its_time(
    bus: RedisBus, client: Redis, redis_server: RedisServer, frozen: Callable[[], None]
) -> None:
    """In UTC; a user that may not ask, or a server that does not answer, is an error, soon."""
    assert abs(bus.clock() - datetime.now(UTC)) < timedelta(minutes=20)
    client.execute_command("ACL", "SETUSER", "default", "-time")  # type: ignore[no-untyped-call]
    with pytest.raises(BusError):
        bus.clock()
    client.execute_command("ACL", "SETUSER", "default", "+time")  # type: ignore[no-untyped-call]
    frozen()
    began = time.monotonic()
    with pytest.raises(BusError):
        bus.clock()
    assert time.monotonic() - began < SOON
