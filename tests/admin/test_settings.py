"""The page of all settings: what it shows, and what may be sent to it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.support.office import CANARY, Bakery, Browser, Office, Shift
from typed_waffle import WaffleModel

Offices = Callable[..., Office]


class Larger(WaffleModel):
    """An older bakery, with more seats."""

    seats: int = 20


# --- what it shows ----------------------------------------------------------------------------


def test_every_setting_has_a_labelled_control(browser: Browser) -> None:
    """Each has a label, and what describes it is there."""
    browser.get()
    for one in browser.soup.select("#settings :is(input, select, textarea)"):
        if one.get("type") == "hidden":
            continue
        labels = browser.soup.select(f'label[for="{one.get("id")}"]')
        assert labels or one.find_parent("label"), one
        for described in str(one.get("aria-describedby", "")).split():
            assert browser.soup.find(id=described), described


def test_settings_are_grouped_by_nested_models(browser: Browser) -> None:
    """Each group has its name and what the developer says of it."""
    browser.get()
    heads = [" ".join(h.get_text(" ").split()) for h in browser.soup.select(".group-head")]
    assert heads == [
        "Bakery What the bakery is, and when it is open.",
        "smtp Where mail goes.",
        "smtp.tls How the connection is kept private.",
    ]
    assert browser.row("smtp.tls.verify").find_parent(attrs={"aria-labelledby": "g-smtp.tls"})


def test_a_row_says_what_is_known(office: Office, browser: Browser) -> None:
    """Its description, rule, type and default, where the value is from, and who set it when."""
    office.change(seats=30)
    browser.get()
    text = browser.said("seats")
    assert "stored" in text
    assert "int , 1 to 500. Default: 20" in text
    assert "by bob: from elsewhere" in text
    assert "Shown in the page header." in browser.said("name")
    assert "EUR" in browser.said("price")
    assert "UTC" in browser.said("launched")


def test_a_form_that_nobody_touched_changes_nothing(browser: Browser) -> None:
    """Sent as it stands, it asks for nothing."""
    browser.get()
    assert browser.submit("#settings").status_code == 200
    assert "Nothing was changed" in browser.text
    assert browser.soup.select_one("form#settings")


def test_what_is_stored_but_refused_is_told(offices: Offices) -> None:
    """A stored value that the model refuses has its problem at the setting."""
    office = offices()
    office.change_elsewhere(Larger, seats=900)
    browser = office.browser()
    browser.get("/?show=problem")
    assert "What is stored is refused" in browser.said("seats")
    assert len(browser.soup.select(".setting:not([hidden])")) == 1
    # It is reset, though its value is that of the default.
    browser.submit("#settings", button="reset=seats")
    browser.submit("#review")
    browser.get("/?show=problem")
    assert "No setting fits" in browser.text


# --- search -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?q=header", ["name"]),
        ("?q=SMTP+port", ["smtp.port"]),
        ("?q=localhost", ["smtp.host"]),
        ("?show=secret", ["token", "keys", "smtp.password"]),
        ("?show=changed", ["seats"]),
        ("?show=changed&q=name", []),
        ("?show=nonsense&q=header", ["name"]),
    ],
)
def test_the_server_searches(
    office: Office, browser: Browser, query: str, names: list[str]
) -> None:
    """Without scripts a search and a filter are requests."""
    office.change(seats=30)
    browser.get(f"/{query}")
    assert [str(one["id"])[2:] for one in browser.soup.select(".setting:not([hidden])")] == names
    assert f"{len(names)} of 28 settings" in browser.text


# --- typing -----------------------------------------------------------------------------------


def test_from_the_form_to_the_history_without_scripts(office: Office, browser: Browser) -> None:
    """Type, review, go back, type more, review, save with a note."""
    browser.get()
    browser.submit("#settings", {"v.seats": "31"})
    assert "seats 20 31" in browser.text
    assert office.revision() == 0
    browser.submit("#review", {"note": "more guests"}, button=None)
    assert browser.response.status_code == 303
    assert office.settings().seats == 31
    browser.follow()
    assert "more guests" in browser.text
    assert "ann" in browser.text


def test_going_back_keeps_what_was_typed(office: Office, browser: Browser) -> None:
    """The review leads back to the form, in which everything typed stands."""
    browser.get()
    browser.submit("#settings", {"v.seats": "31", "v.smtp.host": "mail", "v.token": CANARY})
    browser.back({"note": "why"})
    assert browser.control("seats")["value"] == "31"
    assert browser.control("smtp.host").get_text().strip() == "mail"
    assert "A new value was typed; type again to replace it" in browser.said("token")
    browser.submit("#settings", {"v.low": "2"})
    assert browser.soup.find(id="note").get_text().strip() == "why"  # type: ignore[union-attr] # it is there
    browser.submit("#review")
    now = office.settings()
    assert (now.seats, now.smtp.host, now.low) == (31, "mail", 2)
    assert now.token.get_secret_value() == CANARY
    assert office.revision() == 1, "it is one change"


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("name", " a b ", " a b "),
        ("motto", "\r\nfirst\r\n\r\nlast", "\nfirst\n\nlast"),
        ("open", ["false"], False),
        ("shift", '"late"', Shift.LATE),
        ("theme", '"dark"', "dark"),
        ("price", "3.10", Decimal("3.10")),
        ("ratio", "0.25", 0.25),
        ("quota", "5", 5),
        ("upload", "3 MiB", 3 * 1024**2),
        ("tags", "one\r\n\r\n two \r\nthree", ("one", "two", "three")),
        ("prices", '{"plum": "1.20"}', {"plum": Decimal("1.20")}),
    ],
)
def test_what_is_typed_is_read_by_the_type(
    office: Office, browser: Browser, name: str, typed: object, value: object
) -> None:
    """Each control gives what its type has."""
    browser.get()
    browser.submit("#settings", {f"v.{name}": typed})
    browser.submit("#review")
    assert getattr(office.settings(), name) == value
    browser.get()
    browser.submit("#settings")
    assert "Nothing was changed" in browser.text


def test_a_time_is_typed_in_utc(office: Office, browser: Browser) -> None:
    """The page says so, and a browser sends no zone."""
    browser.get()
    browser.submit("#settings", {"v.launched": "2025-05-05T10:30", "v.pause": "2 min"})
    browser.submit("#review")
    now = office.settings()
    assert now.launched.isoformat() == "2025-05-05T10:30:00+00:00"
    assert now.pause.total_seconds() == 120


def test_no_value_is_said_by_a_box_or_by_an_empty_control(office: Office, browser: Browser) -> None:
    """An empty text is a value, an empty number is none."""
    office.change(greeting="Hello", quota=3)
    browser.get()
    browser.submit("#settings", {"v.greeting": "", "v.quota": ""})
    browser.submit("#review")
    assert (office.settings().greeting, office.settings().quota) == ("", None)
    browser.get()
    browser.submit("#settings", {"n.greeting": "1"})
    browser.submit("#review")
    assert office.settings().greeting is None
    browser.get()
    assert (
        browser.control("greeting")
        .find_next("input", {"name": "n.greeting"})
        .has_attr(  # type: ignore[union-attr] # it is there
            "checked"
        )
    )


def test_a_text_beside_no_value(office: Office, browser: Browser) -> None:
    """What is typed is taken, though without scripts the mark of "no value" is still there."""
    browser.get("/")
    browser.submit("#settings", {"v.greeting": "Hello"})
    browser.submit("#review")
    assert office.settings().greeting == "Hello"


# --- resets -----------------------------------------------------------------------------------


def test_a_setting_is_reset_by_a_button(office: Office, browser: Browser) -> None:
    """It goes through the review, with everything that was typed."""
    office.change(seats=30, low=4)
    browser.get()
    browser.submit("#settings", {"v.name": "New"}, button="reset=seats")
    assert "seats 30 20" in browser.text
    assert "name Waffle New" in browser.text
    browser.submit("#review")
    now = office.settings()
    assert (now.seats, now.name, now.low) == (20, "New", 4)
    browser.get()
    assert not browser.row("seats").select("button[name=reset]")
    assert browser.row("low").select("button[name=reset]")


def test_a_part_is_reset_alone(office: Office, browser: Browser) -> None:
    """The other parts stay as they are."""
    smtp = Bakery().smtp
    office.change(smtp=smtp.model_copy(update={"host": "mail", "port": 587}))
    browser.get()
    browser.submit("#settings", button="reset=smtp.port")
    browser.submit("#review")
    assert (office.settings().smtp.host, office.settings().smtp.port) == ("mail", 25)


def test_a_reset_may_be_dropped_or_typed_over(office: Office, browser: Browser) -> None:
    """Going back, a value may still be typed, and what stands there may stay."""
    office.change(seats=30, low=4)
    browser.get()
    browser.submit("#settings", button="reset=seats")
    data = browser.fields("#review")
    browser.send("/edit", data)
    assert browser.control("seats")["value"] == "20"
    browser.submit("#settings", {"v.seats": "21"})
    assert "seats 30 21" in browser.text
    browser.send("/edit", data)
    browser.submit("#settings")
    assert "seats 30 20" in browser.text, "untouched, it is still a reset"
    browser.send("/edit", data)
    browser.submit("#settings", button="keep=seats")
    assert browser.control("seats")["value"] == "30"
    browser.submit("#settings")
    assert "Nothing was changed" in browser.text
