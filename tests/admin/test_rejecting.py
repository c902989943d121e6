"""A worker that rejects the newest revision: it says so, and lets people repair it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import pytest
from pydantic import Field, model_validator
from werkzeug.test import TestResponse

from tests.support.crewed import Crewed, Smaller
from tests.support.office import Bakery, Browser, Office
from tests.support.redis import RedisServer
from typed_waffle import Waffle, WaffleModel

Offices = Callable[..., Office]


class Mail(WaffleModel):
    """Where mail goes."""

    host: str = "localhost"
    port: Annotated[int, Field(le=65535)] = 25


class Vast(WaffleModel):
    """Where mail goes, in newer code."""

    host: str = "localhost"
    port: int = 25


class Loose(WaffleModel):
    """What newer code takes."""

    size: int = 1
    low: int = 0
    high: int = 10
    smtp: Vast = Vast()


class Strict(Loose):
    """What the code of this worker takes."""

    size: Annotated[int, Field(le=10)] = 1
    smtp: Mail = Mail()  # type: ignore[assignment] # as older code has it

    @model_validator(mode="after")
    def _ordered(self) -> Strict:
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self


@pytest.fixture
def office(offices: Offices) -> Office:
    """Its worker shows revision 1, and rejects revision 2."""
    office = offices(Strict)
    office.change(size=5)
    office.change_elsewhere(Loose, size=99, low=3)
    return office


@pytest.fixture
def browser(office: Office) -> Browser:
    return office.browser()


def document(answer: TestResponse) -> Any:  # noqa: ANN401 - a JSON document
    return answer.json


def stored(office: Office) -> Any:  # noqa: ANN401 - the settings, as newer code reads them
    other: Waffle[Loose] = Waffle(Loose)
    with other.connect({"WAFFLE_DATABASE_URL": office.apps.url}) as waffle:
        return waffle.snapshot().settings


def saved(browser: Browser, typed: Mapping[str, object]) -> int:
    """Type, review, save; the status of the answer."""
    browser.get()
    browser.submit("#settings", typed)
    return browser.submit("#review").status_code


def test_the_page_shows_what_is_stored_as_far_as_it_fits(browser: Browser) -> None:
    """It says what does not, and what the worker shows instead."""
    browser.get()
    assert "Revision 2" in browser.text
    assert "This worker shows revision 1" in browser.text
    assert "revision 2 does not fit its model" in browser.text
    assert browser.control("low")["value"] == "3"
    assert browser.control("size")["value"] == "5"
    assert "less than or equal to 10" in browser.said("size")
    assert "What is stored is refused" in browser.said("size")


@pytest.mark.parametrize(
    "path", ["/history", "/changes/2", "/changes/1", "/compare", "/rollback/1"]
)
def test_every_page_that_tells_of_the_settings_says_so(browser: Browser, path: str) -> None:
    """Nobody takes what the worker shows for what is stored."""
    assert browser.get(path).status_code in {200, 400}
    assert "This worker shows revision 1" in browser.text
    assert "revision 2 does not fit its model" in browser.text
    assert "less than or equal to 10" in browser.text


def test_a_review_says_so(browser: Browser) -> None:
    """It is on top of what is stored."""
    browser.get()
    browser.submit("#settings", {"v.low": "4"})
    assert "On top of revision 2" in browser.text
    assert "This worker shows revision 1" in browser.text
    assert "3 4" in browser.text


@pytest.mark.parametrize("path", ["/", "/history", "/changes/1", "/compare", "/rollback/0"])
def test_a_worker_that_rejects_nothing_says_nothing(offices: Offices, path: str) -> None:
    """There is nothing to be said."""
    office = offices(Strict)
    office.change(size=5)
    browser = office.browser()
    browser.get(path)
    assert "This worker shows" not in browser.text.replace("This worker shows the change", "")


def test_why_is_not_told_to_those_who_may_not_see_everything(offices: Offices) -> None:
    """That it is so, is."""
    office = offices(Strict, may_read=lambda _, name: name != "size")
    office.change(low=1)
    office.change_elsewhere(Loose, size=99)
    browser = office.browser()
    browser.get()
    assert "revision 2 does not fit its model" in browser.text
    assert "size" not in browser.text
    assert "equal to 10" not in browser.text


def test_another_setting_can_be_saved(office: Office, browser: Browser) -> None:
    """What does not fit stays as it is stored, for the code that takes it."""
    assert saved(browser, {"v.low": "4"}) == 303
    assert office.revision() == 3
    assert (stored(office).size, stored(office).low) == (99, 4)
    browser.follow()
    assert "This worker does not show all of revision 3" in browser.text


def test_a_save_repairs_it(office: Office, browser: Browser) -> None:
    """Then the worker shows what is stored."""
    assert saved(browser, {"v.size": "7"}) == 303
    assert office.settings().size == 7
    browser.follow()
    assert "Revision 3" in browser.text
    assert "This worker" not in browser.text.replace("This worker shows the change", "")


@pytest.mark.parametrize("name", ["size", "smtp.port"])
def test_a_reset_repairs_it(offices: Offices, name: str) -> None:
    """Also of a part, whose default is shown already."""
    office = offices(Strict)
    office.change_elsewhere(
        Loose, **({"size": 99} if name == "size" else {"smtp": Vast(port=10**6)})
    )
    browser = office.browser()
    browser.get()
    browser.submit("#settings", button=f"reset={name}")
    browser.submit("#review")
    assert browser.response.status_code == 303
    assert (stored(office).size, stored(office).smtp.port) == (1, 25)
    browser.get()
    assert "This worker" not in browser.text


def test_undoing_repairs_it(office: Office, browser: Browser) -> None:
    """The page of the newest change leads back, whatever the worker shows."""
    browser.get("/changes/2")
    assert "There are later changes" not in browser.text
    assert browser.soup.select("main a[href='/settings/rollback/1']")
    browser.get("/rollback/1")
    assert "Undo revision 2" in browser.text
    assert "Nothing would change" not in browser.text
    assert browser.submit("form.card").status_code == 303
    assert browser.response.headers["Location"] == "/settings/changes/3"
    settings = office.settings()
    assert (settings.size, settings.low) == (5, 0)


def test_the_history_is_of_what_is_stored(browser: Browser) -> None:
    """So is a comparison with now."""
    browser.get("/history")
    assert "The settings are at revision 2." in browser.text
    now = browser.soup.select_one("article:has(.badge.live)")
    assert now is not None
    assert "Revision 2" in now.get_text()
    browser.get("/compare?older=1")
    assert "The settings are at revision 2." in browser.text
    browser.get("/changes/1")
    assert "the settings are at revision 2" in browser.text


def test_a_rule_across_settings_can_be_kept_again(offices: Offices) -> None:
    """By a save of one of them."""
    office = offices(Strict)
    office.change(high=9)
    office.change_elsewhere(Loose, low=77, size=2)
    browser = office.browser()
    assert saved(browser, {"v.low": "5"}) == 303
    settings = office.settings()
    assert (settings.low, settings.high, settings.size) == (5, 9, 2)


def test_the_api_is_about_what_is_stored(office: Office) -> None:
    """What it tells as the revision is what it takes as one."""
    client, actor = office.app.test_client(), {"X-Actor": "ann"}
    seen = client.get("/settings/api/settings", headers=actor)
    assert seen.headers["ETag"] == '"2"'
    assert (document(seen)["low"], document(seen)["size"]) == (3, 5)
    old = client.patch(
        "/settings/api/settings", json={"low": 4}, headers={**actor, "If-Match": '"1"'}
    )
    assert (old.status_code, old.headers["ETag"]) == (412, '"2"')
    new = client.patch(
        "/settings/api/settings", json={"low": 4}, headers={**actor, "If-Match": '"2"'}
    )
    assert (new.status_code, new.headers["ETag"]) == (200, '"3"')
    same = client.patch("/settings/api/settings", json={"size": 5}, headers=actor)
    assert (same.status_code, same.headers["ETag"]) == (200, '"4"')
    assert stored(office).size == 5
    back = client.post("/settings/api/rollback", json={"revision": 1}, headers=actor)
    assert (back.status_code, back.headers["ETag"]) == (200, '"5"')


def test_who_shows_a_change_is_told_as_it_is(browser: Browser) -> None:
    """Without Redis it is this worker alone that is known."""
    browser.get("/changes/2")
    assert "This worker does not show the change" in browser.text
    browser.get("/changes/1")
    assert "This worker shows the change" in browser.text


def test_a_worker_that_rejects_a_revision_is_behind(
    redis_server: RedisServer, offices: Offices
) -> None:
    """Even if no other worker shows it."""
    fleet = Crewed(redis_server, lambda **options: offices(Smaller, **options))
    fleet.office.change(seats=30)
    fleet.office.change_elsewhere(Bakery, seats=400)
    fleet.office.revision()
    fleet.browser.get("/workers")
    row = fleet.browser.soup.select_one("tbody tr:has(.badge.behind:not([hidden]))")
    fleet.close()
    assert row is not None
    assert "this worker" in row.get_text()
