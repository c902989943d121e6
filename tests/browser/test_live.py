"""Pages that are live, with four real workers behind them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.browser import Window
from tests.support.office_site import OfficeSite
from tests.support.person import Person
from tests.support.servers import WORKERS

pytestmark = pytest.mark.slow

SIZE = WORKERS


@pytest.fixture
def bob(windows: Callable[..., Window]) -> Person:
    """Bob, who looks on."""
    return Person(windows("bob"))


def saved(person: Person, **texts: str) -> int:
    """Type, review and save; the revision."""
    person.go()
    person.type(**texts)
    person.review()
    person.save()
    return int(person.place.rpartition("/")[2])


def test_a_change_is_seen_to_reach_every_worker(site: OfficeSite, ann: Person) -> None:
    """The page counts up to 4 of 4 by itself, and so it is."""
    revision = saved(ann, name="Live")
    expect(ann.find(".progress-line")).to_contain_text(f"{WORKERS} of {WORKERS}")
    expect(ann.find("[data-said]")).to_have_text("Every worker shows this change.")
    assert {answer["revision"] for answer in site.server.all_at(revision)} == {revision}
    shown = ann.find("tbody [data-is=pid]").all_inner_texts()
    assert set(map(int, shown)) == site.server.workers()


def test_a_worker_that_lags_is_waited_for(site: OfficeSite, ann: Person) -> None:
    """It is counted and named as long as it says nothing, and then it is not."""
    pid = min(site.server.workers())
    os.kill(pid, signal.SIGSTOP)
    try:
        saved(ann, name="Slowly")
        line = ann.find(".progress-line")
        expect(line).to_contain_text(f"{WORKERS - 1} of {WORKERS}")
        expect(line).to_contain_text("1 still pending")
        expect(ann.find("tbody tr:has(.pending) [data-is=pid]")).to_have_text(str(pid))
    finally:
        os.kill(pid, signal.SIGCONT)
    expect(ann.find("[data-said]")).to_have_text("Every worker shows this change.")


def test_whoever_looks_at_the_settings_hears_of_a_change(
    site: OfficeSite, ann: Person, bob: Person
) -> None:
    """A notice appears, and what is typed stays typed."""
    bob.go()
    bob.type(seats="30")
    expect(bob.find("#news")).to_be_hidden()
    revision = saved(ann, name="News")
    expect(bob.find("#news")).to_contain_text(f"revision {revision}")
    expect(bob.control("seats")).to_have_value("30")
    bob.review()
    assert [path for path, *_ in bob.changes()] == ["seats"]
    expect(bob.find("#meanwhile + p")).to_contain_text("ann")


def test_the_fleet_is_followed(site: OfficeSite, bob: Person) -> None:
    """Every worker's revision goes up on the page as it does, and a new worker comes up."""
    bob.go("/workers")
    revision = site.change(name="Followed")
    revisions = bob.find("tbody [data-is=revision]")
    expect(revisions).to_have_text([str(revision)] * WORKERS)
    before = site.server.workers()
    site.server.kill_one()
    site.server.live()
    (new,) = site.server.workers() - before
    expect(bob.find("tbody [data-is=pid]").get_by_text(str(new), exact=True)).to_be_visible()


def test_without_scripts_a_link_looks_again(
    site: OfficeSite, windows: Callable[..., Window]
) -> None:
    """The page says how far the change is, and a link says it anew."""
    bob = Person(windows("bob", java_script_enabled=False))
    revision = saved(bob, name="Without scripts")
    site.server.all_at(revision)
    bob.press("Look again")
    expect(bob.find(".progress-line")).to_contain_text(f"{WORKERS} of ")
