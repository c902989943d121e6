"""Schema: the JSON Schema of the settings that a visitor may see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from flask import Response

from typed_waffle.admin.api.resource import add_resource, answer
from typed_waffle.admin.counter import Counter
from typed_waffle.admin.house import House
from typed_waffle.model import M
from typed_waffle.portable.schema import schema_of

__all__ = ["CONTENT_TYPE", "DEFS", "Schema", "add", "readable", "within"]

CONTENT_TYPE: Final = "application/schema+json"

DEFS: Final = "#/$defs/"

Schema = dict[str, Any]  # Any: a JSON Schema


def add(house: House[M]) -> None:
    """Add the resource."""

    def show() -> Response:
        return answer(readable(house.counter("api")), content_type=CONTENT_TYPE)

    add_resource(house, "/api/schema", "api_schema", {"GET": show})


def readable(counter: Counter[M]) -> Schema:
    """The schema, without the settings that they may not see and what only those need."""
    whole = schema_of(counter.model)
    properties: Schema = whole["properties"]
    kept = {name: part for name, part in properties.items() if counter.visitor.may_read(name)}
    defs: Schema = whole.pop("$defs", {})
    needed = _needed(kept, defs)
    made = {**whole, "properties": kept}
    return {**made, "$defs": {n: d for n, d in defs.items() if n in needed}} if needed else made


def _needed(schema: object, defs: Mapping[str, object]) -> frozenset[str]:
    """The definitions that a schema refers to, be it by another of them."""
    found: set[str] = set()
    due = [schema]
    while due:
        for name in _named(due.pop()):
            if name in defs and name not in found:
                found.add(name)
                due.append(defs[name])
    return frozenset(found)


def _named(schema: object) -> Iterator[str]:
    for part in within(schema):
        ref = part.get("$ref")
        if isinstance(ref, str):
            yield ref.removeprefix(DEFS)


def within(schema: object) -> Iterator[Schema]:
    """All objects in a schema, itself included."""
    if isinstance(schema, dict):
        yield schema
        for part in schema.values():
            yield from within(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from within(part)
