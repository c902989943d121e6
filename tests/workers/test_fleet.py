"""Whole fleets: who is seen, who has applied a change, and what it costs when Redis is bad."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field, SecretStr
from redis import Redis

from tests.support.crew import SHORT
from tests.support.live import connected
from tests.support.processes import Python, asked, children, free_port, listens
from tests.support.redis import RedisServer
from tests.support.shop import Limits
from tests.support.waiting import eventually
from typed_waffle import BusUnavailable, Waffle, WaffleModel, WorkerInfo, roster

SOON = 2.0
"""What happens at once may take this long on a busy machine."""

USUAL = {"lasts": roster.LASTS, "every": roster.EVERY}
SECRET = "canary-4711"

Start = Callable[..., Python]


@pytest.fixture
def stack(redis_server: RedisServer) -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def waffle(stack: ExitStack, config: dict[str, Any]) -> Waffle[Limits]:
    """The worker that asks."""
    return connected(stack, config)


@pytest.fixture
def start(stack: ExitStack, config: dict[str, Any], tmp_path: Path) -> Start:
    """Start another worker, in a process."""

    def begin(*, strict: bool = False, **times: object) -> Python:
        told = {"config": config, "strict": strict, **USUAL, **times}
        command = ["-m", "tests.support.crew", json.dumps(told)]
        log = tmp_path / f"crew{len(list(tmp_path.glob('crew*')))}.log"
        return stack.enter_context(Python(command, log))

    return begin


def seen(waffle: Waffle[Limits], *processes: Python) -> bool:
    """Whether each of these is in the fleet."""
    return {process.pid for process in processes} <= {w.pid for w in waffle.workers()}


def of(workers: tuple[WorkerInfo, ...], process: Python) -> WorkerInfo:
    return next(worker for worker in workers if worker.pid == process.pid)


# --- who is there -----------------------------------------------------------------------------


def test_who_applied_a_change_and_who_refused(waffle: Waffle[Limits], start: Start) -> None:
    """An older, stricter worker is named with the reason, and keeps its last good snapshot."""
    strict, other = start(strict=True), start()
    for process in (strict, other):
        process.says("ready")
    eventually(lambda: seen(waffle, strict, other))
    fits = waffle.update(name="Fits")
    assert fits is not None
    report = waffle.wait_applied(fits.revision, 10)
    assert (len(report.applied), report.rejected, report.pending) == (3, (), ())

    change = waffle.update(name="x" * (SHORT + 1))
    assert change is not None
    began = time.monotonic()
    report = waffle.wait_applied(change.revision, 10)
    assert time.monotonic() - began < SOON
    assert report.pending == ()
    assert len(report.applied) == 2
    [refused] = report.rejected
    assert refused.pid == strict.pid
    assert (refused.revision, refused.rejected_revision) == (fits.revision, change.revision)
    assert refused.state == "rejected"
    assert "name" in str(refused.reason)
    strict.tell()
    strict.says("Fits")

    workers = waffle.workers()
    models = {worker.pid: worker.model for worker in workers}
    mine = next(worker for worker in workers if worker.pid not in {strict.pid, other.pid})
    assert models[strict.pid] != models[other.pid] == mine.model
    assert of(workers, other).server == "crew.py"
    assert {worker.host for worker in workers} == {socket.gethostname()}

    mended = waffle.update(name="Mended")
    assert mended is not None
    assert len(waffle.wait_applied(mended.revision, 10).applied) == 3


@pytest.mark.slow
def test_a_killed_worker_is_gone_when_its_record_is(waffle: Waffle[Limits], start: Start) -> None:
    """It is pending until then, and no longer."""
    lasts = 1.0
    victim = start(lasts=lasts, every=[0.2, 0.3])
    victim.says("ready")
    eventually(lambda: seen(waffle, victim))
    victim.process.kill()
    victim.ended()
    change = waffle.update(name="unheard")
    assert change is not None
    assert [w.pid for w in waffle.wait_applied(change.revision, 0).pending] == [victim.pid]
    began = time.monotonic()
    report = waffle.wait_applied(change.revision, 10)
    assert time.monotonic() - began < lasts + SOON
    assert (len(report.applied), report.pending) == (1, ())


def test_a_worker_that_ends_is_gone_at_once(waffle: Waffle[Limits], start: Start) -> None:
    """Nobody has to close anything: the end of the interpreter is enough."""
    ends = start()
    ends.says("ready")
    eventually(lambda: seen(waffle, ends))
    assert ends.process.stdin is not None
    ends.process.stdin.close()
    assert ends.ended() == 0
    assert not seen(waffle, ends)


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["plain", "preload"])
def test_a_server_s_workers_come_and_go(
    waffle: Waffle[Limits], config: dict[str, Any], tmp_path: Path, options: tuple[str, ...]
) -> None:
    """A worker is seen from its first request on; a graceful stop takes all of them away."""
    port = free_port()
    settings = tmp_path / "gunicorn.conf.py"
    settings.write_text("control_socket_disable = True\n")
    command = [
        *("-m", "gunicorn", "-c", str(settings), "--workers", "2", *options),
        *("--bind", f"127.0.0.1:{port}", "tests.support.shop:create_app()"),
    ]
    variables = {f"FLASK_{key}": str(value) for key, value in config.items()}
    with Python(command, tmp_path / "gunicorn.log", variables) as master:
        eventually(lambda: listens(port))

        def all_seen() -> bool:
            asked(port, "/worker")
            return len(waffle.workers()) == 3

        eventually(all_seen)
        served = [w for w in waffle.workers() if w.server == "gunicorn"]
        assert {w.pid for w in served} == children(master.pid)
        change = waffle.update(name="everywhere")
        assert change is not None
        assert len(waffle.wait_applied(change.revision, 10).applied) == 3
        master.process.terminate()
        assert master.ended() == 0
        assert len(waffle.workers()) == 1


def test_a_worker_that_is_closed_is_gone_at_once(
    waffle: Waffle[Limits], config: dict[str, Any]
) -> None:
    """And back when it begins anew."""
    with ExitStack() as stack:
        other = connected(stack, config)
        eventually(lambda: len(waffle.workers()) == 2)
        other.close()
        assert len(waffle.workers()) == 1
        other.start()
        eventually(lambda: len(waffle.workers()) == 2)
    assert len(waffle.workers()) == 1


def test_a_worker_without_a_listener_is_seen_while_it_works(
    waffle: Waffle[Limits], config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reports with its looks, and takes its record away when it is closed."""
    keys = {**config, "WAFFLE_LISTENER": "inline", "WAFFLE_FALLBACK_POLL_INTERVAL": 0.1}
    inline = Waffle(Limits)
    with inline.connect(keys):
        inline.start()
        change = waffle.update(name="found")
        assert change is not None
        assert len(inline.wait_applied(change.revision, 10).applied) >= 1
        eventually(lambda: len(waffle.workers()) == 2)
        assert len(waffle.wait_applied(change.revision, 10).applied) == 2
    assert len(waffle.workers()) == 1


def test_without_redis_the_fleet_is_this_worker(tmp_path: Path) -> None:
    """It can be asked all the same."""
    lone = Waffle(Limits)
    with lone.connect({"WAFFLE_DATABASE_URL": f"sqlite:///{tmp_path / 'waffle.db'}"}):
        change = lone.update(name="alone")
        assert change is not None
        [me] = lone.workers()
        assert (me.revision, me.state) == (change.revision, "live")
        assert lone.wait_applied(change.revision, 0).applied == (me,)


def test_namespaces_are_fleets_of_their_own(
    stack: ExitStack, waffle: Waffle[Limits], config: dict[str, Any]
) -> None:
    """On one Redis and one channel."""
    other = connected(stack, config, namespace="other")
    eventually(lambda: other.workers()[0].state == "live")
    assert len(waffle.workers()) == len(other.workers()) == 1


# --- what it costs ----------------------------------------------------------------------------


def test_an_idle_worker_writes_once(waffle: Waffle[Limits], redis_server: RedisServer) -> None:
    """And then every ten seconds or so."""
    with redis_server.client() as client:
        eventually(lambda: client.dbsize() == 4)  # its record, a copy of the settings, two indexes
        eventually(lambda: record(client)["state"] == "live")
        client.config_resetstat()
        time.sleep(1.5)
        assert "cmdstat_set" not in client.info("commandstats")


def record(client: Redis) -> dict[str, Any]:
    """The only one there is."""
    [key] = client.keys("waffleconf:{fleet:default}:*")
    text = client.get(key)
    assert isinstance(text, bytes)
    found: dict[str, Any] = json.loads(text.partition(b".")[2])
    return found


@pytest.mark.slow
def test_a_frozen_redis_slows_nobody(
    waffle: Waffle[Limits], redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reports that hang hold no read and no write; whoever asks is told; then all is well."""
    monkeypatch.setattr(roster, "EVERY", (0.05, 0.06))
    monkeypatch.setattr(roster, "GAP", 0.05)
    waffle.update(name="before")
    eventually(lambda: len(waffle.workers()) == 1)
    redis_server.stop()
    try:
        began = time.monotonic()
        while time.monotonic() - began < 1.5:
            asked = time.monotonic()
            assert waffle.current_settings.name == "before"
            assert time.monotonic() - asked < 0.2
        began = time.monotonic()
        with pytest.raises(BusUnavailable, match="WAFFLE_REDIS_URL"):
            waffle.workers()
        waffle.update(name="after")
        assert time.monotonic() - began < 2 * SOON
    finally:
        redis_server.cont()
    revision = waffle.snapshot().revision
    assert len(waffle.wait_applied(revision, 10).applied) == 1


def test_a_redis_that_forgot_is_told_again(
    waffle: Waffle[Limits], start: Start, redis_server: RedisServer
) -> None:
    """As soon as the workers are connected again, not at their next turn."""
    other = start()
    other.says("ready")
    eventually(lambda: seen(waffle, other))
    redis_server.restart()
    took = eventually(lambda: waffle.status().state == "live" and sees(waffle, other))
    assert took < roster.EVERY[0] - 2


def sees(waffle: Waffle[Limits], process: Python) -> bool:
    try:
        return seen(waffle, process)
    except BusUnavailable:
        return False


def test_without_rights_all_else_goes_on(
    stack: ExitStack,
    config: dict[str, Any],
    redis_server: RedisServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Changes are pushed; who asks for the fleet is told what is lacking; it is logged once."""
    rights = f"on >{SECRET} resetchannels &waffleconf +subscribe +publish"
    with redis_server.client() as client:
        client.execute_command("ACL", "SETUSER", "waffle", *rights.split())
    url = redis_server.url.replace("//", f"//waffle:{SECRET}@")
    keys = {**config, "WAFFLE_REDIS_URL": url, "WAFFLE_POLL_INTERVAL": 3600}
    writer, reader = connected(stack, keys), connected(stack, keys)
    change = writer.update(name="pushed")
    assert change is not None
    assert eventually(lambda: reader.snapshot().revision == change.revision) < SOON
    for ask in (writer.workers, lambda: writer.wait_applied(change.revision, 0.1)):
        with pytest.raises(BusUnavailable, match="permission") as caught:
            ask()
        assert SECRET not in str(caught.value)
    eventually(lambda: caplog.text.count("the fleet does not see this worker") == 2)
    assert reader.status().state == "live"


class Loose(WaffleModel):
    token: SecretStr = SecretStr("")


class Tight(WaffleModel):
    token: Annotated[SecretStr, Field(max_length=3)] = SecretStr("")


def test_no_secret_is_in_a_record(config: dict[str, Any], redis_server: RedisServer) -> None:
    """Not when it is refused either."""
    loose, tight = Waffle(Loose), Waffle(Tight)
    with loose.connect(config), tight.connect(config):
        loose.start()
        tight.start()
        eventually(lambda: len(loose.workers()) == 2)
        change = loose.update(token=SECRET)  # type: ignore[waffle-value] # as a form gives it
        assert change is not None
        report = loose.wait_applied(change.revision, 10)
        assert "token" in str(report.rejected[0].reason)
        with redis_server.client() as client:
            for key in client.keys("*:{fleet:default}:*"):
                assert SECRET.encode() not in client.get(key)
        assert SECRET not in repr(report)
