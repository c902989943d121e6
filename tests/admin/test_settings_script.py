"""What the script of the settings form does: what it sends, and what it leaves alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, Request, Route, expect, sync_playwright
from pydantic import SecretStr

from tests.support.needs import needed
from tests.support.office import Office
from typed_waffle import WaffleModel

pytestmark = pytest.mark.slow

HOST = "http://office.test"


class Kiosk(WaffleModel):
    """What a person types into."""

    seats: int = 20
    name: str = "Waffle"
    tags: tuple[str, ...] = ("\ufeff", "warm")
    key: SecretStr = SecretStr("")


class Desk:
    """Ann's page in a real browser, which asks the application in this process."""

    def __init__(self, page: Page, office: Office) -> None:
        self.page = page
        self.sent: list[Request] = []
        """The forms that were sent."""
        self._nowhere = False
        self._client = office.app.test_client()
        page.route("**/*", self._answer)
        page.clock.install()
        page.goto(f"{HOST}/settings/")

    def names(self) -> set[str]:
        """What the last form had of settings."""
        fields = parse_qs(self.sent[-1].post_data or "", keep_blank_values=True)
        return {name for name in fields if name[1:2] == "."}

    @contextmanager
    def nowhere(self) -> Iterator[None]:
        """Let the form that is sent in this block lead to no page, as if somebody pressed Escape.

        Its answer is awaited: a form sent before would take the place of this one in the browser.
        """
        self._nowhere = True
        with self.page.expect_response(lambda answer: answer.status == 204):
            yield
        self._nowhere = False

    def _answer(self, route: Route) -> None:
        request = route.request
        if request.method == "POST":
            self.sent.append(request)
            if self._nowhere:
                route.fulfill(status=204)
                return
        with self._client.open(
            request.url.removeprefix(HOST),
            base_url=HOST,
            method=request.method,
            data=request.post_data_buffer,
            headers={**request.headers, "X-Actor": "ann"},
            follow_redirects=True,
        ) as answer:
            headers = {name: value for name, value in answer.headers if name != "Set-Cookie"}
            route.fulfill(status=answer.status_code, body=answer.data, headers=headers)


@pytest.fixture
def kiosk(offices: Callable[..., Office]) -> Office:
    return offices(Kiosk)


@pytest.fixture
def desk(kiosk: Office) -> Iterator[Desk]:
    chromium = shutil.which("chromium")
    if chromium is None:
        needed("chromium is not installed")
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield Desk(browser.new_page(), kiosk)
        browser.close()


def test_only_what_was_changed_is_sent(desk: Desk) -> None:
    """The rest is as it is, for the server; a form that nobody answers stays alive."""
    page = desk.page
    page.fill("#f-seats", "30")
    with desk.nowhere():
        page.click("#go")
    expect(page.locator("#f-name")).to_be_enabled()
    assert desk.names() == {"v.seats", "w.seats"}
    page.clock.fast_forward(5000)
    page.fill("#f-name", "Other")
    page.click("#go")
    expect(page.locator("h1")).to_have_text("Review before saving")
    assert desk.names() == {"v.seats", "w.seats", "v.name", "w.name"}


def test_two_clicks_save_once(desk: Desk, kiosk: Office) -> None:
    """The second one would only say that nothing was changed."""
    page = desk.page
    page.fill("#f-seats", "30")
    page.click("#go")
    expect(page.locator("h1")).to_have_text("Review before saving")
    page.evaluate(
        "document.addEventListener('submit', () => { window.count = (window.count ?? 0) + 1; })"
    )
    with desk.nowhere():
        page.dblclick("#review button.primary")
    assert page.evaluate("window.count") == 1
    page.clock.fast_forward(5000)
    page.click("#review button.primary")
    expect(page.locator("h1")).not_to_have_text("Review before saving")
    assert kiosk.settings().seats == 30


def test_items_keep_what_the_server_keeps(desk: Desk) -> None:
    """A byte order mark is a character of an item, though a script takes it for a blank."""
    page = desk.page
    assert page.locator("textarea[name='v.tags']").input_value() == "\ufeff\nwarm"
    expect(page.locator("#go")).to_have_text("Review changes")


def test_news_are_told_in_a_region_that_is_there(desk: Desk, kiosk: Office) -> None:
    """A screen reader tells only what changes in a region that it knows already."""
    page = desk.page
    region = page.locator("#news")
    expect(region).to_have_attribute("role", "status")
    expect(region).not_to_have_attribute("hidden", "")
    expect(region.locator(".notice")).to_be_hidden()
    kiosk.change(seats=30)
    page.clock.run_for(6000)
    expect(region.locator(".notice")).to_be_visible()
    expect(region).to_contain_text("Somebody changed the settings: revision 1.")


def test_a_secret_of_several_lines_keeps_them(desk: Desk, kiosk: Office) -> None:
    """A key in PEM has lines, which an input for passwords would glue together."""
    page = desk.page
    pem = "-----BEGIN KEY-----\nabc\n-----END KEY-----\n"
    page.locator("#f-key").press_sequentially(pem)
    page.click("#go")
    expect(page.locator("h1")).to_have_text("Review before saving")
    page.click("#review button.primary")
    expect(page.locator("h1")).not_to_have_text("Review before saving")
    assert kiosk.settings().key.get_secret_value() == pem
