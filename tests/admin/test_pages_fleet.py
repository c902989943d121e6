"""The page of the workers."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from bs4 import Tag

from tests.support.crewed import Crewed, Smaller
from tests.support.office import Browser, Office
from tests.support.redis import RedisServer
from tests.support.waiting import eventually
from typed_waffle.fleet import encoded, newcomer

SCRIPT = '<script>alert(1)</script><img src=x onerror="alert(2)">'


def rows(browser: Browser) -> list[str]:
    """What the page says of each worker, without what is hidden."""
    found = browser.soup.select("table.fleet tbody tr")
    for row in found:
        for hidden in row.select("[hidden]"):
            hidden.decompose()
    return [" ".join(row.get_text(" ").split()) for row in found]


def test_without_redis_it_is_this_one_alone(office: Office, browser: Browser) -> None:
    """And the page says why."""
    office.change(seats=30)
    assert browser.get("/workers").status_code == 200
    assert "Redis is not used" in browser.text
    (row,) = rows(browser)
    assert "this worker" in row
    assert "live" in row
    assert "behind" not in row
    assert "other code" not in row
    assert not browser.soup.select("script, [data-live], template")


def test_every_worker_is_shown(fleet: Crewed) -> None:
    """One of them made the page."""
    fleet.worker()
    fleet.browser.get("/workers")

    def both() -> bool:
        fleet.browser.get("/workers")
        return len(rows(fleet.browser)) == 2

    eventually(both, pause=0.1)
    assert sum("this worker" in row for row in rows(fleet.browser)) == 1
    live = fleet.browser.soup.select_one("[data-live=fleet]")
    assert live is not None
    assert live["data-url"] == "/settings/api/workers"
    pattern = fleet.browser.soup.find("template")
    assert isinstance(pattern, Tag)
    assert pattern.find("tr")
    assert fleet.browser.soup.select_one("script[type=module][src*='live.js']")


def test_other_code_and_what_it_rejects_are_marked(fleet: Crewed) -> None:
    """With the revision and the reason; it is behind."""
    fleet.worker(Smaller)
    fleet.office.change(seats=30)
    fleet.office.change(seats=400)
    fleet.browser.get("/workers")
    fleet.shown("revision 2: ")
    (other,) = [row for row in rows(fleet.browser) if "this worker" not in row]
    assert "rejected" in other
    assert "other code" in other
    assert "less than or equal to 50" in other


def test_a_worker_that_is_behind_is_marked(fleet: Crewed, redis_server: RedisServer) -> None:
    """It may be one that is stuck."""
    fleet.office.change(seats=30)
    fleet.browser.get("/workers")
    behind = replace(newcomer("stuck", type(fleet.office.settings())), host="stuck", state="live")
    _leave(fleet, redis_server, encoded(behind))
    fleet.browser.get("/workers")
    (row,) = [row for row in rows(fleet.browser) if "stuck" in row]
    assert "behind" in row


@pytest.mark.parametrize("key", ["host", "server", "version", "model", "state", "reason"])
def test_whatever_workers_say_stays_text(
    fleet: Crewed, redis_server: RedisServer, key: str
) -> None:
    """Names of hosts are shown, not obeyed."""
    fleet.office.change(seats=30)
    worker = newcomer("stranger", type(fleet.office.settings()))
    record = json.loads(encoded(replace(worker, rejected_revision=1))) | {key: SCRIPT}
    _leave(fleet, redis_server, json.dumps(record))
    for page in ("/workers", "/changes/1"):
        fleet.browser.get(page)
        assert not fleet.browser.soup.select("script:not([src]), img, [onerror]")
    fleet.browser.get("/workers")
    assert SCRIPT in fleet.browser.soup.get_text()


def test_without_an_answer_of_redis_it_is_this_one_alone(
    fleet: Crewed, redis_server: RedisServer
) -> None:
    """The page is there all the same, and says so."""
    fleet.worker()
    fleet.browser.get("/workers")
    redis_server.kill()
    assert fleet.browser.get("/workers").status_code == 200
    assert "Redis does not answer" in fleet.browser.text
    assert len(rows(fleet.browser)) == 1


def test_a_database_that_is_away_is_no_reason_for_no_page(office: Office, browser: Browser) -> None:
    """Workers are asked for most when something is wrong."""
    office.change(seats=30)
    office.lose_database()
    assert browser.get("/workers").status_code == 200
    assert "this worker" in rows(browser)[0]


def _leave(fleet: Crewed, redis: RedisServer, record: str) -> None:
    """Leave a record where workers leave theirs."""
    with fleet.office.app.app_context():
        bus = fleet.office.waffle._bindings.meant().started().bus
        assert bus is not None
        bus.leave(f"fleet:{fleet.office.waffle.namespace}", "stranger", record, 30.0)
    assert redis.running
