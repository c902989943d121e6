"""Person: somebody at the pages of an office, who fills in forms and presses buttons."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Locator, expect

from tests.support.browser import Window
from tests.support.office import PREFIX

__all__ = ["Person", "row"]


def row(name: str) -> str:
    """Which row is a setting's, as a CSS selector."""
    return f'[id="s-{name}"]'


@dataclass
class Person:
    """Works in one window."""

    window: Window

    def go(self, path: str = "/", status: int = 200) -> None:
        """Look at a page; the path is below the prefix."""
        answer = self.window.page.goto(f"{PREFIX}/{path.lstrip('/')}")
        assert answer is not None
        assert answer.status == status, self.text

    @property
    def place(self) -> str:
        """Where the window is, below the prefix."""
        return self.window.page.url.partition(PREFIX)[2]

    @property
    def text(self) -> str:
        """What the page says, its blanks as one."""
        return " ".join(self.window.page.locator("body").inner_text().split())

    def find(self, selector: str) -> Locator:
        """What fits a CSS selector."""
        return self.window.page.locator(selector)

    def row(self, name: str) -> Locator:
        """The row of a setting."""
        return self.find(row(name))

    def control(self, name: str) -> Locator:
        """The control of a setting."""
        return self.find(f'[id="f-{name}"]')

    def type(self, **texts: str) -> None:
        """Type texts into controls; `smtp__host` is `smtp.host`."""
        for name, text in texts.items():
            self.control(name.replace("__", ".")).fill(text)

    def press(self, name: str, within: str = "body") -> None:
        """Press the first button, or follow the first link, that begins so; wait for the page."""
        begins = re.compile(f"^{re.escape(name)}")
        place = self.find(within)
        button = place.get_by_role("button", name=begins)
        with self.window.page.expect_navigation():
            button.or_(place.get_by_role("link", name=begins)).first.click()

    def review(self) -> None:
        """Go from the form to the review."""
        self.press("Review")

    def save(self, note: str = "") -> None:
        """Write a note into the review, and save."""
        self.find("#note").fill(note)
        self.press("Save")

    def changes(self) -> list[list[str]]:
        """The rows of the first table of differences: path, before, after."""
        expect(self.find("table.diff").first).to_be_visible()
        rows = self.find("table.diff").first.locator("tbody tr").all()
        return [row.locator("th, td").all_inner_texts() for row in rows]
