"""The login form, and the way out."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.office import Browser, Office
from typed_waffle.admin import throttle

TOKEN = "a token that is long enough for anybody"
FORM = "form[action='/settings/login']"


@pytest.fixture
def closed(offices: Callable[..., Office]) -> Office:
    """An office that opens to the token."""
    return offices(keys={"WAFFLE_ADMIN_TOKEN": TOKEN})


@pytest.fixture
def stranger(closed: Office) -> Browser:
    """Somebody whom nobody knows."""
    return closed.browser(None)


def log_in(browser: Browser, **typed: str) -> int:
    """Fill in the login form."""
    browser.get("/login")
    return browser.submit(FORM, {"token": TOKEN, **typed}).status_code


def test_whoever_has_the_token_comes_in(closed: Office, stranger: Browser) -> None:
    """And stays, with the name that they gave."""
    assert log_in(stranger, name=" Ann  Smith ") == 303
    assert stranger.response.headers["Location"] == "/settings/"
    assert stranger.get("/history").status_code == 200
    assert "token: Ann Smith" in stranger.text
    closed.change(seats=30)
    stranger.get("/rollback/0")
    stranger.submit("form[action='/settings/rollback/0']")
    with closed.app.app_context():
        assert closed.waffle.history()[0].actor == "token: Ann Smith"


def test_the_form_is_made_for_password_managers(stranger: Browser) -> None:
    """And nothing is kept in its page."""
    stranger.get("/login")
    token = stranger.soup.select_one("#token")
    assert token is not None
    assert token["type"] == "password"
    assert token["autocomplete"] == "current-password"
    assert "value" not in token.attrs
    assert not stranger.soup.select("nav")


@pytest.mark.parametrize(
    "token", ["", "guess-4711", TOKEN + " ", TOKEN.upper(), "\U0001f600", "\x00"]
)
def test_a_wrong_token_lets_nobody_in(
    stranger: Browser, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The form comes again with the name, the attempt is in the log, the token in neither."""
    assert log_in(stranger, token=token, name="Ann <b>") == 401
    name, alert = stranger.soup.select_one("#name"), stranger.soup.select_one("[role=alert]")
    assert name is not None
    assert name["value"] == "Ann <b>"
    assert alert is not None
    assert "Nobody was let in" in alert.get_text()
    assert "refused POST" in caplog.text
    if token:
        assert token not in stranger.response.get_data(as_text=True).replace(TOKEN, "")
        assert token not in caplog.text
    assert stranger.get("/history").status_code == 303


def test_guessing_is_slowed_down(stranger: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says for how long; the right token has to wait, too."""
    monkeypatch.setattr(throttle, "ENOUGH", 3)
    assert [log_in(stranger, token="wrong") for _ in range(4)] == [401, 401, 401, 429]
    wait = int(stranger.response.headers["Retry-After"])
    assert 0 < wait <= 61
    assert f"Try again in {wait} seconds" in stranger.text
    assert log_in(stranger, name="Ann") == 429
    assert "Ann" in str(stranger.soup.select_one("#name"))


def test_a_page_sends_a_stranger_to_the_login_and_back(stranger: Browser) -> None:
    """With everything that the address said."""
    response = stranger.get("/compare?older=1&newer=")
    assert response.status_code == 303
    place = urlsplit(response.headers["Location"])
    assert place.path == "/settings/login"
    assert parse_qs(place.query) == {"next": ["/settings/compare?older=1&newer="]}
    stranger.follow()
    stranger.submit(FORM, {"token": "wrong"})
    stranger.submit(FORM, {"token": TOKEN})
    assert stranger.response.headers["Location"] == "/settings/compare?older=1&newer="


def test_the_api_sends_nobody_anywhere(stranger: Browser) -> None:
    """A program wants to know."""
    assert stranger.get("/api/workers").status_code == 401


def test_a_form_of_a_stranger_is_refused(closed: Office, stranger: Browser) -> None:
    """They log in elsewhere, and send it again: nothing is thrown away by a redirect."""
    response = stranger.send("/rollback/0", {"revision": "0"})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert "Log in in another tab" in stranger.text
    assert stranger.soup.select_one("a[href='/settings/login']")
    assert closed.revision() == 0


@pytest.mark.parametrize(
    "place",
    [
        "//evil.example",
        "https://evil.example",
        "https:/settings/",
        "\\\\evil.example",
        "/\\evil.example",
        "/settings/\\evil",
        "/settings//evil.example",
        "/settings/../evil",
        "/settings/%2e%2e/evil",
        "/settings/..%2fevil",
        "/settings/.",
        "/settings",
        "/settingsevil",
        "/other",
        "settings/",
        "///settings/",
        "/\t/evil.example",
        "/settings/\r\nSet-Cookie: a=b",
        "%2f%2fevil.example",
        "%5c%5cevil.example",
        "javascript:alert(1)",
        "/settings/history#top",
        "/settings/histöry",
        "/settings/history?a=\\",
        "",
    ],
)
def test_nobody_is_sent_elsewhere(stranger: Browser, place: str) -> None:
    """What is no page below the prefix is the settings."""
    stranger.get("/login", query_string={"next": place})
    stranger.submit(FORM, {"token": TOKEN})
    assert stranger.response.status_code == 303
    assert stranger.response.headers["Location"] == "/settings/"
    assert stranger.get("/login", query_string={"next": place}).status_code == 303
    assert stranger.response.headers["Location"] == "/settings/"


@pytest.mark.parametrize(
    "place", ["/settings/", "/settings/history?field=seats&before=3", "/settings/changes/3"]
)
def test_a_page_of_ours_is_where_one_goes(stranger: Browser, place: str) -> None:
    """By logging in, and at once if one is."""
    stranger.get("/login", query_string={"next": place})
    stranger.submit(FORM, {"token": TOKEN})
    assert stranger.response.headers["Location"] == place
    stranger.get("/login", query_string={"next": place})
    assert stranger.response.headers["Location"] == place


def test_the_way_back_knows_where_the_application_is_mounted(closed: Office) -> None:
    """The place of the application is part of every address; without it, it is none of ours."""
    client = closed.app.test_client()
    below = {"SCRIPT_NAME": "/shop"}
    response = client.get("/settings/history", environ_overrides=below)
    assert response.headers["Location"] == "/shop/settings/login?next=/shop/settings/history"
    page = client.get("/settings/login", environ_overrides=below).get_data(as_text=True)
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    fields = {"token": TOKEN, "csrf_token": token, "next": "/settings/history"}
    response = client.post("/settings/login", data=fields, environ_overrides=below)
    assert response.headers["Location"] == "/shop/settings/"


def test_a_stale_form_is_shown_again(stranger: Browser) -> None:
    """With the name, and a token against forgery that holds."""
    stranger.get("/login?next=/settings/history")
    typed = {"csrf_token": "forged", "token": TOKEN, "name": "Ann"}
    assert stranger.submit(FORM, typed).status_code == 400
    assert "too long" in stranger.text
    assert stranger.submit(FORM, {"token": TOKEN}).status_code == 303
    assert stranger.response.headers["Location"] == "/settings/history"
    stranger.get("/history")
    assert "token: Ann" in stranger.text


def test_another_site_cannot_log_anybody_in(closed: Office, stranger: Browser) -> None:
    """Not even with the token and a form of ours."""
    stranger.get("/login")
    fields = {"token": TOKEN, "csrf_token": "forged"}
    response = closed.app.test_client().post(
        "/settings/login", data=fields, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert response.status_code == 403
    assert "Set-Cookie" not in response.headers or "typed_waffle" not in str(response.headers)


def test_logging_out_forgets(stranger: Browser) -> None:
    """By a form, not by a link: nothing is changed by looking."""
    log_in(stranger)
    stranger.get("/history")
    assert stranger.submit("form[action='/settings/logout']").status_code == 303
    assert stranger.response.headers["Location"] == "/settings/login"
    assert stranger.get("/history").status_code == 303
    assert stranger.get("/logout").status_code == 405


def test_logging_out_twice_is_no_error(stranger: Browser) -> None:
    """It leads to the login form."""
    stranger.get("/login")
    assert stranger.post("/logout").status_code == 303
    assert stranger.response.headers["Location"].startswith("/settings/login")


def test_whom_the_application_knows_sees_no_way_out(closed: Office) -> None:
    """It is the application's to log them out."""
    browser = closed.browser("ann")
    browser.get("/history")
    assert not browser.soup.select("form[action='/settings/logout']")


def test_without_a_token_there_is_no_login(office: Office) -> None:
    """Nor a redirect to it, nor a form that would be shown again."""
    stranger = office.browser(None)
    assert stranger.get("/login").status_code == 404
    assert stranger.get("/history").status_code == 403
    assert not stranger.soup.select("a[href*=login]")
    assert stranger.send("/login", {"token": TOKEN}).status_code == 404
    ann = office.browser()
    ann.get("/compare")
    assert ann.get("/login").status_code == 404


def test_the_cookie_is_as_the_application_wants_it(offices: Callable[..., Office]) -> None:
    """Its settings hold for ours."""
    office = offices(
        keys={
            "WAFFLE_ADMIN_TOKEN": TOKEN,
            "SESSION_COOKIE_NAME": "shop",
            "SESSION_COOKIE_SAMESITE": "Strict",
            "SESSION_COOKIE_HTTPONLY": True,
        }
    )
    stranger = office.browser(None)
    log_in(stranger)
    cookie = stranger.response.headers["Set-Cookie"]
    assert cookie.startswith("shop=")
    assert "SameSite=Strict" in cookie
    assert "HttpOnly" in cookie
    assert TOKEN not in cookie
