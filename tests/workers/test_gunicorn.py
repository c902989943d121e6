"""Gunicorn with four workers of each kind, forked before or after the application was made."""

import signal
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.support.matrix import RecycleContract, ServerContract, StopContract
from tests.support.processes import alive, posted
from tests.support.servers import STOPPED_WITHIN, gunicorn, patched_gunicorn
from tests.support.shop import waffle
from tests.support.site import Mode, opened
from tests.support.waiting import allowed, eventually

pytestmark = pytest.mark.slow

SYNC = ("--worker-class", "sync")
GTHREAD = ("--worker-class", "gthread", "--threads", "2")
GEVENT = ("--worker-class", "gevent")


def preloaded(*options: str) -> Mode:
    """The master reads a setting, and listens, before it forks."""
    return Mode(gunicorn, (*options, "--preload"), early=True, masters=1)


PATCHED = Mode(patched_gunicorn, (*GEVENT, "--preload"), early=True, masters=1)

MODES = [
    pytest.param(Mode(gunicorn, SYNC), id="sync"),
    pytest.param(preloaded(*SYNC), id="sync-preload"),
    pytest.param(Mode(gunicorn, GTHREAD), id="gthread"),
    pytest.param(preloaded(*GTHREAD), id="gthread-preload"),
    pytest.param(Mode(gunicorn, GEVENT), id="gevent"),
    pytest.param(preloaded(*GEVENT), id="gevent-preload"),
    pytest.param(PATCHED, id="gevent-preload-patched"),
]


@pytest.mark.parametrize("site", MODES, indirect=True)
class TestGunicorn(ServerContract):
    """Each mode does all that a server must."""


@pytest.mark.parametrize(
    "mode",
    [
        pytest.param(preloaded(*SYNC), id="sync-preload"),
        pytest.param(PATCHED, id="gevent-preload-patched"),
    ],
)
class TestRecycling(RecycleContract):
    """Workers of a few requests each."""


@pytest.mark.parametrize(
    ("mode", "number"),
    [
        pytest.param(Mode(gunicorn, SYNC), signal.SIGTERM, id="sync-term"),
        pytest.param(preloaded(*SYNC), signal.SIGINT, id="sync-preload-int"),
        pytest.param(preloaded(*GTHREAD), signal.SIGTERM, id="gthread-preload-term"),
        pytest.param(Mode(gunicorn, SYNC), signal.SIGQUIT, id="sync-quit"),
        pytest.param(Mode(gunicorn, GEVENT), signal.SIGTERM, id="gevent-term"),
        pytest.param(PATCHED, signal.SIGQUIT, id="gevent-preload-patched-quit"),
    ],
)
class TestStopping(StopContract):
    """Each kind of worker, and each signal that ends gunicorn."""


def saved(port: int, name: str) -> dict[str, int]:
    """Save a name; the revision that was answered, if one was."""
    try:
        return {name: posted(port, f"/rename/{name}")["revision"]}
    except (OSError, HTTPException):
        return {}


def test_a_master_that_only_forks_listens_to_nothing(tmp_path: Path) -> None:
    """With --preload and no setting read, there is one subscriber for each worker and no more."""
    mode = Mode(gunicorn, (*SYNC, "--preload"))
    with opened(mode, tmp_path, size=2) as site:
        eventually(lambda: site.redis.subscribers("waffleconf") == 2)


def test_a_reload_loses_and_doubles_no_change(tmp_path: Path) -> None:
    """Whatever a worker answered before it was replaced is stored, once."""
    mode = Mode(gunicorn, (*SYNC, "--preload"))
    with opened(mode, tmp_path, size=2) as site, ThreadPoolExecutor(2) as pool:
        names = [f"name-{number}" for number in range(40)]
        saves = [pool.submit(saved, site.server.port, name) for name in names]
        for done in saves[5::10]:
            done.result()
            site.server.tell(signal.SIGHUP)
        told = {name: revision for save in saves for name, revision in save.result().items()}
        with waffle.connect(site.keys):
            stored = [(str(c.fields[0].after), c.revision) for c in waffle.history(limit=100)]
    assert len(told) > len(names) / 2
    assert len(stored) == len({name for name, _ in stored})
    assert told.items() <= dict(stored).items()


def test_workers_outlive_no_master(tmp_path: Path) -> None:
    """When the master is killed, its workers end as gunicorn has them end."""
    with opened(Mode(gunicorn, (*SYNC, "--timeout", "6")), tmp_path, size=2) as site:
        workers = site.server.workers()
        site.server.tell(signal.SIGKILL)
        site.server.master.ended()
        eventually(lambda: not any(alive(pid) for pid in workers), allowed(STOPPED_WITHIN))
        eventually(lambda: site.redis.subscribers("waffleconf") == 0)
