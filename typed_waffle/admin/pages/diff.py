"""Diff: the rows of a table of what differs, as many as people read and a page can hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from typed_waffle.admin.pages.excerpt import excerpts
from typed_waffle.change import FieldChange
from typed_waffle.differences import differences, parts

__all__ = ["CHARACTERS", "OF_ALL", "OF_ONE", "More", "rows"]

OF_ONE: Final = 100
"""The most parts of one setting: a mapping may have many thousands of keys."""

OF_ALL: Final = 500
"""The most parts of a table."""

CHARACTERS: Final = 100_000
"""The most characters of a table, more or less."""


@dataclass(frozen=True, slots=True)
class More:
    """What a table leaves out."""

    count: int
    """How many parts."""
    of: str | None
    """Of which setting; `None` if it is of the rest of the table."""


def rows(fields: Iterable[FieldChange]) -> Iterator[tuple[str, str, str] | More]:
    """Path, before and after of the parts that differ, cut to what a table can show."""
    left, room, rest = OF_ALL, CHARACTERS, 0
    for field in fields:
        shown = 0
        for path, before, after in islice(differences(field), OF_ONE):
            if not left or room <= 0:
                break
            row = (excerpts(path, path)[0], *excerpts(before, after))
            left, room, shown = left - 1, room - sum(map(len, row)), shown + 1
            yield row
        more = sum(1 for _ in islice(parts(field), shown, None))
        if more and shown == OF_ONE:
            yield More(more, field.field)
        else:
            rest += more
    if rest:
        yield More(rest, None)
