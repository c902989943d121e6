"""Routes: how to find the server that carries the channel, whatever client was handed in.

Of a client only the addresses and credentials are taken, never a connection: those may be another
process's, and have timeouts and retries that are not ours.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from redis import BlockingConnectionPool, ConnectionPool, Redis
from redis.cluster import RedisCluster
from redis.connection import Connection, SSLConnection
from redis.exceptions import RedisError, ResponseError
from redis.sentinel import SentinelConnectionPool

from typed_waffle.buses.wire import Address, Blueprint, RefusedError, Reply, Wire, impatient
from typed_waffle.errors import ConfigurationError
from typed_waffle.protocols import BusError

__all__ = ["Route", "route_of"]


class Route(Protocol):
    """The way to a server that carries the channel. Safe to use from many threads."""

    def open(self, timeout: float) -> Wire:
        """Connect to the right server; no single wait takes longer than `timeout` seconds.

        Raises:
            BusError: there is none that can be reached.
        """
        ...

    def stands(self, wire: Wire, timeout: float) -> bool:
        """Whether the server that was right then still is, as far as anybody can tell."""
        ...

    def moved(self, address: Address, timeout: float) -> Wire:
        """Connect to the node of the cluster that was named by another one.

        Raises:
            BusError: it cannot be reached, or there is no cluster.
        """
        ...


def route_of(client: Any) -> Route:  # noqa: ANN401 - whatever was handed in
    """The route that a client would take.

    Raises:
        ConfigurationError: it is no client that can be used.
    """
    if isinstance(client, RedisCluster):
        return ClusterRoute(client)
    pool: Any = getattr(client, "connection_pool", None)  # Any: redis-py does not type it
    if isinstance(pool, SentinelConnectionPool):
        return SentinelRoute(pool)
    if type(pool) in {ConnectionPool, BlockingConnectionPool}:
        return FixedRoute(Blueprint(pool.connection_class, dict(pool.connection_kwargs)))
    if isinstance(pool, ConnectionPool):
        return FixedRoute(Blueprint(_special(pool), dict(pool.connection_kwargs)))
    raise ConfigurationError(
        "redis",
        f"{type(client).__module__}.{type(client).__qualname__} cannot be used. "
        "Give a client of redis-py's that is not for asyncio: redis.Redis, "
        "Sentinel(...).master_for(...), or redis.cluster.RedisCluster",
    )


def _special(pool: ConnectionPool) -> Callable[..., Any]:  # Any: a connection
    """What makes a connection as this pool does; nobody but the pool knows where the server is."""

    def make(**keywords: Any) -> Any:  # noqa: ANN401 - redis-py's keywords
        twin: Any = copy.copy(pool)  # Any: `cache` is not in every version
        twin.reset()  # the pool's own connections and counts stay its own
        twin.cache, twin.connection_kwargs = None, keywords
        return twin.make_connection()

    return make


class FixedRoute:
    """One server, that has one address. Its name is looked up for each connection."""

    def __init__(self, blueprint: Blueprint) -> None:
        self._blueprint = blueprint

    def open(self, timeout: float) -> Wire:
        """See `Route.open`."""
        return self._blueprint.open(timeout)

    def stands(self, wire: Wire, timeout: float) -> bool:  # noqa: ARG002 - as in the protocol
        """There is no other."""
        return True

    def moved(self, address: Address, timeout: float) -> Wire:  # noqa: ARG002 - as in the protocol
        """See `Route.moved`."""
        raise _lonely(address)


class SentinelRoute:
    """The master of the moment, as the sentinels name it.

    Also for a client of `slave_for`: what is published at a replica reaches only its own listeners.
    """

    def __init__(self, pool: SentinelConnectionPool) -> None:
        encrypted = issubclass(pool.connection_class, SSLConnection)
        make = SSLConnection if encrypted else Connection
        self._blueprint = Blueprint(make, dict(pool.connection_kwargs))
        self._service: str = pool.service_name
        self._sentinel: Any = pool.sentinel_manager  # Any: redis-py does not type it
        self._answered: Redis | None = None
        """The sentinel that named the master last. It is asked first: some may be frozen."""

    def open(self, timeout: float) -> Wire:
        """See `Route.open`."""
        return self._blueprint.open(timeout, self._master(timeout))

    def stands(self, wire: Wire, timeout: float) -> bool:
        """See `Route.stands`. Sentinels that are away do not change the master."""
        with suppress(BusError):
            return self._master(timeout) == wire.address
        return True

    def moved(self, address: Address, timeout: float) -> Wire:  # noqa: ARG002 - as in the protocol
        """See `Route.moved`."""
        raise _lonely(address)

    def _master(self, timeout: float) -> Address:
        # Connections to sentinels are ours, and for this one question.
        theirs = sorted(self._sentinel.sentinels, key=lambda one: one is not self._answered)
        ours = {_lone(one, timeout): one for one in theirs}
        asked = copy.copy(self._sentinel)
        asked.sentinels = list(ours)
        try:
            host, port = asked.discover_master(self._service)
        except ResponseError as error:
            raise BusError(f"a sentinel answers {type(error).__name__}: {error}") from error
        except (RedisError, OSError) as error:
            # Not its text: in some versions it shows passwords.
            raise BusError(
                f"none of the {len(asked.sentinels)} sentinels names a master for "
                f"{self._service!r} that is up ({type(error).__name__})"
            ) from error
        finally:
            for sentinel in ours:
                sentinel.connection_pool.disconnect()
        self._answered = ours.get(asked.sentinels[0])  # where redis-py puts it
        return host, int(port)


def _lone(client: Redis, timeout: float) -> Redis:
    """A client for the same server, on a pool of its own."""
    pool: Any = client.connection_pool  # Any: redis-py does not type it
    keywords = impatient(pool.connection_kwargs, timeout)
    return Redis.from_pool(ConnectionPool(connection_class=pool.connection_class, **keywords))


class ClusterRoute:
    """Any node of a cluster: nodes pass on to one another what is published at one of them.

    So a subscription needs no node in particular, and moves on when its node is gone.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - redis-py does not type its cluster
        self._client = client
        self._nodes: frozenset[Address] = frozenset()
        """What the cluster said last. Replaced, never changed: any thread may be reading it."""
        pool = client.get_redis_connection(client.get_nodes()[0]).connection_pool
        keywords = dict(pool.connection_kwargs)
        # redis-py's own would make the connection READONLY if the client reads from replicas.
        keywords["redis_connect_func"] = _greeting(client.user_on_connect_func)
        self._blueprint = Blueprint(pool.connection_class, keywords)

    def open(self, timeout: float) -> Wire:
        """See `Route.open`."""
        tried: set[Address] = set()
        last = "no node is known"
        while len(tried) < TRIES and (left := self._known() - tried):
            # A client may know nodes that left: those that the cluster named come first.
            address = random.choice(sorted(left & self._nodes or left))  # noqa: S311 - only spreads
            tried.add(address)
            try:
                wire = self._blueprint.open(timeout, address)
            except BusError as error:
                last = str(error)
                continue
            try:
                if self._lists(wire, address, timeout):
                    return wire
            except BusError as error:
                last = str(error)
            wire.close()
        raise BusError(f"no node of the cluster can be used: {last}")

    def stands(self, wire: Wire, timeout: float) -> bool:
        """See `Route.stands`. A node that was removed goes on answering, but the others know."""
        others = sorted(self._nodes - {wire.address})
        for address in random.sample(others, min(len(others), WITNESSES)):
            with suppress(BusError):
                witness = self._blueprint.open(timeout, address)
                try:
                    return self._lists(witness, wire.address, timeout)
                finally:
                    witness.close()
        return True

    def moved(self, address: Address, timeout: float) -> Wire:
        """See `Route.moved`."""
        return self._blueprint.open(timeout, self._client.nodes_manager.remap_host_port(*address))

    def _known(self) -> frozenset[Address]:
        manager = self._client.nodes_manager
        nodes = (*self._client.get_nodes(), *manager.startup_nodes.values())
        return self._nodes | {(node.host, node.port) for node in nodes}

    def _lists(self, wire: Wire, address: Address | None, timeout: float) -> bool:
        """Whether the cluster, as the node at this wire knows it, has a node at an address."""
        # A node that does not know its own name leaves it to whoever asks.
        here = wire.address[0] if wire.address else ""
        try:
            nodes = frozenset(
                self._client.nodes_manager.remap_host_port(_text(host) or here, port)
                for _first, _last, *holders in wire.ask("CLUSTER", "SLOTS", within=timeout)
                for host, port, *_ in holders
            )
        except (RefusedError, TypeError, ValueError):
            return True  # it does not tell: take it as it is
        if nodes:
            self._nodes = nodes
        return not nodes or address in nodes


TRIES = 5
"""How many nodes are tried before this counts as a failure; the next attempt tries others."""

WITNESSES = 2
"""How many other nodes are asked about one."""


def _lonely(address: Address) -> BusError:
    # Not followed: a server could so have the credentials sent to whom it likes.
    host, port = address
    return BusError(
        f"this server is a node of a cluster, and sends to {host}:{port}. Give a client that knows "
        "all nodes: redis.cluster.RedisCluster"
    )


def _greeting(theirs: Callable[[Any], object] | None) -> Callable[[Any], object] | None:
    if theirs is None:
        return None

    def greet(connection: Any) -> None:  # noqa: ANN401 - of any connection class
        connection.on_connect()
        theirs(connection)

    return greet


def _text(reply: Reply) -> str:
    return reply.decode() if isinstance(reply, bytes) else str(reply or "")
