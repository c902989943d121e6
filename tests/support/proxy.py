"""A proxy in front of a Redis: it holds back, slows down, cuts and spoils what passes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

__all__ = ["Fate", "Proxy", "split"]

Fate = Callable[[bytes], list[tuple[float, bytes]]]
"""What becomes of one message: messages to pass on instead, each after some seconds."""


def as_it_is(message: bytes) -> list[tuple[float, bytes]]:
    return [(0.0, message)]


class Proxy:
    """Passes on what comes, both ways, on a port of its own.

    Like a network, it keeps what it holds back: after `heal`, it goes on where it stopped.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._closed = False
        self._up, self._down = threading.Event(), threading.Event()
        self._size, self._pause = 65_536, 0.0
        self._fate: Fate = as_it_is
        self.heal()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def black_hole(self, *, up: bool = True, down: bool = True) -> None:
        """Pass on nothing to the server, or from it; connections stay, and new ones are taken."""
        if up:
            self._up.clear()
        if down:
            self._down.clear()

    def drip(self, size: int, pause: float) -> None:
        """Pass on so many bytes at a time, and wait after each time."""
        self._size, self._pause = size, pause

    def spoil(self, fate: Fate) -> None:
        """Let this decide on each message that is published."""
        self._fate = fate

    def heal(self) -> None:
        """Pass on everything again, as it is."""
        self._size, self._pause, self._fate = 65_536, 0.0, as_it_is
        self._up.set()
        self._down.set()

    def cut(self) -> None:
        """Close every connection."""
        connections, self._open = self._open, []
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def close(self) -> None:
        self._closed = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        self.heal()
        self.cut()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            self._open += [client, server]
            for pump, source, sink in ((self._ask, client, server), (self._tell, server, client)):
                threading.Thread(target=pump, args=(source, sink), daemon=True).start()

    def _ask(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._up.wait()
                sink.sendall(data)
        self._end(source, sink)

    def _tell(self, source: socket.socket, sink: socket.socket) -> None:
        rest = b""
        with suppress(OSError):
            while data := source.recv(self._size):
                self._down.wait()
                if self._fate is as_it_is and not rest:
                    sink.sendall(data)
                    threading.Event().wait(self._pause)
                    continue
                replies, rest = split(rest + data)
                for reply in replies:
                    self._deliver(reply, sink)
        self._end(source, sink)

    def _deliver(self, reply: bytes, sink: socket.socket) -> None:
        passed = self._fate(reply) if b"\r\nmessage\r\n" in reply[:20] else as_it_is(reply)
        for delay, message in passed:
            if delay:
                threading.Timer(delay, _send, (sink, message)).start()
            else:
                sink.sendall(message)

    def _end(self, *connections: socket.socket) -> None:
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _send(sink: socket.socket, message: bytes) -> None:
    with suppress(OSError):
        sink.sendall(message)


def split(data: bytes) -> tuple[list[bytes], bytes]:
    """The whole replies of RESP2 in some bytes, and the beginning of the next one."""
    replies = []
    while (end := _end_of(data, 0)) is not None:
        replies.append(data[:end])
        data = data[end:]
    return replies, data


def _end_of(data: bytes, at: int) -> int | None:
    """Where the reply that begins there ends, if it does."""
    line = data.find(b"\r\n", at)
    if line < 0:
        return None
    kind, end = data[at : at + 1], line + 2
    if kind == b"$":
        end += max(0, int(data[at + 1 : line]) + 2)
    elif kind == b"*":
        for _ in range(int(data[at + 1 : line])):
            inner = _end_of(data, end)
            if inner is None:
                return None
            end = inner
    return end if end <= len(data) else None
