"""Whole workers on a cluster, while its nodes die, freeze and leave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import Connection

from tests.support.cluster import Cluster
from tests.support.ears import announcement, bus_on, carries, failure, listening
from tests.support.pair import Pair, connected
from tests.support.waiting import eventually
from typed_waffle.buses import redis as module
from typed_waffle.protocols import BusError


@pytest.fixture
def cluster(debian_redis: str, tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(debian_redis, tmp_path)
    yield cluster
    cluster.close()


@pytest.fixture
def pair(cluster: Cluster, tmp_path: Path) -> Iterator[Pair]:
    clients = cluster.client(socket_timeout=60), cluster.client(socket_timeout=60)
    with connected(tmp_path, {}, clients=clients) as pair:
        yield pair
    for client in clients:
        client.close()


@pytest.mark.ladder
def test_a_node_that_dies_is_left_for_another(cluster: Cluster, pair: Pair) -> None:
    """Whichever node it is, the workers go on at the others, without waiting for the cluster."""
    pair.pushes()
    cluster.nodes[0].kill()
    pair.polls()
    eventually(lambda: cluster.subscribers() == 2)
    pair.goes_live()
    for _ in range(5):  # a publisher takes any node, and some know the dead one only
        pair.pushes()
    cluster.nodes[1].kill()
    pair.polls()
    pair.goes_live()
    pair.pushes()


def test_a_node_that_freezes_is_left_for_another(
    cluster: Cluster, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its listeners leave it though it hangs up on nobody."""
    monkeypatch.setattr(module, "PING_AFTER", 1.0)
    monkeypatch.setattr(module, "PONG_WITHIN", 1.0)
    node = cluster.hearing()
    node.stop()
    try:
        name = pair.change()
        eventually(lambda: pair.reader.current_settings.name == name, 8)
        pair.goes_live()
        pair.polls()
    finally:
        node.cont()
    pair.goes_live()
    pair.pushes()


def test_a_node_that_was_removed_is_left(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on answering, but hears nothing any more: the others are asked."""
    monkeypatch.setattr(module, "LOOK_AFTER", 0.5)
    client = cluster.client()
    bus = bus_on(client)
    ear = listening(bus)
    assert ear.get(1.5) is None  # asked, and still right
    gone = cluster.hearing()
    cluster.forget(gone)
    assert "another server has taken over" in failure(ear)
    ear.close()
    for _ in range(5):
        ear = listening(bus)
        assert gone.subscribers() == 0
        assert carries(bus, ear)
        ear.close()
    client.close()


def test_one_address_is_enough_to_find_all(cluster: Cluster) -> None:
    """A name that the cluster does not use leads to those that it does."""
    node = ClusterNode("localhost", cluster.nodes[0].port)  # type: ignore[no-untyped-call]
    client = RedisCluster(startup_nodes=[node])
    bus = bus_on(client)
    ear = listening(bus)
    cluster.nodes[0].kill()
    ear.close()
    ear = listening(bus)
    assert carries(bus, ear)
    ear.close()
    client.close()


@pytest.mark.ladder
def test_a_url_and_a_hook_are_respected(cluster: Cluster) -> None:
    """A client made from a URL will do, and its own hook runs for our connections as well."""
    greeted: list[Connection] = []
    client = RedisCluster.from_url(
        f"redis://127.0.0.1:{cluster.nodes[0].port}", redis_connect_func=greeted.append
    )
    before = len(greeted)
    bus = bus_on(client)
    ear = listening(bus)
    assert len(greeted) > before
    assert carries(bus, ear)
    ear.close()
    client.close()


def test_a_cluster_that_is_gone_is_an_error(cluster: Cluster) -> None:
    """The text says what the last node said."""
    client = cluster.client()
    bus = bus_on(client)
    ports = [node.port for node in cluster.nodes]
    for node in cluster.nodes:
        node.kill()
    with pytest.raises(BusError, match="no node of the cluster can be used") as caught:
        bus.publish(announcement())
    assert any(str(port) in str(caught.value) for port in ports)
    client.close()
