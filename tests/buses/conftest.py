"""What the tests of the bus share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from tests.support.ears import bus_on, listening
from tests.support.redis import RedisServer
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
