"""JSON forms of our own: of secrets, sets, enums whose values JSON does not have, and sizes."""

from __future__ import annotations

import enum
import json
import math
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import (
    ConfigDict,
    Secret,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    WrapSerializer,
)
from pydantic_core import PydanticCustomError, core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

__all__ = [
    "IN_ORDER",
    "MASK",
    "REVEAL",
    "ByName",
    "WholeSize",
    "ours",
    "revealing",
    "saved_by_value",
]

REVEAL = "typed_waffle: the store may see secrets"
"""The key in a serialisation context that turns masked secrets into their values."""

MASK = "**********"
"""What stands wherever a secret would."""

_JSON = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


def ours(metadata: object) -> bool:
    """Whether this module made it: an inherited field has been looked at already."""
    function = getattr(metadata, "func", None)
    return (
        isinstance(metadata, (ByName, WholeSize))
        or getattr(function, "__module__", None) == __name__
    )


# --- secrets ----------------------------------------------------------------------------------


class _Revealing(WrapSerializer):
    """It also says in a JSON Schema that a secret is only ever given."""

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The schema of what may be given."""
        return {**handler(schema), "writeOnly": True}


def revealing(inner: Any) -> WrapSerializer:  # noqa: ANN401 - annotations have no common type
    """Saves a secret of this type in the clear for the store, and masked for everyone else."""
    # In a tuple, because an adapter of a model takes no configuration.
    of_one: Any = tuple  # Any: subscripted at run time
    adapter: TypeAdapter[Any] = TypeAdapter(of_one[inner], config=_JSON)  # Any: of any type

    def reveal(
        value: Secret[Any],  # Any: of any type
        masked: SerializerFunctionWrapHandler,
        info: SerializationInfo,
    ) -> object:
        if info.context and info.context.get(REVEAL):
            plain = (value.get_secret_value(),)
            return adapter.dump_python(plain, mode="json", context=info.context)[0]
        # Pydantic shows an empty secret as "", which tells that it is empty.
        shown: object = MASK if info.mode == "json" else masked(value)
        return shown

    return _Revealing(reveal)


# --- sets -------------------------------------------------------------------------------------


def _in_order(
    value: frozenset[object], dump: SerializerFunctionWrapHandler, info: SerializationInfo
) -> object:
    if info.mode != "json":
        return dump(value)
    items: list[Any] = list(dump(value))  # Any: plain data, which may or may not compare
    try:
        return sorted(items)
    except TypeError:
        return sorted(items, key=json.dumps)


IN_ORDER = WrapSerializer(_in_order)
"""Saves a set in order, so that equal sets have equal texts in every process."""


# --- enums ------------------------------------------------------------------------------------


def saved_by_value(cls: type[enum.Enum]) -> bool:
    """Whether JSON has the members' values: each is a text, a number, or a truth value."""
    values = [member.value for member in cls]
    return all(
        type(value) in {str, bool, int} or (type(value) is float and math.isfinite(value))
        for value in values
    )


@dataclass(frozen=True, slots=True)
class ByName:
    """Saves the members of an enum by name, whatever their values are.

    A value that JSON has is read as well: it was saved before the enum had members without one.
    """

    def __get_pydantic_core_schema__(
        self,
        source: Any,  # noqa: ANN401 - Pydantic's protocol: any annotation
        handler: GetCoreSchemaHandler,
    ) -> core_schema.CoreSchema:
        """By name in JSON; by value in Python, as everywhere in Pydantic, or else by name."""
        members: dict[str, enum.Enum] = dict(source.__members__)
        in_json = core_schema.enum_schema(source, list(members.values()))

        def named(value: object, by_value: core_schema.ValidatorFunctionWrapHandler) -> object:
            if isinstance(value, str) and value in members:
                return members[value]
            return valued(value, by_value)

        def valued(value: object, by_value: core_schema.ValidatorFunctionWrapHandler) -> object:
            with suppress(ValidationError):
                return by_value(value)
            if isinstance(value, str) and value in members:
                return members[value]
            expected = " or ".join(map(repr, members))
            raise PydanticCustomError("enum", "Input should be {expected}", {"expected": expected})

        names = core_schema.literal_schema(list(members))  # for JSON Schema
        return core_schema.json_or_python_schema(
            core_schema.no_info_wrap_validator_function(
                named, in_json, json_schema_input_schema=names
            ),
            core_schema.no_info_wrap_validator_function(valued, handler(source)),
            serialization=core_schema.plain_serializer_function_ser_schema(
                _name, return_schema=names, when_used="json"
            ),
        )


def _name(member: enum.Enum) -> str:
    return member.name


# --- sizes ------------------------------------------------------------------------------------

_SIZE = re.compile(r"\s*\+?(\d+\.?\d*|\.\d+)\s*(\w+)?\s*")


@dataclass(frozen=True, slots=True)
class WholeSize:
    """Reads a size from a text only if all of it is one.

    Pydantic reads as much as it can: `1,5 MB` as one byte.
    """

    def __get_pydantic_core_schema__(
        self,
        source: Any,  # noqa: ANN401 - Pydantic's protocol: any annotation
        handler: GetCoreSchemaHandler,
    ) -> core_schema.CoreSchema:
        """The type's own, after a look at the text."""
        return core_schema.no_info_before_validator_function(_whole, handler(source))


def _whole(value: object) -> object:
    if isinstance(value, str) and not _SIZE.fullmatch(value):
        raise PydanticCustomError("byte_size", "Input should be a size, as 1500, 1.5 kB or 2 MiB")
    return value
