"""Paths: `smtp.host` names a part of a setting, at any depth, to be read, set or put back.

A part is a field of a model or of a dataclass, or an entry of a mapping. What is stored, validated
and locked is always the whole setting.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo

from typed_waffle.errors import InvalidChange, UnknownSetting
from typed_waffle.fieldtypes import has_secret
from typed_waffle.model import WaffleModel, facts, known
from typed_waffle.parts import Parts, bare, children, found_part, named_parts, over, put
from typed_waffle.refusal import fault, plaintexts, summary
from typed_waffle.texts import Misread, read, read_json
from typed_waffle.values import MASK

__all__ = ["Assignment", "Path", "assigned", "at", "joined", "merged", "names", "parsed"]

_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"|([^."]+)')
_PLAIN = re.compile(r'[^."=:\s]+')


@dataclass(frozen=True, slots=True)
class Path:
    """A setting, or a part of one."""

    field: str
    keys: tuple[str, ...]
    """What leads from the setting to the part; empty for the setting itself."""
    info: FieldInfo = dataclasses.field(repr=False, compare=False)
    """What may stand there."""

    @property
    def secret(self) -> bool:
        """Whether a secret stands there, or in what stands there."""
        return has_secret(self.info.annotation)

    def __str__(self) -> str:
        return joined(self.field, self.keys)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A value, and where it goes."""

    path: Path
    value: object = dataclasses.field(repr=False)


def parsed(model: type[WaffleModel], text: str) -> Path:
    """The path that a text names. A key that is no plain word stands in quotes: `menu."a.b"`.

    Raises:
        UnknownSetting: the model has no such setting, or that has no such part.
    """
    first, *keys = _split(text)
    known(model, first)
    info = FieldInfo.from_annotation(bare(model.model_fields[first]))
    for depth, key in enumerate(keys):
        part = found_part(info, key, exact=True)
        if part is None:
            there = [joined(first, [*keys[:depth], name]) for name, _ in named_parts(info)]
            close = difflib.get_close_matches(text, there, n=1)
            raise UnknownSetting(
                model.__qualname__, text, close[0] if close else None, there or [first]
            )
        info = part[1]
    return Path(first, tuple(keys), info)


def names(model: type[WaffleModel], begin: str) -> list[str]:
    """The paths that go on from the beginning of one, for completion: to its next dot."""
    head, dot, _ = begin.rpartition(".")
    if not dot:
        return list(facts(model))
    try:
        path = parsed(model, head)
    except UnknownSetting:
        return []
    return [f"{head}.{name}" for name, _ in named_parts(path.info)]


def _split(text: str) -> list[str]:
    keys: list[str] = []
    rest = text
    while True:
        found = _KEY.match(rest)
        if found is None:
            return [text]
        keys.append(found[2] or json.loads(f'"{found[1]}"', strict=False))
        rest = rest[found.end() :]
        if not rest:
            return keys
        if not rest.startswith("."):
            return [text]
        rest = rest[1:]


def joined(field: str, keys: Iterable[str]) -> str:
    """A path as a text."""
    quoted = (key if _PLAIN.fullmatch(key) else json.dumps(key, ensure_ascii=False) for key in keys)
    return ".".join([field, *quoted])


# --- values -----------------------------------------------------------------------------------


def at(model: type[WaffleModel], path: Path, data: object) -> object:
    """What stands at a path, in the plain data of its setting.

    Raises:
        UnknownSetting: there is no such entry now.
    """
    for depth, key in enumerate(path.keys):
        if not isinstance(data, dict) or key not in data:
            there = [joined(path.field, [*path.keys[:depth], name]) for name in _entries(data)]
            close = difflib.get_close_matches(str(path), there, n=1)
            raise UnknownSetting(
                model.__qualname__, str(path), close[0] if close else None, there or [path.field]
            )
        data = data[key]
    return data


def _entries(data: object) -> list[str]:
    return [str(key) for key in data] if isinstance(data, dict) else []


def assigned(
    model: type[WaffleModel],
    path: Path,
    text: str,
    *,
    as_json: bool = False,
    strict: bool = False,
) -> Assignment:
    """A path and the value that a text stands for there; `strict` as in `read_json`.

    Raises:
        InvalidChange: the text can be no value of that type; or it is the mask of a secret.
    """
    secret = facts(model)[path.field].secret
    try:
        value = read_json(path.info, text, strict=strict) if as_json else read(path.info, text)
    except Misread as error:
        found = fault(str(path), text, str(error), secret=secret)
        found.update({"type": error.kind, "loc": (str(path), *error.loc)})
        raise InvalidChange(summary([found]), [found]) from None
    except ValueError as error:
        raise _refused(path, text, str(error), secret=secret) from None
    if secret and MASK in plaintexts([value]):
        why = "it holds the asterisks that stand for a secret, not the secret"
        raise _refused(path, text, why, secret=True)
    return Assignment(path, value)


def _refused(path: Path, text: str, why: str, *, secret: bool) -> InvalidChange:
    found = [fault(str(path), text, why, secret=secret)]
    return InvalidChange(summary(found), found)


def merged(
    settings: WaffleModel, assignments: Sequence[Assignment], resets: Iterable[Path] = ()
) -> tuple[dict[str, object], set[str]]:
    """Whole settings to update, and those to reset, so that each path is what it should be.

    Parts that no path names stay as they are in `settings`. A part that is reset becomes what the
    default has there; an entry that the default lacks goes.
    """
    model = type(settings)
    values: dict[str, object] = {}
    whole: set[str] = set()
    for path in resets:
        if path.keys:
            value = values.get(path.field, getattr(settings, path.field))
            default: object = model.model_fields[path.field].default
            values[path.field] = _put_back(value, default, path.keys)
        else:
            values.pop(path.field, None)
            whole.add(path.field)
    for assignment in assignments:
        name, keys = assignment.path.field, assignment.path.keys
        begin = model.model_fields[name].default if name in whole else getattr(settings, name)
        given = put(Parts(), keys, assignment.value, exact=True)
        values[name] = over(values.get(name, begin), given, exact=True)
        whole.discard(name)
    return values, whole


def _put_back(value: object, default: object, keys: tuple[str, ...]) -> object:
    found: Any = default  # Any: of any type
    for key in keys:
        inside = children(found)
        if inside is None or key not in inside:
            return _without(value, keys)
        found = inside[key]
    return over(value, put(Parts(), keys, found, exact=True), exact=True)


def _without(value: object, keys: tuple[str, ...]) -> object:
    inside: Mapping[Any, object] | None = children(value)  # Any: a mapping's keys
    if inside is None:
        return value
    kept = dict(inside)
    if len(keys) == 1:
        kept.pop(keys[0], None)
    elif keys[0] in kept:
        kept[keys[0]] = _without(kept[keys[0]], keys[1:])
    return kept
