"""The end of the interpreter, in each way, while a listener is live."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Python
from tests.support.redis import RedisServer
from tests.support.shop import change, waffle
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

ENDED_WITHIN = 5.0
"""Alone it takes a tenth of a second; a listener that is waited for takes as long as it likes."""


def script(config: dict[str, Any], way: str, folder: Path) -> Python:
    command = ["-m", "tests.support.exits", json.dumps(config), way]
    return Python(command, folder / "exit.log")


@pytest.mark.parametrize(
    ("way", "code"), [("return", 0), ("exit", 0), ("error", 1), ("interrupt", 1)]
)
def test_the_end_is_silent_and_soon(
    config: dict[str, Any], redis_server: RedisServer, tmp_path: Path, way: str, code: int
) -> None:
    """No traceback but the application's own; settings can be read to the last; Redis is left."""
    with script(config, way, tmp_path) as process:
        process.says("live")
        ended = process.ended(ENDED_WITHIN)
        output = process.output()
    assert (ended != 0) == (code != 0), output
    assert "at exit: Waffle" in output
    own = {"error": "ZeroDivisionError", "interrupt": "KeyboardInterrupt"}.get(way)
    assert output.count("Traceback") == (1 if own else 0), output
    eventually(lambda: redis_server.subscribers() == 0)


def test_a_setting_is_read_for_the_first_time_at_the_end(
    config: dict[str, Any], tmp_path: Path
) -> None:
    """Nothing is begun that the interpreter forbids then."""
    with script(config, "unused", tmp_path) as process:
        assert process.ended() == 0
        output = process.output()
    assert "at exit: Waffle" in output
    assert "Traceback" not in output


def test_a_listener_that_hangs_does_not_hold_up_the_end(
    config: dict[str, Any], tmp_path: Path
) -> None:
    """Nobody waits for a callback that never returns."""
    with script(config, "hang", tmp_path) as process:
        process.says("live")
        with waffle.connect(config):
            change(1)
        began = time.monotonic()
        process.tell()
        assert process.ended() == 0
        assert time.monotonic() - began < ENDED_WITHIN


@pytest.mark.parametrize("frozen", [False, True], ids=["redis-well", "redis-frozen"])
def test_no_thread_is_left_to_the_end(
    config: dict[str, Any], redis_server: RedisServer, tmp_path: Path, *, frozen: bool
) -> None:
    """The end does not wait for Redis either."""
    with script(config, "hang", tmp_path) as process:
        process.says("live")
        if frozen:
            redis_server.stop()
        began = time.monotonic()
        process.tell()
        assert process.ended() == 0
        assert time.monotonic() - began < ENDED_WITHIN
        redis_server.cont()
