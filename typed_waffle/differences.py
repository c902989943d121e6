"""Differences: what became of a setting, part by part where it has parts, as people read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from typed_waffle.change import FieldChange
from typed_waffle.paths import joined

__all__ = ["NOTHING", "Part", "differences", "parts", "spelled"]

NOTHING = "(nothing)"
"""What stands for a part that there was not, or is not any more."""

Part = tuple[tuple[str, ...], object, object]
"""Where something differs, and what was and is there."""

_ABSENT: Final = object()


def spelled(value: object) -> str:
    """Plain data as `set` takes it: a text as it is, all else as JSON."""
    if isinstance(value, str):
        return value or '""'
    return json.dumps(value, ensure_ascii=False)


def differences(field: FieldChange) -> Iterator[tuple[str, str, str]]:
    """Path, before and after of the parts that differ, of a change with plain data.

    If none differs it is all of it, for then a secret in it was set.
    """
    for keys, before, after in parts(field):
        yield joined(field.field, keys), _told(before), _told(after)


def parts(field: FieldChange) -> Iterator[Part]:
    """As `differences`, as it is: cheap, and each part only when it is asked for."""
    found = _parts((), field.before, field.after)
    first = next(found, None)
    if first is None:
        yield (), field.before, field.after
        return
    yield first
    yield from found


def _told(value: object) -> str:
    return NOTHING if value is _ABSENT else spelled(value)


def _parts(keys: tuple[str, ...], before: object, after: object) -> Iterator[Part]:
    if not isinstance(before, dict) or not isinstance(after, dict):
        if before != after:
            yield keys, before, after
        return
    for key in {**before, **after}:
        inside = (*keys, key)
        if key in before and key in after:
            yield from _parts(inside, before[key], after[key])
        else:
            yield inside, before.get(key, _ABSENT), after.get(key, _ABSENT)
