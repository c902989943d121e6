"""JSON: the format that needs nothing."""

from __future__ import annotations

import json
import re
from typing import Final

from typed_waffle.portable.format import Tree, Unreadable

__all__ = ["FORMAT"]

_SPACE = re.compile(r"[ \t\n\r]*")


class _Json:
    """JSON."""

    name = "json"

    def written(self, tree: Tree) -> str:
        """See `Format`."""
        return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"

    def read(self, text: str) -> dict[str, object]:
        """See `Format`."""
        try:
            data: object = json.loads(text, object_pairs_hook=_once, parse_constant=str)
        except json.JSONDecodeError as error:
            raise Unreadable(error.msg, error.lineno) from None
        except RecursionError:
            raise Unreadable("it is nested too deeply") from None
        if not isinstance(data, dict):
            raise Unreadable("it is not an object", 1)
        return data

    def line(self, text: str, keys: tuple[str, ...]) -> int | None:
        """See `Format`."""
        found: int | None = None
        value = 0
        for key in keys:
            where = _members(text, value).get(key)
            if where is None:
                break
            found, value = where
        return None if found is None else text.count("\n", 0, found) + 1


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in data if names.count(name) > 1)
        raise Unreadable(f"{twice!r} stands twice in one object")
    return data


def _members(text: str, start: int) -> dict[str, tuple[int, int]]:
    """Where the names in an object stand, and their values; of what is no object, none."""
    decoder = json.JSONDecoder()
    found: dict[str, tuple[int, int]] = {}
    at = _after_space(text, start)
    if text[at] != "{":
        return found
    at = _after_space(text, at + 1)
    while text[at] != "}":
        name, end = decoder.raw_decode(text, at)
        value = _after_space(text, _after_space(text, end) + 1)  # behind the colon
        found[name] = at, value
        at = _after_space(text, decoder.raw_decode(text, value)[1])
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return found


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


FORMAT: Final = _Json()
