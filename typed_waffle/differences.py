"""Differences: what became of a setting, part by part where it has parts, as people read it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from typed_waffle.change import FieldChange
from typed_waffle.paths import joined

__all__ = ["NOTHING", "differences", "spelled"]

NOTHING = "(nothing)"
"""What stands for a part that there was not, or is not any more."""


def spelled(value: object) -> str:
    """Plain data as `set` takes it: a text as it is, all else as JSON."""
    if isinstance(value, str):
        return value or '""'
    return json.dumps(value, ensure_ascii=False)


def differences(field: FieldChange) -> Iterator[tuple[str, str, str]]:
    """Path, before and after of the parts that differ, of a change with plain data.

    If none differs it is all of it, for then a secret in it was set.
    """
    found = list(_parts(field.field, field.before, field.after))
    yield from found or [(field.field, spelled(field.before), spelled(field.after))]


def _parts(path: str, before: object, after: object) -> Iterator[tuple[str, str, str]]:
    if not isinstance(before, dict) or not isinstance(after, dict):
        if before != after:
            yield path, spelled(before), spelled(after)
        return
    for key in {**before, **after}:
        if key not in before:
            yield joined(path, [key]), NOTHING, spelled(after[key])
        elif key not in after:
            yield joined(path, [key]), spelled(before[key]), NOTHING
        else:
            yield from _parts(joined(path, [key]), before[key], after[key])
