"""What the script of a live page makes of the answers that it gets."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect, sync_playwright

import typed_waffle.admin
from tests.support.crewed import Crewed
from tests.support.needs import needed
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

SCRIPT = Path(typed_waffle.admin.__file__).with_name("static") / "live.js"

Answers = Callable[..., Page]


def shown(fleet: Crewed) -> str:
    """The page of the change."""
    fleet.browser.get("/changes/1")
    return fleet.browser.response.get_data(as_text=True)


@pytest.fixture
def answered(fleet: Crewed) -> Iterator[Answers]:
    """Opens the page of a change in a browser where the API gives these answers, then none."""
    chromium = shutil.which("chromium")
    if chromium is None:
        needed("chromium is not installed")
    fleet.office.change(seats=30)
    pages: list[str] = []

    def seen() -> bool:
        pages.append(shown(fleet))
        return "data-said" in pages[-1]  # not where a busy Redis did not answer in time

    eventually(seen)
    html = pages[-1]
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page()

        def opened(*answers: tuple[int, object]) -> Page:
            left = list(answers)

            def answer(route: Route) -> None:
                path = route.request.url.removeprefix("http://office.test")
                if path == "/":
                    route.fulfill(body=html, content_type="text/html")
                elif "live.js" in path:
                    route.fulfill(body=SCRIPT.read_text(), content_type="text/javascript")
                elif "/api/workers" in path:
                    status, document = left.pop(0) if len(left) > 1 else left[0]
                    route.fulfill(
                        status=status, body=json.dumps(document), content_type="application/json"
                    )
                else:
                    route.fulfill(body="", content_type="text/css")

            page.route("**/*", answer)
            page.clock.install()
            page.goto("http://office.test/")
            return page

        yield opened
        browser.close()


NOBODY: dict[str, object] = {"workers": [], "applied": [], "rejected": [], "pending": []}

WORKER = {"id": "1", "host": "vm", "pid": 7, "revision": 1, "reason": None}

ONE = {**NOBODY, "workers": [WORKER], "applied": [WORKER]}


def test_no_worker_is_not_every_worker(answered: Answers) -> None:
    """It is said, and looked for on."""
    page = answered((200, NOBODY))
    expect(page.locator("[data-said]")).to_have_text("No worker is known to be alive.")
    page = answered((200, ONE))
    expect(page.locator("[data-said]")).to_have_text("Every worker shows this change.")


@pytest.mark.parametrize("status", [408, 429, 503])
def test_what_may_come_later_is_asked_again(answered: Answers, status: int) -> None:
    """It says that it waits."""
    page = answered((status, {}), (200, ONE))
    said = page.locator("[data-said]")
    expect(said).to_contain_text("cannot be asked at the moment")
    page.clock.run_for(6_000)
    expect(said).to_have_text("Every worker shows this change.")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_is_refused_is_not_asked_again(answered: Answers, status: int) -> None:
    """Whoever looks is told to load the page."""
    page = answered((status, {}), (200, ONE))
    said = page.locator("[data-said]")
    expect(said).to_contain_text("load the page again")
    page.clock.run_for(60_000)
    expect(said).to_contain_text("load the page again")
