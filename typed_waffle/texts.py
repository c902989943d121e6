"""Texts: the value that a text from a person stands for, by the type of what it is for."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any, Final, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from typed_waffle.frozendict import FrozenDict
from typed_waffle.model import holding
from typed_waffle.parts import bare, members
from typed_waffle.values import dumped

__all__ = ["Misread", "read", "read_json", "takes"]

_NONE: Final = object()
"""No value: `None` is one."""


class Misread(ValueError):  # noqa: N818 - internal: whoever reads for somebody makes a refusal of it
    """A value that would be taken for another one."""

    def __init__(self, why: str, kind: str, loc: tuple[int | str, ...]) -> None:
        super().__init__(why)
        self.kind = kind
        """Pydantic's name for what is wrong."""
        self.loc = loc
        """Where in the value."""


def read(info: FieldInfo, text: str) -> object:
    """The value that a text stands for: the text itself if the type takes it, else JSON.

    Where the type has several parts, as a tuple or a model has, JSON comes first. A text that fits
    in no way comes back as it is, so that whoever validates it says why.

    Raises:
        ValueError: it is not UTF-8; or a value of this type must be JSON, and it is not.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it is not UTF-8") from None
    data = _parsed(text)
    compound = any(_has_parts(member) for member in members(info.annotation))
    first = isinstance(data, (dict, list)) if compound else False
    for as_json in (first, not first):
        value = _fitting_json(info, text, data) if as_json else _fitting(info, text)
        if value is not _NONE:
            return value
    if compound and data is _NONE:
        raise ValueError("it is not JSON, which a value of this type needs")
    return data if compound else text


def read_json(info: FieldInfo, text: str, *, strict: bool = False) -> object:
    """The value that a JSON text stands for; the plain data of one that does not fit.

    Raises:
        ValueError: it is not JSON. If `strict`, it is a `Misread`: what fits is of another JSON
            type than the type has, as `"25"` for 25 is, or has names that the type does not have.
    """
    data = _parsed(text)
    if data is _NONE:
        raise ValueError("it is not JSON")
    if not strict:
        value = _fitting_json(info, text, data)
        return data if value is _NONE else value
    try:
        holder = _holder(info)
    except Exception:  # noqa: BLE001 - a rule of it needs the configuration of its own model
        return data
    try:
        return _held(holder, text, strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
    except Exception as error:  # noqa: BLE001 - a validator of the user's may raise anything
        raise ValueError(f"its type fails on it: {type(error).__name__}") from None
    value = _fitting_json(info, text, data)
    if value is not _NONE and not _shown_so(holder, text, data):
        raise Misread(fault["msg"], fault["type"], fault["loc"][1:])
    return data if value is _NONE else value


def takes(info: FieldInfo, value: object) -> bool:
    """Whether the type takes a value, be it as a text."""
    return _fitting(info, value) is not _NONE


def _fitting(info: FieldInfo, value: object) -> object:
    try:  # a text cannot be strict
        return TypeAdapter[object](bare(info)).validate_python(
            value, strict=False, by_alias=False, by_name=True
        )
    except Exception:  # noqa: BLE001 - a validator of the user's may raise anything
        return _NONE


def _fitting_json(info: FieldInfo, text: str, data: object) -> object:
    """As the store reads it, where bytes are base64, say; else as Python reads the data."""
    if data is _NONE:
        return _NONE
    try:
        return _held(_holder(info), text)
    except Exception:  # noqa: BLE001 - as above
        return _fitting(info, data)


def _holder(info: FieldInfo) -> type[BaseModel]:
    """The model that reads one value. Making one takes a hundred times as long as reading."""
    annotation = bare(info)
    try:
        hash(annotation)
    except TypeError:
        return holding(annotation)
    return _made_once(annotation, repr(annotation))


@functools.lru_cache(maxsize=1024)
def _made_once(annotation: Any, spelled: str) -> type[BaseModel]:  # noqa: ANN401, ARG001 - `X | Y` equals `Y | X`, and is spelled otherwise
    return holding(annotation)


def _held(holder: type[BaseModel], text: str, *, strict: bool = False) -> object:
    return _made(holder, text, strict=strict).__dict__["value"]


def _made(holder: type[BaseModel], text: str, *, strict: bool = False) -> BaseModel:
    return holder.model_validate_json(
        f'{{"value":{text}}}',
        strict=strict or None,
        extra="forbid" if strict else None,
        by_alias=False,
        by_name=True,
    )


def _shown_so(holder: type[BaseModel], text: str, data: object) -> bool:
    """Whether the value is written as it was given: an infinity is, as a text."""
    try:
        shown: object = json.loads(dumped(_made(holder, text), ["value"])["value"])
    except Exception:  # noqa: BLE001 - as above
        return False
    return json.dumps(shown) == json.dumps(data)


def _parsed(text: str) -> object:
    try:
        data: object = json.loads(text)
    except (ValueError, RecursionError):
        return _NONE
    return data


def _has_parts(member: Any) -> bool:  # noqa: ANN401 - annotations have no common type
    cls = get_origin(member) or member
    if not isinstance(cls, type):
        return False
    return issubclass(cls, (tuple, frozenset, FrozenDict, BaseModel)) or dataclasses.is_dataclass(
        cls
    )
