"""What holds with every server, however it is started: the tests, to be given modes."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.support.servers import STOPPED_WITHIN
from tests.support.shop import GAP
from tests.support.site import Mode, Site, opened
from tests.support.waiting import allowed, eventually

__all__ = ["RecycleContract", "ServerContract", "StopContract"]

CHANNEL = "waffleconf"


class ServerContract:
    """Give a subclass a `site` for each mode. The tests run in order on one started server."""

    def test_a_change_made_outside_reaches_every_worker(self, site: Site) -> None:
        """Every worker shows a change soon, and whole, although the master may have read before."""
        site.server.live()
        revision = site.change()
        answers = site.server.all_at(revision)
        assert {(a["gap"], a["state"]) for a in answers} == {(GAP, "live")}

    def test_each_worker_listens_once_and_a_master_that_only_forks_does_not(
        self, site: Site
    ) -> None:
        """There are as many subscribers as workers."""
        site.server.live()
        listeners = site.server.size + site.mode.masters if site.mode.listens else 0
        eventually(lambda: site.redis.subscribers(CHANNEL) == listeners)

    def test_a_worker_that_was_killed_comes_back_fresh(self, site: Site) -> None:
        """The first answer of the worker that replaces a killed one shows the latest revision."""
        site.server.live()
        revision = site.change()
        site.server.all_at(revision)
        first = site.server.firsts({site.server.kill_one()})
        assert [answer["revision"] for answer in first] == [revision]

    def test_a_reload_brings_fresh_workers(self, site: Site) -> None:
        """After a HUP the first answer of each worker shows the latest revision."""
        site.server.live()
        revision = site.change()
        replaced = site.server.workers()
        site.server.tell(signal.SIGHUP)
        first = site.server.firsts(replaced)
        assert [answer["revision"] for answer in first] == [revision] * site.server.size

    def test_it_stops_soon_and_leaves_nothing(self, site: Site) -> None:
        """SIGTERM ends it soon; in all that was done to it, nothing failed loudly."""
        site.server.live()
        assert site.server.stop() < allowed(STOPPED_WITHIN)
        assert "Traceback" not in site.server.master.output()
        eventually(lambda: site.redis.subscribers(CHANNEL) == 0)


class StopContract:
    """Give a subclass modes and signals."""

    def test_a_frozen_redis_holds_up_no_stop(
        self, mode: Mode, number: signal.Signals, tmp_path: Path
    ) -> None:
        """Each signal ends the server soon, though Redis answers nothing."""
        with opened(mode, tmp_path, size=1) as site:
            site.redis.stop()
            assert site.server.stop(number) < allowed(STOPPED_WITHIN)
            assert "Traceback" not in site.server.master.output()


class RecycleContract:
    """Give a subclass modes, whose servers have the option `--max-requests`."""

    def test_recycled_workers_are_fresh(self, mode: Mode, tmp_path: Path) -> None:
        """Workers that end after some requests are replaced by ones that begin up to date."""
        with opened(mode, tmp_path, size=2, options=("--max-requests", "12")) as site:
            revision = site.change()
            seen: dict[int, int] = {}
            site.server.all_at(revision)
            before = site.server.workers()

            def replaced() -> bool:
                answers = [a for a in site.server.answers() if a["pid"] not in before]
                seen.update({a["pid"]: a["revision"] for a in answers if a["served"] == 1})
                return len(seen) >= site.server.size

            eventually(replaced, pause=0.05)
            assert set(seen.values()) == {revision}
            eventually(lambda: site.redis.subscribers(CHANNEL) <= site.server.size + mode.masters)
