"""Gunicorn with four workers, each with its own listener."""

import os
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Python, asked, free_port
from tests.support.redis import RedisServer
from tests.support.shop import GAP, change, waffle
from tests.support.waiting import eventually

WORKERS = 4
REACHED_WITHIN = 5.0  # 2 s is the promise; a busy machine needs patience
STOPPED_WITHIN = 8.0  # 3 s is the promise; a worker that hangs takes gunicorn's 30 s

MODES = [
    pytest.param(("--worker-class", "sync"), False, id="sync"),
    pytest.param(("--worker-class", "sync", "--preload"), True, id="sync-preload"),
    pytest.param(("--worker-class", "gthread", "--threads", "2"), False, id="gthread"),
    pytest.param(
        ("--worker-class", "gthread", "--threads", "2", "--preload"), True, id="gthread-preload"
    ),
]


class Gunicorn:
    """A running server."""

    def __init__(self, master: Python, port: int) -> None:
        self.master = master
        self.port = port

    def answers(self) -> list[dict[str, Any]]:
        return asked(self.port, "/worker")

    def all_at(self, revision: int, within: float) -> dict[int, dict[str, Any]]:
        """Ask until each worker has answered with this revision."""
        at: dict[int, dict[str, Any]] = {}

        def reached() -> bool:
            at.update({a["pid"]: a for a in self.answers() if a["revision"] == revision})
            return len(at) == WORKERS

        eventually(reached, within)
        return at

    def live(self) -> None:
        """Ask until each worker hears the bus."""
        heard: set[int] = set()

        def all_hear() -> bool:
            heard.update(a["pid"] for a in self.answers() if a["state"] == "live")
            return len(heard) == WORKERS

        eventually(all_hear)


@contextmanager
def gunicorn(
    config: dict[str, Any], options: tuple[str, ...], folder: Path, *, read_early: bool
) -> Generator[Gunicorn, None, None]:
    port = free_port()
    settings = folder / "gunicorn.conf.py"
    settings.write_text("control_socket_disable = True\n")  # it would be shared by all tests
    command = [
        *("-m", "gunicorn", "-c", str(settings), "--workers", str(WORKERS), *options),
        *("--bind", f"127.0.0.1:{port}", "tests.support.shop:create_app()"),
    ]
    variables = {f"FLASK_{key}": value for key, value in config.items()}
    if read_early:
        variables["FLASK_READ_EARLY"] = "1"
    with Python(command, folder / "gunicorn.log", variables) as master:
        yield Gunicorn(master, port)


@pytest.mark.parametrize(("options", "read_early"), MODES)
def test_a_change_made_outside_reaches_every_worker(
    config: dict[str, Any], options: tuple[str, ...], tmp_path: Path, *, read_early: bool
) -> None:
    """Every worker shows a change soon; with --preload, although the master read before forking."""
    with gunicorn(config, options, tmp_path, read_early=read_early) as server:
        server.live()
        with waffle.connect(config):
            revision = change(1)
        at = server.all_at(revision, REACHED_WITHIN)
    assert {a["gap"] for a in at.values()} == {GAP}


@pytest.mark.parametrize(("options", "read_early"), MODES)
def test_a_worker_that_was_killed_comes_back_fresh(
    config: dict[str, Any], options: tuple[str, ...], tmp_path: Path, *, read_early: bool
) -> None:
    """The first answer of the worker that replaces a killed one shows the current revision."""
    with gunicorn(config, options, tmp_path, read_early=read_early) as server:
        server.live()
        with waffle.connect(config):
            revision = change(1)
        old = server.all_at(revision, REACHED_WITHIN).keys()
        os.kill(min(old), signal.SIGKILL)
        first: list[dict[str, Any]] = []

        def answered() -> bool:
            first.extend(a for a in server.answers() if a["pid"] not in old and a["served"] == 1)
            return bool(first)

        eventually(answered)
    assert [answer["revision"] for answer in first] == [revision]


@pytest.mark.parametrize("frozen", [False, True], ids=["redis-well", "redis-frozen"])
@pytest.mark.parametrize(
    "options", [MODES[0].values[0], MODES[3].values[0]], ids=["sync", "gthread-preload"]
)
def test_stopping_takes_no_longer_because_of_us(
    config: dict[str, Any],
    options: tuple[str, ...],
    redis_server: RedisServer,
    tmp_path: Path,
    *,
    frozen: bool,
) -> None:
    """SIGTERM ends the server soon, whatever state Redis is in."""
    with gunicorn(config, options, tmp_path, read_early=True) as server:
        server.live()
        if frozen:
            redis_server.stop()
        begin = time.monotonic()
        server.master.process.terminate()
        server.master.ended()
        took = time.monotonic() - begin
        if frozen:
            redis_server.cont()
    assert took < STOPPED_WITHIN
