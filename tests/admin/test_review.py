"""The review before saving: what it tells, what it carries, and that it writes nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from bs4 import Tag
from flask.testing import FlaskClient
from pydantic import SecretStr

from tests.support.office import CANARY, Bakery, Browser, Office
from typed_waffle import WaffleModel

Offices = Callable[..., Office]


def stands(browser: Browser, name: str) -> str:
    """What stands in an input."""
    found = browser.soup.find(id=f"f-{name}")
    assert isinstance(found, Tag)
    return str(found["value"])


def test_a_review_writes_nothing(office: Office, browser: Browser) -> None:
    """It shows leaf by leaf what would change."""
    browser.get()
    browser.submit("#settings", {"v.seats": "30", "v.smtp.host": "mail", "v.open": ["false"]})
    rows = [" ".join(r.get_text(" ").split()) for r in browser.soup.select(".diff tbody tr")]
    assert rows == ["open true false", "seats 20 30", "smtp.host localhost mail"]
    assert office.revision() == 0


def test_a_review_carries_only_what_changed(browser: Browser) -> None:
    """The rest is not sent again."""
    browser.get()
    browser.submit("#settings", {"v.seats": "30"})
    assert set(browser.fields("#review")) == {
        "csrf_token",
        "revision",
        "w.seats",
        "v.seats",
        "note",
    }


def test_a_note_is_kept_with_the_change(office: Office, browser: Browser) -> None:
    """It may have several lines, but no characters that nobody sees."""
    browser.get()
    browser.submit("#settings", {"v.seats": "30"})
    browser.submit("#review", {"note": " more guests\r\nand\0 chairs\x1b[1m "})
    with office.app.app_context():
        change = office.waffle.history()[0]
    assert change.note == "more guests\nand  chairs [1m"
    assert (change.actor, change.channel) == ("ann", "admin")


def test_a_note_that_is_too_long_is_refused(office: Office, browser: Browser) -> None:
    """It is kept, as is what was typed."""
    browser.get()
    browser.submit("#settings", {"v.seats": "30"})
    assert "At most 2000 characters" in browser.text
    browser.submit("#review", {"note": "n" * 2001})
    assert browser.response.status_code == 422
    assert "The note may have 2000 characters at most" in browser.text
    assert stands(browser, "seats") == "30"
    browser.submit("#settings")
    assert office.revision() == 0


def test_nothing_to_save_is_said(office: Office, browser: Browser) -> None:
    """If others made it so meanwhile, there is no change to make."""
    browser.get()
    browser.submit("#settings", {"v.seats": "30"})
    office.change(seats=30)
    browser.submit("#review")
    assert browser.response.status_code == 303
    browser.follow()
    assert "Nothing was changed: everything is as it was." in browser.text


# --- secrets ----------------------------------------------------------------------------------


def test_a_secret_travels_sealed(
    office: Office, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """Through review, refusal, form and save, no byte of an answer has it, and no log."""
    caplog.set_level(logging.DEBUG)
    browser.get()
    typed = {
        "v.token": CANARY,
        "v.smtp.password": CANARY,
        "v.keys": f'{{"a": "{CANARY}"}}',
        "v.seats": "900",
    }
    browser.submit("#settings", typed)
    assert browser.response.status_code == 422
    browser.submit("#settings", {"v.seats": "30"})
    assert browser.response.status_code == 200
    assert "New secrets: token , keys , smtp.password" in browser.text
    browser.back()
    browser.submit("#settings")
    browser.submit("#review")
    browser.follow()
    browser.get()
    now = office.settings()
    assert now.token.get_secret_value() == CANARY
    assert now.smtp.password.get_secret_value() == CANARY
    assert now.keys["a"].get_secret_value() == CANARY
    assert CANARY not in caplog.text


def test_an_empty_secret_is_kept(office: Office, browser: Browser) -> None:
    """Nothing typed is nothing changed, whatever the secret is."""
    office.change(token=CANARY)
    browser.get()
    assert browser.control("token").get_text().strip() == ""
    browser.submit("#settings", {"v.seats": "30"})
    browser.submit("#review")
    assert office.settings().token.get_secret_value() == CANARY


def test_a_secret_that_is_typed_again_replaces_the_one_before(
    office: Office, browser: Browser
) -> None:
    """The last word counts."""
    browser.get()
    browser.submit("#settings", {"v.token": CANARY})
    browser.back()
    browser.submit("#settings", {"v.token": "another"})
    browser.submit("#review")
    assert office.settings().token.get_secret_value() == "another"


def test_a_seal_is_of_one_person_and_one_setting(office: Office, browser: Browser) -> None:
    """Nobody else can save it, nor can it be put elsewhere, where it would be shown."""
    browser.get()
    browser.submit("#settings", {"v.token": CANARY})
    seal = browser.fields("#review")["s.token"]
    for actor, name in (("eve", "token"), ("ann", "smtp.password"), ("ann", "name")):
        other = office.browser(actor)
        other.get()
        other.post("/save", {f"s.{name}": seal, "revision": "0"})
        assert other.response.status_code in {303, 422}
        assert office.revision() == 0
    assert "type it again" in browser.post("/review", {"s.token": "x"}).get_data(as_text=True)


class Safe(WaffleModel):
    """A secret that there may not be."""

    code: SecretStr | None = SecretStr("1234")


def test_a_secret_may_be_taken_away(offices: Offices) -> None:
    """A box says that there shall be none; empty alone, it is kept."""
    office = offices(Safe)
    browser = office.browser()
    browser.get()
    browser.submit("#settings", {"n.code": "1"})
    browser.back()
    browser.submit("#settings")
    browser.submit("#review")
    assert office.settings().code is None
    browser.get()
    browser.submit("#settings", button="reset=code")
    browser.submit("#review")
    assert office.settings().code.get_secret_value() == "1234"


def test_a_message_that_quotes_a_secret_is_hidden(browser: Browser) -> None:
    """The mask itself is refused without repeating anything."""
    browser.get()
    browser.submit("#settings", {"v.token": "**********"})
    assert browser.response.status_code == 422
    assert "asterisks that stand for a secret" in browser.text


# --- stale forms ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/review", "/edit", "/save"])
@pytest.mark.parametrize("token", [None, "forged", "expired"])
def test_a_stale_form_is_shown_again(offices: Offices, path: str, token: str | None) -> None:
    """With everything that was typed, and a fresh token; nothing is written."""
    office = offices(keys={"WTF_CSRF_TIME_LIMIT": -1} if token == "expired" else {})
    browser = office.browser()
    browser.get()
    sent = {**browser.fields("#settings"), "v.seats": "30", "v.token": CANARY, "note": "why"}
    if token != "expired":
        sent["csrf_token"] = token or ""
    browser.send(path, sent)
    assert browser.response.status_code == 400
    assert "everything that you typed is still here" in browser.text
    assert stands(browser, "seats") == "30"
    assert office.revision() == 0
    office.app.config["WTF_CSRF_TIME_LIMIT"] = 3600
    browser.submit("#settings")
    browser.submit("#review")
    now = office.settings()
    assert (now.seats, now.token.get_secret_value()) == (30, CANARY)
    browser.follow()
    assert "why" in browser.text


def test_pages_that_write_take_no_get(office: Office, browser: Browser) -> None:
    """No link changes anything."""
    for path in ("/review", "/edit", "/save"):
        assert browser.get(path).status_code == 405
    assert office.revision() == 0


# --- without a database -----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["review", "edit", "save"])
def test_an_outage_keeps_what_was_typed(office: Office, browser: Browser, path: str) -> None:
    """It is sent again when the database answers; a secret is kept sealed."""
    browser.get()
    sent = {**browser.fields("#settings"), "v.seats": "30", "v.token": CANARY, "note": "why"}
    answers = office.hide_database()
    browser.send(path, sent)
    assert browser.response.status_code == 503
    assert browser.response.headers["Retry-After"]
    answers()
    browser.submit("#again")
    if path == "edit":
        browser.submit("#settings")
    if path != "save":
        browser.submit("#review")
    assert browser.response.status_code == 303
    now = office.settings()
    assert (now.seats, now.token.get_secret_value()) == (30, CANARY)
    browser.follow()
    assert "why" in browser.text


# --- hostile input ----------------------------------------------------------------------------

PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus='alert(1)",
    "</textarea><script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %} ${7*7} {0.__class__} %(x)s",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_markup_stays_text(office: Office, browser: Browser, payload: str) -> None:
    """Typed, refused, reviewed, noted or stored, it makes no element and no handler."""
    browser.get()
    tags = {tag.name for tag in browser.soup.find_all()}
    typed = {
        "v.name": payload[:40],
        "v.motto": payload,
        "v.tags": payload,
        "v.prices": payload,
        "v.seats": payload,
        "v.shift": payload,
        "v.launched": payload,
    }
    browser.submit("#settings", typed)
    assert browser.response.status_code == 422
    harmless(browser, tags)
    assert browser.soup.find(id="f-motto").get_text().strip() == payload  # type: ignore[union-attr] # it is there
    again = {"v.prices": "{}", "v.seats": "30", "v.shift": '"late"', "v.launched": ""}
    browser.submit("#settings", {**again, "v.launched": "2024-01-01T12:00"})
    harmless(browser, tags | {"fieldset"})
    browser.submit("#review", {"note": payload})
    assert browser.response.status_code == 303
    assert office.settings().motto == payload
    browser.get(f"/?q={payload[:20]}")
    harmless(browser, tags)
    browser.get()
    harmless(browser, tags)


def harmless(browser: Browser, tags: set[str]) -> None:
    """No element but ours, and no handler."""
    ours = tags | {"table", "caption", "thead", "tbody", "tr", "th", "td", "del", "ins", "time"}
    ours |= {"ul", "li", "a", "br", "code", "h2", "span"}
    for tag in browser.soup.find_all():
        assert tag.name in ours, tag
        assert not [name for name in tag.attrs if name.startswith("on") or name == "style"], tag
        if tag.name == "script":
            assert str(tag["src"]).startswith("/settings/assets/")
            assert not tag.get_text()


def test_a_form_of_too_many_fields_is_refused(office: Office, browser: Browser) -> None:
    """Before any of them is made."""
    browser.get()
    client: FlaskClient = office.app.test_client()
    body = "&" * 60_000
    answer = client.post(
        "/settings/review",
        data=body,
        content_type="application/x-www-form-urlencoded",
        headers={"X-Actor": "ann"},
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "value",
    ["9" * 5000, "[" * 100_000, "1e999999999", "\ud83e", "x" * 300_000],
    ids=["digits", "nested", "exponent", "half a character", "long"],
)
def test_odd_texts_are_refused_or_kept(office: Office, browser: Browser, value: str) -> None:
    """None of them breaks the page."""
    browser.get()
    sent = value.encode("utf-8", "surrogatepass")
    for name in ("seats", "price", "prices", "upload", "pause", "tags", "holidays", "quota"):
        browser.get()
        browser.post("/review", {f"v.{name}": sent, "revision": "0"})
        assert browser.response.status_code in {200, 422}, name
    assert office.revision() == 0


@pytest.mark.parametrize("name", ["prices", "ovens", "shift", "open", "keys", "holidays"])
def test_half_characters_in_json_are_refused(office: Office, browser: Browser, name: str) -> None:
    """JSON can write what no text may hold; also where somebody else changed it meanwhile."""
    half = '"\\ud800"'
    for text in (half, f"[{half}]", f'{{"a": {half}}}', f"{{{half}: 1}}", f'[{{"name": {half}}}]'):
        browser.get()
        browser.submit("#settings", {f"v.{name}": text})
        assert browser.response.status_code == 422, text
    sent = browser.fields("#settings")
    office.change(prices={"a": "1"}, ovens=[], shift="late", open=False, holidays=[])
    browser.send("/save", {**sent, f"v.{name}": f"[{half}]"})
    assert browser.response.status_code in {409, 422}


def test_odd_forms_do_no_harm(office: Office, browser: Browser) -> None:
    """Whatever stands where the page puts revisions, digests and decisions."""
    browser.get()
    for revision in ("", "-1", "x", "9" * 30, "٣"):
        for was in ("", "?", "json:", "lines:x", "number:r5", "nosuch:1", ":r9"):
            sent = {"v.seats": "30", "w.seats": was, "d.seats": "mine:", "revision": revision}
            browser.post("/review", {**sent, "v.token": "x", "w.token": was})
            assert browser.response.status_code in {200, 409, 422}
    assert office.revision() == 0
    assert Bakery().seats == office.settings().seats
