"""Format: how plain data is written as a text, and read again."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from typed_waffle.errors import ConfigurationError

__all__ = [
    "EXTENSIONS",
    "FORMATS",
    "Format",
    "Tree",
    "Unreadable",
    "exactly",
    "format_named",
    "holds",
]

Tree = Mapping[str, object]
"""Plain data by names, as JSON has it."""

FORMATS: Final = ("json", "toml", "yaml")

EXTENSIONS: Final = {".json": "json", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml"}
"""Which format a file is in, by the end of its name."""


DEEPEST: Final = 32
"""Levels of a value that is written as it is. Its readers call themselves for each level."""


class Unreadable(ValueError):  # noqa: N818 - internal: a command makes a message of it
    """A text that is not of its format; `line` is where, from 1, if that is known."""

    def __init__(self, why: str, line: int | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.line = line


class Format(Protocol):
    """One format."""

    name: str

    def written(self, tree: Tree) -> str:
        """The text of a tree."""
        ...

    def read(self, text: str) -> dict[str, object]:
        """The tree of a text; no name may stand in it twice.

        Raises:
            Unreadable: the text is not of this format, or not a tree.
        """
        ...

    def line(self, text: str, keys: tuple[str, ...]) -> int | None:
        """The line, from 1, on which a part begins, or what it stands in; `None` if neither does.

        The text must have been read.
        """
        ...


def format_named(name: str) -> Format:
    """One of `FORMATS`.

    Raises:
        ConfigurationError: it needs a package that is not installed.
    """
    try:
        made: Format = importlib.import_module(f"typed_waffle.portable.{name}text").FORMAT
    except ModuleNotFoundError as error:
        if error.name not in {"tomli_w", "yaml"}:
            raise
        raise ConfigurationError(
            name.upper(), f"it needs {error.name}: pip install 'typed-waffle[cli]'"
        ) from None
    return made


def holds(made: Format, value: object) -> bool:
    """Whether a format gives a value back as it is: it is tried."""
    if _depth(value) > DEEPEST:
        return False
    try:
        return exactly(made.read(made.written({"value": value}))["value"]) == exactly(value)
    except (ValueError, TypeError, RecursionError):
        return False


def _depth(value: object) -> int:
    parts = value.values() if isinstance(value, Mapping) else value
    if not isinstance(value, Mapping | list) or not isinstance(parts, Iterable):
        return 0
    return 1 + max(map(_depth, parts), default=0)


def exactly(value: object) -> str:
    """A text that is equal for the same plain data only: of the same types, in the same order."""
    return json.dumps(value)
