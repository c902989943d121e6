"""The pages by keyboard alone: every control is reached, is seen there, and does its work."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.browser import Window
from tests.support.keyboard import Keyboard
from tests.support.office_site import TOKEN, OfficeSite
from tests.support.person import Person

pytestmark = pytest.mark.slow


def by_id(name: str) -> str:
    return f'[id="{name}"]'


def walked(person: Person) -> None:
    """Tab comes to every control in the order of the page, is seen there, and leaves the page."""
    count, stops = Keyboard(person.window.page).walk()
    assert [stop.what for stop in stops if not stop.visible] == []
    assert [stop.number for stop in stops] == list(range(count))


@pytest.mark.parametrize("path", ["/", "/history", "/workers", "/compare?older=0", "/rollback/0"])
def test_tab_goes_through_every_control(site: OfficeSite, ann: Person, path: str) -> None:
    """No control is left out or out of order, none is a trap, and the focus is always seen."""
    site.change(name="Changed", tags=("a", "b"))
    ann.go(path)
    walked(ann)


def test_tab_goes_through_a_refusal_and_a_conflict(site: OfficeSite, ann: Person) -> None:
    """As it does through any page."""
    ann.go()
    ann.type(low="50")
    ann.review()
    expect(ann.find("#faults")).to_be_focused()  # what is wrong is said, and comes first
    ann.go()
    ann.type(low="5")
    site.change(low=6)
    ann.review()
    expect(ann.find("fieldset.overlap")).to_be_visible()
    walked(ann)


def test_a_change_from_the_form_to_the_way_back(site: OfficeSite, ann: Person) -> None:
    """Search, edit controls of all kinds, review, save with a note, undo: no mouse."""
    keys = Keyboard(ann.window.page)
    ann.go()
    keys.press("Tab")
    expect(ann.find("a.skip")).to_be_focused()
    keys.press("Enter")
    keys.reach("#q")
    keys.write("theme")
    keys.reach(by_id("f-theme"))
    keys.press("ArrowUp")  # from "auto" to "dark"
    keys.reach("#q", key="Shift+Tab")
    keys.write("")
    keys.press("Backspace")
    keys.reach(by_id("f-name"))
    keys.write("By hand")
    keys.reach(by_id("f-open"))
    keys.press("Space")
    keys.reach(by_id("f-seats"))
    keys.press("ArrowUp", "ArrowUp")
    keys.reach(by_id("f-tags") + " input, " + by_id("f-tags") + ":is(textarea)")
    keys.press("End")
    keys.press("Enter")
    ann.window.page.keyboard.type("fresh")
    keys.reach(by_id("f-smtp.host"))
    keys.write("mail")
    keys.reach("#settings .end button")
    keys.press("Enter")
    expect(ann.find("h1")).to_have_text("Review before saving")
    keys.reach("#note")
    ann.window.page.keyboard.type("by hand")
    keys.reach("#review button.primary")
    keys.press("Enter")
    expect(ann.find("h1")).to_contain_text("Revision")
    now = site.settings()
    assert (now.name, now.open, now.seats, now.theme) == ("By hand", False, 22, "dark")
    assert (now.smtp.host, now.tags) == ("mail", ("sweet", "fresh", "warm"))
    keys.reach("a:has-text('Undo')")
    keys.press("Enter")
    expect(ann.find("h1")).to_contain_text("Undo revision")
    keys.reach("form button.primary")
    keys.press("Space")
    expect(ann.find("h1")).to_contain_text("Revision")
    assert site.settings().name == "Waffle"


def test_a_conflict_is_decided_with_arrows(site: OfficeSite, ann: Person) -> None:
    """The choice between two values is a group of radio buttons."""
    ann.go()
    ann.type(low="5")
    site.change(low=6)
    keys = Keyboard(ann.window.page)
    keys.reach(by_id("f-low"))
    keys.press("Enter")
    expect(ann.find("fieldset.overlap")).to_be_visible()
    keys.reach("fieldset.overlap input")
    keys.press("ArrowDown")
    chosen = ann.find("fieldset.overlap p:has(input:checked)")
    if "Yours" not in chosen.inner_text():
        keys.press("ArrowDown")
    expect(chosen).to_contain_text("Yours")
    keys.reach("#review button.primary")
    keys.press("Enter")
    expect(ann.find("h1")).to_contain_text("Revision")
    assert site.settings().low == 5


def test_the_way_in_and_out(site: OfficeSite, windows: Callable[..., Window]) -> None:
    """Logging in and out needs no mouse."""
    nobody = Person(windows(None))
    nobody.go("/login")
    keys = Keyboard(nobody.window.page)
    expect(nobody.find("#token")).to_be_focused()
    keys.write(TOKEN)
    keys.reach("#name")
    keys.write("Zoe")
    keys.press("Enter")
    expect(nobody.find("h1")).to_have_text("Settings")
    expect(nobody.find(".actor").first).to_contain_text("Zoe")
    keys.reach("button:has-text('Log out')")
    keys.press("Enter")
    expect(nobody.find("#token")).to_be_visible()
    walked(nobody)
