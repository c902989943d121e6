"""A wire between a client and a server of a test's, which can be cut, slow and deaf."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

__all__ = ["Wire"]

COMMIT = re.compile(rb"(?<![A-Z])COMMIT(?![A-Z])")


class Wire:
    """A port of the loopback interface whose connections end at another one."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._carriers: list[threading.Thread] = []
        self.opened = 0
        """How many connections there were."""
        self.silent = False
        """Whether nothing more is carried, in either direction; the connections stand."""
        self.answer_delay = 0.0
        """Seconds by which each answer of the server is late."""
        self.commit_delay = 0.0
        """Seconds by which each COMMIT is late."""
        self.commits = 0
        """How many COMMITs were carried."""
        self.on_commit: Callable[[], object] = lambda: None
        """Called after a COMMIT was carried."""
        self._at_commit: Callable[[socket.socket, socket.socket, bytes], None] | None = None
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        _cut(self._listener)
        self._acceptor.join()
        self.cut()
        for carrier in self._carriers:
            carrier.join()
        for end in (self._listener, *self._ends):
            end.close()

    def cut(self) -> None:
        """Cut every connection."""
        for end in list(self._ends):
            _cut(end)

    def lose_commit(self) -> None:
        """Cut the next connection that sends a COMMIT, which never arrives."""
        self._at_commit = _lose

    def lose_answer(self) -> None:
        """Carry the next COMMIT to the server, and cut its connection when the answer comes."""
        self._at_commit = _lose_answer

    def hush_at_commit(self, *, arrives: bool) -> None:
        """Be silent from the next COMMIT on, which still arrives, or does not."""

        def hush(_: socket.socket, server: socket.socket, data: bytes) -> None:
            self.silent = True
            if arrives:
                server.sendall(data)

        self._at_commit = hush

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.opened += 1
                try:
                    server = socket.create_connection(("127.0.0.1", self._target))
                except OSError:  # the server is away
                    client.close()
                    continue
                self._ends += [client, server]
                self._join(client, server, self._asked)
                self._join(server, client, self._answered)

    def _join(
        self,
        source: socket.socket,
        sink: socket.socket,
        carry: Callable[[socket.socket, socket.socket, bytes], None],
    ) -> None:
        sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        carrier = threading.Thread(target=self._carry, args=(source, sink, carry), daemon=True)
        self._carriers.append(carrier)
        carrier.start()

    def _carry(
        self,
        source: socket.socket,
        sink: socket.socket,
        carry: Callable[[socket.socket, socket.socket, bytes], None],
    ) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if not self.silent:
                    carry(source, sink, data)
        _cut(sink)

    def _asked(self, client: socket.socket, server: socket.socket, data: bytes) -> None:
        if COMMIT.search(data):
            time.sleep(self.commit_delay)
            then, self._at_commit = self._at_commit or _carried, None
            then(client, server, data)
            self.commits += 1
            self.on_commit()
        else:
            server.sendall(data)

    def _answered(self, _: socket.socket, client: socket.socket, data: bytes) -> None:
        time.sleep(self.answer_delay)
        client.sendall(data)


def _carried(_: socket.socket, server: socket.socket, data: bytes) -> None:
    server.sendall(data)


def _lose(client: socket.socket, _: socket.socket, __: bytes) -> None:
    _cut(client)


def _lose_answer(client: socket.socket, server: socket.socket, data: bytes) -> None:
    # Deaf before the server is asked: its answer finds nobody.
    client.shutdown(socket.SHUT_WR)
    server.sendall(data)


def _cut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
