"""What people do at the pages, with JavaScript and without it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.browser import Window
from tests.support.office import CANARY, Bakery
from tests.support.office_site import OfficeSite
from tests.support.person import Person, row

pytestmark = pytest.mark.slow

People = Callable[[str], Person]


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def people(request: pytest.FixtureRequest, windows: Callable[..., Window]) -> People:
    """Makes people, by their names."""
    scripts: bool = request.param
    return lambda name: Person(windows(name, java_script_enabled=scripts))


@pytest.fixture
def ann(people: People) -> Person:
    return people("ann")


def test_a_save_with_a_note(site: OfficeSite, ann: Person) -> None:
    """What was typed is reviewed, saved with the note, and told in the history."""
    ann.go()
    ann.type(name="Waffle & Sons", seats="40", smtp__host="mail")
    ann.control("open").uncheck()
    ann.control("theme").select_option("dark")
    ann.review()
    assert ann.changes() == [
        ["name", "Waffle", "Waffle & Sons"],
        ["open", "true", "false"],
        ["theme", "auto", "dark"],
        ["seats", "20", "40"],
        ["smtp.host", "localhost", "mail"],
    ]
    assert site.settings().name == "Waffle"
    ann.save("closed in summer")
    assert ann.place.startswith("/changes/")
    expect(ann.find("h1")).to_have_text(f"Revision {ann.place.rpartition('/')[2]}")
    now = site.settings()
    assert (now.name, now.open, now.theme, now.seats) == ("Waffle & Sons", False, "dark", 40)
    ann.press("History")
    first = ann.find("article").first.inner_text()
    assert all(word in first for word in ("ann", "closed in summer", "this page", "smtp.host"))


def test_a_refusal_keeps_what_was_typed(site: OfficeSite, ann: Person) -> None:
    """A rule across two fields is told at both, nothing is written, and nothing typed is lost."""
    ann.go()
    ann.type(low="50", motto="Fresh,\nand warm.", greeting="Good morning")
    ann.control("shift").select_option("late")
    ann.review()
    why = "low 50 is above high 10"
    expect(ann.find("#faults")).to_contain_text(why)
    expect(ann.row("low").locator(".error")).to_contain_text(why)
    expect(ann.control("low")).to_have_value("50")
    expect(ann.control("motto")).to_have_value("Fresh,\nand warm.")
    assert site.settings() == Bakery()
    ann.type(high="60")
    ann.review()
    assert [path for path, *_ in ann.changes()] == ["motto", "greeting", "shift", "low", "high"]
    ann.save()
    now = site.settings()
    assert (now.low, now.high, now.motto) == (50, 60, "Fresh,\nand warm.")


def test_a_way_back_to_the_form(site: OfficeSite, ann: Person) -> None:
    """From the review back to editing, with what was typed, the note too; and one is dropped."""
    ann.go()
    ann.type(name="One", seats="40")
    ann.review()
    ann.find("#note").fill("why not")
    ann.press("Back to editing")
    expect(ann.control("name")).to_have_value("One")
    ann.press("Drop", row("seats"))
    expect(ann.control("seats")).to_have_value("20")
    ann.review()
    assert [path for path, *_ in ann.changes()] == ["name"]
    expect(ann.find("#note")).to_have_value("why not")


def test_a_reset(site: OfficeSite, ann: Person) -> None:
    """A field that was changed is put back to its default."""
    site.change(name="Changed", seats=40)
    ann.go()
    ann.press("Reset", row("name"))
    assert ann.changes() == [["name", "Changed", "Waffle"]]
    ann.save()
    assert (site.settings().name, site.settings().seats) == ("Waffle", 40)


def test_two_in_conflict(site: OfficeSite, people: People) -> None:
    """What the other changed is shown; only what both changed is to be decided."""
    ann, bob = people("ann"), people("bob")
    ann.go()
    bob.go()
    bob.type(low="2", seats="30")
    bob.review()
    bob.save("bob was here")
    ann.type(low="3", name="Ann's")
    ann.review()
    expect(ann.find("#meanwhile + p")).to_contain_text("bob was here")
    assert ann.find("fieldset.overlap legend").all_inner_texts() == ["low"]
    ann.save()
    expect(ann.find("#faults")).to_contain_text("decide first")
    assert site.settings().low == 2
    ann.find(
        "fieldset.overlap label",
    ).filter(has_text="Yours").click()
    ann.save("after a word with bob")
    now = site.settings()
    assert (now.low, now.seats, now.name) == (3, 30, "Ann's")


def test_a_conflict_after_the_review(site: OfficeSite, people: People) -> None:
    """Who changes something else meanwhile holds nobody up, and is shown."""
    ann, bob = people("ann"), people("bob")
    ann.go()
    ann.type(name="Ann's")
    ann.review()
    bob.go()
    bob.type(seats="30")
    bob.review()
    bob.save("bob was quicker")
    ann.save("slow")
    if not ann.place.startswith("/changes/"):
        expect(ann.find("main")).to_contain_text("bob was quicker")
        ann.save("slow")
    assert ann.place.startswith("/changes/")
    assert (site.settings().name, site.settings().seats) == ("Ann's", 30)


def test_undo(site: OfficeSite, ann: Person) -> None:
    """From the page of a change there is a way back, with a preview; it is a change of its own."""
    ann.go()
    ann.type(name="A mistake")
    ann.review()
    ann.save()
    wrong = int(ann.place.rpartition("/")[2])
    ann.press("Undo")
    assert ann.changes() == [["name", "A mistake", "Waffle"]]
    ann.press(f"Undo revision {wrong}")
    assert ann.place == f"/changes/{wrong + 1}"
    assert site.settings().name == "Waffle"
    expect(ann.find("main")).to_contain_text(f"Undo revision {wrong}")


def test_a_secret(site: OfficeSite, ann: Person) -> None:
    """What is typed for a secret is saved, and shown on no page from then on."""
    ann.go()
    ann.type(smtp__password=CANARY, name="Shown")
    ann.review()
    assert CANARY not in ann.window.page.content()
    ann.press("Back to editing")
    assert CANARY not in ann.window.page.content()
    ann.review()
    ann.save()
    assert CANARY not in ann.window.page.content()
    assert site.settings().smtp.password.get_secret_value() == CANARY
    for path in ("/", "/history"):
        ann.go(path)
        assert CANARY not in ann.window.page.content()
