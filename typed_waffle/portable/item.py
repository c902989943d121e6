"""Item: one setting or part of it in a view, and what is said of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from typed_waffle.catalog import Entry
from typed_waffle.constraints import words
from typed_waffle.fieldtypes import spelled
from typed_waffle.model import WaffleModel, facts
from typed_waffle.parts import members
from typed_waffle.paths import Path, parsed
from typed_waffle.portable.format import exactly
from typed_waffle.portable.outline import sections

__all__ = ["Item", "Keys", "among", "item_of", "leaves_of", "told_of"]

Keys = tuple[str, ...]
"""A setting and what leads to a part of it."""

_SHORT: Final = 60


@dataclass(slots=True)
class Item:
    """A section, or a leaf, or something that is only told of."""

    keys: Keys
    comments: list[str]
    data: object = None
    hidden: bool = False
    """Whether its line is commented out."""
    parts: list[Item] = field(default_factory=list)


def _latest(entry: Entry) -> list[str]:
    """What is said of a whole setting besides its description."""
    said: list[str] = []
    if entry.problem:
        said.append(f"What is stored is refused: {entry.problem}")
    if entry.latest:
        by = f" by {entry.latest.actor}" if entry.latest.actor else ""
        why = f": {entry.latest.note}" if entry.latest.note else ""
        said.append(f"changed {entry.latest.at:%Y-%m-%d %H:%MZ}{by}{why}")
    return said


def item_of(model: type[WaffleModel], entry: Entry) -> Item:
    """One setting."""
    path = parsed(model, entry.field)
    return _item(path, entry, (entry.value, entry.default), (entry.description, entry.type))


def _item(
    path: Path, entry: Entry, values: tuple[Any, Any], told: tuple[str | None, str]
) -> Item:  # Any: plain data
    keys = (path.field, *path.keys)
    data, default = values
    description, kind = told
    more = [] if path.keys else _latest(entry)
    comments = [description] if description else []
    if entry.variable:
        text = f"Locked by {entry.variable}: it cannot be changed here."
        return Item(keys, [*comments, text], data, hidden=True)
    parts = sections(path.info)
    if parts and isinstance(data, dict) and parts.keys() <= data.keys():
        inner = default if isinstance(default, dict) else {}
        below = [
            _item(
                Path(path.field, (*path.keys, name), info),
                entry,
                (data[name], inner.get(name)),
                told_of(path.info, name, info),
            )
            for name, info in parts.items()
        ]
        return Item(keys, [*comments, *more], parts=below)
    takes = words(path.info)
    facts_of = f"{kind}: {takes}" if takes else kind
    if path.secret:
        how = "A secret, and not shown. To set it, remove the # and write it."
        return Item(keys, [*comments, facts_of, *more, how], hidden=True)
    return Item(keys, [*comments, f"{facts_of}; default {_brief(default)}", *more], data)


def told_of(owner: FieldInfo, name: str, info: FieldInfo) -> tuple[str | None, str]:
    """The description of a part, and its type."""
    cls: Any = next(members(owner.annotation))  # Any: an annotation
    described = cls.model_fields[name].description if _is_model(cls, BaseModel) else None
    if _is_model(cls, WaffleModel):
        return described, facts(cls)[name].type
    return described, spelled(info.annotation)


def _is_model(cls: object, base: type[BaseModel]) -> bool:
    return isinstance(cls, type) and issubclass(cls, base)


def _brief(data: object) -> str:
    text = exactly(data)
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 3]}..."


def among(item: Item, only: Collection[Keys]) -> Item | None:
    """The item with what is named in it, or below which something is named."""
    if any(item.keys[: len(keys)] == keys for keys in only):
        return item
    inside = any(keys[: len(item.keys)] == item.keys for keys in only)
    if not inside or not item.parts:
        return item if inside else None
    item.parts = [part for part in (among(p, only) for p in item.parts) if part is not None]
    return item


def leaves_of(item: Item) -> Iterator[Item]:
    """The leaves of an item: itself if it has no parts."""
    if not item.parts:
        yield item
    for part in item.parts:
        yield from leaves_of(part)
