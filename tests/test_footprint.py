"""What a worker keeps, however long it runs."""

import gc
import sys
import threading
from itertools import pairwise

from redis import Redis

from tests.support.redis import RedisServer
from tests.support.waiting import PATIENCE, eventually
from tests.support.worker import worker
from tests.workers.test_lifecycle import open_files
from typed_waffle.buses.memory import MemoryBus
from typed_waffle.buses.message import Codec
from typed_waffle.buses.redis import RedisBus
from typed_waffle.chain import RECENT
from typed_waffle.listener import listen
from typed_waffle.protocols import BusError, Subscribed
from typed_waffle.runtime import Rules
from typed_waffle.stores.memory import MemoryStore


def blocks() -> int:
    gc.collect()
    return sys.getallocatedblocks()


def test_changes_take_no_memory() -> None:
    """After as many changes as it remembers the ids of, more of them leave nothing behind."""
    truth, bus = MemoryStore(keep=10), MemoryBus()
    writer, reader = worker(truth, bus), worker(truth, bus, rules=Rules(poll_interval=3600))
    listener = listen("thread", reader.runtime, bus)

    def go_on(first: int, last: int) -> None:
        for number in range(first, last):
            writer.write(low=-number)
        eventually(lambda: reader.settings.low == 1 - last)
        reader.changes.clear()
        writer.changes.clear()

    begun, size = RECENT + 100, 500
    go_on(1, begun)
    counts = [blocks()]
    for first in range(begun, begun + 4 * size, size):
        go_on(first, first + size)
        counts.append(blocks())
    listener.stop(PATIENCE)
    # What is kept for each change is kept in each round; what else the interpreter does is not.
    assert min(after - before for before, after in pairwise(counts)) < size


def test_connections_that_are_lost_leave_nothing(redis_server: RedisServer) -> None:
    """Two hundred subscriptions that the server ended: as many files and threads as before."""
    client = Redis.from_url(redis_server.url)
    bus = RedisBus(client, "waffleconf", Codec("key"))

    def lose() -> None:
        ear = bus.subscribe()
        try:
            eventually(lambda: ear.get(0.1) == Subscribed())
            redis_server.hang_up_on_subscribers()
            eventually(lambda: ear.get(0.1) is not None)
        except BusError:
            ear.close()

    lose()
    files, threads = open_files(), threading.active_count()
    for _ in range(200):
        lose()
    assert (open_files(), threading.active_count()) == (files, threads)
    bus.close()
    client.close()
