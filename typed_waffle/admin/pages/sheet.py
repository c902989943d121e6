"""Sheet: a settings model taken apart into groups of leaves, as the page shows it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from typed_waffle.admin.pages.leaf import Leaf, leaf_of, unit_of
from typed_waffle.constraints import shape_of
from typed_waffle.model import WaffleModel, facts
from typed_waffle.parts import members
from typed_waffle.paths import Path, parsed
from typed_waffle.portable.item import told_of
from typed_waffle.portable.outline import sections

__all__ = ["Group", "Sheet", "sheet_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """The leaves of the model itself, or of what is nested in it."""

    name: str
    """The path of what is nested; empty for the model."""
    title: str
    description: str | None
    leaves: tuple[Leaf, ...]
    groups: tuple[Group, ...]

    def every(self) -> Iterator[Leaf]:
        """Its leaves, and those of its groups."""
        yield from self.leaves
        for group in self.groups:
            yield from group.every()


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """All of a model."""

    root: Group
    leaves: Mapping[str, Leaf]
    """By their paths."""
    of: Mapping[str, tuple[Leaf, ...]]
    """By the setting that they are of, by every name that it had."""

    def covering(self, field: str, keys: tuple[str, ...]) -> Leaf | None:
        """The leaf in which something stands; the first one below it, if it is taken apart."""
        leaves = self.of.get(field, ())
        inside = [leaf for leaf in leaves if leaf.path.keys == keys[: len(leaf.path.keys)]]
        below = [leaf for leaf in leaves if leaf.path.keys[: len(keys)] == keys]
        return next(iter(inside or below), None)


@functools.lru_cache(maxsize=64)
def sheet_of(model: type[WaffleModel]) -> Sheet:
    """The sheet of a model."""
    leaves: list[Leaf] = []
    groups: list[Group] = []
    for name, fact in facts(model).items():
        path = parsed(model, name)
        told = (fact.description, fact.type)
        unit = unit_of(model, name)
        if sections(path.info):
            groups.append(_group(path, fact.description))
        else:
            schema = shape_of(model, name)  # pyright: ignore[reportArgumentType] # a class hashes, whatever its instances do
            leaves.append(leaf_of(path, told, unit, schema))
    title = model.__name__
    root = Group("", title, _described(model), tuple(leaves), tuple(groups))
    every = tuple(root.every())
    of: dict[str, tuple[Leaf, ...]] = {}
    for leaf in every:
        of[leaf.path.field] = (*of.get(leaf.path.field, ()), leaf)
    for fact in facts(model).values():
        for former in fact.names:
            of.setdefault(former, of.get(fact.name, ()))
    return Sheet(root, {leaf.name: leaf for leaf in every}, of)


def _group(path: Path, description: str | None) -> Group:
    leaves: list[Leaf] = []
    groups: list[Group] = []
    cls = next(members(path.info.annotation))
    for name, info in sections(path.info).items():
        inner = Path(path.field, (*path.keys, name), info)
        told = told_of(path.info, name, info)
        if sections(info):
            groups.append(_group(inner, told[0]))
        else:
            leaves.append(leaf_of(inner, told, unit_of(cls, name)))
    name = str(path)
    return Group(name, name, description or _described(cls), tuple(leaves), tuple(groups))


def _described(cls: Any) -> str | None:  # noqa: ANN401 - an annotation
    """The first paragraph of what the developer says of a class."""
    text = str(vars(cls).get("__doc__") or "") if isinstance(cls, type) else ""
    if text.startswith(f"{getattr(cls, '__name__', '')}("):  # as dataclasses write it themselves
        return None
    return " ".join(text.strip().split("\n\n")[0].split()) or None
