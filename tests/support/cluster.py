"""A cluster of three nodes of a test's own."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from redis import Redis
from redis.cluster import ClusterNode, RedisCluster

from tests.support.redis import RedisServer
from tests.support.waiting import eventually

__all__ = ["Cluster"]

NODES = 3
SLOTS = 16_384
NODE_TIMEOUT = 1000
"""Milliseconds after which a node that does not answer counts as failed."""


class ClusterNodeServer(RedisServer):
    """One node; it speaks to the others on a port of its own."""

    def command(self) -> list[str]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            between = str(probe.getsockname()[1])
        return [
            *super().command(),
            *("--cluster-enabled", "yes", "--cluster-node-timeout", str(NODE_TIMEOUT)),
            *("--cluster-port", between),
        ]


class Cluster:
    """Three masters, each with a third of the slots, and no replica."""

    def __init__(self, executable: str, folder: Path) -> None:
        self.nodes = []
        for number in range(NODES):
            home = folder / f"node{number}"
            home.mkdir()
            self.nodes.append(ClusterNodeServer(executable, home))
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        for node in self.nodes:
            node.start()
        clients = [node.client() for node in self.nodes]
        for number, client in enumerate(clients):
            begin, end = SLOTS * number // NODES, SLOTS * (number + 1) // NODES - 1
            ask(client, "CLUSTER", "ADDSLOTSRANGE", str(begin), str(end))
            between = str(client.config_get("cluster-port")["cluster-port"])
            for former in clients[:number]:
                ask(former, "CLUSTER", "MEET", "127.0.0.1", str(self.nodes[number].port), between)
        for client in clients:
            client.close()
        eventually(self._ready)

    def _ready(self) -> bool:
        """Whether all know each other; to carry messages needs no more."""
        for server in self.nodes:
            client = server.client()
            known = ask(client, "CLUSTER", "SLOTS")
            client.close()
            if len(known) != NODES:
                return False
        return True

    def holds_keys(self) -> bool:
        """Whether every node takes keys; that needs a while longer."""
        return all(b"cluster_state:ok" in info for info in self.each("CLUSTER", "INFO"))

    def each(self, *words: str) -> list[Any]:  # Any: any answer
        """What each node answers."""
        answers = []
        for node in self.nodes:
            client = node.client()
            answers.append(ask(client, *words))
            client.close()
        return answers

    def client(self, **options: Any) -> RedisCluster:  # noqa: ANN401 - redis-py's own options
        nodes = [ClusterNode("127.0.0.1", node.port) for node in self.nodes]  # type: ignore[no-untyped-call]
        return RedisCluster(startup_nodes=nodes, **options)

    def subscribers(self) -> int:
        """How many connections listen, at any node."""
        return sum(node.subscribers() for node in self.nodes if node.running)

    def hearing(self) -> RedisServer:
        """A node at which somebody listens."""
        return next(node for node in self.nodes if node.running and node.subscribers())

    def forget(self, gone: RedisServer) -> None:
        """Remove a node: the others forget it, and it forgets them."""
        client = gone.client()
        name = ask(client, "CLUSTER", "MYID").decode()
        for server in self.nodes:
            if server is not gone:
                other = server.client()
                ask(other, "CLUSTER", "FORGET", name)
                other.close()
        ask(client, "CLUSTER", "RESET", "SOFT")
        client.close()

    def close(self) -> None:
        for node in self.nodes:
            node.kill()


def ask(client: Redis, *words: str) -> Any:  # noqa: ANN401 - any answer
    return client.execute_command(*words)  # type: ignore[no-untyped-call]
