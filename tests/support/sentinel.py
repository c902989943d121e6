"""A master, a replica and a sentinel of a test's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from redis import Redis
from redis.sentinel import Sentinel

from tests.support.redis import RedisServer
from tests.support.waiting import eventually

__all__ = ["Sentinels"]

NAME = "shop"
DOWN_AFTER = 1000
"""Milliseconds after which a master that does not answer is replaced."""


class SentinelServer(RedisServer):
    """A sentinel that watches one master."""

    def __init__(self, executable: str, folder: Path, master: RedisServer) -> None:
        super().__init__(executable, folder)
        self._master = master

    def command(self) -> list[str]:
        lines = (
            f"port {self.port}",
            "bind 127.0.0.1",
            f"dir {self._folder}",
            f"sentinel monitor {NAME} 127.0.0.1 {self._master.port} 1",
            f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER}",
            f"sentinel failover-timeout {NAME} 3000",
        )
        file = self._folder / "sentinel.conf"
        file.write_text("\n".join(lines) + "\n")
        return [self._executable, str(file), "--sentinel"]


class Sentinels:
    """The three processes, and clients that find their way through the sentinel."""

    def __init__(self, executable: str, folder: Path) -> None:
        self._executable = executable
        self._folder = folder
        self._frozen: list[SentinelServer] = []
        self.master = RedisServer(executable, self._home("master"))
        self.replica = RedisServer(executable, self._home("replica"))
        self.sentinel = SentinelServer(executable, self._home("sentinel"), self.master)
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _home(self, name: str) -> Path:
        home = self._folder / name
        home.mkdir()
        return home

    def _start(self) -> None:
        self.master.start()
        self.master.keep_no_replica_waiting()
        self.replica.start("--replicaof", "127.0.0.1", str(self.master.port))
        self.sentinel.start()
        eventually(self._ready)

    def _ready(self) -> bool:
        return len(self._ask("REPLICAS", NAME)) == 1 and self.replica.answers_as("slave")

    @property
    def named(self) -> int:
        """The port of the master that the sentinel names."""
        return int(self._ask("GET-MASTER-ADDR-BY-NAME", NAME)[1])

    def _ask(self, *words: str) -> Any:  # noqa: ANN401 - any answer
        client = self.sentinel.client()
        try:
            return client.execute_command("SENTINEL", *words)  # type: ignore[no-untyped-call]
        finally:
            client.close()

    def watch(self, other: RedisServer) -> None:
        """Name another master from now on; the former one is not told."""
        self._ask("REMOVE", NAME)
        self._ask("MONITOR", NAME, "127.0.0.1", str(other.port), "1")

    def frozen(self) -> int:
        """The port of one more sentinel, which takes connections and answers nothing."""
        home = self._home(f"frozen-{len(self._frozen)}")
        server = SentinelServer(self._executable, home, self.master)
        self._frozen.append(server)
        server.start()
        server.stop()
        return server.port

    def client(self, *before: int, replica: bool = False, **options: Any) -> Redis:  # noqa: ANN401 - redis-py's own options
        """A client of the master, or of the replica; sentinels at `before` are asked first."""
        ports = *before, self.sentinel.port
        sentinel = Sentinel([("127.0.0.1", port) for port in ports])  # type: ignore[no-untyped-call]
        find = sentinel.slave_for if replica else sentinel.master_for
        client: Redis = find(NAME, **options)  # type: ignore[no-untyped-call]
        return client

    def close(self) -> None:
        for server in (*self._frozen, self.sentinel, self.replica, self.master):
            server.kill()
