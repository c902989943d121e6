"""uWSGI with four workers: the newest, and one from before threads were on by default."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.matrix import RecycleContract, ServerContract, StopContract
from tests.support.servers import STOPPED_WITHIN, old_uwsgi, uwsgi
from tests.support.shop import waffle
from tests.support.site import Mode, opened
from tests.support.waiting import allowed, eventually

pytestmark = pytest.mark.slow

THREADS = "--enable-threads"
LAZY = "--lazy-apps"
GEVENT = ("--gevent", "10")
PATCH = "--gevent-monkey-patch"

SHORT_LIVED = ("--min-worker-lifetime", "1")  # or it keeps each worker for ten seconds

PREFORK = Mode(uwsgi, early=True)
PATCHED = Mode(uwsgi, (*GEVENT, PATCH), early=True)
OLD = Mode(old_uwsgi, early=True, listens=False)

MODES = [
    pytest.param(PREFORK, id="prefork"),
    pytest.param(Mode(uwsgi, (THREADS,), early=True), id="prefork-threads"),
    pytest.param(Mode(uwsgi, (LAZY,)), id="lazy"),
    pytest.param(Mode(uwsgi, (LAZY, THREADS)), id="lazy-threads"),
    pytest.param(Mode(uwsgi, ("--py-call-uwsgi-fork-hooks",), early=True), id="fork-hooks"),
    pytest.param(Mode(uwsgi, GEVENT, early=True), id="gevent"),
    pytest.param(PATCHED, id="gevent-patched"),
    pytest.param(OLD, id="old"),
    pytest.param(Mode(old_uwsgi, (THREADS,), early=True), id="old-threads"),
    pytest.param(Mode(old_uwsgi, (LAZY, THREADS)), id="old-lazy-threads"),
]


@pytest.mark.parametrize("site", MODES, indirect=True)
class TestUwsgi(ServerContract):
    """Each mode does all that a server must."""


@pytest.mark.parametrize(
    "mode",
    [
        pytest.param(replace(PREFORK, options=SHORT_LIVED), id="prefork"),
        pytest.param(
            replace(PATCHED, options=(*PATCHED.options, *SHORT_LIVED)), id="gevent-patched"
        ),
        pytest.param(replace(OLD, options=SHORT_LIVED), id="old"),
    ],
)
class TestRecycling(RecycleContract):
    """Workers of a few requests each."""


@pytest.mark.parametrize(
    ("mode", "number"),
    [
        pytest.param(PREFORK, signal.SIGTERM, id="prefork-term"),
        pytest.param(PREFORK, signal.SIGINT, id="prefork-int"),
        pytest.param(PATCHED, signal.SIGTERM, id="gevent-patched-term"),
        pytest.param(OLD, signal.SIGTERM, id="old-term"),
    ],
)
class TestStopping(StopContract):
    """With and without gevent, and each signal that ends uWSGI; SIGQUIT reloads it."""


def test_a_frozen_redis_holds_up_no_reload(tmp_path: Path) -> None:
    """A reload takes no longer, and its workers are fresh, though Redis answers nothing."""
    with opened(PREFORK, tmp_path, size=1) as site:
        revision = site.change()
        site.server.all_at(revision)
        site.redis.stop()
        began, replaced = time.monotonic(), site.server.workers()
        site.server.tell(signal.SIGHUP)
        assert [answer["revision"] for answer in site.server.firsts(replaced)] == [revision]
        assert time.monotonic() - began < allowed(STOPPED_WITHIN)


def test_without_threads_it_says_so_once(tmp_path: Path) -> None:
    """An old uWSGI without threads is told from one with them: each worker warns, once."""
    with opened(OLD, tmp_path, size=2) as site:
        site.server.all_at(site.change())
        log = site.server.master.output()
    assert log.count("start it with --enable-threads") == 2


@pytest.mark.parametrize("mode", [PREFORK, PATCHED], ids=["prefork", "gevent-patched"])
def test_workers_that_end_leave_the_fleet(mode: Mode, tmp_path: Path) -> None:
    """Their records do not wait to expire; under gevent uWSGI takes a way of its own to the end."""
    with opened(mode, tmp_path, size=2) as site, waffle.connect(site.keys):
        eventually(lambda: {w.pid for w in waffle.workers()} >= site.server.workers())
        site.server.stop()
        eventually(
            lambda: [w.pid for w in waffle.workers()] == [os.getpid()], allowed(STOPPED_WITHIN)
        )
