"""Fit: which controls suit a type, the best one first."""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from types import NoneType
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import ByteSize, Secret, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

from typed_waffle.admin.pages.control import (
    BLOCK,
    JSON,
    PASSWORD,
    PLAIN,
    SEALED,
    Control,
    Kind,
    Option,
    choice,
    number,
)
from typed_waffle.constraints import Schema, meant, shape
from typed_waffle.fieldtypes import has_secret
from typed_waffle.model import holding
from typed_waffle.parts import bare, members
from typed_waffle.texts import takes
from typed_waffle.values import data, masked

__all__ = ["controls_for", "item_of", "optional"]

_SHORT: Final = 200
"""The most characters of a text that stands on one line."""

_AWARE: Final = "2000-01-01T00:00:00Z"

_BY_FORMAT: Final[Mapping[str, Kind]] = {"date": "date", "time": "time", "duration": "duration"}

_ITEMS: Final = frozenset(
    {"number", "line", "area", "text", "date", "time", "local", "utc", "duration"}
)
"""What may stand on a line of its own, in the form that JSON has it."""


def optional(info: FieldInfo) -> bool:
    """Whether there may be no value."""
    return any(member is NoneType for member in members(info.annotation))


def controls_for(info: FieldInfo, schema: Schema) -> tuple[Control, ...]:
    """The controls, the last of which shows anything."""
    kinds = [member for member in members(info.annotation) if member is not NoneType]
    if has_secret(info.annotation):
        alone = len(kinds) == 1 and _is_secret(kinds[0])
        return (_unseen(kinds[0], _main(schema)),) if alone else (SEALED,)
    if len(kinds) != 1:
        return (JSON,)
    return (*_fitting(info, kinds[0], _main(schema)), JSON)


def item_of(info: FieldInfo) -> FieldInfo | None:
    """What stands in a tuple of any length, or in a set; `None` for any other type."""
    kinds = [member for member in members(info.annotation) if member is not NoneType]
    kind = kinds[0] if len(kinds) == 1 else None
    origin, args = get_origin(kind), get_args(kind)
    of_tuple = origin is tuple and len(args) == 2 and args[1] is Ellipsis  # noqa: PLR2004 - tuple[X, ...]
    if of_tuple or origin is frozenset:
        return FieldInfo.from_annotation(args[0])
    return None


def _unseen(kind: Any, schema: Schema) -> Control:  # noqa: ANN401 - an annotation
    """A browser drops the ends of lines in a password: what may have several is a block."""
    of_text = isinstance(kind, type) and issubclass(kind, SecretStr | SecretBytes)
    short = schema.get("maxLength", _SHORT + 1) <= _SHORT
    return BLOCK if of_text and not short else PASSWORD


def _is_secret(member: Any) -> bool:  # noqa: ANN401 - annotations have no common type
    cls = get_origin(member) or member
    return isinstance(cls, type) and issubclass(cls, (Secret, SecretStr, SecretBytes))


def _main(schema: Schema) -> Schema:
    """The schema of a value, where there may be none, or a text instead of a number."""
    schema = meant(schema, schema.get("$defs", {}))
    found = [meant(o, schema.get("$defs", {})) for o in schema.get("anyOf", ())]
    found = [option for option in found if option.get("type") != "null"]
    numbers = [option for option in found if option.get("type") in {"number", "integer"}]
    return (numbers or found or [schema])[0]


def _fitting(info: FieldInfo, kind: Any, schema: Schema) -> Iterator[Control]:  # noqa: ANN401 - an annotation
    if _is_choice(kind):
        yield from _choices(info, kind)
    elif kind is ByteSize:
        yield from (PLAIN["size"], PLAIN["text"])
    elif kind in (int, float, Decimal):
        yield from (number(_bounds(info, kind, schema)), PLAIN["text"])
    elif kind is str:
        short = schema.get("maxLength", _SHORT + 1) <= _SHORT
        yield from (PLAIN["line"], PLAIN["area"]) if short else (PLAIN["area"],)
    elif schema.get("type") == "string" and kind is not bytes:
        yield from _by_format(info, schema)
    elif _takes_lines(info):
        yield PLAIN["lines"]


def _by_format(info: FieldInfo, schema: Schema) -> Iterator[Control]:
    form = str(schema.get("format"))
    if form == "date-time":
        aware = takes(info, _AWARE) and not takes(info, _AWARE.removesuffix("Z"))
        local, utc = PLAIN["local"], PLAIN["utc"]
        yield from (utc, local) if aware else (local, utc)
    elif form in _BY_FORMAT:
        yield PLAIN[_BY_FORMAT[form]]
    if form not in {"binary", "base64url"}:
        yield PLAIN["text"]


# --- choices ----------------------------------------------------------------------------------


def _is_choice(kind: Any) -> bool:  # noqa: ANN401 - an annotation
    if get_origin(kind) is Literal or kind is bool:
        return True
    # Any sum of a flag's members is a value.
    return (
        isinstance(kind, type) and issubclass(kind, enum.Enum) and not issubclass(kind, enum.Flag)
    )


def _choices(info: FieldInfo, kind: Any) -> Iterator[Control]:  # noqa: ANN401 - an annotation
    values: list[object] = [True, False] if kind is bool else list(get_args(kind) or kind)
    there_may_be_none = optional(info)
    if there_may_be_none:
        values.append(None)
    told = values if all(_is_plain(value) for value in values) else _dumped(info, values)
    options = [
        Option(json.dumps(plain), _label(value, plain))
        for value, plain in zip(values, told, strict=True)
    ]
    if len({option.value for option in options}) == len(options):
        switch = kind is bool and not there_may_be_none
        yield choice("switch" if switch else "select", tuple(options))


def _is_plain(value: object) -> bool:
    return value is None or type(value) in {str, int, bool}


def _dumped(info: FieldInfo, values: Iterable[object]) -> list[object]:
    """The values as the store has them: of an enum by value, or by name."""
    holder = holding(bare(info))
    made = (holder.model_construct(value=value) for value in values)
    return [data(masked(one, ["value"])["value"]) for one in made]


def _label(value: object, plain: object) -> str:
    if plain is None:
        return "(none)"
    if isinstance(plain, str):
        return plain or "(empty)"
    text = json.dumps(plain)
    return f"{text} ({value.name})" if isinstance(value, enum.Enum) else text


# --- numbers and items ------------------------------------------------------------------------


def _bounds(info: FieldInfo, kind: object, schema: Schema) -> dict[str, str]:
    found: dict[str, str] = {}
    whole = kind is int
    least, most = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if whole:  # a browser counts from the least, so that must be a value
        least = math.floor(above) + 1 if above is not None else least
        most = math.ceil(below) - 1 if below is not None else most
        least = None if least is None else math.ceil(least)
        most = None if most is None else math.floor(most)
    for name, bound in (("min", least), ("max", most)):
        if bound is not None:
            found[name] = str(bound)
    found["step"] = "any" if least is None else _step(info, schema, least, whole=whole)
    if whole and least is not None and least >= 0:
        found["inputmode"] = "numeric"
    return found


def _step(info: FieldInfo, schema: Schema, least: float, *, whole: bool) -> str:
    """A browser counts the steps from the least value; without one, from what stands there."""
    step = schema.get("multipleOf")
    places = next((p for m in info.metadata if (p := getattr(m, "decimal_places", None))), None)
    if step is not None and isinstance(step, int) and isinstance(least, int) and not least % step:
        return str(step)
    if (
        places is not None
        and step is None
        and Decimal(str(least)) == round(Decimal(str(least)), places)
    ):
        return f"{Decimal(1).scaleb(-places):f}"
    return "1" if whole and step is None else "any"


def _takes_lines(info: FieldInfo) -> bool:
    item = item_of(info)
    if item is None or optional(item):
        return False
    first, *_ = controls_for(item, shape(item))
    if first.kind == "select":
        return all(option.value.startswith('"') for option in first.options)
    return first.kind in _ITEMS
