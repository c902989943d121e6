"""One value to JSON text and back, without loss; masking.

The text is what the store keeps and what a message carries: ASCII JSON, so that no database's
character set, collation or JSON type can change it.
"""

from __future__ import annotations

import dataclasses
import json
import reprlib
from collections.abc import Iterable, Mapping
from datetime import datetime, time
from decimal import Decimal
from typing import Literal, TypeVar

from pydantic import BaseModel, Secret, SecretBytes, SecretStr
from pydantic_core import from_json

from typed_waffle.fieldtypes import MASK, REVEAL
from typed_waffle.frozendict import FrozenDict
from typed_waffle.sealing import closed

__all__ = [
    "MASK",
    "MAX_CHANGE",
    "MAX_TEXT",
    "brief",
    "data",
    "document",
    "dumped",
    "loaded",
    "malformed",
    "masked",
    "same",
    "shown",
    "unreadable",
]

B = TypeVar("B", bound=BaseModel)

_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = 80

MAX_TEXT = 256 * 1024
"""The longest JSON text of one field, in characters: far below every database's packet limit."""

MAX_CHANGE = 3 * 1024 * 1024
"""The most characters of JSON in one change, before and after. It is one row of the history, and
its quotes and backslashes are escaped twice on their way; MariaDB takes 16 MiB at a time."""


def dumped(settings: BaseModel, fields: Iterable[str]) -> dict[str, str]:
    """The fields as JSON texts, secrets in the clear: for the store only.

    Raises:
        ValueError: a value has no JSON form (Pydantic's own errors are ValueErrors).
    """
    return {field: _text(settings, field, {REVEAL: True}, warnings="error") for field in fields}


def masked(settings: BaseModel, fields: Iterable[str]) -> dict[str, str]:
    """The fields as JSON texts with every secret masked: for history, messages and people."""
    return {field: _text(settings, field, None, warnings="none") for field in fields}


def shown(settings: BaseModel) -> dict[str, object]:
    """Every field as plain data with every secret masked, at once: for showing many of them.

    What a serializer leaves out, or cannot write, is not among them.
    """
    try:
        text = settings.model_dump_json(
            ensure_ascii=True, by_alias=False, round_trip=True, warnings="none"
        )
    except Exception:  # noqa: BLE001 - a serializer of the user's may raise anything
        return {}
    dumped = data(text)
    return dumped if isinstance(dumped, dict) else {}


def _text(
    settings: BaseModel,
    field: str,
    context: dict[str, bool] | None,
    warnings: Literal["none", "error"],
) -> str:
    """One field's text, written by Pydantic as it reads it: `json` would refuse an infinity."""
    whole = settings.model_dump_json(
        include={field},
        ensure_ascii=True,
        by_alias=False,
        round_trip=True,  # leaves out computed fields, which cannot be loaded
        warnings=warnings,
        context=context,
    )
    before = f"{{{json.dumps(field)}:"
    if not whole.startswith(before):
        raise ValueError("the model's own serializer leaves it out")
    return whole[len(before) : -1]


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
    why = unreadable(text)
    return closed(text) or (why and f"the stored text is not JSON that can be loaded: {why}")


def unreadable(text: str) -> str | None:
    """Why a text cannot be loaded, whatever it should hold; `None` if it can."""
    if len(text) > MAX_TEXT:
        return f"it is {len(text)} characters long; {MAX_TEXT} is the most"
    try:
        # In brackets it is as deep as in the document, and cannot reach beyond its own value.
        alone = from_json(f"[{text}]")
    except (ValueError, TypeError) as error:  # TypeError: a text that UTF-8 cannot hold
        return str(error)
    return None if len(alone) == 1 else "it is not one value"


def data(text: str) -> object:
    """The plain data of a text, for showing a value that no longer fits any field."""
    value: object = from_json(text)
    return value


def brief(value: object) -> str:
    """A value as a message shows it: not long, and on one line."""
    if isinstance(value, str) and value == MASK:
        return MASK
    try:
        return _brief.repr(value)
    except Exception:  # noqa: BLE001 - a huge int has no decimal text, and a class may raise anything
        return f"<{type(value).__name__}>"


def same(one: object, other: object) -> bool:
    """Whether two values are equal, of one type at every depth, and look alike.

    `==` is not enough: `1 == True`, `0.0 == -0.0`, `Decimal("1.0") == Decimal("1.00")`, two
    mappings in another order are equal, and a NaN that survived is not equal to itself. Nor is it
    right for times in a zone: those of a repeated hour equal none of another zone.
    """
    return _exact(one) == _exact(other)


def _exact(value: object) -> object:
    """Equal, and hashing alike, for values that are the same."""
    parts = _parts(value)
    return type(value), _leaf(value) if parts is None else parts


def _parts(value: object) -> object:
    """The form of what has parts; `None` if it has none."""
    if isinstance(value, BaseModel):
        return tuple(_exact(getattr(value, name)) for name in type(value).model_fields)
    if dataclasses.is_dataclass(value):
        return tuple(_exact(getattr(value, part.name)) for part in dataclasses.fields(value))
    if isinstance(value, tuple):
        return tuple(map(_exact, value))
    if isinstance(value, frozenset):
        return frozenset(map(_exact, value))
    if isinstance(value, FrozenDict):
        return tuple((_exact(key), _exact(part)) for key, part in value.items())
    if isinstance(value, (Secret, SecretStr, SecretBytes)):
        return _exact(value.get_secret_value())
    return None


def _leaf(value: object) -> object:
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, complex):
        return value.real.hex(), value.imag.hex()
    if isinstance(value, Decimal):
        return value.as_tuple()
    if isinstance(value, (datetime, time)):
        if value.tzinfo is None:
            return value, value.fold
        return value.replace(tzinfo=None, fold=0), value.utcoffset()
    return value
