"""The pictures of the pages in the docs: `python -m tests.support.screenshots`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from playwright.sync_api import ViewportSize, expect

from tests.support.browser import PHONE, Chromium, Window
from tests.support.office_site import OfficeSite, opened
from tests.support.pages import ROOT
from tests.support.person import Person
from tests.support.storefront import HISTORY

__all__ = ["FOLDER", "HEAD", "LARGEST", "LOOKS", "names", "prepared", "taken"]

FOLDER = ROOT / "docs" / "images"

LARGEST = 150_000
"""Bytes of a picture, at most: they are in every clone of the repository."""

DESK = ViewportSize(width=1120, height=720)

HEAD = "import socket\n\nsocket.gethostname = lambda: 'web-1'\n"
"""Workers tell the name of their host."""


def settings(person: Person) -> None:
    person.go()


def review(person: Person) -> None:
    person.go()
    person.control("maintenance").check()
    person.control("checkout.shipping").select_option("courier")
    person.type(name="Waffle House & Sons", checkout__min_order="7.50")
    person.review()
    person.find("#note").fill("Moving to the new kitchen")
    person.find("#note").blur()


def history(person: Person) -> None:
    person.go("/history")


def workers(person: Person) -> None:
    person.go("/workers")
    expect(person.find("table.fleet tbody tr")).to_have_count(4)


PAGES: Mapping[str, Callable[[Person], None]] = {
    "settings": settings,
    "review": review,
    "history": history,
    "workers": workers,
}

LOOKS = ("light", "dark", "phone")


def names() -> list[str]:
    """The pictures that there are."""
    return [f"{page}-{look}.png" for page in PAGES for look in LOOKS]


def prepared(chromium: Chromium, site: OfficeSite) -> None:
    """Change settings, as people do."""
    for actor, note, fields in HISTORY:
        site.change(actor, note, **fields)
    window = chromium.window(site.url, cookies={"actor": "ada"})
    ada = Person(window)
    ada.go()
    ada.type(page_size="12")
    ada.review()
    ada.save("Smaller pages load faster on phones")
    window.close()


def taken(chromium: Chromium, site: OfficeSite, folder: Path, looks: Sequence[str]) -> None:
    """Take every picture, in some of the looks."""
    for look in looks:
        window: Window = chromium.window(
            site.url,
            cookies={"actor": "ada"},
            viewport=PHONE if look == "phone" else DESK,
            color_scheme="dark" if look == "dark" else "light",
            reduced_motion="reduce",
        )
        for page, show in PAGES.items():
            show(Person(window))
            window.page.screenshot(path=folder / f"{page}-{look}.png", animations="disabled")
        window.calm()
        window.close()


def main() -> None:
    """Write them anew."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        opened(Path(folder), "shop", head=HEAD) as site,
        Chromium() as chromium,
    ):
        prepared(chromium, site)
        taken(chromium, site, FOLDER, LOOKS)
    for name in names():
        size = (FOLDER / name).stat().st_size
        print(f"{name}: {size} bytes")  # noqa: T201 - to whoever ran it
        assert size <= LARGEST, f"{name} is too large"


if __name__ == "__main__":
    main()
