"""The page of what differs between two revisions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.office import CANARY, Browser, Office


@pytest.fixture
def changed(office: Office) -> Browser:
    """A browser at an office at revision 3."""
    office.change(seats=30)
    office.change(seats=31, open=False)
    office.change(open=True, token=CANARY)
    return office.browser()


def rows(browser: Browser) -> list[list[str]]:
    """What the page says of each setting."""
    found = browser.soup.select("table.diff tbody tr")
    return [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in found]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("older=1&newer=2", [["open", "true", "false"], ["seats", "30", "31"]]),
        ("older=2&newer=1", [["open", "false", "true"], ["seats", "31", "30"]]),
        ("older=1", [["seats", "30", "31"], ["token", "**********", "**********"]]),
        ("older=%201%20&newer=", [["seats", "30", "31"], ["token", "**********", "**********"]]),
    ],
)
def test_differences_are_told(changed: Browser, query: str, told: list[list[str]]) -> None:
    """From one revision to another, or till now, and back in time as well."""
    assert changed.get(f"/compare?{query}").status_code == 200
    assert rows(changed) == told


def test_the_same_revision_does_not_differ(changed: Browser) -> None:
    """It says so."""
    changed.get("/compare?older=2&newer=2")
    assert "Nothing differs." in changed.text


def test_without_a_question_there_is_a_form(changed: Browser) -> None:
    """And no complaint."""
    assert changed.get("/compare").status_code == 200
    assert not changed.soup.select("[aria-invalid], [role=alert]")


def test_from_a_past_one_there_is_a_way_back(changed: Browser) -> None:
    """From the present there is none."""
    changed.get("/compare?older=1")
    assert changed.soup.select_one("main a[href='/settings/rollback/1']")
    changed.get("/compare?older=3")
    assert not changed.soup.select("main a[href^='/settings/rollback']")
    changed.get("/compare?older=1&newer=2")
    assert not changed.soup.select("main a[href^='/settings/rollback']")


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "٣", "9" * 40, "<b>1</b>", "0x1"])
@pytest.mark.parametrize("name", ["older", "newer"])
def test_what_is_no_revision_is_told_at_its_place(changed: Browser, name: str, text: str) -> None:
    """The form keeps what was typed."""
    other = {"older": "newer", "newer": "older"}[name]
    query = {name: text, other: "1"}
    assert changed.get("/compare", query_string=query).status_code == 400
    control = changed.soup.select_one(f"#{name}")
    assert control is not None
    assert control["value"] == text
    assert control["aria-invalid"] == "true"
    error = changed.soup.select_one(f"#{control['aria-describedby']}")
    assert error is not None
    assert text in error.get_text()
    assert not changed.soup.select(f"#{other}[aria-invalid]")


@pytest.mark.parametrize("query", ["older=", "older=&newer=1", "newer=1", "other=1"])
def test_the_older_one_must_be_named(changed: Browser, query: str) -> None:
    """A form that was sent without it says so."""
    assert changed.get(f"/compare?{query}").status_code == 400
    assert "Type the number of a revision." in changed.text


@pytest.mark.parametrize("query", ["older=77", "older=1&newer=77", "older=77&newer=1"])
def test_a_revision_that_never_was_is_told(changed: Browser, query: str) -> None:
    """With where the settings are."""
    assert changed.get(f"/compare?{query}").status_code == 400
    assert "there is no revision 77" in changed.text
    assert changed.soup.select_one("[role=alert]")
    assert changed.soup.select_one("#older[value]")


def test_a_revision_whose_history_was_pruned_is_told(office: Office, changed: Browser) -> None:
    """Nobody knows what was then."""
    with office.app.app_context():
        office.waffle.prune(keep=1)
    assert changed.get("/compare?older=1").status_code == 400
    assert "pruned" in changed.text
    assert changed.get("/compare?older=2").status_code == 200


def test_what_may_not_be_seen_is_left_out(offices: Callable[..., Office]) -> None:
    """The page says that there may be more."""
    office = offices(may_read=lambda _, name: name != "seats")
    office.change(seats=333)
    office.change(open=False)
    browser = office.browser()
    browser.get("/compare?older=0")
    assert rows(browser) == [["open", "true", "false"]]
    assert "Only settings that you may see are shown." in browser.text
    browser.get("/compare?older=0&newer=1")
    assert "Nothing differs in the settings that you may see." in browser.text
    assert "seats" not in browser.text
    assert "333" not in browser.text
