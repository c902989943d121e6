"""What somebody typed, read leaf by leaf: nothing of it is lost, and none of it costs much."""

from __future__ import annotations

import re
import time as clock
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from pydantic import ByteSize, SecretStr

from tests.support.office import CANARY, Browser, Office
from typed_waffle import WaffleModel
from typed_waffle.admin import sealed

Offices = Callable[..., Office]


class Cafe(WaffleModel):
    """What there may not be, and what has units."""

    greeting: str | None = None
    farewell: str | None = "Bye"
    code: SecretStr | None = SecretStr("1234")
    token: SecretStr = SecretStr("")
    seats: int = 20
    pause: timedelta = timedelta(seconds=90)
    upload: ByteSize = ByteSize(2048)


@pytest.fixture
def cafe(offices: Offices) -> Office:
    return offices(Cafe)


def ann(office: Office) -> Browser:
    """Ann, who looks at the form."""
    browser = office.browser()
    browser.get()
    return browser


# --- what costs much --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pause", "upload"])
@pytest.mark.parametrize("text", ["1d{}x", "1{}d{}1", "1d 1h 1min{}1s{}x"])
def test_blanks_in_a_duration_or_a_size_cost_nothing(cafe: Office, name: str, text: str) -> None:
    """A text that nobody means is refused at once, however long it is."""
    browser = ann(cafe)
    began = clock.process_time()
    browser.submit("#settings", {f"v.{name}": text.replace("{}", " " * 1200)})
    assert clock.process_time() - began < 5
    assert browser.errors(name) == ["It has 100 characters at most."]
    assert cafe.revision() == 0


# --- no value ---------------------------------------------------------------------------------


def test_a_text_wins_over_the_box_that_stood_there(cafe: Office) -> None:
    """Without scripts the box stays ticked when somebody types where there was no value."""
    browser = ann(cafe)
    browser.submit("#settings", {"v.greeting": "hello"})
    browser.submit("#review")
    assert cafe.settings().greeting == "hello"


def test_a_box_wins_over_the_text_that_stood_there(cafe: Office) -> None:
    """Without scripts the text stays when somebody says that there is no value."""
    browser = ann(cafe)
    browser.submit("#settings", {"n.farewell": "1"})
    browser.submit("#review")
    assert cafe.settings().farewell is None


@pytest.mark.parametrize("name", ["farewell", "code"])
def test_a_text_and_a_box_need_a_choice(cafe: Office, name: str) -> None:
    """Nobody knows which of two counts that were both given: the text is kept until they say."""
    browser = ann(cafe)
    before = getattr(cafe.settings(), name)
    browser.submit("#settings", {f"n.{name}": "1", f"v.{name}": "new"})
    for _ in range(2):
        assert browser.response.status_code == 422
        assert browser.errors(name) == ["There is a text, and “no value” is ticked: choose one."]
        browser.submit("#settings")
    assert getattr(cafe.settings(), name) == before
    browser.submit("#settings", {f"n.{name}": None})
    browser.submit("#review")
    now = getattr(cafe.settings(), name)
    assert (now if name == "farewell" else now.get_secret_value()) == "new"


# --- sealed secrets ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/review", "/edit", "/save"])
@pytest.mark.parametrize("stale", [False, True])
def test_a_secret_that_cannot_be_unsealed_is_told(cafe: Office, path: str, stale: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """It has to be typed again, and no page says that everything is still there."""
    browser = ann(cafe)
    browser.submit("#settings", {"v.token": "typed", "v.seats": "30"})
    sent = browser.fields("#review")
    with patch.object(sealed, "LASTS", -1):
        browser.send(path, {**sent, "csrf_token": "old"} if stale else sent)
    assert "type it again" in " ".join(browser.errors("token"))
    assert "everything that you typed" not in browser.text
    assert browser.control("seats")["value"] == "30"
    assert cafe.revision() == 0


def test_an_outage_does_not_hide_that_a_secret_is_lost(cafe: Office) -> None:
    """Sent again, it is still told."""
    browser = ann(cafe)
    browser.submit("#settings", {"v.token": "typed", "v.seats": "30"})
    answers = cafe.hide_database()
    with patch.object(sealed, "LASTS", -1):
        browser.submit("#review")
    assert browser.response.status_code == 503
    answers()
    browser.submit("#again")
    assert "type it again" in " ".join(browser.errors("token"))
    assert cafe.revision() == 0


# --- JSON -------------------------------------------------------------------------------------


class Relay(WaffleModel):
    """Where mail goes on to."""

    host: str = "mx"
    password: SecretStr = SecretStr("default")


class Post(WaffleModel):
    """What is typed as JSON."""

    relays: tuple[Relay, ...] = ()
    relay: Relay | None = None
    limits: Mapping[str, int] = {}
    tags: tuple[str, ...] = ("a", "b")
    odd: tuple[str, ...] = ("a ",)
    pattern: re.Pattern[str] | None = re.compile("")
    folder: Path | None = None


@pytest.fixture
def letters(offices: Offices) -> Office:
    return offices(Post)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("relay", '{"host": "mx", "pasword": "typed"}', "pasword: Extra inputs"),
        ("relays", '[{"host": "mx", "pasword": "typed"}]', "0.pasword: Extra inputs"),
        ("relay", '{"host": "mx", "host": "my"}', "a name stands twice in one object"),
        ("limits", '{"a": 1, "a": 2}', "a name stands twice in one object"),
        ("limits", '{"a": "1"}', "a: Input should be a valid integer"),
    ],
)
def test_json_is_read_as_strictly_as_by_the_api(
    letters: Office, name: str, text: str, why: str
) -> None:
    """A name that is misspelled or doubled would be dropped, and a default come in its place."""
    browser = ann(letters)
    browser.submit("#settings", {f"v.{name}": text})
    assert browser.response.status_code == 422
    assert why in " ".join(browser.errors(name))
    assert letters.revision() == 0


# --- resets and controls ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"), [("tags", ("a ", "b")), ("odd", ("a", "b")), ("tags", ("c",))]
)
def test_a_reset_stays_one_in_another_control(
    letters: Office, name: str, value: tuple[str, ...]
) -> None:
    """The default may stand in another kind of control than the value that it comes for."""
    letters.change(**{name: value})
    browser = ann(letters)
    browser.submit("#settings", button=f"reset={name}")
    browser.back()
    browser.submit("#settings")
    assert browser.response.status_code == 200
    assert browser.fields("#review")[f"r.{name}"] == ""
    browser.submit("#review")
    assert getattr(letters.settings(), name) == getattr(Post(), name)


def test_what_is_typed_over_a_reset_is_read_as_it_is_shown(letters: Office) -> None:
    """Through refusals and reviews, whatever stood there before."""
    letters.change(tags=("a ", "b"))
    browser = ann(letters)
    browser.submit("#settings", button="reset=tags")
    browser.back()
    browser.submit("#settings", {"v.tags": "x\r\ny", "v.limits": "["})
    assert browser.response.status_code == 422
    assert not browser.errors("tags")
    browser.submit("#settings", {"v.limits": "{}"})
    browser.back()
    browser.submit("#settings")
    browser.submit("#review")
    assert letters.settings().tags == ("x", "y")


def test_an_empty_text_that_is_a_value_is_one(letters: Office) -> None:
    """An empty pattern is no missing one; of a folder, nothing is no folder."""
    browser = ann(letters)
    browser.submit("#settings", {"v.limits": '{"a": 1}'})
    assert [row.th.get_text() for row in browser.soup.select(".diff tbody tr")] == ["limits.a"]  # type: ignore[union-attr] # it has one
    browser.get()
    browser.submit("#settings", {"n.pattern": "1", "v.folder": "/srv"})
    browser.submit("#review")
    assert (letters.settings().pattern, letters.settings().folder) == (None, Path("/srv"))
    browser.get()
    browser.submit("#settings", {"v.folder": ""})
    browser.submit("#review")
    assert letters.settings().folder is None


# --- more -------------------------------------------------------------------------------------


def test_a_secret_of_blanks_is_one(cafe: Office) -> None:
    """It is typed, so it is taken."""
    browser = ann(cafe)
    browser.submit("#settings", {"v.token": "   "})
    browser.submit("#review")
    assert cafe.settings().token.get_secret_value() == "   "


def test_a_secret_of_one_line_has_no_end(cafe: Office) -> None:
    """It may have been copied with one; what has several lines is as it was typed."""
    for typed, kept in (("one\r\n", "one"), ("one\r\ntwo\r\n", "one\ntwo\n")):
        browser = ann(cafe)
        browser.submit("#settings", {"v.token": typed})
        browser.submit("#review")
        assert cafe.settings().token.get_secret_value() == kept


@pytest.mark.parametrize("text", ["1.5 h", "5 m", "soon"])
def test_a_duration_that_is_none_is_told_how_to_write(cafe: Office, text: str) -> None:
    """In the form in which the page shows it."""
    browser = ann(cafe)
    browser.submit("#settings", {"v.pause": text})
    assert "1 d 2 h 30 min 5.5 s" in browser.errors("pause")[0]


def test_what_was_typed_for_a_setting_that_is_gone_is_shown_once(cafe: Office) -> None:
    """During a deployment the page may be from another version. A secret is not shown."""
    browser = ann(cafe)
    sent = {"v.gone": "all my prose", "w.gone": "area:1", "revision": "0"}
    browser.post("/review", {**sent, "v.hidden": CANARY, "w.hidden": "password:r0"})
    assert browser.response.status_code == 422
    assert "There is no setting 'gone' here. What was typed: all my prose" in browser.text


def test_an_outage_keeps_that_a_change_was_not_seen(office: Office) -> None:
    """Whose value counts may decide what changes: after the outage that is reviewed still."""
    browser = ann(office)
    office.change(high=20)
    browser.submit("#settings", {"v.low": "50", "v.high": "60"})
    mine = str(browser.soup.select_one("#d-high-mine")["value"])  # type: ignore[index] # it is there
    answers = office.hide_database()
    browser.submit("#review", {"d.high": mine})
    answers()
    browser.submit("#again")
    assert browser.response.status_code == 200
    assert office.settings().low == 0
    browser.submit("#review")
    assert (office.settings().low, office.settings().high) == (50, 60)


# --- what a screen reader is told -------------------------------------------------------------


def test_every_fault_of_a_control_belongs_to_it(letters: Office) -> None:
    """Not the first one only."""
    browser = ann(letters)
    browser.submit("#settings", {"v.limits": '{"a": "x", "b": "y"}'})
    told = str(browser.control("limits")["aria-describedby"]).split()
    assert [name for name in told if name.startswith("e-")] == ["e-limits", "e-limits-2"]
    assert all(browser.soup.find(id=name) for name in told)


def test_each_box_says_of_what_there_is_no_value(cafe: Office) -> None:
    """They would all have the same name."""
    labels = [label.get_text() for label in ann(cafe).soup.select("label.none")]
    assert " no value for greeting" in labels
    assert len(set(labels)) == len(labels) == 3


def test_the_words_about_a_stale_form_get_the_focus(cafe: Office) -> None:
    """As those about a refusal do; if there are both, those about the refusal."""
    browser = ann(cafe)
    sent = {**browser.fields("#settings"), "csrf_token": "", "v.seats": "30"}
    browser.send("/review", sent)
    assert "open for too long" in browser.soup.select_one("#faults[tabindex]").get_text()  # type: ignore[union-attr] # it is there
    browser.send("/review", {**sent, "v.seats": "x"})
    assert len(browser.soup.select("#faults")) == 1


def test_a_search_says_that_it_forgets(cafe: Office) -> None:
    """Without scripts it loads the page anew."""
    assert "Review what you typed first: a search loads the page anew." in ann(cafe).text
