"""`close` in whatever state a worker is: it returns soon, and nothing is left."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.databases import DatabaseServer
from tests.support.live import connected
from tests.support.proxy import Proxy
from tests.support.redis import RedisServer
from tests.support.shop import Limits
from tests.support.waiting import eventually
from typed_waffle import Waffle
from typed_waffle.binding import STOP_WITHIN

CLOSED_WITHIN = STOP_WITHIN + 1.0
"""The promise, and what a busy machine may add."""


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    proxy = Proxy(redis_server.port)
    yield proxy
    proxy.close()


def closes(worker: Waffle[Limits]) -> float:
    began = time.monotonic()
    worker.close()
    return time.monotonic() - began


def well(_: RedisServer, __: Proxy) -> None:
    """Nothing is wrong."""


def frozen(server: RedisServer, _: Proxy) -> None:
    server.stop()


def gone(server: RedisServer, proxy: Proxy) -> None:
    server.kill()
    proxy.cut()


def swallowed(_: RedisServer, proxy: Proxy) -> None:
    proxy.black_hole()


@pytest.mark.parametrize("fault", [well, frozen, gone, swallowed])
def test_closing_waits_for_no_redis(
    config: dict[str, Any],
    redis_server: RedisServer,
    proxy: Proxy,
    fault: Callable[[RedisServer, Proxy], None],
) -> None:
    """Connecting, subscribed, waiting for the next try: at any moment it ends soon."""
    keys = {**config, "WAFFLE_REDIS_URL": proxy.url}
    slowest = 0.0
    for _ in range(5):
        with ExitStack() as stack:
            worker = connected(stack, keys)
            fault(redis_server, proxy)
            threading.Event().wait(random.uniform(0, 0.3))  # noqa: S311 - any moment will do
            slowest = max(slowest, closes(worker))
            proxy.heal()
            if fault is gone:
                redis_server.start()
            redis_server.cont()
    assert slowest < CLOSED_WITHIN


def test_closing_waits_for_no_database(
    config: dict[str, Any], database_server: DatabaseServer
) -> None:
    """A look that hangs in a frozen database is left behind; it ends by itself."""
    keys = {
        **config,
        "WAFFLE_DATABASE_URL": database_server.database(),
        "WAFFLE_POLL_INTERVAL": 0.1,
    }
    with ExitStack() as stack:
        worker = connected(stack, keys)
        database_server.freeze()
        eventually(lambda: not worker.status().store.ok)
        assert closes(worker) < CLOSED_WITHIN
        database_server.thaw()
