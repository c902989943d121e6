"""View: settings as somebody edits them, with comments that say what may stand where."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from typed_waffle.catalog import Catalog
from typed_waffle.model import WaffleModel
from typed_waffle.paths import Path, joined
from typed_waffle.portable.document import TEXTS
from typed_waffle.portable.format import Format, Tree, exactly, holds
from typed_waffle.portable.item import Item, Keys, among, item_of, leaves_of
from typed_waffle.portable.layout import as_texts, as_toml, as_yaml

__all__ = ["View", "viewed"]

_SAME: Final = object()
"""Nothing differs."""


@dataclass(frozen=True, slots=True)
class View:
    """What is shown for editing."""

    text: str
    revision: int
    shown: Mapping[Keys, str] = field(repr=False)
    """What stands at each leaf, as `exactly` has it."""
    hidden: frozenset[Keys]
    """The leaves that are only told of."""

    def changed(self, tree: Tree) -> tuple[dict[str, object], dict[str, object]]:
        """What differs in an edited tree: settings by their names, and JSON texts."""
        found = {
            name: data
            for name, data in ((n, self._differing((n,), d)) for n, d in tree.items())
            if data is not _SAME and name != TEXTS
        }
        texts = tree.get(TEXTS)
        if not isinstance(texts, Mapping):
            return found, {} if texts is None else {TEXTS: texts}
        shown = {joined(keys[0], keys[1:]): text for keys, text in self.shown.items()}
        return found, {name: text for name, text in texts.items() if shown.get(name) != text}

    def _differing(self, keys: Keys, data: object) -> object:
        if keys in self.shown:
            return _SAME if exactly(data) == self.shown[keys] else data
        if not any(
            leaf[: len(keys)] == keys for leaf in (*self.shown, *self.hidden) if leaf != keys
        ):
            return data
        if data is None:  # all that stands below it is commented out
            return _SAME
        if not isinstance(data, dict):
            return data
        found = {
            name: part
            for name, part in ((n, self._differing((*keys, n), d)) for n, d in data.items())
            if part is not _SAME
        }
        return found or _SAME


def viewed(
    model: type[WaffleModel],
    catalog: Catalog[Any],  # Any: of the model
    made: Format,
    head: Iterable[str],
    only: Collection[Path] = (),
) -> View:
    """The settings, or those that are named, in a format; `head` is said above them."""
    named = [(path.field, *path.keys) for path in only]
    items = [item_of(model, entry) for entry in catalog.entries()]
    if named:
        items = [kept for item in items if (kept := among(item, named)) is not None]
    leaves = [leaf for item in items for leaf in leaves_of(item)]
    odd: list[Item] = []
    for leaf in leaves:
        if (leaf.data is None and leaf.hidden) or holds(made, leaf.data):
            continue
        if leaf.hidden:
            leaf.data = None
        else:
            odd.append(leaf)
    lines = [f"# {line}".rstrip() for line in head]
    layout = as_yaml if made.name == "yaml" else as_toml
    layout(lines, made, items, [leaf.keys for leaf in odd])
    as_texts(lines, made, odd)
    return View(
        "\n".join(lines) + "\n",
        catalog.revision,
        {leaf.keys: exactly(leaf.data) for leaf in leaves if not leaf.hidden},
        frozenset(leaf.keys for leaf in leaves if leaf.hidden),
    )
