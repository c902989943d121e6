"""A real Celery worker that forks, with a Redis as its broker, and a client that asks it."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery import Celery

from tests.support.processes import Python
from tests.support.redis import RedisServer
from tests.support.servers import Answer, Keys, Server, variables

__all__ = ["CeleryServer", "celery"]

SIZE = 2


class CeleryServer(Server):
    """Answers come from tasks, of which each process takes one at a time."""

    def __init__(self, master: Python, client: Celery) -> None:
        super().__init__(master, 0, SIZE)
        self._client = client

    def answers(self) -> list[Answer]:
        return self.asked(2 * self.size)

    def asked(self, times: int) -> list[Answer]:
        """The results of this many tasks."""
        jobs = [self._client.send_task("look", expires=10) for _ in range(times)]
        return [job.get(timeout=10) for job in jobs]


@contextmanager
def celery(
    keys: Keys, broker: RedisServer, jobs: str, folder: Path, *options: str
) -> Generator[CeleryServer, None, None]:
    """`celery worker` with two processes, on the jobs of a module."""
    config: dict[str, Any] = {
        "broker_url": broker.url,
        "result_backend": broker.url,
        "broker_connection_retry_on_startup": True,
    }
    command = [
        *("-m", "celery", "--app", f"{jobs}:celery", "worker"),
        *("--pool", "prefork", "--concurrency", str(SIZE), *options),
    ]
    own = {key: str(value) for key, value in keys.items()}  # for `connect`, without Flask
    environment = {**own, **variables(keys), "FLASK_CELERY": json.dumps(config)}
    with Python(command, folder / "celery.log", environment) as master:
        client = Celery("client", set_as_current=False)
        client.config_from_object(config)
        try:
            yield CeleryServer(master, client)
        finally:
            client.close()
