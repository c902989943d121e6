"""Patch: a JSON merge patch (RFC 7396), as paths to set and paths to put back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn, get_args, get_origin

from pydantic.fields import FieldInfo

from typed_waffle.errors import InvalidChange
from typed_waffle.frozendict import FrozenDict
from typed_waffle.model import WaffleModel, facts
from typed_waffle.parts import GONE, Parts, found_part, members, named_parts
from typed_waffle.paths import Assignment, Path, assigned, joined, parsed
from typed_waffle.portable.format import exactly
from typed_waffle.portable.outline import sections
from typed_waffle.refusal import fault, summary
from typed_waffle.texts import read_json
from typed_waffle.values import MAX_TEXT

__all__ = ["patched"]

MOST: Final = 4000
"""The most parts and entries of one patch that are read one by one."""

LARGE: Final = 20_000
"""The characters of a value in which there may be thousands of faults."""

LONGEST_PATH: Final = 1000
"""The most characters of the names that lead to something in a large value. Pydantic repeats them
for each fault."""

LONGEST: Final = 100
"""The most characters of a name that a refusal repeats."""


def patched(
    model: type[WaffleModel], patch: Mapping[str, object]
) -> tuple[list[Assignment], list[Path]]:
    """What to set, and what to put back to the default. The model has all the settings.

    Parts that are declared, and entries of mappings, are changed one by one: what is not named
    stays. `null` is the default of a setting or of a part, and takes an entry out.

    Raises:
        UnknownSetting: a setting has no such part.
        InvalidChange: a value is of another JSON type than the type has, a secret is masked, or
            there are too many of them.
    """
    reading = _Reading(model)
    for name, data in patch.items():
        reading.take(parsed(model, name), data)
    return reading.assignments, reading.resets


class _Reading:
    """Reads one patch."""

    def __init__(self, model: type[WaffleModel]) -> None:
        self.assignments: list[Assignment] = []
        self.resets: list[Path] = []
        self._model = model
        self._count = 0
        self._known: dict[tuple[int, str | None], tuple[FieldInfo, FieldInfo | None]] = {}

    def take(self, path: Path, data: object) -> None:
        """Take in what a setting is to be."""
        if data is None:
            self.resets.append(path)
            return
        length = len(json.dumps(data, separators=(",", ":")))
        if length > MAX_TEXT:  # before much is done with it
            self._refuse(path, f"it is {length} characters long; {MAX_TEXT} is the most")
        if length > LARGE and _deepest(data) > LONGEST_PATH:
            why = f"its names, one below the other, have more than {LONGEST_PATH} characters"
            self._refuse(path, why)
        self.assignments.append(Assignment(path, self._tree(path, data, entry=False)))

    def _tree(self, path: Path, data: object, *, entry: bool) -> object:
        """The value, or the parts that come over those that are there; `entry`: of a mapping."""
        if not isinstance(data, dict) or not _has_parts(path.info):
            return self._value(path, data)
        mapping = _mapping(path.info)
        if mapping is not None:
            return self._entries(path, mapping, data)
        if _complete(path.info, data):
            return self._value(path, data)
        found = Parts()
        for key, part in data.items():
            below = self._below(path, key)
            if part is not None:
                found[key] = self._tree(below, part, entry=entry)
            elif entry:
                found[key] = GONE  # the default of its class comes in its place
            else:
                self.resets.append(below)
        return found

    def _entries(self, path: Path, mapping: Any, data: Mapping[str, object]) -> Parts:  # noqa: ANN401 - an annotation
        """Entries, under the keys that the mapping has them by."""
        of_keys, of_values = get_args(mapping)
        read_as = _keys(of_keys, data)
        if len(read_as) < len(data):
            self._refuse(path, "two names in it are one key")
        keys = dict(zip(data, read_as, strict=True))
        inside = FieldInfo.from_annotation(of_values)
        apart = {k for k, v in data.items() if isinstance(v, dict) and not _complete(inside, v)}
        together = {k: v for k, v in data.items() if v is not None and k not in apart}
        whole = Path(path.field, path.keys, FieldInfo.from_annotation(mapping))
        read = _paired(together, self._value(whole, together) if together else {})
        found = Parts()
        for key, part in data.items():
            if part is None:
                found[keys[key]] = GONE
            elif key in apart:
                found[keys[key]] = self._tree(self._below(path, key), part, entry=True)
            else:
                found[keys[key]] = read.get(key, part)
        return found

    def _value(self, path: Path, data: object) -> object:
        try:
            return assigned(self._model, path, exactly(data), as_json=True, strict=True).value
        except InvalidChange as error:
            refused = error.errors()[0]
        secret = facts(self._model)[path.field].secret
        found = fault(path.field, data, refused["msg"], secret=secret)
        found["type"] = refused["type"]
        found["loc"] = (path.field, *path.keys, *refused["loc"][1:])
        raise InvalidChange(summary([found]), [found])

    def _refuse(self, path: Path, why: str) -> NoReturn:
        found = fault(path.field, None, why, secret=True)  # whatever it is, it may be large
        found["loc"] = (path.field, *path.keys)
        raise InvalidChange(f"{path} is refused: {why}. Nothing was written.", [found])

    def _below(self, path: Path, key: str) -> Path:
        self._count += 1
        if self._count > MOST:
            self._refuse(path, f"the patch has more than {MOST} parts. Make it in several")
        part = self._part(path.info, key)
        if part is not None:
            return Path(path.field, (*path.keys, key), part)
        short = key if len(key) <= LONGEST else f"{key[:LONGEST]}..."
        return parsed(self._model, joined(path.field, (*path.keys, short)))  # says what there is

    def _part(self, info: FieldInfo, key: str) -> FieldInfo | None:
        """What may stand under a key: found once, and for all entries of a mapping together."""
        place = (id(info), key if named_parts(info) else None)
        if place not in self._known:
            found = found_part(info, key, exact=True)
            self._known[place] = info, found[1] if found else None  # its id stays its own
        return self._known[place][1]


def _deepest(data: object) -> int:
    """How many characters the names have that lead to something in the data, at most."""
    if isinstance(data, dict):
        return max((len(name) + _deepest(part) for name, part in data.items()), default=0)
    return max(map(_deepest, data), default=0) if isinstance(data, list) else 0


def _has_parts(info: FieldInfo) -> bool:
    return bool(named_parts(info)) or _mapping(info) is not None


def _mapping(info: FieldInfo) -> Any | None:  # noqa: ANN401 - an annotation
    """The mapping that a value may be."""
    return next((one for one in members(info.annotation) if get_origin(one) is FrozenDict), None)


def _complete(info: FieldInfo, data: object) -> bool:
    """Whether a value can be read as a whole, since nothing that is there would stay of it."""
    if not isinstance(data, dict):
        return data is not None
    if not _has_parts(info):
        return True
    parts = sections(info)  # none of a mapping, nor of what may be of several types
    return (
        bool(parts)
        and parts.keys() == data.keys()
        and all(_complete(parts[name], data[name]) for name in parts)
    )


def _keys(of_keys: Any, data: Mapping[str, object]) -> list[object]:  # noqa: ANN401 - an annotation
    """The keys of a mapping for the names in JSON; the names if one of them can be none."""
    made: Any = FrozenDict  # Any: subscripted at run time
    names = dict.fromkeys(data)
    read = read_json(FieldInfo.from_annotation(made[of_keys, object]), exactly(names))
    return list(read) if isinstance(read, Mapping) else list(names)


def _paired(given: Mapping[str, object], read: object) -> dict[str, object]:
    """What was read, by the names in JSON; nothing if two of them are one key."""
    if not isinstance(read, Mapping) or len(read) != len(given):
        return {}
    return dict(zip(given, read.values(), strict=True))
