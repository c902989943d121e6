"""How much of what differs a page shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.support.office import Office
from typed_waffle import WaffleModel
from typed_waffle.admin.pages.diff import CHARACTERS, OF_ALL, OF_ONE, More, rows
from typed_waffle.change import FieldChange


class Wide(WaffleModel):
    """A mapping of any size."""

    prices: Mapping[str, int] = {}
    name: str = "Waffle"


def mapping(size: int, add: int = 0) -> dict[str, object]:
    return {f"k{n}": n + add for n in range(size)}


def test_a_page_of_large_changes_stays_small(offices: Callable[..., Office]) -> None:
    """What is left out is counted."""
    office = offices(Wide)
    for add in range(1, 5):
        office.change(prices={f"k{n}": n + add for n in range(5_000)}, name=f"n{add}")
    browser = office.browser()
    for path in ("/history", "/changes/4", "/compare?older=1", "/rollback/1"):
        browser.get(path)
        assert len(browser.response.data) < 400_000, path
        assert f"and {5_000 - OF_ONE} more parts of prices" in browser.text
        assert "n4" in browser.text


def test_few_parts_are_all_shown() -> None:
    """In order, with nothing said besides."""
    small = FieldChange("prices", mapping(OF_ONE), mapping(OF_ONE, 1))
    found = list(rows([small, FieldChange("name", "a", "b")]))
    assert len(found) == OF_ONE + 1
    assert found[0] == ("prices.k0", "0", "1")
    assert found[-1] == ("name", "a", "b")


def test_one_more_part_is_told_as_one() -> None:
    """The count is of what is left out."""
    found = list(rows([FieldChange("prices", mapping(OF_ONE + 1), {})]))
    assert found[-1] == More(1, "prices")
    assert len(found) == OF_ONE + 1


def test_many_settings_are_cut_too() -> None:
    """The parts of all settings together are bounded."""
    found = list(rows([FieldChange(f"f{n}", 0, 1) for n in range(OF_ALL + 7)]))
    assert found[-1] == More(7, None)
    assert len(found) == OF_ALL + 1


def test_long_texts_count_for_more() -> None:
    """A table has so many characters and not many more; the first part is there in any case."""
    text = "x" * 3_000
    many = [FieldChange(f"f{n}", text, f"{text}y") for n in range(OF_ALL)]
    found = list(rows(many))
    shown = [row for row in found if not isinstance(row, More)]
    assert sum(len(part) for row in shown for part in row) < CHARACTERS + 5_000
    assert found[-1] == More(OF_ALL - len(shown), None)
    deep = FieldChange("prices", dict.fromkeys(map(str, range(50)), text), {})
    (*_, last) = rows([*many, deep])
    assert isinstance(last, More)
    assert last.count == OF_ALL - len(shown) + 50
