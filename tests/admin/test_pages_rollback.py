"""The way back to a revision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import pytest
from pydantic import Field

from tests.support.office import CANARY, Bakery, Browser, Office
from typed_waffle import Change

FORM = "form[action^='/settings/rollback']"


def rows(browser: Browser) -> list[list[str]]:
    """What the page says of each setting."""
    found = browser.soup.select(f"{FORM} table.diff tbody tr")
    return [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in found]


def history(office: Office) -> list[Change]:
    """The changes, newest first."""
    with office.app.app_context():
        return list(office.waffle.history())


@pytest.fixture
def changed(office: Office) -> Browser:
    """A browser at an office at revision 3."""
    office.change(seats=30)
    office.change(open=False)
    office.change(seats=31)
    return office.browser()


def test_a_preview_shows_what_would_change(office: Office, changed: Browser) -> None:
    """Nothing is written by looking."""
    assert changed.get("/rollback/0").status_code == 200
    assert rows(changed) == [["open", "false", "true"], ["seats", "31", "20"]]
    assert office.revision() == 3


def test_going_back_is_a_new_change(office: Office, changed: Browser) -> None:
    """With who asked for it, and why. It leads to the change."""
    changed.get("/rollback/1")
    response = changed.submit(FORM, {"note": "  too cold outside "})
    assert response.status_code == 303
    assert response.headers["Location"] == "/settings/changes/4"
    newest = history(office)[0]
    assert (newest.actor, newest.note, newest.channel) == ("ann", "too cold outside", "rollback")
    assert office.settings().seats == 30
    assert office.settings().open is True
    changed.follow()
    assert "Revision 4" in changed.text
    assert "too cold outside" in changed.text


def test_the_way_back_by_one_is_an_undo(office: Office, changed: Browser) -> None:
    """It says so, and proposes a note, which may be emptied."""
    changed.get("/rollback/2")
    heading, note = changed.soup.find("h1"), changed.soup.select_one("#note")
    assert heading is not None
    assert note is not None
    assert heading.get_text() == "Undo revision 3"
    assert note["value"] == "Undo revision 3"
    changed.submit(FORM, {"note": ""})
    assert history(office)[0].note is None
    assert office.settings().seats == 30


def test_a_conflict_writes_nothing_and_shows_what_was_changed(
    office: Office, changed: Browser
) -> None:
    """The preview comes again, on top of what is now, and the note is kept."""
    changed.get("/rollback/2")
    office.change(motto="meanwhile", seats=40)
    response = changed.submit(FORM, {"note": "my reasons"})
    assert response.status_code == 409
    assert office.revision() == 4
    assert "Nothing was written" in changed.text
    assert "Revision 4" in changed.text
    assert rows(changed) == [
        ["motto", "meanwhile", "Crisp outside,\nsoft inside."],
        ["seats", "40", "30"],
    ]
    note = changed.soup.select_one("#note")
    assert note is not None
    assert note["value"] == "my reasons"
    assert changed.submit(FORM).status_code == 303
    assert history(office)[0].note == "my reasons"


def test_a_stale_form_is_shown_again(office: Office, changed: Browser) -> None:
    """With a token that holds, and the note."""
    changed.get("/rollback/2")
    response = changed.submit(FORM, {"csrf_token": "forged", "note": "my reasons"})
    assert response.status_code == 400
    assert office.revision() == 3
    note = changed.soup.select_one("#note")
    assert note is not None
    assert note["value"] == "my reasons"
    assert changed.submit(FORM).status_code == 303
    assert office.revision() == 4


def test_a_stale_form_to_nowhere_is_told(changed: Browser) -> None:
    """The reason counts that would be there with a token, too."""
    changed.get("/rollback/2")
    assert changed.send("/rollback/77", {"csrf_token": "forged"}).status_code == 422
    assert "no way back to revision 77" in changed.text


@pytest.mark.parametrize("given", [None, "", "x", "-1", "9" * 40])
def test_a_form_that_does_not_say_what_it_saw_is_shown_again(
    office: Office, changed: Browser, given: str | None
) -> None:
    """Without it, nobody knows what was agreed to."""
    changed.get("/rollback/2")
    data = {} if given is None else {"revision": given}
    assert changed.post("/rollback/2", {"note": "kept", **data}).status_code == 400
    assert office.revision() == 3
    assert "kept" in str(changed.soup.select_one("#note"))


def test_a_note_that_is_too_long_is_told(office: Office, changed: Browser) -> None:
    """It is kept, to be shortened."""
    changed.get("/rollback/2")
    assert changed.submit(FORM, {"note": "x" * 2001}).status_code == 422
    assert "2000 characters at most" in changed.text
    assert changed.soup.select("#note[value$=x]")
    assert office.revision() == 3
    assert changed.submit(FORM, {"note": "x" * 2000}).status_code == 303


@pytest.mark.parametrize("revision", [4, 77, 10**30])
def test_a_revision_that_never_was_is_told(office: Office, changed: Browser, revision: int) -> None:
    """By looking and by sending."""
    changed.get("/rollback/2")
    token = {"csrf_token": str(changed.soup.select_one("[name=csrf_token]")["value"])}  # type: ignore[index] # it is there
    assert changed.get(f"/rollback/{revision}").status_code == 422
    assert f"no way back to revision {revision}" in changed.text
    assert not changed.soup.select("main form")
    sent = changed.send(f"/rollback/{revision}", {**token, "revision": "3"})
    assert sent.status_code == 422
    assert office.revision() == 3


@pytest.mark.parametrize("revision", ["x", "-1", "1.0"])
def test_what_is_no_revision_is_no_page(changed: Browser, revision: str) -> None:
    """There is no such address."""
    assert changed.get(f"/rollback/{revision}").status_code == 404


def test_a_pruned_revision_is_told(office: Office, changed: Browser) -> None:
    """Nobody knows what was then."""
    with office.app.app_context():
        office.waffle.prune(keep=1)
    assert changed.get("/rollback/1").status_code == 422
    assert "pruned" in changed.text


def test_if_nothing_would_change_it_says_so(office: Office, changed: Browser) -> None:
    """There is nothing to send; and whoever sends it all the same makes no revision."""
    changed.get("/rollback/2")
    token = {"csrf_token": str(changed.soup.select_one("[name=csrf_token]")["value"])}  # type: ignore[index] # it is there
    changed.get("/rollback/3")
    assert "Nothing would change" in changed.text
    assert not changed.soup.select("main form")
    assert changed.send("/rollback/3", {**token, "revision": "3"}).status_code == 200
    assert "Nothing would change" in changed.text
    assert office.revision() == 3


def test_a_secret_that_was_set_stays(office: Office, browser: Browser) -> None:
    """The preview says so: the history keeps none. One that was not set is put back."""
    office.change(token="an older one", seats=30)
    office.change(token=CANARY, seats=31)
    browser.get("/rollback/1")
    assert rows(browser) == [["seats", "31", "30"]]
    assert "token would stay as it is" in browser.text
    browser.submit(FORM)
    assert office.settings().token.get_secret_value() == CANARY
    browser.get("/rollback/0")
    assert [row[0] for row in rows(browser)] == ["seats", "token"]
    assert "would stay" not in browser.text
    browser.submit(FORM)
    assert office.settings().token.get_secret_value() == ""


def test_looking_is_not_logged_as_a_rollback(
    office: Office, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    """That a secret stays is logged when it does."""
    office.change(token="an older one")
    office.change(token=CANARY, seats=31)
    browser.get("/rollback/1")
    assert "leaves token as it is" not in caplog.text
    browser.submit(FORM)
    assert caplog.text.count("leaves token as it is") == 1


def test_values_that_do_not_fit_any_more_are_told(offices: Callable[..., Office]) -> None:
    """Today's model decides."""

    class Smaller(Bakery):
        seats: Annotated[int, Field(ge=1, le=50)] = 20

    office = offices()
    office.change(seats=400)
    office.change(seats=10)
    office.close()
    browser = offices(Smaller).browser()
    assert browser.get("/rollback/1").status_code == 422
    assert "seats" in browser.text
    assert not browser.soup.select("main form")


def test_a_locked_setting_is_told(
    offices: Callable[..., Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be changed by any way."""
    office = offices()
    office.change(seats=30)
    office.change(seats=31)
    office.close()
    monkeypatch.setenv("BAKERY_SEATS", "77")
    browser = offices(keys={"WAFFLE_ENV_PREFIX": "BAKERY_"}).browser()
    assert browser.get("/rollback/1").status_code == 422
    assert "BAKERY_SEATS" in browser.text


def test_who_may_not_change_everything_may_not_go_back(offices: Callable[..., Office]) -> None:
    """What they may see is named, the rest is counted; looking and sending are refused alike."""
    office = offices(
        may_read=lambda _, name: name != "motto", may_write=lambda _, name: name != "seats"
    )
    office.change(seats=30, motto="unseen")
    office.change(open=False)
    browser = office.browser()
    assert browser.get("/rollback/0").status_code == 403
    assert "You may not change seats and 1 setting that you may not see." in browser.text
    assert "motto" not in browser.text
    assert browser.get("/rollback/1").status_code == 200
    sent = browser.post("/rollback/0", {"revision": "2"})
    assert sent.status_code == 403
    assert office.revision() == 2
    browser.get("/rollback/1")
    assert browser.submit(FORM).status_code == 303


def test_a_conflict_does_not_tell_what_may_not_be_seen(offices: Callable[..., Office]) -> None:
    """That something was changed is told."""
    office = offices(may_read=lambda _, name: name != "motto")
    office.change(seats=30)
    browser = office.browser()
    browser.get("/rollback/0")
    office.change(motto="unseen words")
    assert browser.submit(FORM).status_code == 403  # it would put the motto back as well
    assert "unseen words" not in browser.text
    assert "motto" not in browser.text


def test_a_database_that_is_away_writes_nothing(office: Office, changed: Browser) -> None:
    """The page says that it does not answer."""
    changed.get("/rollback/2")
    token = str(changed.soup.select_one("[name=csrf_token]")["value"])  # type: ignore[index] # it is there
    office.lose_database()
    sent = changed.send("/rollback/2", {"csrf_token": token, "revision": "3"})
    assert sent.status_code == 503
    assert "The database does not answer" in changed.text
