"""One connection to a server of our own making, which says what the test wants."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from redis import Redis

from tests.support.ears import CHANNEL, KEY, announcement, bus_on, failure, heard
from tests.support.scripted import Scripted
from tests.support.waiting import PATIENCE, eventually
from typed_waffle.buses import redis as module
from typed_waffle.buses.message import Codec
from typed_waffle.buses.redis import RedisSubscription
from typed_waffle.protocols import BusError, Event, Subscribed

pytestmark = pytest.mark.ladder

CONFIRMATION = b"*3\r\n$9\r\nsubscribe\r\n$%d\r\n%s\r\n:1\r\n" % (len(CHANNEL), CHANNEL.encode())


@pytest.fixture
def server() -> Iterator[Scripted]:
    server = Scripted()
    yield server
    server.close()


@pytest.fixture
def client(server: Scripted) -> Iterator[Redis]:
    """A client that asks for RESP3."""
    client = Redis(host="127.0.0.1", port=server.port, protocol=3)
    yield client
    client.close()


@pytest.fixture
def ear(client: Redis) -> Iterator[Callable[[], RedisSubscription]]:
    made: list[RedisSubscription] = []

    def subscribe() -> RedisSubscription:
        made.append(bus_on(client).subscribe())
        return made[-1]

    yield subscribe
    for one in made:
        one.close()


def message(text: bytes) -> bytes:
    parts = (b"message", CHANNEL.encode(), text)
    return b"*3\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


Ear = Callable[[], RedisSubscription]


def test_a_subscription_that_is_not_confirmed_is_an_error(
    ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that says nothing to SUBSCRIBE is not waited for without end."""
    monkeypatch.setattr(module, "CONFIRM_WITHIN", 0.3)
    assert "not confirmed" in failure(ear())


def test_no_protocol_is_asked_for(server: Scripted, ear: Ear) -> None:
    """An old server or a proxy that does not know HELLO will do, whatever the client asks for."""
    server.on_subscribe = lambda connection: connection.sendall(CONFIRMATION)
    assert heard(ear()) == Subscribed()
    assert b"HELLO" not in server.heard


def test_a_publisher_does_not_need_hello(server: Scripted, client: Redis) -> None:
    """Whether an old server is a replica stays unknown, and the message is sent."""
    server.otherwise = b":1\r\n"
    bus_on(client).publish(announcement())
    assert b"PUBLISH" in server.heard


def test_another_service_at_the_port_is_an_error(server: Scripted, ear: Ear) -> None:
    """What is no Redis says something that is no answer."""
    server.otherwise = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    assert "HTTP/1.1 400" in failure(ear())


def test_a_server_that_hangs_up_at_once_may_want_tls(server: Scripted, ear: Ear) -> None:
    """The text asks, because a server without TLS may do so as well."""
    server.otherwise = b""  # it does not even answer what comes before

    def hang_up(connection: socket.socket) -> None:
        connection.shutdown(socket.SHUT_RDWR)

    server.on_anything = hang_up
    assert "rediss://" in failure(ear())


def test_the_rest_of_a_message_is_waited_for(
    server: Scripted, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that arrives in two parts is heard, even by a `get` that does not wait."""
    monkeypatch.setattr(module, "CONNECT_TIMEOUT", 0.2)
    said = announcement()
    text = message(Codec(KEY).encode(said))
    release = threading.Event()

    def speak(connection: socket.socket) -> None:
        connection.sendall(CONFIRMATION)
        connection.sendall(text[:100])
        assert release.wait(PATIENCE)
        connection.sendall(text[100:])

    server.on_subscribe = speak
    one = ear()
    assert heard(one) == Subscribed()
    assert one.get(0.1) is None
    assert one.get(0.0) is None
    release.set()
    found: list[Event] = []

    def hear() -> bool:
        event = one.get(0)
        found.extend([event] if event else [])
        return bool(found)

    eventually(hear)
    assert found == [said]


@pytest.mark.slow
def test_a_port_that_takes_no_more_connections_holds_nobody_up() -> None:
    """As behind a firewall, nobody answers: the time to connect is bounded as well."""
    with ExitStack() as stack:
        deaf = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = deaf.getsockname()[1]
        for _ in range(10):  # until the queue of those who wait is full
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(("127.0.0.1", port))
        client = stack.enter_context(Redis(host="127.0.0.1", port=port))
        bus = bus_on(client)
        began = time.monotonic()
        with pytest.raises(BusError, match="Timeout connecting"):
            bus.publish(announcement())
        assert time.monotonic() - began < 2.5
        one = bus.subscribe()
        assert "Timeout connecting" in failure(one)
        one.close()


def test_a_server_that_stops_within_a_message_is_found_out(
    server: Scripted, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a message is no sign of life for ever."""
    monkeypatch.setattr(module, "PING_AFTER", 0.2)
    monkeypatch.setattr(module, "PONG_WITHIN", 0.2)
    monkeypatch.setattr(module, "CONNECT_TIMEOUT", 0.2)

    def speak(connection: socket.socket) -> None:
        connection.sendall(CONFIRMATION + message(b"x" * 100)[:50])
        server.on_subscribe = lambda _: None

    server.on_subscribe = speak
    assert "did not answer" in failure(ear())
