"""Notes in Redis: who may read them, what becomes of them, and what a bad server costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.support.cluster import Cluster
from tests.support.ears import CHANNEL, announcement, bus_on, carries, listening
from tests.support.redis import RedisServer
from tests.support.sentinel import Sentinels
from tests.support.waiting import PATIENCE, eventually
from typed_waffle.buses import notes as module
from typed_waffle.buses.message import Codec
from typed_waffle.buses.redis import RedisBus
from typed_waffle.buses.wire import Wire
from typed_waffle.protocols import BusError

SHELF = "fleet:shop"
INDEX = f"{CHANNEL}:{{{SHELF}}}"
PASSWORD = "canary-4711"

SOON = 2.5
"""What takes about a second at the most may take this long on a busy machine."""


def calls(client: Redis) -> dict[str, int]:
    """How often each command was called."""
    stats = client.info("commandstats")
    return {name.removeprefix("cmdstat_"): facts["calls"] for name, facts in stats.items()}


# --- whose they are ---------------------------------------------------------------------------


def test_only_the_right_key_leaves_notes(client: Redis, bus: RedisBus) -> None:
    """What was left under another key, or none, or was moved or changed, is not given."""
    bus.leave(SHELF, "good", "1", PATIENCE)
    for key in ("another key", None):
        RedisBus(client, CHANNEL, Codec(key)).leave(SHELF, f"bad {key}", "2", PATIENCE)
    bus.leave("another shelf", "good", "3", PATIENCE)
    note = client.get(f"{CHANNEL}:{{another shelf}}:good")
    assert isinstance(note, bytes)
    spoilt = {"moved": note, "changed": note + b" ", "garbage": b"\xff\x00", "short": b"."}
    for name, text in spoilt.items():
        client.set(f"{INDEX}:{name}", text)
        client.sadd(INDEX, name)
    client.sadd(INDEX, b"\xff")
    client.set(INDEX.encode() + b":\xff", b"x")
    assert bus.left(SHELF) == {"good": "1"}


def test_without_a_key_anybody_leaves_notes(client: Redis, bus: RedisBus) -> None:
    """Who has none cannot tell whose a note is, and takes all that looks like one."""
    bus.leave(SHELF, "signed", "1", PATIENCE)
    keyless = RedisBus(client, CHANNEL, Codec(None))
    keyless.leave(SHELF, "unsigned", "2", PATIENCE)
    client.set(f"{INDEX}:garbage", "garbage")
    client.set(f"{INDEX}:binary", b".\xff")
    client.sadd(INDEX, "garbage", "binary")
    assert keyless.left(SHELF) == {"signed": "1", "unsigned": "2"}


def test_a_note_is_no_message(bus: RedisBus) -> None:
    """The signature of one is worth nothing on the other, though the key is the same."""
    codec = Codec("the key")
    message = codec.encode(announcement())
    assert codec.unseal(SHELF, "name", message) is None
    _, _, body = message.partition(b".")
    assert codec.decode(codec.seal(SHELF, "name", body.decode())) != codec.decode(message)


# --- what is kept -----------------------------------------------------------------------------


def test_everything_has_an_expiry(client: Redis, bus: RedisBus) -> None:
    """A fleet that is gone leaves nothing behind."""
    bus.leave(SHELF, "short", "1", 20)
    assert 40 >= client.ttl(INDEX) > 30
    bus.leave(SHELF, "long", "2", 1000)
    assert 2000 >= client.ttl(INDEX) > 1900
    bus.leave(SHELF, "short", "1", 20)
    assert client.ttl(INDEX) > 1900
    assert 20 >= client.ttl(f"{INDEX}:short") > 10
    assert all(client.ttl(key) > 0 for key in client.scan_iter())


def test_a_reader_drops_the_names_of_those_who_are_gone(client: Redis, bus: RedisBus) -> None:
    """Names do not pile up."""
    bus.leave(SHELF, "here", "1", PATIENCE)
    client.sadd(INDEX, *(f"gone {n}" for n in range(250)))
    assert bus.left(SHELF) == {"here": "1"}
    assert client.smembers(INDEX) == {b"here"}


def test_newcomers_drop_names_too(client: Redis, bus: RedisBus) -> None:
    """Nor where nobody reads: each that comes looks at some of the others."""
    for number in range(40):
        bus.leave(SHELF, f"worker {number}", "1", PATIENCE)
        client.delete(f"{INDEX}:worker {number}")
    assert client.scard(INDEX) <= module.SWEPT + 1


@pytest.mark.parametrize("whoever", ["reader", "newcomer"])
def test_a_note_that_comes_back_is_not_lost(
    whoever: str, client: Redis, bus: RedisBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name stays, and expires, though whoever drops it saw no note a moment ago."""
    back, send = bus_on(client), Wire.send

    def sent(wire: Wire, *words: str | bytes) -> None:
        if words[0] == "SREM":
            monkeypatch.undo()
            back.leave(SHELF, "back", "1", 20)
        send(wire, *words)

    client.sadd(INDEX, "back")
    monkeypatch.setattr(Wire, "send", sent)
    if whoever == "newcomer":
        bus.leave(SHELF, "newcomer", "2", 20)
    else:
        assert bus.left(SHELF) == {}
    assert bus.left(SHELF)["back"] == "1"
    assert 40 >= client.ttl(INDEX) > 20


def test_no_keys_are_searched_for(client: Redis, bus: RedisBus) -> None:
    """A large Redis is not held up; and what is left again costs one write and two looks."""
    bus.leave(SHELF, "one", "1", PATIENCE)
    client.config_resetstat()
    bus.leave(SHELF, "one", "2", PATIENCE)
    assert bus.left(SHELF) == {"one": "2"}
    bus.leave(SHELF, "one", None, 0)
    called = calls(client)
    assert not called.keys() & {"keys", "scan", "sscan", "smembers", "eval"}
    assert {name: called.get(name, 0) for name in ("set", "sadd", "ttl", "expire", "exists")} == {
        "set": 1,
        "sadd": 1,
        "ttl": 1,
        "expire": 0,
        "exists": 0,
    }


def test_a_shelf_is_read_within_bounds(
    client: Redis, bus: RedisBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many names, too many bytes and a note that is too long are errors, and say so."""
    with pytest.raises(BusError, match="too long"):
        bus.leave(SHELF, "name", "x" * module.MAX_NOTE, PATIENCE)
    for number in range(5):
        bus.leave(SHELF, str(number), "x" * 1000, PATIENCE)
    monkeypatch.setattr(module, "PAUSE_AFTER_FAILURE", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(module, "MAX_NAMES", 4)
        with pytest.raises(BusError, match="more than 4 notes"):
            bus.left(SHELF)
    with monkeypatch.context() as patch:
        patch.setattr(module, "MAX_SHELF", 4000)
        with pytest.raises(BusError, match="more than 4000 bytes"):
            bus.left(SHELF)
    assert len(bus.left(SHELF)) == 5


def test_keys_are_those_of_the_channel(client: Redis, bus: RedisBus) -> None:
    """Each key begins with the channel's name and a colon, so that rights can be given for it."""
    bus.leave(SHELF, "name", "1", PATIENCE)
    bus.leave("{x}{y", "{z}", "1", PATIENCE)
    begin = f"{CHANNEL}:{{*"
    assert len(list(client.scan_iter(begin))) == client.dbsize() == 4


# --- servers that are away --------------------------------------------------------------------


def test_a_frozen_server_costs_a_second(bus: RedisBus, frozen: Callable[[], None]) -> None:
    """To leave and to read give up in time, pause after it, and hold no message back."""
    frozen()
    for use in (lambda: bus.leave(SHELF, "name", "1", 1), lambda: bus.left(SHELF)):
        began = time.monotonic()
        with pytest.raises(BusError):
            use()
        assert time.monotonic() - began < SOON
        began = time.monotonic()
        with pytest.raises(BusError, match="a moment ago"):
            use()
        assert time.monotonic() - began < 0.1


def test_a_failed_note_holds_no_message_back(client: Redis, bus: RedisBus) -> None:
    """Nor the other way round: their pauses are their own."""
    client.set(INDEX, "not a set")
    ear = listening(bus)
    for use in (lambda: bus.leave(SHELF, "name", "1", 1), lambda: bus.left(SHELF)):
        with pytest.raises(BusError, match="WRONGTYPE"):
            use()
    assert carries(bus, ear)
    ear.close()


def test_no_server_is_an_error(redis_server: RedisServer, bus: RedisBus) -> None:
    """It says where, and when the server is back the notes are as well."""
    redis_server.kill()
    with pytest.raises(BusError, match=str(redis_server.port)):
        bus.leave(SHELF, "name", "1", PATIENCE)
    with pytest.raises(BusError, match=str(redis_server.port)):
        bus.left(SHELF)
    redis_server.start()

    def back() -> bool:
        try:
            bus.leave(SHELF, "name", "1", PATIENCE)
            return bus.left(SHELF) == {"name": "1"}
        except BusError:
            return False

    eventually(back)


def test_a_replica_keeps_no_notes(redis_server: RedisServer, replica: RedisServer) -> None:
    """It can be read, and not written: that is an error that says what to do."""
    with redis_server.client() as primary, replica.client() as reading:
        there, here = bus_on(primary), bus_on(reading)
        there.leave(SHELF, "name", "1", PATIENCE)
        primary.sadd(INDEX, "gone")
        eventually(lambda: reading.scard(INDEX) == 2)
        assert here.left(SHELF) == {"name": "1"}
        with pytest.raises(BusError, match="is a replica"):
            here.leave(SHELF, "name", "2", PATIENCE)


# --- rights -----------------------------------------------------------------------------------

RIGHTS = (
    f"~{CHANNEL}:* +set +getrange +del +exists +sadd +srem +srandmember +ttl +expire "
    f"resetchannels &{CHANNEL} +subscribe +publish"
)
"""As `docs/multiproc.md` has them."""


@pytest.fixture
def guarded(redis_server: RedisServer, client: Redis) -> Iterator[Callable[[str], RedisBus]]:
    """A bus for a user with these ACL rules."""
    theirs = redis_server.client(username="waffle", password=PASSWORD)

    def make(rules: str) -> RedisBus:
        words = f"reset on >{PASSWORD} {rules}".split()
        client.execute_command("ACL", "SETUSER", "waffle", *words)  # type: ignore[no-untyped-call]
        return bus_on(theirs)

    yield make
    theirs.close()


def test_the_documented_rights_are_enough(
    guarded: Callable[[str], RedisBus], client: Redis
) -> None:
    """For every command that may be needed."""
    bus = guarded(RIGHTS)
    client.sadd(INDEX, "gone")
    bus.leave(SHELF, "one", "1", PATIENCE)
    bus.leave(SHELF, "two", "2", PATIENCE)
    client.sadd(INDEX, "gone")
    bus.leave(SHELF, "two", None, 0)
    assert bus.left(SHELF) == {"one": "1"}


def test_without_rights_it_is_an_error(guarded: Callable[[str], RedisBus]) -> None:
    """It names what is lacking, shows no password, and changes nothing else."""
    bus = guarded(f"resetchannels &{CHANNEL} +subscribe +publish")
    for use in (lambda: bus.leave(SHELF, "name", "1", 1), lambda: bus.left(SHELF)):
        with pytest.raises(BusError, match="permission") as caught:
            use()
        assert PASSWORD not in str(caught.value)
    ear = listening(bus)
    assert carries(bus, ear)
    ear.close()


# --- several servers --------------------------------------------------------------------------


def left_on_all(bus: RedisBus) -> None:
    """Leave and find notes on many shelves."""
    shelves = [f"fleet:{number}" for number in range(12)]
    for shelf in shelves:
        for name in ("one", "gone", "other"):
            bus.leave(shelf, name, shelf, PATIENCE)
        bus.leave(shelf, "gone", None, 0)
    assert [bus.left(shelf) for shelf in shelves] == [
        {"one": shelf, "other": shelf} for shelf in shelves
    ]


@pytest.mark.ladder
def test_a_cluster_has_each_shelf_at_a_node(debian_redis: str, tmp_path: Path) -> None:
    """Whichever node is asked first sends on to it; a client that knows one node is told."""
    cluster = Cluster(debian_redis, tmp_path)
    client = cluster.client()
    try:
        eventually(cluster.holds_keys)
        left_on_all(bus_on(client))
        assert all(cluster.each("DBSIZE"))
        with cluster.nodes[0].client() as lone:
            bus = bus_on(lone)
            with pytest.raises(BusError, match="RedisCluster"):
                left_on_all(bus)
    finally:
        client.close()
        cluster.close()


def test_the_master_has_the_notes(debian_redis: str, tmp_path: Path) -> None:
    """The sentinels are asked where it is, also for a client of the replica."""
    sentinels = Sentinels(debian_redis, tmp_path)
    client = sentinels.client(replica=True)
    try:
        left_on_all(bus_on(client))
        with sentinels.master.client() as master:
            assert master.dbsize()
    finally:
        client.close()
        sentinels.close()
