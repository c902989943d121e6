"""Beginning and ending, with a real Redis."""

import gc
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from redis import Redis

from tests.support.processes import ROOT, Python, imports_from
from tests.support.redis import RedisServer
from tests.support.shop import Limits
from tests.support.waiting import eventually
from typed_waffle import Waffle

CYCLES = 50


@pytest.fixture
def app(config: dict[str, Any]) -> Flask:
    app = Flask(__name__)
    app.config.update(config)
    return app


@pytest.fixture
def waffle(app: Flask) -> Iterator[Waffle[Limits]]:
    waffle = Waffle(Limits)
    waffle.init_app(app)
    yield waffle
    waffle.close()


def open_files() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def test_many_lives_leave_no_thread_and_no_file(config: dict[str, Any]) -> None:
    """Fifty applications that were used and closed leave as many threads and files as before."""

    def live() -> None:
        app = Flask(__name__)
        app.config.update(config)
        waffle = Waffle(Limits)
        waffle.init_app(app)
        with app.app_context():
            waffle.update(name=f"was {waffle.snapshot().revision}")
        waffle.close()

    live()
    threads, files = threading.active_count(), open_files()
    for _ in range(CYCLES):
        live()
    assert (threading.active_count(), open_files()) == (threads, files)


def test_a_waffle_that_was_closed_hears_again(
    waffle: Waffle[Limits], config: dict[str, Any]
) -> None:
    """After `close` and `start` changes are pushed to the worker as before."""
    waffle.start()
    waffle.close()
    waffle.start()
    eventually(lambda: waffle.status().state == "live")
    with Waffle(Limits).connect(config) as other:
        other.update(name="pushed")
    assert eventually(lambda: waffle.current_settings.name == "pushed") < 5


def test_a_client_that_is_given_is_used_and_stays_open(
    config: dict[str, Any], redis_server: RedisServer
) -> None:
    """A Redis client turns the bus on without any key, and outlives the Waffle."""
    del config["WAFFLE_REDIS_URL"]
    client = Redis(port=redis_server.port)
    app = Flask(__name__)
    app.config.update(config)
    waffle = Waffle(Limits)
    waffle.init_app(app, redis=client)
    waffle.start()
    eventually(lambda: waffle.status().state == "live")
    waffle.close()
    assert client.ping()
    client.close()


def test_host_and_port_find_redis(config: dict[str, Any], redis_server: RedisServer) -> None:
    """With `WAFFLE_MULTIPROC` the ancestor's keys say where Redis is."""
    del config["WAFFLE_REDIS_URL"]
    config |= {"WAFFLE_MULTIPROC": True, "WAFFLE_REDIS_PORT": redis_server.port}
    with Waffle(Limits).connect(config) as waffle:
        eventually(lambda: waffle.status().state == "live")


def test_workers_of_two_channels_do_not_hear_each_other(config: dict[str, Any]) -> None:
    """`WAFFLE_REDIS_CHANNEL` keeps fleets apart: a change of another one is found by polling."""
    other_fleet = {**config, "WAFFLE_REDIS_CHANNEL": "other"}
    with (
        Waffle(Limits).connect(config) as waffle,
        Waffle(Limits).connect(other_fleet) as other,
    ):
        eventually(lambda: waffle.status().state == other.status().state == "live")
        other.update(name="unheard")
        other.update(name="still unheard")
        assert waffle.snapshot().revision == 0
        waffle.refresh()
        assert waffle.current_settings.name == "still unheard"


def test_the_listener_imports_nothing(config: dict[str, Any], tmp_path: Path) -> None:
    """No thread of ours imports a module: a fork meanwhile would leave the module locked."""
    script = tmp_path / "imports.py"
    script.write_text(IMPORTS)
    with Python(
        [str(script), json.dumps(config)], tmp_path / "imports.log", imports_from(ROOT)
    ) as run:
        assert run.ended() == 0, run.output()
        assert "imported: []\n" in run.output()


IMPORTS = """\
import json, sys, threading
imported = []

def heed(event, details):
    if event == "import" and threading.current_thread().name.startswith("typed-waffle"):
        imported.append(details[0])

sys.addaudithook(heed)
from tests.support.shop import change, waffle
from tests.support.waiting import eventually
told = json.loads(sys.argv[1])
with waffle.connect(told):
    eventually(lambda: waffle.status().state == "live")
    with type(waffle)(waffle.model).connect(told) as other:
        other.update(name="pushed")
    eventually(lambda: waffle.current_settings.name == "pushed")
print("imported:", imported)
"""
