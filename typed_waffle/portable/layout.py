"""Layout: how a view is written in YAML and in TOML."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from typed_waffle.paths import joined
from typed_waffle.portable.document import TEXTS
from typed_waffle.portable.format import Format, exactly
from typed_waffle.portable.item import Item, Keys

__all__ = ["as_texts", "as_toml", "as_yaml"]

_WIDTH: Final = 88


def _comments(texts: Iterable[str], margin: str = "") -> Iterator[str]:
    for text in texts:
        for line in textwrap.wrap(_printable(text), _WIDTH - len(margin)) or [""]:
            yield f"{margin}# {line}".rstrip()


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def as_yaml(lines: list[str], made: Format, items: Iterable[Item], odd: Collection[Keys]) -> None:
    """In the order of the model, parts below their settings."""
    for item in items:
        margin = "  " * (len(item.keys) - 1)
        if item.keys in odd:
            continue
        lines.append("")
        lines.extend(_comments(item.comments, margin))
        name = item.keys[-1]
        if item.parts:
            lines.append(f"{margin}{name}:")
            as_yaml(lines, made, item.parts, odd)
            continue
        lines.extend(_value(item, f"{name}:", made.written({name: item.data}), margin))


def _value(item: Item, alone: str, written: str, margin: str = "") -> list[str]:
    """The lines of a leaf; commented out, or `alone` so, if it is only told of."""
    if item.hidden and item.data is None:
        return [f"{margin}# {alone}"]
    mark = f"{margin}# " if item.hidden else margin
    return [f"{mark}{line}" if line else "" for line in written.removesuffix("\n").split("\n")]


def as_toml(lines: list[str], made: Format, items: Iterable[Item], odd: Collection[Keys]) -> None:
    """First what stands on lines of its own, then the tables: what follows a table is in it."""
    tables: list[Item] = []
    for item in items:
        name = item.keys[-1]
        if item.keys in odd:
            continue
        if item.parts:
            tables.append(item)
            continue
        written = "" if item.data is None else made.written({name: item.data})
        if written.lstrip().startswith("["):
            tables.append(item)
            continue
        lines.append("")
        lines.extend(_comments(item.comments))
        lines.extend(_value(item, f'{name} = ""', written))
    for item in tables:
        lines.append("")
        lines.extend(_comments(item.comments))
        if item.parts:
            lines.append(f"[{'.'.join(item.keys)}]")
            as_toml(lines, made, item.parts, odd)
            continue
        tree: dict[str, object] = {item.keys[-1]: item.data}
        for key in reversed(item.keys[:-1]):
            tree = {key: tree}
        lines.extend(_value(item, "", made.written(tree)))


def as_texts(lines: list[str], made: Format, odd: Iterable[Item]) -> None:
    """What the format cannot hold."""
    texts = [(item, joined(item.keys[0], item.keys[1:])) for item in odd]
    if not texts:
        return
    lines += ["", f"# What {made.name.upper()} cannot hold stands here as JSON. It may be moved."]
    lines.append(f"{TEXTS}:" if made.name == "yaml" else f"[{TEXTS}]")
    for item, path in texts:
        lines.extend(_comments(item.comments, "  "))
        written = made.written({path: exactly(item.data)})
        lines.extend(f"  {line}" for line in written.removesuffix("\n").split("\n"))
