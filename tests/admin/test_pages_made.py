"""The page of one change, on its way to the workers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.crewed import Crewed, Smaller
from tests.support.office import CANARY, Browser, Office
from tests.support.redis import RedisServer


def test_a_change_is_shown(office: Office, browser: Browser) -> None:
    """Who made it, when, why, how, and what it did."""
    office.change(seats=30, token=CANARY)
    assert browser.get("/changes/1").status_code == 200
    for text in ("Revision 1", "bob", "code", "from elsewhere", "seats 20 30", "token"):
        assert text in browser.text
    assert browser.soup.select_one("time")


def test_the_newest_can_be_undone(office: Office, browser: Browser) -> None:
    """An older one leads to the newest, to a comparison, and back."""
    office.change(seats=30)
    office.change(seats=31)
    browser.get("/changes/2")
    links = [str(link["href"]) for link in browser.soup.select("main a")]
    assert "/settings/rollback/1" in links
    browser.get("/changes/1")
    links = [str(link["href"]) for link in browser.soup.select("main a")]
    assert "The settings are at revision 2".lower() in browser.text.lower()
    assert "/settings/rollback/0" not in links
    assert links.count("/settings/changes/2") == 1
    assert {"/settings/compare?older=1", "/settings/rollback/1"} <= set(links)


@pytest.mark.parametrize("revision", ["0", "2", "9" * 40])
def test_what_never_was_is_not_found(office: Office, browser: Browser, revision: str) -> None:
    """The page says that the history has none."""
    office.change(seats=30)
    assert browser.get(f"/changes/{revision}").status_code == 404
    assert f"The history has no revision {revision}" in browser.text


def test_what_may_not_be_changed_cannot_be_undone(offices: Callable[..., Office]) -> None:
    """Nor what may not be seen: that there is more is told."""
    office = offices(
        may_read=lambda _, name: name != "motto", may_write=lambda _, name: name != "seats"
    )
    office.change(seats=30)
    browser = office.browser()
    browser.get("/changes/1")
    assert not browser.soup.select("main a[href^='/settings/rollback']")
    office.change(motto="unseen words", open=False)
    browser.get("/changes/2")
    assert not browser.soup.select("main a[href^='/settings/rollback']")
    assert "And 1 setting that you may not see." in browser.text
    assert "unseen words" not in browser.text
    office.change(open=True)
    browser.get("/changes/3")
    assert browser.soup.select("main a[href='/settings/rollback/2']")


def test_without_redis_nobody_knows_of_the_others(office: Office, browser: Browser) -> None:
    """The page says how they find the change, and asks nobody for them."""
    office.change(seats=30)
    browser.get("/changes/1")
    assert "each of them looks for changes every 2 seconds" in browser.text
    assert not browser.soup.select("script, [data-live]")


def test_the_change_travels(fleet: Crewed) -> None:
    """Every worker that shows it is counted, of all that are alive."""
    fleet.worker()
    fleet.office.change(seats=30)
    fleet.browser.get("/changes/1")
    fleet.shown("2 of 2 workers show it")
    soup = fleet.browser.soup
    assert [badge.get_text() for badge in soup.select("tbody .badge.applied")] == ["applied"] * 2
    live = soup.select_one("[data-live]")
    assert live is not None
    assert live["data-url"] == "/settings/api/workers?revision=1"
    assert soup.select_one("script[type=module][src*='live.js']")
    assert soup.select_one("[role=status][data-said]")


def test_a_worker_that_rejects_it_says_why(fleet: Crewed) -> None:
    """Older code does not take what newer code does."""
    fleet.worker(Smaller)
    fleet.office.change(seats=400)
    fleet.browser.get("/changes/1")
    fleet.shown("1 rejected it")
    row = fleet.browser.soup.select_one("tr:has(.badge.rejected)")
    assert row is not None
    assert "less than or equal to 50" in row.get_text()


def test_why_is_told_to_those_only_who_may_see_everything(
    redis_server: RedisServer, offices: Callable[..., Office]
) -> None:
    """A reason may quote a value."""

    def closed(_: str, name: str) -> bool:
        return name != "seats"

    fleet = Crewed(redis_server, offices, may_read=closed)
    fleet.worker(Smaller)
    fleet.office.change(seats=400)
    fleet.browser.get("/changes/1")
    fleet.shown("1 rejected it")
    fleet.close()
    row = fleet.browser.soup.select_one("tr:has(.badge.rejected)")
    assert row is not None
    assert "You may not see every setting." in row.get_text()
    assert "50" not in row.get_text()


def test_without_an_answer_of_redis_the_page_is_there_all_the_same(
    fleet: Crewed, redis_server: RedisServer
) -> None:
    """It says that nobody knows how far the change is."""
    fleet.office.change(seats=30)
    redis_server.kill()
    assert fleet.browser.get("/changes/1").status_code == 200
    assert "Redis does not answer" in fleet.browser.text
    assert "seats 20 30" in fleet.browser.text
    assert fleet.browser.soup.find("a", string="Look again")
