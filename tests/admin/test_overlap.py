"""What others changed while somebody was typing: only true overlaps need a decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from unittest.mock import patch

import pytest
from pydantic import SecretStr

from tests.support.office import CANARY, Bakery, Browser, Office
from typed_waffle import WaffleModel
from typed_waffle.admin.counter import Counter
from typed_waffle.change import Change
from typed_waffle.model import Setting

SMTP = Bakery().smtp


class Former(WaffleModel):
    """An older release."""

    pw: SecretStr = SecretStr("")


class Renamed(WaffleModel):
    """A newer one."""

    password: Annotated[SecretStr, Setting(renamed_from="pw")] = SecretStr("")


def radios(browser: Browser, name: str) -> dict[str, str]:
    """The decisions that the page offers for a leaf: whose value, and what is sent."""
    found = browser.soup.select(f'input[name="d.{name}"]')
    assert not any(radio.has_attr("checked") for radio in found), "none is made beforehand"
    return {str(radio["id"]).rpartition("-")[2]: str(radio["value"]) for radio in found}


def test_changes_that_do_not_overlap_need_nothing(office: Office, browser: Browser) -> None:
    """They are shown beside, and the save goes on top of them."""
    browser.get()
    office.change(low=3)
    browser.submit("#settings", {"v.seats": "30"})
    assert browser.response.status_code == 200
    assert "Changed meanwhile by others" in browser.text
    assert "by bob : from elsewhere" in browser.text
    assert "low 0 3" in browser.text
    browser.submit("#review")
    assert browser.response.status_code == 303
    assert (office.settings().low, office.settings().seats) == (3, 30)


def test_a_change_between_review_and_save_need_not_be_seen(
    office: Office, browser: Browser
) -> None:
    """If it is about something else, nothing of it is lost."""
    browser.get()
    browser.submit("#settings", {"v.seats": "30"})
    office.change(low=3)
    browser.submit("#review")
    assert browser.response.status_code == 303
    assert (office.settings().low, office.settings().seats) == (3, 30)


def test_parts_of_one_setting_do_not_overlap(office: Office, browser: Browser) -> None:
    """Two people may change two parts of it."""
    browser.get()
    office.change(smtp=SMTP.model_copy(update={"port": 587}))
    browser.submit("#settings", {"v.smtp.host": "mail"})
    assert browser.response.status_code == 200
    browser.submit("#review")
    assert (office.settings().smtp.host, office.settings().smtp.port) == ("mail", 587)


def test_the_same_value_is_no_conflict(office: Office, browser: Browser) -> None:
    """Others made of it what was wanted."""
    browser.get()
    office.change(seats=30)
    browser.submit("#settings", {"v.seats": "30"})
    assert browser.response.status_code == 200
    assert "Nothing was changed" in browser.text


def test_what_nobody_typed_is_no_conflict(office: Office, browser: Browser) -> None:
    """The form is sent with what stood there, and that overwrites nothing."""
    browser.get()
    office.change(seats=30, motto="Theirs,\nand long.", quota=5, tags=["x"])
    browser.submit("#settings", {"v.low": "2"})
    assert browser.response.status_code == 200
    browser.submit("#review")
    now = office.settings()
    assert (now.seats, now.motto, now.quota, now.tags) == (30, "Theirs,\nand long.", 5, ("x",))
    assert now.low == 2


@pytest.mark.parametrize(("whose", "seats"), [("theirs", 44), ("mine", 30)])
def test_a_true_overlap_needs_a_decision(
    office: Office, browser: Browser, whose: str, seats: int
) -> None:
    """Both values are shown, and who made theirs; nothing is saved before it is decided."""
    browser.get()
    office.change(seats=44)
    browser.submit("#settings", {"v.seats": "30", "v.low": "2"})
    assert browser.response.status_code == 409
    overlap = " ".join(browser.soup.select(".overlap")[0].get_text(" ").split())
    assert overlap.startswith("seats bob, ")
    assert "from elsewhere 44 Yours 30" in overlap
    browser.submit("#review", {"note": "kept"})
    assert browser.response.status_code == 409
    assert "decide first" in browser.text
    assert "bob, " in browser.soup.select(".overlap")[0].get_text(), "still it says who"
    assert office.settings().low == 0
    browser.submit("#review", {"d.seats": radios(browser, "seats")[whose]})
    assert browser.response.status_code == 303
    assert (office.settings().seats, office.settings().low) == (seats, 2)
    browser.follow()
    assert "kept" in browser.text


def test_a_decision_is_against_what_was_seen(office: Office, browser: Browser) -> None:
    """If it changes once more, it has to be decided once more."""
    browser.get()
    office.change(seats=44)
    browser.submit("#settings", {"v.seats": "30"})
    mine = radios(browser, "seats")["mine"]
    office.change(seats=45)
    browser.submit("#review", {"d.seats": mine})
    assert browser.response.status_code == 409
    assert "45" in browser.soup.select(".overlap")[0].get_text()
    assert office.settings().seats == 45
    browser.submit("#review", {"d.seats": radios(browser, "seats")["mine"]})
    assert office.settings().seats == 30


def test_theirs_alone_leaves_nothing_to_save(office: Office, browser: Browser) -> None:
    """The page says so, and makes no change."""
    browser.get()
    office.change(seats=44)
    browser.submit("#settings", {"v.seats": "30"})
    browser.submit("#review", {"d.seats": radios(browser, "seats")["theirs"]})
    assert browser.response.headers["Location"] == "/settings/?notice=same"
    browser.follow()
    assert "Nothing was changed" in browser.text
    assert office.revision() == 1


def test_an_overlap_that_is_not_decided_comes_back(office: Office, browser: Browser) -> None:
    """Going back to the form does not make it mine."""
    browser.get()
    office.change(seats=44)
    browser.submit("#settings", {"v.seats": "30"})
    browser.back()
    assert browser.soup.find(id="f-seats")["value"] == "30"  # type: ignore[index] # it is there
    browser.submit("#settings")
    assert browser.response.status_code == 409
    browser.back({"d.seats": radios(browser, "seats")["mine"]})
    browser.submit("#settings")
    assert browser.response.status_code == 200, "now it is decided"
    browser.submit("#review")
    assert office.settings().seats == 30


def test_a_decision_may_be_what_a_rule_waits_for(office: Office, browser: Browser) -> None:
    """Until it is made nobody knows what will change; then that is reviewed before it is saved."""
    browser.get()
    office.change(high=20)
    browser.submit("#settings", {"v.low": "50", "v.high": "60"})
    assert browser.response.status_code == 409
    assert "What will change is shown once you have decided" in browser.text
    browser.submit("#review", {"d.high": radios(browser, "high")["mine"]})
    assert browser.response.status_code == 200
    assert "low 0 50" in browser.text
    assert office.settings().low == 0
    browser.submit("#review")
    assert (office.settings().low, office.settings().high) == (50, 60)
    browser.get()
    office.change(high=70)
    browser.submit("#settings", {"v.low": "80", "v.high": "90"})
    browser.submit("#review", {"d.high": radios(browser, "high")["theirs"]})
    assert browser.response.status_code == 422
    assert browser.errors("low") == ["low 80 is above high 70"]


def test_a_reset_may_overlap(office: Office, browser: Browser) -> None:
    """Putting a setting back is a change like any other."""
    office.change(seats=30)
    browser.get()
    office.change(seats=44)
    browser.submit("#settings", button="reset=seats")
    assert browser.response.status_code == 409
    assert "its default" in browser.text
    browser.submit("#review", {"d.seats": radios(browser, "seats")["mine"]})
    assert office.settings().seats == 20


def test_secrets_overlap_by_when_they_were_set(office: Office, browser: Browser) -> None:
    """Their values are not shown, but that somebody else set one is, or may have."""
    browser.get()
    office.change(token=SecretStr("theirs"), smtp=SMTP.model_copy(update={"port": 587}))
    browser.submit("#settings", {"v.token": CANARY, "v.smtp.password": CANARY})
    assert browser.response.status_code == 409
    names = [o.legend.get_text() for o in browser.soup.select(".overlap")]  # type: ignore[union-attr] # it has one
    assert names == ["token", "smtp.password"]
    browser.submit("#review")
    assert browser.response.status_code == 409, "it still is one"
    assert office.settings().token.get_secret_value() == "theirs"
    decided = {f"d.{name}": radios(browser, name)["mine"] for name in names}
    browser.submit("#review", decided)
    now = office.settings()
    assert now.token.get_secret_value() == CANARY
    assert now.smtp.password.get_secret_value() == CANARY
    assert now.smtp.port == 587


def test_a_secret_overlaps_whatever_was_changed_beside_it(office: Office, browser: Browser) -> None:
    """One change may set a part that is shown, and a secret, which the history does not have."""
    browser.get()
    office.change(smtp=SMTP.model_copy(update={"host": "mail", "password": SecretStr("theirs")}))
    browser.submit("#settings", {"v.smtp.password": CANARY})
    assert browser.response.status_code == 409
    assert radios(browser, "smtp.password")
    browser.submit("#review")
    assert office.settings().smtp.password.get_secret_value() == "theirs"


def test_a_secret_overlaps_however_much_was_changed_since(
    office: Office, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not all changes are looked at; what is not known of a secret is taken for a change."""
    monkeypatch.setattr("typed_waffle.admin.pages.attempt._MANY", 3)
    browser.get()
    office.change(token=SecretStr("theirs"))
    for seats in range(30, 34):
        office.change(seats=seats)
    browser.submit("#settings", {"v.token": CANARY, "v.smtp.password": CANARY})
    assert browser.response.status_code == 409
    assert not radios(browser, "smtp.password"), "that one was not changed"
    browser.submit("#review")
    assert browser.response.status_code == 409
    assert office.settings().token.get_secret_value() == "theirs"
    browser.submit("#review", {"d.token": radios(browser, "token")["mine"]})
    assert office.settings().token.get_secret_value() == CANARY


def test_a_secret_overlaps_though_its_change_was_pruned(offices: Callable[..., Office]) -> None:
    """What the history does not know any more is taken for a change."""
    office = offices(keys={"WAFFLE_HISTORY_KEEP": 3})
    browser = office.browser()
    browser.get()
    office.change(token=SecretStr("theirs"))
    for seats in range(30, 34):
        office.change(seats=seats)
    browser.submit("#settings", {"v.token": CANARY, "v.low": "1"})
    assert browser.response.status_code == 409
    mine = radios(browser, "token")["mine"]
    browser.submit("#review")
    assert office.settings().token.get_secret_value() == "theirs"
    office.change(seats=40)  # which prunes once more, and is nothing to decide about
    browser.submit("#review", {"d.token": mine})
    assert office.settings().token.get_secret_value() == CANARY
    assert office.settings().low == 1


def test_a_secret_overlaps_by_its_former_name(offices: Callable[..., Office]) -> None:
    """While a rename rolls out, an older worker writes it by that."""
    office = offices(Renamed)
    browser = office.browser()
    browser.get()
    office.change_elsewhere(Former, pw=SecretStr("theirs"))
    browser.submit("#settings", {"v.password": CANARY})
    assert browser.response.status_code == 409
    assert radios(browser, "password")


def test_a_decision_on_a_secret_outlives_other_changes(office: Office, browser: Browser) -> None:
    """It is against the change of that secret, and against no other."""
    browser.get()
    office.change(token=SecretStr("theirs"))
    browser.submit("#settings", {"v.token": CANARY})
    mine = radios(browser, "token")["mine"]
    office.change(low=3)
    browser.submit("#review", {"d.token": mine})
    assert browser.response.status_code == 303
    assert office.settings().token.get_secret_value() == CANARY


def test_a_decision_on_a_secret_is_against_its_last_change(
    office: Office, browser: Browser
) -> None:
    """If it is set once more, it has to be decided once more."""
    browser.get()
    office.change(token=SecretStr("theirs"))
    browser.submit("#settings", {"v.token": CANARY})
    mine = radios(browser, "token")["mine"]
    office.change(token=SecretStr("theirs again"))
    browser.submit("#review", {"d.token": mine})
    assert browser.response.status_code == 409
    assert office.settings().token.get_secret_value() == "theirs again"


def test_a_secret_that_is_saved_twice_is_no_conflict(office: Office, browser: Browser) -> None:
    """Whoever presses Save twice did not overtake themselves."""
    browser.get()
    browser.submit("#settings", {"v.token": CANARY})
    sent = browser.fields("#review")
    browser.send("/save", sent)
    browser.send("/save", sent)
    assert browser.response.status_code == 303
    assert office.revision() == 1


def test_a_race_at_the_save_loses_nothing(office: Office, browser: Browser) -> None:
    """Whoever writes between the last look and the write is found by the store."""
    browser.get()
    browser.submit("#settings", {"v.seats": "30"})
    change = Counter.change
    others = iter([{"low": 3}, {"seats": 44}])

    def overtaken(self: Counter[Bakery], *args: object, **options: object) -> Change | None:
        office.change(**next(others))
        return change(self, *args, **options)  # type: ignore[arg-type] # as it was called

    with patch.object(Counter, "change", overtaken):
        browser.submit("#review")
    assert browser.response.status_code == 409
    assert (office.settings().seats, office.settings().low) == (44, 3)
    browser.submit("#review", {"d.seats": radios(browser, "seats")["mine"]})
    assert (office.settings().seats, office.settings().low) == (30, 3)


def test_a_race_without_an_end_loses_nothing(office: Office, browser: Browser) -> None:
    """If others write every time, the review comes back with all that was typed."""
    browser.get()
    browser.submit("#settings", {"v.seats": "30"})
    change = Counter.change
    others = iter(range(1, 100))

    def overtaken(self: Counter[Bakery], *args: object, **options: object) -> Change | None:
        office.change(high=10 + next(others))
        return change(self, *args, **options)  # type: ignore[arg-type] # as it was called

    with patch.object(Counter, "change", overtaken):
        browser.submit("#review", {"note": "kept"})
    assert browser.response.status_code == 409
    assert "Others change the settings all the time" in browser.text
    browser.submit("#review")
    assert office.settings().seats == 30
    browser.follow()
    assert "kept" in browser.text


def test_a_save_whose_field_was_fetched_and_normalised_is_no_overlap(
    office: Office, browser: Browser
) -> None:
    """A browser may send what stood there in another form: that is not typed."""
    browser.get()
    office.change(launched="2025-01-01T00:00:00Z", prices={"a": "1"}, pause="PT5M", price="3.10")
    same = {
        "v.launched": "2024-01-01T12:00:00",
        "v.prices": '{"sugar":"2.50","cherry":"3.80"}',
        "v.pause": "90",
        "v.price": " 2.50 ",
    }
    browser.submit("#settings", {**same, "v.low": "1"})
    assert browser.response.status_code == 200
    browser.submit("#review")
    now = office.settings()
    assert (str(now.price), now.pause.total_seconds(), now.low) == ("3.10", 300, 1)
    assert dict(now.prices).keys() == {"a"}
    assert now.launched.year == 2025
