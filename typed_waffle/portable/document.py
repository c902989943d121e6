"""Document: what is stored, as a file holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from typed_waffle.fieldtypes import has_secret
from typed_waffle.model import M, WaffleModel, facts, named
from typed_waffle.paths import Path, parsed
from typed_waffle.portable.format import Format, exactly, holds
from typed_waffle.portable.outline import sections
from typed_waffle.snapshot import Snapshot
from typed_waffle.values import malformed

__all__ = ["HEADER", "SECRET", "SETTINGS", "TEXTS", "Document", "exported"]

HEADER: Final = "typed-waffle"
SETTINGS: Final = "settings"
TEXTS: Final = "json-texts"
"""What the format cannot hold, as JSON texts. The name can be no setting's."""

SECRET: Final = "a secret"  # noqa: S105 - a word
"""Why most of what is left out is."""


@dataclass(frozen=True, slots=True)
class Document:
    """The overrides of one revision, as plain data."""

    model: str
    namespace: str
    revision: int
    exported_at: datetime
    settings: Mapping[str, object] = field(repr=False)
    left_out: Mapping[str, str]
    """What is stored and not in it, and why."""

    def written(self, made: Format) -> str:
        """The text of it."""
        plain = {name: data for name, data in self.settings.items() if holds(made, data)}
        texts = {n: exactly(data) for n, data in self.settings.items() if n not in plain}
        tree: dict[str, object] = {
            HEADER: {
                "model": self.model,
                "namespace": self.namespace,
                "revision": self.revision,
                "exported_at": self.exported_at.isoformat(timespec="seconds"),
                "left_out": dict(self.left_out),
            },
            SETTINGS: plain,
        }
        return made.written({**tree, TEXTS: texts} if texts else tree)


def exported(
    snapshot: Snapshot[M], namespace: str, now: datetime, *, secrets: bool = False
) -> Document:
    """What is stored, by the names that the fields have today.

    Left out are secrets, unless they are asked for, and what this model does not show.
    """
    model = type(snapshot.settings)
    overrides = snapshot.state.overrides
    stored = named(model, overrides)
    settings: dict[str, object] = {}
    left_out: dict[str, str] = {}
    for name in facts(model):
        text = stored.get(name)
        if text is None:
            continue
        why = malformed(text)
        if why is None and name in snapshot.unfit:
            why = snapshot.unfit[name].why or "a rule across settings refuses it"
        if why is not None:
            left_out[name] = why
            continue
        data: object = json.loads(text)
        if not secrets:
            data = _shown(parsed(model, name), data, left_out)
        if data is not _NOTHING:
            settings[name] = data
    known = {name for fact in facts(model).values() for name in fact.names}
    left_out |= {n: "the model has no such setting" for n in overrides if n not in known}
    return Document(_name(model), namespace, snapshot.revision, now, settings, left_out)


_NOTHING: Final[Any] = object()  # Any: stands where any plain data may


def _shown(path: Path, data: object, left_out: dict[str, str]) -> object:
    """Plain data without the secrets in it; `_NOTHING` if nothing is left."""
    if not has_secret(path.info.annotation):
        return data
    parts = sections(path.info)
    if not parts or not isinstance(data, dict):
        left_out[str(path)] = SECRET
        return _NOTHING
    kept: dict[str, object] = {}
    for key, part in data.items():
        if key in parts:
            below = Path(path.field, (*path.keys, key), parts[key])
            shown = _shown(below, part, left_out)
            if shown is not _NOTHING:
                kept[key] = shown
    return kept or _NOTHING


def _name(model: type[WaffleModel]) -> str:
    return f"{model.__module__}.{model.__qualname__}"
