"""One value to JSON text and back, without loss; masking.

The text is what the store keeps and what a message carries: ASCII JSON, so that no database's
character set, collation or JSON type can change it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, time
from typing import TypeVar

from pydantic import BaseModel, Secret, SecretBytes, SecretStr
from pydantic_core import from_json

from typed_waffle.fieldtypes import MASK, REVEAL
from typed_waffle.frozendict import FrozenDict
from typed_waffle.sealing import closed

__all__ = [
    "MASK",
    "MAX_TEXT",
    "data",
    "document",
    "dumped",
    "loaded",
    "malformed",
    "masked",
    "same",
]

B = TypeVar("B", bound=BaseModel)

MAX_TEXT = 256 * 1024
"""The longest JSON text of one field, in characters: far below every database's packet limit."""


def dumped(settings: BaseModel, fields: Iterable[str]) -> dict[str, str]:
    """The fields as JSON texts, secrets in the clear: for the store only.

    Raises:
        ValueError: a value has no JSON form (Pydantic's and `json`'s own errors are ValueErrors).
    """
    plain = settings.model_dump(
        mode="json",
        include=set(fields),
        by_alias=False,
        round_trip=True,  # leaves out computed fields, which cannot be loaded
        warnings="error",
        context={REVEAL: True},
    )
    return {field: _text(value) for field, value in plain.items()}


def masked(settings: BaseModel, fields: Iterable[str]) -> dict[str, str]:
    """The fields as JSON texts with every secret masked: for history, messages and people."""
    plain = settings.model_dump(
        mode="json", include=set(fields), by_alias=False, round_trip=True, warnings=False
    )
    return {field: _text(value) for field, value in plain.items()}


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def loaded(model: type[B], overrides: Mapping[str, str]) -> B:
    """The settings that these texts and the model's defaults make.

    Raises:
        pydantic.ValidationError: a value, or a rule across fields, does not fit the model.
    """
    return model.model_validate_json(document(overrides), by_alias=False, by_name=True)


def document(overrides: Mapping[str, str]) -> str:
    """One JSON object of all overrides. Each text must have passed `malformed`."""
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in overrides.items()) + "}"


def malformed(text: str) -> str | None:
    """Why a stored text is not the JSON of a value, or `None` if it is."""
    try:
        from_json(text)
    except (ValueError, TypeError) as error:  # TypeError: a text that UTF-8 cannot hold
        return f"the stored text is not JSON ({error})"
    return closed(text)


def data(text: str) -> object:
    """The plain data of a text, for showing a value that no longer fits any field."""
    value: object = from_json(text)
    return value


def same(one: object, other: object) -> bool:
    """Whether two values are equal, of one type at every depth, and equal in time zone offset.

    `==` is not enough: `1 == True`, `1.0 == 1`, and a NaN that survived is not equal to itself.
    """
    if type(one) is not type(other):
        return False
    if isinstance(one, BaseModel):
        return _same_each((getattr(one, n), getattr(other, n)) for n in type(one).model_fields)
    if dataclasses.is_dataclass(one):
        return _same_each(
            (getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one)
        )
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and _same_each(zip(one, other, strict=True))
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        twins = {part: part for part in other}
        return one == other and _same_each((part, twins[part]) for part in one)
    if isinstance(one, FrozenDict) and isinstance(other, FrozenDict):
        keys = same(frozenset(one), frozenset(other))
        return keys and _same_each((one[k], other[k]) for k in one)
    if isinstance(one, (Secret, SecretStr, SecretBytes)) and isinstance(other, type(one)):
        return same(one.get_secret_value(), other.get_secret_value())
    if isinstance(one, (datetime, time)) and isinstance(other, type(one)):
        return one == other and one.utcoffset() == other.utcoffset()
    return one == other or (one != one and other != other)  # noqa: PLR0124 - NaN


def _same_each(pairs: Iterable[tuple[object, object]]) -> bool:
    return all(same(one, other) for one, other in pairs)
