"""An immutable, hashable mapping: how a `Mapping` field is held."""

from __future__ import annotations

import datetime as dt
import enum
import ipaddress
import uuid
import zoneinfo
from collections.abc import Hashable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import AnyUrl
from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

__all__ = ["FrozenDict"]

K = TypeVar("K")
V_co = TypeVar("V_co", covariant=True)

_TEXTUAL = (
    *(str, bytes, int, float, Decimal, Fraction, AnyUrl, uuid.UUID, PurePath, zoneinfo.ZoneInfo),
    *(dt.date, dt.time, dt.timedelta),
    *(ipaddress.IPv4Address, ipaddress.IPv4Network, ipaddress.IPv4Interface),
    *(ipaddress.IPv6Address, ipaddress.IPv6Network, ipaddress.IPv6Interface),
)


class FrozenDict(Mapping[K, V_co]):
    """A `Mapping` that nobody can write to; it hashes, compares and pickles by its items.

    `types.MappingProxyType` is not used because it neither pickles nor (before Python 3.12)
    hashes.
    """

    __slots__ = ("_hash", "_items")

    _items: dict[K, V_co]
    _hash: int | None

    def __init__(self, items: Mapping[K, V_co] | None = None) -> None:
        object.__setattr__(self, "_items", dict(items or {}))
        object.__setattr__(self, "_hash", None)

    def __getitem__(self, key: K) -> V_co:
        return self._items[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __hash__(self) -> int:
        if self._hash is None:
            object.__setattr__(self, "_hash", hash(frozenset(self._items.items())))
        return self._hash or 0

    def __repr__(self) -> str:
        return repr(self._items)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a FrozenDict is immutable: {name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a FrozenDict is immutable: {name} cannot be deleted")

    def __reduce__(self) -> tuple[type[FrozenDict[K, V_co]], tuple[dict[K, V_co]]]:
        return type(self), (dict(self._items),)

    @classmethod
    def __get_pydantic_core_schema__(
        cls,
        source: Any,  # noqa: ANN401 - Pydantic's protocol: any annotation
        handler: GetCoreSchemaHandler,
    ) -> core_schema.CoreSchema:
        """Validate as a dict of the same items, then freeze.

        The JSON form is an object if its keys, which are texts, come back as they were, and else
        a list of pairs.
        """
        key, value = get_args(source) or (Any, Any)
        items: core_schema.CoreSchema = handler.generate_schema(dict[key, value])  # type: ignore[valid-type] # run-time types
        if textual(key):
            return core_schema.json_or_python_schema(
                core_schema.no_info_after_validator_function(cls, items),
                core_schema.no_info_wrap_validator_function(cls._validated, items),
                serialization=core_schema.wrap_serializer_function_ser_schema(
                    cls._as_object, schema=items
                ),
            )
        pairs = core_schema.list_schema(
            core_schema.tuple_schema([handler.generate_schema(key), handler.generate_schema(value)])
        )
        return core_schema.json_or_python_schema(
            core_schema.no_info_after_validator_function(cls._of_pairs, pairs),
            core_schema.no_info_wrap_validator_function(cls._validated_pairs, items),
            serialization=core_schema.wrap_serializer_function_ser_schema(
                cls._as_pairs, info_arg=True, schema=pairs
            ),
        )

    @classmethod
    def _validated(
        cls, value: object, handler: core_schema.ValidatorFunctionWrapHandler
    ) -> FrozenDict[K, V_co]:
        return cls(handler(dict(value) if isinstance(value, FrozenDict) else value))

    @classmethod
    def _validated_pairs(
        cls, value: object, handler: core_schema.ValidatorFunctionWrapHandler
    ) -> FrozenDict[K, V_co]:
        items = _items(value)
        return cls._validated(value if items is None else items, handler)

    @classmethod
    def _of_pairs(cls, pairs: list[tuple[K, V_co]]) -> FrozenDict[K, V_co]:
        return cls(dict(pairs))

    @staticmethod
    def _as_object(
        value: FrozenDict[K, V_co], handler: core_schema.SerializerFunctionWrapHandler
    ) -> object:
        return handler(dict(value))

    @staticmethod
    def _as_pairs(
        value: FrozenDict[K, V_co],
        handler: core_schema.SerializerFunctionWrapHandler,
        info: core_schema.SerializationInfo,
    ) -> object:
        pairs: list[tuple[object, object]] = handler(list(value.items()))
        return pairs if info.mode == "json" else dict(pairs)


def _items(value: object) -> dict[Hashable, object] | None:
    """The items of pairs that somebody else has read, from an environment variable, say."""
    if not isinstance(value, list):
        return None
    try:
        return {_hashable(key): part for key, part in value}
    except (TypeError, ValueError):
        return None


def _hashable(key: Any) -> Hashable:  # noqa: ANN401 - plain data
    made: Hashable = tuple(map(_hashable, key)) if isinstance(key, list) else key
    return made


def textual(key: Any) -> bool:  # noqa: ANN401 - annotations have no common type
    """Whether a key of this type, written as a text, is read as the key that it was."""
    origin = get_origin(key)
    if origin is Annotated:
        return textual(key.__origin__)
    if origin is Literal:
        return all(type(arg) is str for arg in get_args(key))
    if hasattr(key, "__supertype__"):  # a NewType
        return textual(key.__supertype__)
    if hasattr(key, "__value__"):  # a `type X = ...` alias
        return textual(key.__value__)
    if not isinstance(key, type):
        return False
    if issubclass(key, enum.Enum):
        return all(isinstance(member.value, str) for member in key)
    return issubclass(key, _TEXTUAL)
