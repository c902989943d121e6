"""The table of the page on mypy: which checker catches which mistake.

`python -m tests.support.mistakes` writes the table anew.
"""

import pytest

from tests.support.mistakes import CHECKERS, MISTAKES, PAGE, caught, table, unlooked_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[int]]:
    """The lines that each checker complains of."""
    return caught(tmp_path_factory.mktemp("mistakes"))


def test_the_table_says_what_the_checkers_say(found: dict[str, set[int]]) -> None:
    """No cell of it is written by hand."""
    assert table(found) in PAGE.read_text(encoding="utf-8")


def test_no_mistake_escapes(found: dict[str, set[int]]) -> None:
    """Each is caught by mypy with the plugin, or by pyright with the generated module."""
    with_plugin, with_module = (found[name] for name in CHECKERS[2:])
    assert set(MISTAKES) <= with_plugin | with_module


@pytest.mark.parametrize("checker", CHECKERS)
def test_nothing_else_is_complained_of(found: dict[str, set[int]], checker: str) -> None:
    """A line without a mistake is fine with every checker."""
    assert unlooked_for(found[checker]) == {}
