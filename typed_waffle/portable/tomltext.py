"""TOML. It has no null, and its integers have 64 bits: what has others is no value of it."""

from __future__ import annotations

import datetime as dt
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Final

import tomli_w

from typed_waffle.portable.format import Tree, Unreadable

__all__ = ["FORMAT"]

_LARGEST = 2**63 - 1
_WHERE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


class _Toml:
    """TOML."""

    name = "toml"

    def written(self, tree: Tree) -> str:
        """See `Format`."""
        for number in _integers(tree):
            if not -_LARGEST <= number <= _LARGEST:
                raise ValueError("an integer of TOML has 64 bits")
        return tomli_w.dumps(tree)

    def read(self, text: str) -> dict[str, object]:
        """See `Format`."""
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            where = _WHERE.search(str(error))
            line = int(where[1]) if where and where[1] else text.count("\n") + 1
            raise Unreadable(_WHERE.sub("", str(error)), line) from None
        except ValueError as error:  # an integer of too many digits
            raise Unreadable(str(error)) from None
        except RecursionError:
            raise Unreadable("it is nested too deeply") from None
        return {name: _plain(value) for name, value in data.items()}

    def line(self, text: str, keys: tuple[str, ...]) -> int | None:
        """See `Format`."""
        found: int | None = None
        lines = text.splitlines(keepends=True)
        for depth in range(1, len(keys) + 1):
            deeper = self._first(lines, keys[:depth])
            if deeper is None:
                break
            found = deeper
        return found

    def _first(self, lines: list[str], keys: tuple[str, ...]) -> int | None:
        """The first line before which the text is whole and has no such part, and that names it."""
        naming = re.compile(rf"[\[{{\s\"'.]*[^#=]*?{re.escape(keys[-1])}[\"']?\s*[.=\]]")
        for number, line in enumerate(lines):
            if naming.match(line) and self._lacks("".join(lines[:number]), keys):
                return number + 1
        return None

    @staticmethod
    def _lacks(text: str, keys: tuple[str, ...]) -> bool:
        try:
            data: object = tomllib.loads(text)
        except ValueError:
            return False  # within a value of several lines
        for key in keys:
            if not isinstance(data, dict) or key not in data:
                return True
            data = data[key]
        return False


def _plain(value: object) -> object:
    """As JSON has it: what TOML has besides becomes the text that stands for it there."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _integers(value: object) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _integers(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _integers(part)


FORMAT: Final = _Toml()
