"""The bus over Redis: pub/sub, and notes.

The library's own timeouts, retries and liveness check hold, whatever client is handed in: with
redis-py's, a worker can stay deaf for minutes or for ever, and one publish can take a minute.
"""

from __future__ import annotations

import random
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from redis import Redis

from typed_waffle.buses.message import Codec
from typed_waffle.buses.notes import RedisNotes
from typed_waffle.buses.routes import Route, route_of
from typed_waffle.buses.turnstile import Turnstile
from typed_waffle.buses.wire import RefusedError, Reply, Wire
from typed_waffle.errand import Errand
from typed_waffle.errors import ConfigurationError
from typed_waffle.protocols import Announcement, BusError, Event, Subscribed

__all__ = ["RedisBus", "RedisSubscription", "client_at"]

PUBLISH_WITHIN = 1.0
"""Seconds that a publish may take, from finding the server to its answer."""

PUBLISH_TIMEOUT = 0.5
"""Seconds for each step of it, so that a second server can be tried."""

PAUSE_AFTER_FAILURE = 1.0
"""Seconds for which a failed publish is not tried again: a burst of writes must not queue up."""

CONNECT_WITHIN = 5.0
"""Seconds in which a subscription must have found its server."""

CONNECT_TIMEOUT = 1.0
"""Seconds for each step of it."""

CONFIRM_WITHIN = 2.0
"""Seconds in which the server must confirm a subscription; one that denies it may keep silent."""

PING_AFTER = 5.0
"""Seconds of silence after which the server is asked whether it is there."""

PONG_WITHIN = 5.0
"""Seconds in which it must answer."""

LOOK_AFTER = 15.0
"""Seconds, more or less, after which it is checked that this is still the right server."""


def client_at(url: str | None, host: str, port: int) -> Redis:
    """A client for an address. An encrypted connection verifies certificate and host name.

    Raises:
        ConfigurationError: the URL is none of Redis.
    """
    if url is None:
        return Redis(host=host, port=port, protocol=2)
    options: dict[str, Any] = {"protocol": 2}  # Any: redis-py's keywords
    with suppress(ValueError):  # its text may show a part of the password
        parts = urlsplit(url)
        unverified = "none" in parse_qs(parts.query.lower()).get("ssl_cert_reqs", [])
        if parts.scheme == "rediss" and not unverified:
            options["ssl_check_hostname"] = True  # redis-py 5 does not by itself
        return Redis.from_url(url, **options)
    raise ConfigurationError(
        "WAFFLE_REDIS_URL",
        "it is not understood. Write redis://user:password@host:port (rediss:// for TLS) or "
        "unix:///path, with %-codes for what is not a letter or digit in the password",
    )


class RedisBus:
    """Announcements on one channel, and notes beside it.

    Made in the process that uses it: nothing crosses a fork. Between two publications nothing is
    held open. A change is rare, and a connection that stood
    around may lead to a server that is no longer the right one.
    """

    def __init__(self, client: Any, channel: str, codec: Codec) -> None:  # noqa: ANN401 - see `route_of`
        self._route = route_of(client)
        self._channel = channel
        self._codec = codec
        self._publishing = Turnstile("message")
        self._notes = RedisNotes(self._route, channel, codec)

    def publish(self, announcement: Announcement) -> None:
        """See `Bus.publish`."""
        message = self._codec.encode(announcement)
        self._publishing.make(lambda: self._send(message), PUBLISH_WITHIN, PAUSE_AFTER_FAILURE)

    def _send(self, message: bytes) -> None:
        wire = self._route.open(PUBLISH_TIMEOUT)
        try:
            wire.send("PUBLISH", self._channel, message)
            # In the same breath: no other command tells this to every user.
            wire.send("HELLO")
            wire.answer(PUBLISH_TIMEOUT)
            if _is_replica(wire):
                raise BusError(
                    "this server is a replica: what is published there reaches only its own "
                    "listeners. Name the primary"
                )
        finally:
            wire.close()

    def leave(self, shelf: str, name: str, text: str | None, lasts: float) -> None:
        """See `Bus.leave`."""
        self._notes.leave(shelf, name, text, lasts)

    def left(self, shelf: str) -> dict[str, str]:
        """See `Bus.left`."""
        return self._notes.left(shelf)

    def subscribe(self) -> RedisSubscription:
        """See `Bus.subscribe`. It returns at once: what goes wrong, `get` says."""
        return RedisSubscription(self._route, self._channel, self._codec)

    def clock(self) -> datetime:
        """The server's time.

        Raises:
            BusError: it does not tell.
        """
        wire = self._route.open(PUBLISH_TIMEOUT)
        try:
            wire.send("TIME")
            reply: Reply = wire.answer(PUBLISH_TIMEOUT)
        finally:
            wire.close()
        match reply:
            case [bytes(seconds), bytes(micros)]:
                return datetime.fromtimestamp(int(seconds) + int(micros) / 1e6, UTC)
            case _:
                raise BusError("the server does not tell its time")

    def close(self) -> None:
        """See `Bus.close`. Nothing is open: subscriptions are closed by their owners."""


def _is_replica(wire: Wire) -> bool:
    try:
        reply: Reply = wire.answer(PUBLISH_TIMEOUT)
    except BusError:
        return False  # an old server, or a proxy
    if not isinstance(reply, list):
        return False
    facts = dict(zip(reply[::2], reply[1::2], strict=False))
    # Nodes of a cluster pass on what they are told, replicas too.
    return facts.get(b"role") == b"replica" and facts.get(b"mode") != b"cluster"


class RedisSubscription:
    """One connection that listens. It is never made anew behind the listener's back.

    It asks whether the server is there by subscribing again. Unlike a PING, this needs no further
    right, is answered by a server that is loading or cannot write its disk, and proves that the
    channel is still allowed.
    """

    def __init__(self, route: Route, channel: str, codec: Codec) -> None:
        self._route = route
        self._channel = channel
        self._codec = codec
        self._closed = False
        self._confirmed = False
        self._wire: Wire | None = None
        self._begun = self._heard = time.monotonic()
        self._asked: float | None = None
        self._look_at = self._begun + LOOK_AFTER * random.uniform(0.8, 1.2)  # noqa: S311 - spreads
        self._look: Errand[bool] | None = None
        self._way = Errand("connect", lambda: route.open(CONNECT_TIMEOUT), Wire.close)

    def get(self, timeout: float) -> Event | None:
        """See `Subscription.get`."""
        end = time.monotonic() + timeout
        wire = self._connected(timeout)
        while wire is not None:
            try:
                reply = wire.receive(max(0.0, end - time.monotonic()))
            except RefusedError as error:
                raise BusError(f"the channel {self._channel!r} is refused: {error}") from error
            event = self._understood(reply) if reply is not None else None
            if event is not None:
                return event
            if reply is None:
                self._check_pulse(wire)
                self._check_place(wire)
            if time.monotonic() >= end:
                return None
        return None

    def _connected(self, timeout: float) -> Wire | None:
        if self._closed:
            raise BusError("the subscription was closed")
        if self._wire is None:
            if not self._way.wait(timeout):
                if time.monotonic() - self._begun > CONNECT_WITHIN:
                    raise BusError(f"no server was found within {CONNECT_WITHIN:g} s")
                return None
            self._wire = self._way.result()
            self._ask(self._wire)
        return self._wire

    def _ask(self, wire: Wire) -> None:
        self._asked = time.monotonic()
        wire.send("SUBSCRIBE", self._channel)

    def _understood(self, reply: Reply) -> Event | None:
        self._heard, self._asked = time.monotonic(), None
        match reply:
            case [b"subscribe", *_] if not self._confirmed:
                self._confirmed = True
                return Subscribed()
            case [b"message", _, bytes(data)]:
                return self._codec.decode(data)
            case _:
                return None

    def _check_pulse(self, wire: Wire) -> None:
        now = time.monotonic()
        patience = PONG_WITHIN if self._confirmed else CONFIRM_WITHIN
        if self._asked is None:
            if now - self._heard > PING_AFTER:
                self._ask(wire)
        elif now - self._asked > patience:
            if self._confirmed:
                raise BusError(f"Redis did not answer for {patience:g} s")
            raise BusError(f"the subscription was not confirmed within {patience:g} s")

    def _check_place(self, wire: Wire) -> None:
        now = time.monotonic()
        if self._look is None and now > self._look_at:
            self._look = Errand("look", lambda: self._route.stands(wire, CONNECT_TIMEOUT))
        if self._look is not None and self._look.done:
            stands, self._look = self._look.result(), None
            self._look_at = now + LOOK_AFTER * random.uniform(0.8, 1.2)  # noqa: S311 - spreads
            if not stands:
                raise BusError("another server has taken over")

    def close(self) -> None:
        """See `Subscription.close`."""
        self._closed = True
        self._way.leave()
