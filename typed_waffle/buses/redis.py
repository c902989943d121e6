"""The bus over Redis pub/sub.

The library's own timeouts, retries and liveness check hold, whatever client is handed in: with
redis-py's, a worker can stay deaf for minutes or for ever, and one publish can take a minute.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

from redis import BlockingConnectionPool, ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from typed_waffle.buses.message import Codec
from typed_waffle.protocols import Announcement, BusError, Event, Subscribed

__all__ = ["RedisBus", "RedisSubscription"]

PUBLISH_TIMEOUT = 0.5
"""Seconds to connect, and again to answer: a publish takes about a second at the most."""

PAUSE_AFTER_FAILURE = 1.0
"""Seconds for which a failed publish is not tried again: a burst of writes must not queue up."""

SUBSCRIPTION_TIMEOUT = 1.0
"""Seconds in which the rest of a message must follow its beginning."""

CONFIRM_WITHIN = 2.0
"""Seconds in which the server must confirm a subscription; one that denies it keeps silent."""

PING_AFTER = 5.0
"""Seconds of silence after which the server is asked whether it is there."""

PONG_WITHIN = 5.0
"""Seconds in which it must answer."""


_RESP3_ONLY = frozenset(
    {
        "cache",
        "cache_config",
        "event_dispatcher",
        "maint_notifications_config",
        "maint_notifications_pool_handler",
        "oss_cluster_maint_notifications_handler",
    }
)
"""Keywords of a connection that belong to its pool, or that redis-py refuses without RESP3."""


class RedisBus:
    """Announcements on one channel. Made in the process that uses it: nothing crosses a fork."""

    def __init__(self, client: Redis, channel: str, codec: Codec) -> None:
        self._client = client
        self._channel = channel
        self._codec = codec
        self._publisher = impatient(client, PUBLISH_TIMEOUT)
        self._closed_until = 0.0

    def publish(self, announcement: Announcement) -> None:
        """See `Bus.publish`."""
        if time.monotonic() < self._closed_until:
            raise BusError("the last message could not be sent a moment ago")
        try:
            with _translated():
                self._publisher.publish(self._channel, self._codec.encode(announcement))
        except BusError:
            self._closed_until = time.monotonic() + PAUSE_AFTER_FAILURE
            raise

    def subscribe(self) -> RedisSubscription:
        """See `Bus.subscribe`."""
        listener = impatient(self._client, SUBSCRIPTION_TIMEOUT)
        return RedisSubscription(
            listener, self._channel, self._codec, owned=listener is not self._client
        )

    def close(self) -> None:
        """See `Bus.close`. A client that was handed in stays open, and so do subscriptions."""
        if self._publisher is not self._client:
            self._publisher.close()


class RedisSubscription:
    """One connection that listens."""

    def __init__(self, client: Redis, channel: str, codec: Codec, *, owned: bool) -> None:
        # The client is kept: when redis-py collects it, the subscription's connection dies.
        self._client = client
        self._codec = codec
        self._owned = owned
        self._closed = False
        pubsub: Any = client.pubsub(ignore_subscribe_messages=False)  # type: ignore[no-untyped-call] # Any: redis-py gives no types here
        self._pubsub = pubsub
        self._begun = self._heard = time.monotonic()
        self._pinged: float | None = None
        self._confirmed = False
        try:
            with _translated():
                self._pubsub.subscribe(channel)
        except BusError:
            self.close()
            raise

    def get(self, timeout: float) -> Event | None:
        """See `Subscription.get`."""
        end = time.monotonic() + timeout
        while True:
            message = self._next(max(0.0, end - time.monotonic()))
            event = self._understood(message) if message else None
            if message is None:  # an answer that waited here while nobody looked came in time
                self._check_pulse()
            if event is not None or time.monotonic() >= end:
                return event

    def _next(self, timeout: float) -> dict[str, Any] | None:  # Any: redis-py's own form
        with _translated():
            connection = self._pubsub.connection
            if connection is None or self._closed:
                raise BusError("the subscription was closed")
            # Two steps: `get_message` alone gives the rest of a message no longer than its begin.
            if not connection.can_read(timeout=timeout):
                return None
            message: dict[str, Any] | None = self._pubsub.get_message(timeout=SUBSCRIPTION_TIMEOUT)
            return message

    def _understood(self, message: dict[str, Any]) -> Event | None:  # Any: redis-py's own form
        self._heard, self._pinged = time.monotonic(), None
        match message["type"]:
            case "subscribe":
                # Newer redis-py reconnects silently: this is the only sign of it.
                self._confirmed = True
                return Subscribed()
            case "message":
                data = message["data"]
                return self._codec.decode(data if isinstance(data, bytes) else str(data).encode())
            case _:
                return None

    def _check_pulse(self) -> None:
        now = time.monotonic()
        if not self._confirmed and now - self._begun > CONFIRM_WITHIN:
            raise BusError(f"the subscription was not confirmed within {CONFIRM_WITHIN:.0f} s")
        if self._pinged is not None:
            if now - self._pinged > PONG_WITHIN:
                raise BusError(f"Redis did not answer a ping for {PONG_WITHIN:.0f} s")
        elif now - self._heard > PING_AFTER:
            self._pinged = now
            with _translated():
                self._pubsub.ping()

    def close(self) -> None:
        """See `Subscription.close`."""
        self._closed = True
        with suppress(BusError), _translated():
            self._pubsub.close()
        if self._owned:
            with suppress(BusError), _translated():
                self._client.close()


def impatient(client: Redis, timeout: float) -> Redis:
    """A client for the same server, with short timeouts and without retries, on its own pool.

    It speaks RESP2, which every server and proxy knows; pub/sub gains nothing from RESP3.
    A client whose pool is of a special kind (Sentinel's, for one) is used as it is, and so is a
    Cluster client.
    """
    pool: Any = getattr(client, "connection_pool", None)  # Any: a Cluster client has none
    if type(pool) not in {ConnectionPool, BlockingConnectionPool}:
        return client
    settings: dict[str, Any] = {  # Any: redis-py's keywords
        **{key: value for key, value in pool.connection_kwargs.items() if key not in _RESP3_ONLY},
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
        "retry_on_timeout": False,
        "health_check_interval": 0,
        "decode_responses": False,
        "protocol": 2,
    }
    return Redis.from_pool(
        ConnectionPool(
            connection_class=pool.connection_class, **settings
        )  # its own: closed with it
    )


@contextmanager
def _translated() -> Generator[None, None, None]:
    try:
        yield
    except (RedisError, OSError, ValueError) as error:
        # redis-py closes its buffers under a reader with a ValueError.
        raise BusError(f"{type(error).__name__}: {error}") from error
