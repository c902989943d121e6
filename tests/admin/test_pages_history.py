"""The page of what was changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.office import CANARY, Browser, Office

SCRIPT = '<script>alert(1)</script><img src=x onerror="alert(2)">'


def heads(browser: Browser) -> list[str]:
    """The revisions that the page lists."""
    return [head.get_text(strip=True) for head in browser.soup.select("article h2")]


def rows(browser: Browser) -> list[list[str]]:
    """What the page says of each setting."""
    found = browser.soup.select("table.diff tbody tr")
    return [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in found]


def test_without_a_change_it_says_so(browser: Browser) -> None:
    """It is no error that nothing was changed."""
    assert browser.get("/history").status_code == 200
    assert "Nothing was changed" in browser.text
    assert "revision 0" in browser.text


def test_changes_are_shown_newest_first(office: Office, browser: Browser) -> None:
    """Who, when, why, through what, and what became of each part."""
    office.change(seats=30)
    office.change(smtp={"host": "mail", "port": 25})
    browser.get("/history")
    assert heads(browser) == ["Revision 2", "Revision 1"]
    assert rows(browser) == [["smtp.host", "localhost", "mail"], ["seats", "20", "30"]]
    first = browser.soup.select_one("article")
    assert first is not None
    for text in ("bob", "from elsewhere", "code", "UTC"):
        assert text in first.get_text()
    assert first.select_one("time[datetime$=Z]")


def test_each_change_leads_on(office: Office, browser: Browser) -> None:
    """To itself, to a comparison, and back; the newest needs no way back to itself."""
    office.change(seats=30)
    office.change(seats=31)
    browser.get("/history")
    links = [str(link["href"]) for link in browser.soup.select("article a")]
    assert links == [
        "/settings/changes/2",
        "/settings/changes/1",
        "/settings/compare?older=1",
        "/settings/rollback/1",
    ]
    assert all(browser.get(link).status_code == 200 for link in links)


def test_the_history_is_shown_in_pages(office: Office, browser: Browser) -> None:
    """A link leads to older ones, and one back; no change is on two pages or on none."""
    for seats in range(100, 145):
        office.change(seats=seats)
    browser.get("/history")
    seen = heads(browser)
    while onward := browser.soup.select_one("a[rel=next]"):
        browser.get(str(onward["href"]))
        seen += heads(browser)
    assert seen == [f"Revision {number}" for number in range(45, 0, -1)]
    newest = browser.soup.find("a", string="Newest")
    assert newest is not None
    browser.get(str(newest["href"]))
    assert heads(browser)[0] == "Revision 45"


def test_it_can_be_of_one_setting(office: Office, browser: Browser) -> None:
    """By a form that keeps what was chosen."""
    office.change(seats=30)
    office.change(open=False)
    browser.get("/history")
    form = browser.soup.select_one("form:has(select[name=field])")
    assert form is not None
    browser.get(f"{form['action']}?field=seats")
    assert heads(browser) == ["Revision 1"]
    chosen = browser.soup.select_one("option[selected]")
    assert chosen is not None
    assert chosen.get_text() == "seats"
    browser.get("/history?field=motto")
    assert "Nothing was changed in motto" in browser.text


@pytest.mark.parametrize("before", ["", "x", "-1", "1e3", "9" * 30, "1;drop table"])
def test_a_bound_that_is_no_revision_is_none(office: Office, browser: Browser, before: str) -> None:
    """The page starts at the newest then."""
    office.change(seats=30)
    assert browser.get("/history", query_string={"before": before}).status_code == 200
    assert heads(browser) == ["Revision 1"]


def test_before_everything_there_is_nothing(office: Office, browser: Browser) -> None:
    """The page says so, and leads back."""
    office.change(seats=30)
    browser.get("/history?before=1")
    assert heads(browser) == []
    assert "There are no older changes" in browser.text
    assert browser.soup.find("a", string="Newest")


@pytest.mark.parametrize("name", ["nope", "", "smtp.host", "__class__", SCRIPT])
def test_an_unknown_setting_is_told(browser: Browser, name: str) -> None:
    """The page is not found, and what was asked for stays text. No name means all settings."""
    status = browser.get("/history", query_string={"field": name}).status_code
    assert status == (404 if name else 200)
    assert not browser.soup.select("script:not([src]), img")


def test_what_may_not_be_seen_is_counted_only(offices: Callable[..., Office]) -> None:
    """Neither name nor value is told; the filter does not offer it, nor takes it."""
    office = offices(may_read=lambda _, name: name not in {"seats", "motto"})
    office.change(seats=333, motto="unseen words", open=False)
    office.change(seats=334)
    browser = office.browser()
    browser.get("/history")
    assert rows(browser) == [["open", "true", "false"]]
    assert "And 2 settings that you may not see." in browser.text
    assert "It changed 1 setting that you may not see." in browser.text
    for unseen in ("333", "334", "unseen", "seats", "motto"):
        assert unseen not in browser.text
    assert browser.get("/history?field=seats").status_code == 403
    browser.get("/history?field=seatz")
    assert browser.response.status_code == 404
    assert "seats" not in browser.text


def test_whatever_people_write_stays_text(office: Office, browser: Browser) -> None:
    """Notes, names and values are shown, not obeyed."""
    with (
        office.app.app_context(),
        office.waffle.edit(actor=SCRIPT, note=f"why {SCRIPT}\n</p>") as edit,
    ):
        edit.update(motto=f"value {SCRIPT}", prices={SCRIPT: 1})
    for page in ("/history", "/changes/1", "/compare?older=0", "/rollback/0"):
        browser.get(page)
        assert SCRIPT in browser.soup.get_text()
        assert not browser.soup.select("script:not([src]), img, [onerror]")


@pytest.mark.parametrize("odd", ["\ud800", "\x00", "\u202e", "a\r\nSet-Cookie: b=c", "\x1b[31m"])
def test_odd_characters_break_no_page(office: Office, browser: Browser, odd: str) -> None:
    """Whatever a program wrote as a note or as a name."""
    with office.app.app_context(), office.waffle.edit(actor=f"bob{odd}", note=odd) as edit:
        edit.update(seats=30)
    for page in ("/history", "/changes/1", "/rollback/0"):
        assert browser.get(page).status_code == 200
        assert "Set-Cookie: b=c" not in str(browser.response.headers)
    assert browser.get("/history").mimetype == "text/html"
    assert browser.response.headers["Content-Type"] == "text/html; charset=utf-8"


def test_no_secret_is_shown(office: Office, browser: Browser) -> None:
    """That it was set is. The browser looks for it in every answer."""
    office.change(token=CANARY, smtp={"password": CANARY}, keys={"a": CANARY})
    browser.get("/history")
    assert [row[0] for row in rows(browser)] == ["smtp", "token", "keys.a"]
    assert rows(browser)[1][1:] == ["**********"] * 2


def test_a_database_that_is_away_is_told(office: Office, browser: Browser) -> None:
    """With a time after which it is worth asking again."""
    office.lose_database()
    response = browser.get("/history")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert "The database does not answer" in browser.text
