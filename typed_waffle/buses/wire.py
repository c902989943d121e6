"""Wire: one connection to one server, with redis-py's making and our own rules.

redis-py connects, encrypts and authenticates. It does not get to retry, to connect anew behind our
back, or to wait for long; its versions differ in all three.
"""

from __future__ import annotations

import os
import re
import select
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from redis.backoff import NoBackoff
from redis.connection import SSLConnection
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    RedisError,
    ResponseError,
    TimeoutError,  # noqa: A004 - redis-py's own
)
from redis.retry import Retry

from typed_waffle.protocols import BusError

__all__ = ["Address", "Blueprint", "RefusedError", "Wire", "impatient"]

Address = tuple[str, int]

Reply = Any  # bytes, a number, or a list of replies


class RefusedError(BusError):
    """The server answered, with an error."""


class Wire:
    """One connection. It is never made anew: after an error, close it and open another."""

    def __init__(self, make: Callable[[], Any], address: Address | None = None) -> None:
        self._connection: Any = None  # Any: of any connection class
        self._heard = False
        self._closed = False
        self._pid = os.getpid()
        self.address = address
        """Where the server is, if it had to be found."""
        try:
            with self._told():
                self._connection = make()
                self._connection.connect()
        except BusError:
            self.close()
            raise

    def send(self, *words: str | bytes) -> None:
        """Send one command.

        Raises:
            BusError: the connection is gone.
        """
        with self._told():
            self._usable().send_command(*words)

    def receive(self, timeout: float) -> Reply | None:
        """The next reply, or `None` if it is not there, as a whole, after `timeout` seconds.

        Raises:
            RefusedError: the reply is an error.
            BusError: the connection is gone.
        """
        end = time.monotonic() + timeout
        with self._told():
            connection = self._usable()
            while not connection.can_read(timeout=0):
                if not self._stirs(connection, end - time.monotonic()):
                    return None
                self._usable()  # a copy of this greenlet may have woken up in a child
            try:
                reply = connection.read_response(disconnect_on_error=False)
            except TimeoutError:
                return None  # redis-py keeps the beginning, and goes on from there
            self._heard = True
            return reply

    def _stirs(self, connection: Any, timeout: float) -> bool:  # noqa: ANN401 - any connection class
        """Whether something comes before the time is up. Nothing is read."""
        wire = connection._sock  # noqa: SLF001 - redis-py waits only by reading
        if timeout <= 0:
            return False
        if wire is None:
            raise BusError("the connection was closed")
        poll = select.poll()
        poll.register(wire.fileno(), select.POLLIN)
        return bool(poll.poll(timeout * 1000))

    def ask(self, *words: str | bytes, within: float) -> Reply:
        """Send one command and wait for its reply; raises as `answer` does."""
        self.send(*words)
        return self.answer(within)

    def answer(self, within: float) -> Reply:
        """The next reply.

        Raises:
            RefusedError: the reply is an error.
            BusError: the connection is gone, or there is no reply in time.
        """
        end = time.monotonic() + within
        while (reply := self.receive(max(0.0, end - time.monotonic()))) is None:
            if time.monotonic() >= end:
                raise BusError(f"no answer within {within:g} s")
        return reply

    def close(self) -> None:
        """Hang up; safe to call twice and after an error."""
        self._closed = True
        if self._connection is not None:
            with suppress(RedisError, OSError, ValueError):
                self._connection.disconnect()

    def _usable(self) -> Any:  # noqa: ANN401 - any connection class
        if self._closed:
            raise BusError("the connection was closed")
        if os.getpid() != self._pid:
            raise BusError("the connection is another process's")
        return self._connection

    @contextmanager
    def _told(self) -> Generator[None, None, None]:
        """Whatever goes wrong becomes a `BusError` that says what to do."""
        try:
            yield
        except BusError:
            raise
        except (ResponseError, AuthenticationError, BusyLoadingError) as error:
            self._heard = True
            raise RefusedError(f"{type(error).__name__}: {error}") from error
        except (RedisError, OSError, ValueError, TypeError) as error:
            # redis-py closes its buffers under a reader with a ValueError, and names a keyword that
            # it does not know with a TypeError.
            raise BusError(self._explained(error)) from error
        except Exception as error:
            raise BusError(f"{type(error).__name__} in the making of a connection") from error

    def _explained(self, error: Exception) -> str:
        text = f"{type(error).__name__}: {error}"
        made = self._connection
        where = getattr(made, "path", f"{getattr(made, 'host', '')}:{getattr(made, 'port', '')}")
        if where not in text and made is not None:
            text = f"{where}: {text}"
        encrypted = isinstance(self._connection, SSLConnection)
        for pattern, of_encrypted, advice in _ADVICE:
            if (
                encrypted is of_encrypted
                and not self._heard
                and re.search(pattern, text, re.IGNORECASE)
            ):
                return f"{text} {advice}"
        return text


_ADVICE = (
    (
        r"(hostname|ip address) mismatch|doesn't match",
        True,
        "(the certificate is for another host: use the name that it has)",
    ),
    (
        r"unable to get (local )?issuer|self.signed certificate",
        True,
        "(no CA that is trusted here signed the certificate: name its CA with ssl_ca_certs)",
    ),
    (
        r"wrong.version.number|record.layer|unexpected.eof|eof occurred|timeout connecting",
        True,
        "(does the server speak TLS at this port? If not, use redis:// or its TLS port)",
    ),
    (r"no such file", True, "(does every file exist that an ssl_ option names?)"),
    (
        r"closed by server|reset by peer|connection reset",
        False,
        "(does the server want TLS at this port? Then use rediss://)",
    ),
)
"""Patterns of an error's text, whether they are of an encrypted connection, and what to do."""


@dataclass(frozen=True)
class Blueprint:
    """How to make connections of one kind, to any address."""

    make: Callable[..., Any]  # Any: a connection class of redis-py's
    keywords: Mapping[str, Any]  # Any: redis-py's keywords

    def open(self, timeout: float, address: Address | None = None) -> Wire:
        """Connect.

        Raises:
            BusError: it cannot be reached, or refuses.
        """
        keywords = impatient(self.keywords, timeout)
        if address is not None:
            keywords |= {"host": address[0], "port": address[1]}
        return Wire(partial(self.make, **keywords), address)


def impatient(keywords: Mapping[str, Any], timeout: float) -> dict[str, Any]:  # Any: redis-py's
    """Keywords of a connection with short timeouts and without retries.

    It speaks RESP2, which every server and proxy knows; pub/sub gains nothing from RESP3. It takes
    the first database: channels have no number.
    """
    kept = {key: value for key, value in keywords.items() if key not in _LEFT_OUT}
    if (provider := kept.get("credential_provider")) is not None:
        kept["credential_provider"] = _Discreet(provider)
    return {
        **kept,
        "db": 0,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
        "retry_on_timeout": False,
        "health_check_interval": 0,
        "decode_responses": False,
        "protocol": 2,
    }


_LEFT_OUT = frozenset(
    {
        "cache",
        "cache_config",
        "connection_pool",
        "event_dispatcher",
        "maint_notifications_config",
        "maint_notifications_pool_handler",
        "oss_cluster_maint_notifications_handler",
        "parser_class",
    }
)
"""Keywords of a connection that belong to its pool, or that redis-py refuses without RESP3."""


class _Discreet:
    """A provider of credentials whose errors are named, and no more: they may hold a secret."""

    def __init__(self, provider: Any) -> None:  # noqa: ANN401 - redis-py takes any with this method
        self._provider = provider

    def get_credentials(self) -> Any:  # noqa: ANN401 - as redis-py has it
        try:
            return self._provider.get_credentials()
        except Exception as error:
            kind = type(error).__name__
            raise RedisError(f"the credential provider failed with {kind}") from error
