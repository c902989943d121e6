"""What may be sent to the page of all settings: what is refused there keeps what was typed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import time

import pytest
from pydantic import model_validator

from tests.support.office import Browser, Office
from typed_waffle import WaffleModel

Offices = Callable[..., Office]


# --- refusals ---------------------------------------------------------------------------------


def test_a_refusal_keeps_what_was_typed(office: Office, browser: Browser) -> None:
    """All of it stands in the form, with what is wrong at each field and above."""
    browser.get()
    browser.submit("#settings", {"v.seats": "900", "v.name": "New", "v.quota": "many"})
    assert browser.response.status_code == 422
    assert browser.control("seats")["value"] == "900"
    assert browser.control("name")["value"] == "New"
    quota = browser.control("quota")
    assert (quota["type"], quota["value"]) == ("text", "many"), "a number input would drop it"
    assert browser.errors("seats") == ["Input should be less than or equal to 500"]
    assert browser.errors("quota")
    assert not browser.errors("name")
    seats = browser.control("seats")
    assert seats["aria-invalid"] == "true"
    assert "e-seats" in str(seats["aria-describedby"]).split()
    links = [str(link["href"]) for link in browser.soup.select("#faults a")]
    assert links == ["#f-seats", "#f-quota"]
    browser.submit("#settings", {"v.seats": "40", "v.quota": "4"})
    browser.submit("#review")
    now = office.settings()
    assert (now.seats, now.name, now.quota) == (40, "New", 4)


def test_a_rule_across_settings_stands_at_those_that_it_names(browser: Browser) -> None:
    """Also at one that was not changed."""
    browser.get()
    browser.submit("#settings", {"v.low": "50", "v.seats": "30"})
    assert browser.response.status_code == 422
    assert browser.errors("low") == ["low 50 is above high 10"]
    assert browser.errors("high") == ["low 50 is above high 10"]
    assert not browser.errors("seats")
    assert len(browser.soup.select("#faults li")) == 1


def test_an_item_that_is_refused_is_told(browser: Browser) -> None:
    """The message says which one."""
    browser.get()
    browser.submit("#settings", {"v.holidays": "2026-12-24\r\nsoon"})
    (error,) = browser.errors("holidays")
    assert error.startswith("soon: ")


def test_json_that_is_none_is_refused(browser: Browser) -> None:
    """It stands as it was typed."""
    browser.get()
    browser.submit("#settings", {"v.prices": '{"a": '})
    assert browser.errors("prices") == [
        "it is not JSON: Expecting value (line 1, column 7)",
    ]
    assert browser.control("prices").get_text().strip() == '{"a":'
    browser.submit("#settings", {"v.prices": '{"a": "x"}'})
    assert browser.errors("prices")[0].startswith("At a: ")


class Range(WaffleModel):
    """From where to where."""

    first: int = 1
    last: int = 2

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.first > self.last:
            raise ValueError("last must not be below first")
        if self.first == self.last:
            raise ValueError("it is empty")
        return self


class Ranges(WaffleModel):
    """Two of them, and when."""

    one: Range = Range()
    other: Range = Range()
    at: time = time(8, 30, 5, 500_000)


def test_a_rule_of_a_nested_model_stands_at_its_parts(offices: Offices) -> None:
    """Not at those of another one, whatever their names are."""
    browser = offices(Ranges).browser()
    browser.get()
    browser.submit("#settings", {"v.one.first": "3"})
    assert browser.errors("one.first") == ["last must not be below first"]
    assert browser.errors("one.last") == ["last must not be below first"]
    assert not browser.errors("other.first")
    browser.get()
    browser.submit("#settings", {"v.one.first": "2"})
    assert browser.errors("one.first") == ["it is empty"], "it names none: at what was changed"
    assert not browser.errors("one.last")


def test_a_browser_takes_the_fraction_of_a_second(offices: Offices) -> None:
    """It refuses a form in which a value is between two steps."""
    browser = offices(Ranges).browser()
    browser.get()
    assert (browser.control("at")["value"], browser.control("at")["step"]) == (
        "08:30:05.5",
        "0.001",
    )


# --- locks and rights -------------------------------------------------------------------------


def test_a_locked_setting_is_shown_and_explained(
    offices: Offices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be typed into, and what is sent for it all the same is refused."""
    monkeypatch.setenv("OFFICE_SEATS", "44")
    office = offices(keys={"WAFFLE_ENV_PREFIX": "OFFICE_"})
    browser = office.browser()
    browser.get()
    seats = browser.control("seats")
    assert seats.has_attr("disabled")
    assert not seats.has_attr("name")
    assert seats["value"] == "44"
    assert "Locked by OFFICE_SEATS: change the variable and restart." in browser.said("seats")
    browser.post("/review", {"v.seats": "45", "v.low": "3", "revision": "0"})
    assert browser.response.status_code == 422
    assert "OFFICE_SEATS" in browser.errors("seats")[0]
    assert browser.control("low")["value"] == "3"
    browser.post("/review", {"reset": "seats", "revision": "0"})
    assert browser.response.status_code == 422
    assert office.revision() == 0


def test_what_may_not_be_written_is_only_shown(offices: Offices) -> None:
    """It has no control, says why, and refuses what is sent."""
    office = offices(may_write=lambda _, field: field != "seats")
    browser = office.browser()
    browser.get()
    assert browser.control("seats").has_attr("disabled")
    assert "You may not change this setting" in browser.said("seats")
    for path in ("/review", "/edit", "/save"):
        browser.get()
        browser.post(path, {"v.seats": "45", "revision": "0"})
        assert browser.response.status_code == 403
    assert office.revision() == 0


def test_what_may_not_be_read_is_not_there(
    offices: Offices, caplog: pytest.LogCaptureFixture
) -> None:
    """No byte tells of it, and nothing can be sent for it."""
    office = offices(may_read=lambda _, field: field != "smtp")
    browser = office.browser()
    answer = browser.get()
    assert b"smtp" not in answer.data
    for name in ("smtp.host", "smtp.password"):
        browser.get()
        with caplog.at_level(logging.WARNING, "typed_waffle.admin"):
            browser.post("/save", {f"v.{name}": "x", "revision": "0"})
        assert browser.response.status_code == 403
        assert "refused POST" in caplog.text
    assert office.revision() == 0


@pytest.mark.parametrize(
    "name",
    ["__class__", "nosuch", "smtp.__dict__", "smtp", "model_config", "name.upper", "", "keys.a"],
)
def test_only_declared_leaves_can_be_sent(office: Office, browser: Browser, name: str) -> None:
    """Any other name is refused, and what was typed besides is kept."""
    browser.get()
    browser.post("/save", {f"v.{name}": "1", "v.low": "3", "revision": "0"})
    assert browser.response.status_code == 422
    assert "There is no setting" in browser.text
    assert browser.control("low")["value"] == "3"
    assert office.revision() == 0
