"""Gunicorn with four workers of each kind, forked before or after the application was made."""

import signal

import pytest

from tests.support.matrix import RecycleContract, ServerContract, StopContract
from tests.support.servers import gunicorn, patched_gunicorn
from tests.support.site import Mode, opened
from tests.support.waiting import eventually

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


def test_a_master_that_only_forks_listens_to_nothing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """With --preload and no setting read, there is one subscriber for each worker and no more."""
    mode = Mode(gunicorn, (*SYNC, "--preload"))
    with opened(mode, tmp_path_factory.mktemp("site"), size=2) as site:
        eventually(lambda: site.redis.subscribers("waffleconf") == 2)
