"""OpenAPI: what the API is, for programs, as OpenAPI 3.1 has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Response, url_for

from typed_waffle.admin.api import bits
from typed_waffle.admin.api.body import MERGE_PATCH
from typed_waffle.admin.api.history import MOST, USUAL
from typed_waffle.admin.api.query import LARGEST
from typed_waffle.admin.api.resource import JSON, add_resource, answer
from typed_waffle.admin.api.rollback import Rollback
from typed_waffle.admin.api.schema import CONTENT_TYPE as SCHEMA
from typed_waffle.admin.api.schema import readable
from typed_waffle.admin.api.shapes import Shapes
from typed_waffle.admin.counter import LONGEST_NOTE, Counter
from typed_waffle.admin.house import House
from typed_waffle.model import M, facts
from typed_waffle.serving import version

__all__ = ["add"]

Document = dict[str, Any]  # Any: an OpenAPI document, or a part of one

PATH: Final = "/api/openapi.json"


def add(house: House[M]) -> None:
    """Add the resource."""

    def show() -> Response:
        base = url_for(".api_openapi").removesuffix(PATH)
        secured = house.token.value is not None
        return answer(_document(house.counter("api"), base or "/", secured=secured))

    add_resource(house, PATH, "api_openapi", {"GET": show})


def _document(counter: Counter[M], base: str, *, secured: bool) -> Document:
    """The document for one visitor: what they may not see is not in it."""
    schema = readable(counter)
    shapes = Shapes(schema.pop("$defs", {}))
    schema.pop("$schema")
    settings = {"Settings": shapes.answer(schema), "SettingsPatch": shapes.patch(schema)}
    made: Document = {
        "openapi": "3.1.0",
        "info": {
            "title": f"Settings: {counter.model.__qualname__}",
            "version": version(),
            "description": (
                f"The settings of the namespace {counter.desk.namespace!r}, for those whom the "
                "application lets in. Errors are problem documents (RFC 9457)."
            ),
        },
        "servers": [{"url": base}],
        "paths": {
            "/api/settings": {"get": _settings(), "patch": _change()},
            "/api/history": {"get": _history(counter)},
            "/api/rollback": {"post": _rollback()},
            "/api/workers": {"get": _workers()},
            "/api/schema": {"get": _schema()},
            PATH: {"get": _openapi()},
            "/healthz": {"get": _health()},
        },
        "components": {
            "schemas": {**settings, **shapes.components, **bits.SCHEMAS},
            "headers": bits.HEADERS,
            "responses": bits.PROBLEMS,
        },
    }
    if secured:
        made["components"]["securitySchemes"] = {"token": bits.BEARER}
        made["security"] = [{"token": []}]
    return made


# --- operations -------------------------------------------------------------------------------


def _settings() -> Document:
    return bits.operation(
        "getSettings",
        "The values in force, of the settings that you may see.",
        bits.document("Settings", "The values.", tagged=True),
        parameters=[bits.condition("If-None-Match", "Answer 304 if this is the revision.")],
        others={"304": {"description": "It is.", "headers": bits.TAG}},
        problems=("400", "412", "503"),
    )


def _change() -> Document:
    found = bits.operation(
        "changeSettings",
        "Change some settings, as one change: a JSON merge patch (RFC 7396).",
        bits.document("Settings", "The values after it.", tagged=True),
        parameters=[
            bits.condition("If-Match", "Change nothing if the revision is another."),
            bits.in_query("note", {"type": "string", "maxLength": LONGEST_NOTE}, "Why."),
        ],
        problems=("400", "403", "409", "412", "415", "422", "503"),
    )
    found["description"] = (
        "`null` puts a setting, or a part of one, back to its default, and takes an entry out "
        "of a mapping. Parts and entries that are not named stay. Lists are replaced. If "
        "nothing differs, there is no new revision."
    )
    content = {"schema": {"$ref": "#/components/schemas/SettingsPatch"}}
    found["requestBody"] = {"required": True, "content": {MERGE_PATCH: content, JSON: content}}
    return found


def _history(counter: Counter[M]) -> Document:
    names = [name for name in facts(counter.model) if counter.visitor.may_read(name)]
    return bits.operation(
        "getHistory",
        "Who changed what, when and why, newest first.",
        bits.document("History", "The changes."),
        parameters=[
            bits.in_query("field", {"type": "string", "enum": names}, "Changes of it only."),
            bits.in_query("limit", {**_number(1, MOST), "default": USUAL}, "At most so many."),
            bits.in_query(
                "before",
                _number(0, LARGEST),
                "Revisions before it only: give the lowest of a page for the next one.",
            ),
        ],
        problems=("400", "403", "503"),
    )


def _rollback() -> Document:
    form = Rollback.model_json_schema()
    found = bits.operation(
        "rollBack",
        "Go back to a revision, by a new change.",
        bits.document("RolledBack", "The change; null if nothing differs.", tagged=True),
        parameters=[bits.condition("If-Match", "Change nothing if the revision is another.")],
        problems=("400", "403", "409", "412", "415", "422", "503"),
    )
    found["description"] = (
        "The history keeps no secret: one that was set to another value since stays as it is."
    )
    found["requestBody"] = {"required": True, "content": {JSON: {"schema": form}}}
    return found


def _workers() -> Document:
    return bits.operation(
        "getWorkers",
        "The live workers; with a revision, who of them has applied it.",
        bits.document("Fleet", "The workers."),
        parameters=[bits.in_query("revision", _number(0, LARGEST), "Say who has applied it.")],
        problems=("400", "503"),
    )


def _schema() -> Document:
    success = {
        "description": "The schema.",
        "content": {SCHEMA: {"schema": {"type": "object"}}},
    }
    return bits.operation("getSchema", "The JSON Schema of the settings that you may see.", success)


def _openapi() -> Document:
    success = {"description": "It.", "content": {JSON: {"schema": {"type": "object"}}}}
    return bits.operation("getOpenapi", "This document.", success)


def _health() -> Document:
    unwell = bits.document("Health", "It does not show what is stored now.")
    return bits.operation(
        "getHealth",
        "How the worker is that answers.",
        bits.document("Health", "It is current."),
        others={"503": unwell},
    )


def _number(low: int, high: int) -> Mapping[str, object]:
    return {"type": "integer", "minimum": low, "maximum": high}
