"""Parts: which of them a value may have, and given ones put over those of a default."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Field, RootModel
from pydantic.fields import FieldInfo

from typed_waffle.frozendict import FrozenDict

__all__ = [
    "GONE",
    "Parts",
    "bare",
    "children",
    "found_part",
    "members",
    "named_parts",
    "over",
    "put",
]


# --- of a type --------------------------------------------------------------------------------


def bare(info: FieldInfo) -> Any:  # noqa: ANN401 - an annotation
    """The type and the rules of a field, without its alias and its default."""
    rules = list(info.metadata)
    if info.discriminator is not None:
        rules.append(Field(discriminator=info.discriminator))
    return Annotated[(info.annotation, *rules)] if rules else info.annotation


def named_parts(info: FieldInfo) -> list[tuple[str, FieldInfo]]:
    """The parts that are declared by name: those of a model, a dataclass, or a union of them.

    A secret has none: it is one value.
    """
    return [pair for member in members(info.annotation) for pair in _declared(member).items()]


def found_part(info: FieldInfo, key: str, *, exact: bool = False) -> tuple[str, FieldInfo] | None:
    """The part that a key names: its own name, and what may stand there.

    Unless `exact`, the key is in lower case, and the name in any.
    """
    found = [
        (name, part) for name, part in named_parts(info) if (name if exact else name.lower()) == key
    ]
    found += [
        (key, FieldInfo.from_annotation(get_args(member)[1]))
        for member in members(info.annotation)
        if get_origin(member) is FrozenDict
    ]
    if not found:
        return None
    # Several members of a union may have the part: it takes what any of them takes.
    either: Any = Union[tuple(bare(part) for _, part in found)]  # noqa: UP007 # Any: an annotation
    return found[0][0], FieldInfo.from_annotation(either)


def members(annotation: Any) -> Iterator[Any]:  # noqa: ANN401 - annotations have no common type
    """The types that a union is of, at any depth."""
    if get_origin(annotation) is Annotated:
        yield from members(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from members(member)
    else:
        yield annotation


def _declared(annotation: Any) -> dict[str, FieldInfo]:  # noqa: ANN401 - see above
    cls = get_origin(annotation) or annotation
    if not isinstance(cls, type) or issubclass(cls, RootModel):
        return {}
    if issubclass(cls, BaseModel):
        return {n: FieldInfo.from_annotation(bare(part)) for n, part in cls.model_fields.items()}
    if not dataclasses.is_dataclass(cls):
        return {}
    hints = get_type_hints(cls, include_extras=True)
    given = [part.name for part in dataclasses.fields(cls) if part.init]
    return {name: FieldInfo.from_annotation(hints[name]) for name in given}


# --- of a value -------------------------------------------------------------------------------


class Parts(dict[Any, object]):  # Any: in the end these are a mapping's keys, of any type
    """Some parts of a value; those that are not among them stay as they are."""


GONE: Final = object()
"""Stands among `Parts` for one that is taken out."""


def put(given: object, path: tuple[str, ...], value: object, *, exact: bool = False) -> object:
    """What was given, with one more value at its place: into a dict, or instead of all else.

    Unless `exact`, a key that is there already and differs by case is the same.
    """
    if not path:
        return value
    among: dict[Any, object] = Parts() if isinstance(given, Parts) else {}  # Any: as in Parts
    if isinstance(given, dict):
        among.update(given)
    key = path[0] if exact else _twin(among, path[0])
    among[key] = put(among.get(key, Parts()), path[1:], value, exact=exact)
    return among


def over(default: object, given: object, *, exact: bool = False) -> object:
    """What was given, with the default's parts where nothing was; `exact` as in `put`."""
    if not isinstance(given, Parts):
        return given
    kept = _kept(default, given)
    for name, value in given.items():
        key = name if exact else _twin(kept, name)
        if value is GONE:
            kept.pop(key, None)
        else:
            kept[key] = over(kept.get(key), value, exact=exact)
    return kept


def _twin(among: Mapping[Any, object], name: str) -> str:  # Any: as in Parts
    """The key that is already there and differs at most by case."""
    if name in among:
        return name
    keys = (key for key in among if isinstance(key, str) and key.lower() == name.lower())
    return next(keys, name)


def children(value: object) -> dict[Any, object] | None:  # Any: as in Parts
    """The parts that a value has; `None` if it can have none."""
    if isinstance(value, Mapping):
        return dict(value)
    declared = _declared(type(value))
    return {name: getattr(value, name) for name in declared} if declared else None


def _kept(default: object, given: Parts) -> dict[Any, object]:  # Any: as in Parts
    """The default's parts, if what was given can be parts of the same class.

    If not, another member of a union is meant, of which the default says nothing.
    """
    if isinstance(default, Mapping):
        return dict(default)
    declared = _declared(type(default))
    if not all(name in declared and _may_be(declared[name], given[name]) for name in given):
        return {}
    return {name: getattr(default, name) for name in declared}


def _may_be(info: FieldInfo, value: object) -> bool:
    if value is GONE or get_origin(info.annotation) is not Literal:
        return True
    return value in [a.value if isinstance(a, Enum) else a for a in get_args(info.annotation)]
