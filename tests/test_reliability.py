"""The page on what breaks: each test that it names is there."""

import re

from tests.support.pages import ROOT

NAMED = re.compile(r"`(tests/[a-z_/]+\.py)::(test_[a-z_0-9]+)`")


def test_every_test_that_the_page_names_is_there() -> None:
    """A promise of the page whose test was renamed or dropped is found."""
    page = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    named = set(NAMED.findall(page))
    assert len(named) > 50
    lost = [
        f"{file}::{test}"
        for file, test in sorted(named)
        if not (ROOT / file).exists() or f"def {test}(" not in (ROOT / file).read_text("utf-8")
    ]
    assert lost == []


def test_every_row_names_a_test() -> None:
    """No row promises something without showing it."""
    page = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and "---" not in line]
    bare = [row for row in rows if not NAMED.search(row) and "| shown by |" not in row]
    assert bare == []
