"""The browser of the tests: what is wrong with a page is noticed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.browser import Chromium, Window
from tests.support.keyboard import Keyboard
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

BAD = """<!doctype html>
<meta http-equiv="Content-Security-Policy" content="script-src 'self'">
<body><img src="data:,x"><script>1</script>"""

GOOD = """<!doctype html><html lang="en"><title>Good</title>
<style>button:focus {{ outline: {outline}; }}</style>
<main><h1>Good</h1><button>One</button><button disabled>Two</button><button>Three</button></main>"""


@pytest.fixture
def window(chromium: Chromium) -> Iterator[Window]:
    window = chromium.window("http://127.0.0.1")
    yield window
    window.close()


def test_violations_are_found(window: Window) -> None:
    """Of the rules of axe-core, with where they are."""
    window.page.set_content(GOOD.format(outline="1px solid"))
    assert window.violations() == []
    window.page.set_content(BAD)
    found = {violation.rule: violation.nodes for violation in window.violations()}
    assert {"image-alt", "document-title"} <= found.keys()
    assert "img" in found["image-alt"][0]


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("alert('boo')", "a dialog: boo"),
        ("setTimeout(() => { throw Error('oops') })", "error: oops"),
        ("console.error('careful')", "console: careful"),
        ("console.warn('careful')", "console: careful"),
        ("fetch('http://127.0.0.1:9/').catch(() => 0)", "ERR_"),
    ],
)
def test_complaints_are_noticed(window: Window, script: str, what: str) -> None:
    """Dialogs, errors that nobody catches, and whatever the console says of trouble."""
    window.page.set_content(GOOD.format(outline="none"))
    window.calm()
    window.page.evaluate(script)
    # Events are heard while Playwright is asked something.
    eventually(lambda: window.page.evaluate("1") and (window.complaints or window._said))
    with pytest.raises(AssertionError, match=what):
        window.calm()


def test_violations_of_the_policy_are_noticed(window: Window) -> None:
    """An inline script that the page's policy forbids."""
    window.page.set_content(BAD)
    with pytest.raises(AssertionError, match="Content Security Policy"):
        window.calm()


def test_a_walk_sees_where_the_focus_is(window: Window) -> None:
    """It comes to what can be used; a focus that is not shown is told."""
    window.page.set_content(GOOD.format(outline="1px solid"))
    count, stops = Keyboard(window.page).walk()
    assert (count, [stop.number for stop in stops]) == (2, [0, 1])
    assert all(stop.visible for stop in stops)
    window.page.set_content(GOOD.format(outline="none"))
    assert not any(stop.visible for stop in Keyboard(window.page).walk()[1])
