"""Of two long texts, the part where they begin to differ."""

from __future__ import annotations

from tests.support.office import Browser, Office
from typed_waffle.admin.pages.excerpt import excerpts


def test_what_fits_is_shown_whole() -> None:
    """Up to the last character."""
    assert excerpts("a" * 2000, "b") == ("a" * 2000, "b")


def test_what_is_long_is_cut_to_where_it_differs() -> None:
    """With a little ahead of it, and how long it is."""
    same = "s" * 50_000
    before, after = excerpts(f"{same}old{same}", f"{same}new{same}")
    assert before.startswith(f"... {'s' * 100}old")
    assert after.startswith(f"... {'s' * 100}new")
    assert after.endswith(" ... (100003 characters in all)")
    assert len(after) < 2100


def test_a_long_text_beside_a_short_one_begins_at_its_beginning() -> None:
    """The short one is whole."""
    before, after = excerpts("(nothing)", "x" * 3000)
    assert before == "(nothing)"
    assert after == f"{'x' * 2000} ... (3000 characters in all)"


def test_the_end_of_a_long_text_needs_no_length() -> None:
    """All that follows is there."""
    before, after = excerpts("y" * 5000, "y" * 5001)
    assert before == f"... {'y' * 100}"
    assert after == f"... {'y' * 101}"


def test_a_page_of_long_values_is_short(office: Office, browser: Browser) -> None:
    """It shows where they differ."""
    for turn in range(5):
        office.change(motto=f"{'m' * 200_000}{turn}")
    assert len(browser.get("/history").data) < 60_000
    assert "m4" in browser.text
