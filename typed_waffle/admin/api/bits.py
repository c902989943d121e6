"""Bits: the parts of an OpenAPI document that are the same for every model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from werkzeug.http import HTTP_STATUS_CODES

from typed_waffle.admin.api.conditional import CONDITION
from typed_waffle.admin.api.problem import CONTENT_TYPE
from typed_waffle.admin.api.resource import JSON

__all__ = [
    "BEARER",
    "HEADERS",
    "PROBLEMS",
    "SCHEMAS",
    "TAG",
    "condition",
    "document",
    "in_query",
    "operation",
]

Bit = dict[str, Any]  # Any: a part of an OpenAPI document

BEARER: Final[Bit] = {
    "type": "http",
    "scheme": "bearer",
    "description": "The token in WAFFLE_ADMIN_TOKEN.",
}

TAG: Final[Bit] = {"ETag": {"$ref": "#/components/headers/ETag"}}

HEADERS: Final[Bit] = {
    "ETag": {
        "description": "The revision, in quotes.",
        "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
    }
}

_PROBLEM: Final = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def _ref(name: str) -> Bit:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(optional: Iterable[str] = (), **properties: Bit) -> Bit:
    required = [name for name in properties if name not in set(optional)]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _list(of: Bit) -> Bit:
    return {"type": "array", "items": of}


_TEXT: Final[Bit] = {"type": "string"}
_NO_TEXT: Final[Bit] = {"type": ["string", "null"]}
_TIME: Final[Bit] = {"type": "string", "format": "date-time"}
_REVISION: Final[Bit] = {"type": "integer", "minimum": 0}
_CHANGE: Final[Bit] = {
    "revision": _REVISION,
    "id": _TEXT,
    "at": _TIME,
    "actor": _NO_TEXT,
    "note": _NO_TEXT,
    "channel": {
        "type": "string",
        "enum": ["python", "cli", "admin", "api", "import", "rollback"],
    },
    "fields": _list(_ref("FieldChange")),
}
_WORKERS: Final[Bit] = _list(_ref("Worker"))
_GROUPS: Final = ("applied", "rejected", "pending")

SCHEMAS: Final[Bit] = {
    "FieldChange": _object(field=_TEXT, before={}, after={}),
    "Change": _object(**_CHANGE),
    "SeenChange": _object(
        **_CHANGE,
        hidden={**_REVISION, "description": "How many more settings it changed."},
    ),
    "History": _object(changes=_list(_ref("SeenChange"))),
    "RolledBack": _object(change={"anyOf": [_ref("Change"), {"type": "null"}]}),
    "Worker": _object(
        id=_TEXT,
        host=_TEXT,
        pid={"type": "integer"},
        server=_TEXT,
        version=_TEXT,
        model=_TEXT,
        revision=_REVISION,
        state=_TEXT,
        since=_TIME,
        rejected_revision={"type": ["integer", "null"]},
        reason=_NO_TEXT,
    ),
    "Fleet": _object(_GROUPS, workers=_WORKERS, **dict.fromkeys(_GROUPS, _WORKERS)),
    "Health": _object(
        state=_TEXT,
        since=_TIME,
        revision=_REVISION,
        bus={"type": "boolean"},
        store={"type": "boolean"},
    ),
    "Problem": {
        "type": "object",
        "properties": {
            "type": _TEXT,
            "title": _TEXT,
            "status": {"type": "integer"},
            "detail": _TEXT,
            "errors": _list(_object(pointer=_TEXT, type=_TEXT, detail=_TEXT)),
            "setting": _TEXT,
            "settings": _list(_TEXT),
            "parameter": _TEXT,
            "nearest": _NO_TEXT,
            "expected": _REVISION,
            "actual": _REVISION,
            "changes": _list(_ref("Change")),
            "in_doubt": {"type": "boolean"},
        },
        "required": ["type", "title", "status", "detail"],
    },
}

PROBLEMS: Final[Bit] = {
    "Problem": {"description": "What is wrong, and what to do.", "content": _PROBLEM}
}


def operation(
    name: str,
    summary: str,
    success: Bit,
    *,
    parameters: Sequence[Bit] = (),
    others: Mapping[str, Bit] | None = None,
    problems: Iterable[str] = (),
) -> Bit:
    """One method of a path; who is not let in, and whatever else happens, is told a problem."""
    refused = {
        status: {"description": HTTP_STATUS_CODES[int(status)], "content": _PROBLEM}
        for status in sorted({"401", "403", *problems})
    }
    made: Bit = {
        "operationId": name,
        "summary": summary,
        "responses": {
            "200": success,
            **(others or {}),
            **refused,
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }
    if parameters:
        made["parameters"] = list(parameters)
    return made


def document(schema: str, description: str, *, tagged: bool = False) -> Bit:
    """An answer that is a JSON document."""
    made: Bit = {"description": description, "content": {JSON: {"schema": _ref(schema)}}}
    return {**made, "headers": TAG} if tagged else made


def in_query(name: str, schema: Mapping[str, object], description: str) -> Bit:
    """A parameter in the URL."""
    return {"name": name, "in": "query", "description": description, "schema": dict(schema)}


def condition(header: str, description: str) -> Bit:
    """A header with a revision in it."""
    schema = {"type": "string", "pattern": CONDITION, "examples": ["*"]}
    return {"name": header, "in": "header", "description": description, "schema": schema}
