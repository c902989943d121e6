"""The shelf on the bus."""

from __future__ import annotations

import pytest

from tests.support.redis import RedisServer
from tests.support.worker import Tape
from typed_waffle.buses.memory import MemoryBus
from typed_waffle.buses.message import Codec
from typed_waffle.buses.redis import RedisBus
from typed_waffle.lastgood import ShelfError
from typed_waffle.protocols import BusError
from typed_waffle.shelves import bus as shelves
from typed_waffle.shelves.bus import BusShelf


def test_namespaces_have_shelves_of_their_own() -> None:
    """Each has one copy, which every worker finds; the last one counts."""
    bus = MemoryBus()
    one = BusShelf(bus, "one")
    assert one.read() is None
    one.write("a")
    BusShelf(bus, "other").write("b")
    BusShelf(bus, "one").write("c")
    assert one.read() == "c"


@pytest.mark.parametrize("kind", [BusError, ValueError])
def test_a_bus_that_fails_is_told(kind: type[Exception]) -> None:
    """The cause and the next step; also of a failure that nobody expects of a bus."""
    tape = Tape()
    tape.refuses = kind("it is away.")
    shelf = BusShelf(tape, "default")
    with pytest.raises(ShelfError, match=r"it is away\. A start.*WAFFLE_CACHE_DIR"):
        shelf.read()
    with pytest.raises(ShelfError, match="it is away"):
        shelf.write("a")


def test_the_longest_copy_fits_and_lasts(redis_server: RedisServer) -> None:
    """Redis keeps it for a month, unless it is renewed."""
    with redis_server.client() as client:
        shelf = BusShelf(RedisBus(client, "a channel", Codec("key")), "default")
        longest = "x" * shelves.LIMIT
        shelf.write(longest)
        assert shelf.read() == longest
        [key] = [key for key in client.scan_iter() if key.endswith(b":state")]
        assert 29 * 86_400 < client.ttl(key) <= 30 * 86_400
