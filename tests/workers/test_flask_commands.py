"""The `flask` command: a server that lives long, and commands that do not."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Python, free_port, get, listens
from tests.support.redis import RedisServer
from tests.support.servers import STOPPED_WITHIN, flask_run, variables
from tests.support.shop import change, waffle
from tests.support.waiting import allowed, eventually

FLASK = ("-m", "flask", "--app", "tests.support.shop:create_app")


def rename(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Run the application's own command; what it told."""
    with Python([*FLASK, "rename", "Cone"], folder / "rename.log", variables(config)) as command:
        assert command.ended() == 0, command.output()
        told: dict[str, Any] = json.loads(command.output().splitlines()[-1])
        return told


def test_flask_run_serves_and_follows_changes(config: dict[str, Any], tmp_path: Path) -> None:
    """`flask run` shows a change that was made elsewhere, pushed to it."""
    port = free_port()
    command = [*FLASK, "run", "--port", str(port), "--no-reload"]
    keys = {**config, "WAFFLE_POLL_INTERVAL": 3600}
    with Python(command, tmp_path / "run.log", variables(keys)):
        eventually(lambda: listens(port))
        assert get(port, "/worker")["revision"] == 0
        eventually(lambda: get(port, "/worker")["state"] == "live")
        with waffle.connect(config):
            change(1)
        assert eventually(lambda: get(port, "/worker")["revision"] == 1) < 5


@pytest.mark.slow
def test_the_reloader_s_monitor_listens_to_nothing(
    config: dict[str, Any], redis_server: RedisServer, tmp_path: Path
) -> None:
    """`flask run --debug` has one subscriber, after the first request; so has what replaces it."""
    watched = tmp_path / "watched.txt"
    watched.touch()
    keys = {**config, "WAFFLE_POLL_INTERVAL": 3600}
    with flask_run(keys, tmp_path, ("--debug", "--extra-files", str(watched))) as server:
        eventually(lambda: listens(server.port))
        assert redis_server.subscribers() == 0
        server.live()
        assert redis_server.subscribers() == 1
        with waffle.connect(config):
            revision = change(1)
        server.all_at(revision)
        replaced = server.workers()
        watched.write_text("changed")
        assert [answer["revision"] for answer in server.firsts(replaced)] == [revision]
        server.live()
        eventually(lambda: redis_server.subscribers() == 1)
        assert server.stop() < allowed(STOPPED_WITHIN)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_frozen_redis_holds_up_no_end_of_flask_run(
    config: dict[str, Any], redis_server: RedisServer, number: signal.Signals, tmp_path: Path
) -> None:
    """`flask run` ends soon, though Redis answers nothing."""
    with flask_run(config, tmp_path, ("--no-reload",)) as server:
        eventually(lambda: any(answer["state"] == "live" for answer in server.answers()))
        redis_server.stop()
        assert server.stop(number) < allowed(STOPPED_WITHIN)
        assert "Traceback" not in server.master.output()


def test_a_short_command_starts_no_listener(config: dict[str, Any], tmp_path: Path) -> None:
    """A command reads and writes with no thread but its own."""
    told = rename(config, tmp_path)
    assert (told["names"], told["threads"]) == (["Waffle", "Cone"], ["MainThread"])


@pytest.mark.parametrize("harm", [RedisServer.kill, RedisServer.stop], ids=["down", "frozen"])
def test_a_short_command_needs_no_redis(
    config: dict[str, Any],
    redis_server: RedisServer,
    harm: Callable[[RedisServer], None],
    tmp_path: Path,
) -> None:
    """Without an answering Redis a command makes its change, starts no thread, and exits soon."""
    harm(redis_server)
    told = rename(config, tmp_path)
    assert (told["names"], told["threads"]) == (["Waffle", "Cone"], ["MainThread"])
    assert told["seconds"] < 5
