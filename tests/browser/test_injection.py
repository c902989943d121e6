"""Texts that want to be scripts: wherever the pages show them, they are texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.support.browser import Window
from tests.support.hostile import EVIL, PAYLOADS, Hostile
from tests.support.office_site import TOKEN, OfficeSite
from tests.support.person import Person
from typed_waffle.buses.message import Codec
from typed_waffle.buses.redis import RedisBus, client_at
from typed_waffle.fleet import encoded, newcomer

pytestmark = pytest.mark.slow

OFFICE = "hostile"

ALIVE = """
() => [...document.querySelectorAll("*")]
  .filter((one) => ["X-EVIL", "IMG", "IFRAME", "OBJECT", "EMBED", "BASE"].includes(one.tagName)
    || (one.tagName === "SCRIPT" && !one.src)
    || [...one.attributes].some((each) => /^on|^style$/.test(each.name))
    || /^javascript:/i.test(one.getAttribute("href") ?? one.getAttribute("action") ?? ""))
  .map((one) => one.outerHTML)
"""
"""Elements that no template of ours has."""

SHOWN = EVIL.replace("\x00", "")


def harmless(person: Person) -> None:
    """Nothing of it came alive."""
    assert person.window.page.evaluate(ALIVE) == []
    assert person.window.page.evaluate("typeof window.evil") == "undefined"
    person.window.calm()


@pytest.fixture
def hostile(site: OfficeSite) -> OfficeSite:
    """Changed by somebody, for a reason, to values that are as bad."""
    site.change(
        actor=SHOWN[:200],
        note=SHOWN,
        long=f"changed {SHOWN}",
        items=tuple(reversed([*PAYLOADS.values()])),
        choice='"><script>evil()</script>',
    )
    return site


@pytest.fixture
def impostor(site: OfficeSite) -> Iterator[str]:
    """A worker whose every text is one; its id."""
    worker = replace(
        newcomer("impostor", Hostile),
        host=PAYLOADS["element"],
        server=PAYLOADS["attribute"],
        state="rejected",
        rejected_revision=10**6,
        reason=SHOWN,
        version=PAYLOADS["script"],
        model=PAYLOADS["svg"],
    )
    client = client_at(site.keys["WAFFLE_REDIS_URL"], "", 0)
    bus = RedisBus(client, "waffleconf", Codec(site.keys["WAFFLE_SIGNING_KEY"]))
    bus.leave("fleet:default", worker.id, encoded(worker), 60)
    yield worker.host
    bus.leave("fleet:default", worker.id, None, 60)
    client.close()


def test_values_descriptions_notes_and_actors(hostile: OfficeSite, ann: Person) -> None:
    """In the form, the history and a comparison."""
    for path in ("/", "/history", "/compare?older=0", "/history?field=long"):
        ann.go(path)
        assert "<x-evil>" in ann.text
        harmless(ann)


def test_what_is_typed_and_refused(hostile: OfficeSite, ann: Person) -> None:
    """The value, the message of a rule about it, and a rule across settings."""
    ann.go()
    ann.type(picky=PAYLOADS["element"], low="11", short=PAYLOADS["textarea"])
    ann.review()
    expect(ann.find("#faults")).to_contain_text("is not good")
    expect(ann.control("picky")).to_have_value(PAYLOADS["element"])
    harmless(ann)
    ann.type(picky="good")
    ann.review()
    expect(ann.find("#faults")).to_contain_text("low is 11", ignore_case=True)
    harmless(ann)


def test_a_review_a_conflict_and_a_change(hostile: OfficeSite, ann: Person) -> None:
    """With texts of both sides, the note, the change on its way, and the way back."""
    ann.go()
    ann.type(long=SHOWN, short=PAYLOADS["script"])
    hostile.change(actor=PAYLOADS["element"], note=SHOWN, long=PAYLOADS["svg"], low=3)
    ann.review()
    expect(ann.find("fieldset.overlap")).to_be_visible()
    harmless(ann)
    ann.find("fieldset.overlap label").filter(has_text="Yours").click()
    ann.save(SHOWN)
    assert ann.place.startswith("/changes/")
    harmless(ann)
    ann.press("Undo")
    assert "<x-evil>" in ann.text
    harmless(ann)


def heard(person: Person, impostor: str) -> None:
    """The fleet is on the page, as the server wrote it and as a script heard it again."""
    expect(person.find("table.fleet")).to_contain_text(impostor)
    with person.window.page.expect_response("**/api/workers*"):
        harmless(person)
    person.find("table.fleet tbody").evaluate("one => one.replaceChildren()")
    expect(person.find("table.fleet")).to_contain_text(impostor)
    harmless(person)


def test_workers(hostile: OfficeSite, impostor: str, ann: Person) -> None:
    """As the server writes them, and as a script does when it hears of one."""
    ann.go("/workers")
    heard(ann, impostor)
    ann.go()
    ann.type(low="1")
    ann.review()
    ann.save()
    expect(ann.find("[data-said]")).to_contain_text("rejected it")  # a script has heard of it
    expect(ann.find("table.fleet")).to_contain_text(impostor)
    harmless(ann)


def test_addresses(site: OfficeSite, ann: Person) -> None:
    """Whatever stands in a query."""
    for payload in PAYLOADS.values():
        told = quote(payload)
        for path in (
            f"?q={told}&show={told}",
            f"compare?older={told}&newer={told}",
            f"history?field={told}&before={told}",
            f"login?next={told}",
        ):
            ann.window.page.goto(f"/settings/{path}")
            harmless(ann)


def test_the_name_at_the_login(site: OfficeSite, windows: Callable[..., Window]) -> None:
    """It is shown on every page, and recorded; where to go next leads nowhere else."""
    nobody = Person(windows(None))
    nobody.go(f"/login?next={quote(PAYLOADS['address'])}")
    nobody.find("#name").fill(PAYLOADS["element"])
    nobody.find("#token").fill("wrong")
    nobody.press("Log in")
    expect(nobody.find("[role=alert]")).to_be_visible()
    harmless(nobody)
    nobody.find("#token").fill(TOKEN)
    nobody.press("Log in")
    expect(nobody.find("h1")).to_have_text("Settings")
    expect(nobody.find(".actor").first).to_contain_text("<x-evil>")
    harmless(nobody)
