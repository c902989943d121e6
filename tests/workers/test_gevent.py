"""Processes under gevent: the listener is a greenlet, and nothing holds the others up."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.support.databases import Database
from tests.support.processes import Python
from tests.support.redis import RedisServer
from tests.support.shop import change, waffle
from typed_waffle import ConfigurationError

ORDERS = ["early", "late"]

LAST_WORDS = "Exception ignored in: <function _removeHandlerRef.*?being finalized\n"

BURST = 100
"""How many changes the script waits for."""


@contextmanager
def greenlets(order: str, keys: dict[str, Any], doing: str, folder: Path) -> Iterator[Python]:
    command = ["-W", "ignore", "-m", "tests.support.greenlets", order, json.dumps(keys), doing]
    with Python(command, folder / "greenlets.log") as script:
        yield script


def last(script: Python) -> dict[str, Any]:
    """What it told in the end."""
    code = script.ended()
    output = said(script)
    assert code == 0, output
    assert "Traceback" not in output
    facts: dict[str, Any] = json.loads(output.splitlines()[-1])
    return facts


def said(script: Python) -> str:
    """What it printed, but for what old versions of gevent say when an interpreter ends."""
    return re.sub(LAST_WORDS, "", script.output(), flags=re.DOTALL)


@pytest.mark.parametrize("order", ORDERS)
def test_a_change_is_pushed_to_a_greenlet(
    config: dict[str, Any], order: str, tmp_path: Path
) -> None:
    """`auto` listens under the monkey patch; polls are too rare to help."""
    keys = {**config, "WAFFLE_POLL_INTERVAL": 3600}
    with greenlets(order, keys, "follow", tmp_path) as script:
        script.says("ready")
        with waffle.connect(config):
            change(1)
        assert last(script) == {"revision": 1}


@pytest.mark.parametrize("order", ORDERS)
def test_no_driver_holds_up_other_greenlets(
    database: Database, redis_server: RedisServer, order: str, tmp_path: Path
) -> None:
    """While a write waits for the database's lock, other greenlets go on."""
    keys = {
        "WAFFLE_DATABASE_URL": database.url,
        "WAFFLE_REDIS_URL": redis_server.url,
        "WAFFLE_POLL_INTERVAL": 3600,
    }
    with waffle.connect(keys):
        waffle.update(name="made")
    engine = create_engine(database.url, poolclass=NullPool)
    with greenlets(order, keys, "give_way", tmp_path) as script:
        with engine.begin() as connection:
            connection.execute(text("UPDATE waffle_head SET revision = revision"))
            output = script.says("ticked")
            assert '"written": false' in output
        assert last(script) == {"revision": 2}


def test_a_write_that_was_given_up_is_not_made_later(
    config: dict[str, Any], tmp_path: Path
) -> None:
    """A timeout of the application's own ends it, though a thread goes on waiting for the lock."""
    with waffle.connect(config):
        waffle.update(name="made")
    engine = create_engine(config["WAFFLE_DATABASE_URL"], poolclass=NullPool)
    with greenlets("early", config, "give_up", tmp_path) as script:
        with engine.begin() as connection:
            connection.execute(text("UPDATE waffle_head SET revision = revision"))
            script.says("left")
        assert last(script) == {"revision": 2, "low": 1}


@pytest.mark.parametrize("order", ORDERS)
def test_a_forked_copy_takes_no_message_of_its_parent(
    config: dict[str, Any], order: str, tmp_path: Path
) -> None:
    """gevent copies the listener into a child: it ends there, and each has its own."""
    keys = {**config, "WAFFLE_POLL_INTERVAL": 3600, "WAFFLE_FALLBACK_POLL_INTERVAL": 3600}
    with greenlets(order, keys, "fork", tmp_path) as script:
        script.says("ready")
        with waffle.connect(config):
            for number in range(1, BURST + 1):
                change(number)
        told = last(script)
    assert (told["code"], told["state"]) == (0, "live")


def test_a_timeout_that_a_callback_lets_out_ends_no_listener(
    config: dict[str, Any], tmp_path: Path
) -> None:
    """It goes on hearing changes."""
    keys = {**config, "WAFFLE_POLL_INTERVAL": 3600}
    with greenlets("early", keys, "let_out", tmp_path) as script, waffle.connect(config):
        script.says("ready")
        change(1)
        script.says("late")
        change(2)
        assert '"revision": 2' in script.says("revision")
        assert script.ended() == 0


def test_a_listener_can_be_killed(config: dict[str, Any], tmp_path: Path) -> None:
    """And it keeps no Ctrl-C from the process."""
    with greenlets("early", config, "end", tmp_path) as script:
        assert last(script) == {"interrupted": [False, True]}


def test_starting_programs_makes_no_connection(config: dict[str, Any], tmp_path: Path) -> None:
    """Python's hooks run in each of thirty, between fork and exec."""
    with greenlets("early", config, "run_others", tmp_path) as script:
        told = last(script)
    assert told["state"] == "live"
    assert told["connections"] < 10  # the worker's own, which speaks to the fleet now and then


def test_threads_that_are_greenlets_beside_sockets_that_block(
    config: dict[str, Any], tmp_path: Path
) -> None:
    """No listener runs there, since it would hold everybody up; changes come by looking."""
    with greenlets("threads", config, "follow_inline", tmp_path) as script:
        output = script.says("ready")
        assert output.count("ERROR no listener can run here") == 1
        assert "monkey.patch_all()" in output
        with waffle.connect(config):
            change(1)
        assert last(script) == {"revision": 1}


def test_gevent_without_its_patch_is_refused(config: dict[str, Any]) -> None:
    """The error says how to turn it on."""
    keys = {**config, "WAFFLE_LISTENER": "gevent"}
    refused = pytest.raises(ConfigurationError, match=r"gevent\.monkey\.patch_all\(\)")
    with refused, waffle.connect(keys):
        pass


def test_a_forked_copy_of_an_errand_ends_in_silence(tmp_path: Path) -> None:
    """What a greenlet was about when the process forked is of no concern to the child."""
    script = tmp_path / "errand.py"
    script.write_text(
        "import os, time\n"
        "from typed_waffle.errand import Errand\n"
        "errand = Errand('test', lambda: time.sleep(0.1), others=True)\n"
        "time.sleep(0.01)\n"
        "child = os.fork()\n"
        "time.sleep(0.3)\n"
        "if child:\n"
        "    os.waitpid(child, 0)\n"
        "    print('over', errand.done)\n"
    )
    with Python(["-m", "gevent.monkey", str(script)], tmp_path / "errand.log") as process:
        assert process.ended() == 0
        assert said(process) == "over True\n"
