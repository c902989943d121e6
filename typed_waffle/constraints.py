"""Constraints: what a field takes, in words, as its type and rules say it."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ByteSize, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from typed_waffle.model import WaffleModel
from typed_waffle.parts import bare, members, named_parts

__all__ = ["Schema", "choices", "constraint", "meant", "shape", "shape_of", "words"]

Schema = Mapping[str, Any]  # Any: a JSON schema holds anything

_LONGEST = 200
"""The most characters of a constraint; an enum may have hundreds of members."""

_FORMATS = {
    "date": "a date, as 2026-01-31",
    "date-time": "a time, as 2026-01-31T12:00:00Z",
    "duration": "a duration, as 90 (seconds), 00:01:30 or PT90S",
    "email": "an e-mail address",
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
    "time": "a time of day, as 12:00:00",
    "uri": "a URL",
    "uuid": "a UUID",
}


@functools.lru_cache(maxsize=8192)
def constraint(model: type[WaffleModel], field: str) -> str | None:
    """What a field takes beyond the name of its type; `None` if that says all."""
    info = model.model_fields[field]
    if named_parts(info) and len(list(members(info.annotation))) == 1:
        return None  # its parts say it, and its schema would have all of theirs
    schema = shape_of(model, field)  # pyright: ignore[reportArgumentType] # a class hashes, whatever its instances do
    return words(info, schema)


@functools.lru_cache(maxsize=8192)
def shape_of(model: type[WaffleModel], field: str) -> Schema:
    """As `shape`, of a field of a model."""
    return shape(model.model_fields[field])


def words(info: FieldInfo, schema: Schema | None = None) -> str | None:
    """The same of a part, or of anything else that a value may stand in; `schema` is its shape."""
    said = _said(info, schema)
    if len(said) > _LONGEST:
        said = f"{said[: _LONGEST - 3]}..."
    return said or None


def _said(info: FieldInfo, schema: Schema | None) -> str:
    if any(member is ByteSize for member in members(info.annotation)):
        return "a size, as 1500, 10 kB or 2 MiB"
    schema = shape(info) if schema is None else schema
    return _words(schema, schema.get("$defs", {}))


def choices(info: FieldInfo) -> tuple[str, ...]:
    """The texts that may be given, if there are few: of a truth value, an enum, a `Literal`."""
    schema = shape(info)
    return tuple(dict.fromkeys(_choices(schema, schema.get("$defs", {}))))


# --- the schema -------------------------------------------------------------------------------


_PLAIN: Final = {str: "string", int: "integer", float: "number", bool: "boolean"}


class _Shape(GenerateJsonSchema):
    """A JSON schema that no type prevents."""

    def handle_invalid_for_json_schema(
        self,
        schema: Any,  # noqa: ANN401, ARG002 - Pydantic's name for it is not public
        error_info: str,  # noqa: ARG002 - may hold an address
    ) -> JsonSchemaValue:
        return {}


def shape(info: FieldInfo) -> Schema:
    """The JSON schema of what a field takes; empty if its type has none."""
    annotation = bare(info)
    for kind, name in _PLAIN.items():
        if annotation is kind:  # most are, and Pydantic takes a while to say so
            return {"type": name}
    try:
        return (_made_once if _hashes(annotation) else _made)(annotation, repr(annotation))
    except Exception:  # noqa: BLE001 - a type of the user's may raise anything; its name must do
        return {}


def _made(annotation: Any, spelled: str) -> Schema:  # noqa: ANN401, ARG001 - `Gt(0)` equals `Gt(False)`, and is spelled otherwise
    return TypeAdapter[object](annotation).json_schema(schema_generator=_Shape)


_made_once = functools.lru_cache(maxsize=1024)(_made)
"""Fields of the same type and rules share one."""


def _hashes(annotation: Any) -> bool:  # noqa: ANN401 - an annotation
    try:
        hash(annotation)
    except TypeError:
        return False
    return True


def meant(schema: Schema, defs: Schema) -> Schema:
    """A schema, with what it refers to."""
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    found: Schema = defs.get(name, {})
    return {**found, **schema} if found else schema


# --- in words ---------------------------------------------------------------------------------


def _words(schema: Schema, defs: Schema) -> str:
    schema = meant(schema, defs)
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        said = list(dict.fromkeys(filter(None, (_words(option, defs) for option in options))))
        return " or ".join(said) if said != ["null"] else ""
    return ", ".join(_parts(schema, defs))


def _parts(schema: Schema, defs: Schema) -> Iterator[str]:
    if "const" in schema:
        yield f"only {_text(schema['const'])}"
    elif "enum" in schema:
        yield f"one of {', '.join(map(_text, schema['enum']))}"
    elif schema.get("type") == "boolean":
        yield "true or false"
    elif schema.get("type") == "null":
        yield "null"
    elif schema.get("format") in _FORMATS:
        yield _FORMATS[schema["format"]]
    yield from _bounds(schema)
    yield from _lengths(schema)
    if "pattern" in schema:
        yield f"matching {schema['pattern']}"
    each = _words(schema["items"], defs) if isinstance(schema.get("items"), Mapping) else ""
    if each:
        yield f"each {each}"


def _bounds(schema: Schema) -> Iterator[str]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        yield f"{low} to {high}"
    elif low is not None:
        yield f"at least {low}"
    elif high is not None:
        yield f"at most {high}"
    if "exclusiveMinimum" in schema:
        yield f"more than {schema['exclusiveMinimum']}"
    if "exclusiveMaximum" in schema:
        yield f"less than {schema['exclusiveMaximum']}"
    if "multipleOf" in schema:
        yield f"a multiple of {schema['multipleOf']}"


def _lengths(schema: Schema) -> Iterator[str]:
    if "prefixItems" in schema or schema.get("format") in _FORMATS:
        return
    of_object = schema.get("type") == "object"  # ours say its length, others its properties
    long = "entry" if of_object else "character"
    for thing, word in (("Length", long), ("Items", "item"), ("Properties", "entry")):
        low, high = schema.get(f"min{thing}"), schema.get(f"max{thing}")
        most = high if high is not None else low
        plural = word if most == 1 else "entries" if word == "entry" else f"{word}s"
        if low is not None and high is not None:
            yield f"{low} {plural}" if low == high else f"{low} to {high} {plural}"
        elif low is not None:
            yield f"at least {low} {plural}"
        elif high is not None:
            yield f"at most {high} {plural}"


def _text(value: object) -> str:
    return value if isinstance(value, str) and value else json.dumps(value)


# --- as choices -------------------------------------------------------------------------------


def _choices(schema: Schema, defs: Schema) -> Iterator[str]:
    schema = meant(schema, defs)
    for option in schema.get("anyOf") or schema.get("oneOf") or ():
        yield from _choices(option, defs)
    if "const" in schema:
        yield _text(schema["const"])
    yield from map(_text, schema.get("enum", ()))
    if schema.get("type") == "boolean":
        yield from ("true", "false")
