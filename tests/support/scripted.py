"""A server that says what a test wants."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from tests.support.waiting import PATIENCE

__all__ = ["Scripted"]


class Scripted:
    """Speaks as much of the protocol as a script has it: an old server, a proxy, a stranger."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.heard = b""
        self.on_subscribe: Callable[[socket.socket], None] = lambda _: None
        self.on_anything: Callable[[socket.socket], None] = lambda _: None
        self.otherwise = b"+OK\r\n"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(65_536):
                self.heard += data
                self.on_anything(connection)
                if b"SUBSCRIBE" in data:
                    self.on_subscribe(connection)
                elif self.otherwise:
                    connection.sendall(self.otherwise * data.count(b"*"))

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE)
