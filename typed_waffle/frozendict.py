"""An immutable, hashable mapping: how a `Mapping` field is held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

__all__ = ["FrozenDict"]

K = TypeVar("K")
V_co = TypeVar("V_co", covariant=True)


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
        """Validate as a dict of the same items, then freeze; serialise as that dict."""
        key, value = get_args(source) or (Any, Any)
        items = handler.generate_schema(dict[key, value])  # type: ignore[valid-type] # run-time types
        return core_schema.no_info_wrap_validator_function(
            cls._validated,
            items,
            serialization=core_schema.wrap_serializer_function_ser_schema(
                cls._serialized, schema=items
            ),
        )

    @classmethod
    def _validated(
        cls, value: object, handler: core_schema.ValidatorFunctionWrapHandler
    ) -> FrozenDict[K, V_co]:
        return cls(handler(dict(value) if isinstance(value, FrozenDict) else value))

    @staticmethod
    def _serialized(
        value: FrozenDict[K, V_co], handler: core_schema.SerializerFunctionWrapHandler
    ) -> object:
        return handler(dict(value))
