"""What was typed, judged: rights come first, and a refusal is of a size that somebody can read."""

from __future__ import annotations

import logging
import time as clock
from collections.abc import Callable, Mapping

import pytest
from pydantic import SecretStr

from tests.support.office import CANARY, Office
from typed_waffle import WaffleModel
from typed_waffle.admin.pages.leaf import Leaf

Offices = Callable[..., Office]


class Shop(WaffleModel):
    """What may hold much."""

    numbers: tuple[int, ...] = ()
    more: tuple[int, ...] = ()
    stock: Mapping[str, int] = {}
    seats: int = 20
    token: SecretStr = SecretStr("")


def test_rights_come_before_reading(offices: Offices, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what somebody may not change nothing is read, however much it is."""
    read: list[str] = []
    assigned = Leaf.assigned

    def noted(self: Leaf, *args: object) -> object:
        read.append(self.name)
        return assigned(self, *args)  # type: ignore[arg-type] # as it was called

    monkeypatch.setattr(Leaf, "assigned", noted)
    office = offices(Shop, may_write=lambda _, field: field == "seats")
    browser = office.browser()
    browser.get()
    for path in ("/review", "/edit", "/save"):
        browser.get()
        browser.post(path, {"v.seats": "30", "v.numbers": "1\r\n2", "revision": "0"})
        assert browser.response.status_code == 403
    assert set(read) == {"seats"}


def test_a_text_that_is_too_long_is_not_read(offices: Offices) -> None:
    """A setting may have so many characters at most."""
    browser = offices(Shop).browser()
    browser.get()
    browser.submit("#settings", {"v.stock": "[" * 300_000})
    assert browser.errors("stock") == ["It has 262144 characters at most."]


def test_a_right_that_is_withdrawn_takes_nothing_else(
    offices: Offices, caplog: pytest.LogCaptureFixture
) -> None:
    """What may not be changed any longer is told at its place; the rest stands as it was typed."""
    closed: set[str] = set()
    office = offices(Shop, may_write=lambda _, field: field not in closed)
    browser = office.browser()
    browser.get()
    typed = {"v.seats": "30", "v.numbers": "1\r\n2", "v.token": CANARY}
    browser.submit("#settings", typed)
    closed.add("numbers")
    with caplog.at_level(logging.WARNING, "typed_waffle.admin"):
        browser.submit("#review", {"note": "why"})
    assert browser.response.status_code == 403
    assert "refused POST" in caplog.text
    assert browser.errors("numbers") == [
        "You may not change numbers. Nothing was written. What was typed: 1\n2"
    ]
    assert browser.control("seats")["value"] == "30"
    browser.submit("#settings")
    browser.submit("#review")
    now = office.settings()
    assert (now.seats, now.numbers) == (30, ())
    assert now.token.get_secret_value() == CANARY
    browser.follow()
    assert "why" in browser.text


def test_what_was_typed_for_a_setting_that_is_locked_meanwhile_is_told(
    offices: Offices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its control shows what the variable says; a secret is told nowhere."""
    monkeypatch.setenv("SHOP_SEATS", "44")
    monkeypatch.setenv("SHOP_TOKEN", "pinned")
    browser = offices(Shop, keys={"WAFFLE_ENV_PREFIX": "SHOP_"}).browser()
    browser.get()
    browser.post("/review", {"v.seats": "30", "v.token": CANARY, "revision": "0"})
    assert browser.response.status_code == 422
    assert "What was typed: 30" in browser.errors("seats")[0]
    assert browser.control("seats")["value"] == "44"
    assert "What was typed" not in browser.errors("token")[0]


def test_what_nobody_typed_needs_no_right(offices: Offices) -> None:
    """A form may be older than the rights: what stands in it as it stood asks for nothing."""
    closed: set[str] = set()
    office = offices(Shop, may_write=lambda _, field: field not in closed)
    browser = office.browser()
    browser.get()
    closed.update({"numbers", "token"})
    browser.submit("#settings", {"v.seats": "30"})
    assert browser.response.status_code == 200


def test_a_refusal_has_an_end(offices: Offices) -> None:
    """Of thousands of faults the first ones are told, and how many there are besides."""
    browser = offices(Shop).browser()
    browser.get()
    lines = "\r\n".join(["x"] * 5000)
    stock = "{" + ",".join(f'"k{n}": "x"' for n in range(5000)) + "}"
    began = clock.process_time()
    browser.submit("#settings", {"v.numbers": lines, "v.more": lines, "v.stock": stock})
    assert clock.process_time() - began < 10
    assert browser.response.status_code == 422
    assert len(browser.errors("numbers")) == 10
    assert len(browser.soup.select("#faults li")) == 31
    assert "And 14970 more faults like these." in browser.text
