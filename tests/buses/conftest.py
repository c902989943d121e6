"""What the tests of the bus share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.support.ears import bus_on, listening
from tests.support.redis import RedisServer
from tests.support.waiting import eventually
from typed_waffle.buses.redis import RedisBus
from typed_waffle.protocols import Subscription


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[Redis]:
    client = redis_server.client()
    yield client
    client.close()


@pytest.fixture
def bus(client: Redis) -> Iterator[RedisBus]:
    bus = bus_on(client)
    yield bus
    bus.close()


@pytest.fixture
def ear(bus: RedisBus) -> Iterator[Subscription]:
    ear = listening(bus)
    yield ear
    ear.close()


@pytest.fixture
def frozen(redis_server: RedisServer) -> Iterator[Callable[[], None]]:
    """Freeze the server; it is thawed in the end, so that connections can be closed."""
    yield redis_server.stop
    redis_server.cont()


@pytest.fixture
def replica(
    redis_server: RedisServer, redis_executable: str, tmp_path: Path
) -> Iterator[RedisServer]:
    """A replica of the server, in step with it."""
    home = tmp_path / "replica"
    home.mkdir()
    redis_server.keep_no_replica_waiting()
    server = RedisServer(redis_executable, home, "--replicaof", "127.0.0.1", str(redis_server.port))
    server.start()
    eventually(lambda: server.answers_as("slave"))
    yield server
    server.kill()
