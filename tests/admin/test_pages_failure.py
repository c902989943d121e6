"""The page for what went wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from werkzeug.exceptions import HTTPException, ServiceUnavailable, TooManyRequests

from tests.support.office import CANARY, Browser, Office
from typed_waffle import (
    BusUnavailable,
    ConfigurationError,
    InvalidChange,
    NotBound,
    RevisionConflict,
    SettingLocked,
    StoreUnavailable,
    UnknownSetting,
    WaffleError,
)
from typed_waffle.admin.counter import Barred, Counter

SCRIPT = '<script>alert(1)</script><img src=x onerror="alert(2)">'


@pytest.fixture
def failing(office: Office, monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], Browser]:
    """Has a page fail, and looks at it."""

    def looked(error: Exception) -> Browser:
        def fail(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(Counter, "history", fail)
        browser = office.browser()
        browser.get("/history")
        return browser

    return looked


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (StoreUnavailable("reading", "it is down"), 503, "it is down"),
        (BusUnavailable("reading", "it is away"), 503, "it is away"),
        (UnknownSetting("M", "nope", None, ["a"]), 404, "nope"),
        (SettingLocked("seats", "BAKERY_SEATS"), 409, "BAKERY_SEATS"),
        (RevisionConflict(1, 2, []), 409, "revision 1"),
        (InvalidChange("seats: too many", []), 422, "too many"),
        (NotBound("of no application"), 500, "log"),
        (ConfigurationError("WAFFLE_X", "wrong"), 500, "log"),
        (Barred(["seats", "open"]), 403, "You may not change seats, open."),
        (Barred([], 2), 403, "You may not change 2 settings that you may not see."),
    ],
)
def test_every_error_of_ours_has_a_page(
    failing: Callable[[Exception], Browser], error: Exception, status: int, text: str
) -> None:
    """With its status, a title, what happened, and a way on."""
    browser = failing(error)
    assert browser.response.status_code == status
    assert text in browser.text
    heading = browser.soup.find("h1")
    assert heading is not None
    assert heading.get_text()
    assert browser.soup.select_one("main a[href='/settings/']")
    assert browser.soup.select_one("[role=alert]")


@pytest.mark.parametrize("error", [StoreUnavailable("a", "b"), BusUnavailable("a", "b")])
def test_what_is_away_may_be_asked_again(
    failing: Callable[[Exception], Browser], error: WaffleError
) -> None:
    """After some seconds."""
    assert failing(error).response.headers["Retry-After"] == "5"


def test_a_commit_that_is_in_doubt_is_not_to_be_repeated(
    failing: Callable[[Exception], Browser],
) -> None:
    """The history knows whether it was made."""
    browser = failing(StoreUnavailable("writing", "gone", in_doubt=True))
    assert "Look in the history" in browser.text
    assert "Try again soon" not in browser.text


@pytest.mark.parametrize("error", [NotBound(CANARY), ConfigurationError("WAFFLE_X", CANARY)])
def test_what_is_set_up_wrong_is_told_to_the_log(
    failing: Callable[[Exception], Browser], error: WaffleError, caplog: pytest.LogCaptureFixture
) -> None:
    """It may quote what not everybody may see: the browser looks for it in the page."""
    assert failing(error).response.status_code == 500
    assert CANARY in caplog.text


@pytest.mark.parametrize(
    ("error", "header", "value"),
    [
        (TooManyRequests("slowly", retry_after=7), "Retry-After", "7"),
        (ServiceUnavailable("later", retry_after=9), "Retry-After", "9"),
    ],
)
def test_headers_of_an_error_are_kept(
    failing: Callable[[Exception], Browser], error: HTTPException, header: str, value: str
) -> None:
    """All but the type of its own page."""
    response = failing(error).response
    assert response.headers[header] == value
    assert response.mimetype == "text/html"
    assert len(response.headers.getlist("Content-Type")) == 1


def test_a_message_stays_text(failing: Callable[[Exception], Browser]) -> None:
    """Whoever wrote it."""
    browser = failing(UnknownSetting("M", SCRIPT, None, ["a"]))
    assert SCRIPT in browser.soup.get_text()
    assert not browser.soup.select("script, img")


def test_an_error_without_words_has_a_page(failing: Callable[[Exception], Browser]) -> None:
    """An unusual status, too."""

    class Teapot(HTTPException):
        code = 418

    assert failing(Teapot()).response.status_code == 418


def test_it_needs_neither_visitor_nor_store(office: Office) -> None:
    """Whoever may not come in is told so, and nothing else."""
    office.lose_database()
    stranger = office.browser(None)
    assert stranger.get("/history").status_code == 403
    assert "You may not do this" in stranger.text
    assert not stranger.soup.select("nav")
