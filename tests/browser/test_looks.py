"""How the pages look: axe-core finds nothing, in light and in dark, and no page is too wide."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.support.browser import PHONE, Window
from tests.support.office_site import OfficeSite
from tests.support.person import Person

pytestmark = pytest.mark.slow

SIZE = 2

Way = Callable[[OfficeSite, Person], None]


def settings(site: OfficeSite, person: Person) -> None:
    site.change(name="Changed", tags=("one", "two"), motto="a" * 300)
    person.go()


def found(_: OfficeSite, person: Person) -> None:
    person.go("/?q=smtp")


def refused(_: OfficeSite, person: Person) -> None:
    person.go()
    person.type(low="50", keys="no JSON", smtp__password="a secret")
    person.review()
    expect(person.find("#faults")).to_be_visible()


def reviewed(_: OfficeSite, person: Person) -> None:
    person.go()
    person.type(name="W" * 40, motto="long " * 50, smtp__password="a secret")
    person.review()
    expect(person.find("#note")).to_be_visible()


def conflicting(site: OfficeSite, person: Person) -> None:
    person.go()
    person.type(low="5", seats="30")
    site.change(low=6, name="Bob's")
    person.review()
    expect(person.find("fieldset.overlap")).to_be_visible()


def undecided(site: OfficeSite, person: Person) -> None:
    conflicting(site, person)
    person.save()
    expect(person.find("#faults")).to_be_visible()


def dropped(site: OfficeSite, person: Person) -> None:
    conflicting(site, person)
    person.press("Back to editing")
    expect(person.control("seats")).to_have_value("30")


def made(site: OfficeSite, person: Person) -> None:
    revision = site.change(name="Made", motto="word " * 60, note="why " * 50)
    person.go(f"/changes/{revision}")


def history(site: OfficeSite, person: Person) -> None:
    for number in range(3):
        site.change(seats=30 + number, note="why " * 50, actor="a.very.long.name@example.org")
    person.go("/history")


def compared(site: OfficeSite, person: Person) -> None:
    site.change(name="Compared", prices={"sugar": 3})
    person.go("/compare?older=0")


def miscompared(_: OfficeSite, person: Person) -> None:
    person.go("/compare?older=x&newer=y", 400)


def previewed(site: OfficeSite, person: Person) -> None:
    revision = site.change(name="Previewed", low=3)
    person.go(f"/rollback/{revision - 1}")


def workers(_: OfficeSite, person: Person) -> None:
    person.go("/workers")


def lost(_: OfficeSite, person: Person) -> None:
    person.go("/changes/999999", 404)


WAYS = (
    settings,
    found,
    refused,
    reviewed,
    conflicting,
    undecided,
    dropped,
    made,
    history,
    compared,
    miscompared,
    previewed,
    workers,
    lost,
)


def looks(person: Person) -> None:
    """Nothing is wrong with the page as it stands, on a desk or on a phone."""
    page = person.window.page
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert person.window.violations() == [], scheme
    wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0
    page.set_viewport_size(PHONE)
    assert page.evaluate(wide) == 0
    assert person.window.violations() == [], "on a phone"


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_page(site: OfficeSite, ann: Person, way: Way) -> None:
    """No violation in light, in dark and on a phone, where nothing is scrolled sideways."""
    way(site, ann)
    looks(ann)


def test_what_may_only_be_read(site: OfficeSite, windows: Callable[..., Window]) -> None:
    """The same holds for the form of somebody who may change nothing."""
    reader = Person(windows("reader"))
    settings(site, reader)
    looks(reader)
    assert reader.find("#settings [name^='v.']").count() == 0


def test_the_way_in(site: OfficeSite, windows: Callable[..., Window]) -> None:
    """The same holds for whoever has not come in yet."""
    nobody = Person(windows(None))
    nobody.go("/login")
    looks(nobody)
    nobody.find("#token").fill("wrong")
    nobody.press("Log in")
    expect(nobody.find("[role=alert]")).to_be_visible()
    looks(nobody)
    nobody.go("/history")
    assert nobody.place.startswith("/login")
