"""Whole workers that find Redis through a sentinel, while the master dies, freezes and changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from tests.support.ears import CHANNEL, bus_on, carries, failure, heard, listening
from tests.support.pair import Pair, connected
from tests.support.redis import RedisServer
from tests.support.sentinel import Sentinels
from tests.support.waiting import eventually
from typed_waffle.buses import redis as module
from typed_waffle.protocols import Subscribed


@pytest.fixture
def sentinels(debian_redis: str, tmp_path: Path) -> Iterator[Sentinels]:
    sentinels = Sentinels(debian_redis, tmp_path)
    yield sentinels
    sentinels.close()


@pytest.fixture
def pair(sentinels: Sentinels, tmp_path: Path) -> Iterator[Pair]:
    clients = sentinels.client(socket_timeout=60), sentinels.client(socket_timeout=60)
    with connected(tmp_path, {}, clients=clients) as pair:
        yield pair
    for client in clients:
        client.close()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent server is given up soon."""
    monkeypatch.setattr(module, "PING_AFTER", 1.0)
    monkeypatch.setattr(module, "PONG_WITHIN", 1.0)


def listeners(server: RedisServer) -> int:
    """How many listen; a replica hangs up on everybody at the moment when it becomes the master."""
    try:
        return server.subscribers(CHANNEL)
    except RedisError:
        return -1


def test_a_master_that_dies_is_followed(sentinels: Sentinels, pair: Pair) -> None:
    """No change is lost, and the workers are pushed to by the new master."""
    pair.pushes()
    sentinels.master.kill()
    pair.polls()
    eventually(lambda: listeners(sentinels.replica) == 2)
    assert sentinels.named == sentinels.replica.port
    pair.goes_live()
    pair.pushes()


@pytest.mark.usefixtures("hasty")
def test_a_master_that_freezes_is_followed(sentinels: Sentinels, pair: Pair) -> None:
    """Its listeners leave it though it hangs up on nobody, and do not come back to it."""
    sentinels.master.stop()
    try:
        name = pair.change()
        eventually(lambda: pair.reader.current_settings.name == name, 8)
        eventually(lambda: listeners(sentinels.replica) == 2)
        pair.goes_live()
        pair.pushes()
    finally:
        sentinels.master.cont()
    pair.goes_live()
    pair.pushes()


@pytest.fixture
def another(debian_redis: str, tmp_path: Path) -> Iterator[RedisServer]:
    """A server of no relation to the others."""
    home = tmp_path / "another"
    home.mkdir()
    server = RedisServer(debian_redis, home)
    server.start()
    yield server
    server.kill()


def test_a_master_that_was_replaced_is_left(
    sentinels: Sentinels, another: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that lives on, cut off from the sentinels, goes on answering: they are asked."""
    monkeypatch.setattr(module, "LOOK_AFTER", 0.5)
    client = sentinels.client()
    bus = bus_on(client)
    ear = listening(bus)
    assert ear.get(1.5) is None  # asked, and still right
    sentinels.watch(another)
    assert "another server has taken over" in failure(ear)
    ear.close()
    ear = listening(bus)
    assert another.subscribers(CHANNEL) == 1
    assert carries(bus, ear)
    sentinels.sentinel.kill()
    assert ear.get(1.5) is None  # nobody says otherwise
    ear.close()
    client.close()


@pytest.mark.ladder
def test_the_next_sentinel_is_asked(sentinels: Sentinels) -> None:
    """A sentinel that is down is passed over; with none up, the text names the service."""
    client = sentinels.client(1)
    bus = bus_on(client)
    ear = listening(bus)
    assert carries(bus, ear)
    ear.close()
    sentinels.sentinel.kill()
    ear = bus.subscribe()
    assert "none of the 2 sentinels names a master for 'shop'" in failure(ear)
    ear.close()
    client.close()


def test_the_sentinel_that_answered_is_asked_first(sentinels: Sentinels) -> None:
    """Frozen ones before it cost time once: a publish has none to ask two of them."""
    client = sentinels.client(sentinels.frozen(), sentinels.frozen())
    bus = bus_on(client)
    ear = listening(bus)
    for _ in range(2):
        assert carries(bus, ear)
    ear.close()
    client.close()


def test_a_client_of_replicas_uses_the_master(sentinels: Sentinels) -> None:
    """What is published at a replica would not reach everybody."""
    client = sentinels.client(replica=True)
    bus = bus_on(client)
    ear = bus.subscribe()
    assert heard(ear) == Subscribed()
    assert sentinels.master.subscribers(CHANNEL) == 1
    assert carries(bus, ear)
    ear.close()
    client.close()
