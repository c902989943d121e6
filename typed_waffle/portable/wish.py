"""Wish: what a file asks the settings to be."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from typed_waffle.errors import InvalidChange, UnknownSetting
from typed_waffle.model import WaffleModel, facts
from typed_waffle.paths import Assignment, Path, assigned, joined, parsed
from typed_waffle.portable.complaint import Complaint, complaints_of
from typed_waffle.portable.document import HEADER, SETTINGS, TEXTS
from typed_waffle.portable.format import Tree, exactly
from typed_waffle.portable.outline import below, whole

__all__ = ["Wish", "wished", "wished_by_document"]


_NONE: Final = object()


@dataclass(slots=True)
class Wish:
    """Assignments, and why there are not more of them."""

    assignments: list[Assignment] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)

    def others(self, model: type[WaffleModel], stored: Collection[str]) -> Iterator[Path]:
        """What is stored and no assignment is for: whole settings, or parts. Never a secret."""
        for name in (name for name in facts(model) if name in stored):
            given = [a.path.keys for a in self.assignments if a.path.field == name]
            path = parsed(model, name)
            if not given and not path.secret:
                yield path
                continue
            for leaf in below(path):
                covered = any(leaf.keys[: len(keys)] == keys for keys in given)
                if not covered and not leaf.secret:
                    yield leaf


def wished_by_document(model: type[WaffleModel], tree: Tree) -> Wish:
    """What a file as `Document` writes it asks for."""
    wish = Wish()
    settings, texts = tree.get(SETTINGS), tree.get(TEXTS, {})
    for name in tree.keys() - {HEADER, SETTINGS, TEXTS}:
        why = f"{name!r} is none of {HEADER}, {SETTINGS} and {TEXTS}"
        wish.complaints.append(Complaint((), why, "InvalidChange"))
    if not isinstance(settings, Mapping):
        why = f"it has no {SETTINGS!r}, in which the settings stand by their names"
        wish.complaints.append(Complaint((), why, "InvalidChange"))
        return wish
    return wished(model, settings, texts, wish)


def wished(
    model: type[WaffleModel], settings: Tree, texts: object, wish: Wish | None = None
) -> Wish:
    """What settings by their names, and JSON texts by their paths, ask for.

    Where a model has declared parts and not all of them are given, the others stay as they are.
    """
    wish = wish or Wish()
    for name, data in settings.items():
        _wish(model, wish, (name,), data)
    if not isinstance(texts, Mapping):
        why = f"{TEXTS!r} must hold texts by the paths of settings"
        wish.complaints.append(Complaint((), why, "InvalidChange"))
        return wish
    for name, text in texts.items():
        try:
            path = parsed(model, name)
            data = _parsed(name, text)
        except UnknownSetting as error:
            wish.complaints += complaints_of(error, (name,))
        except ValueError as error:
            wish.complaints.append(Complaint((name,), str(error), "InvalidChange"))
        else:
            keys = (path.field, *path.keys)
            if _stands(settings, keys):
                why = f"{path} stands twice: in {TEXTS!r} as well"
                wish.complaints.append(Complaint(keys, why, "InvalidChange"))
            _wish(model, wish, keys, data)
    return wish


def _parsed(name: str, text: object) -> object:
    try:
        data: object = json.loads(text) if isinstance(text, str) else _NONE
    except (ValueError, RecursionError):
        data = _NONE
    if data is _NONE:
        raise ValueError(f"{name} must be a text that is JSON")
    return data


def _stands(settings: object, keys: tuple[str, ...]) -> bool:
    for key in keys:
        if not isinstance(settings, Mapping) or key not in settings:
            return False
        settings = settings[key]
    return True


def _wish(model: type[WaffleModel], wish: Wish, keys: tuple[str, ...], data: object) -> None:
    try:
        path = parsed(model, joined(keys[0], keys[1:]))
        if isinstance(data, dict) and not whole(path.info, data):
            for key, part in data.items():
                _wish(model, wish, (*keys, key), part)
        else:
            wish.assignments.append(assigned(model, path, exactly(data), as_json=True))
    except (UnknownSetting, InvalidChange) as error:
        wish.complaints += complaints_of(error, keys)
