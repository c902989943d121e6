"""Fingerprint: what a model declares, in twelve digits, so that two releases can be told apart."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args

from pydantic import BaseModel, Secret, SecretBytes, SecretStr
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from typed_waffle.model import WaffleModel, facts

__all__ = ["fingerprint"]

DIGITS = 12

_PROSE = frozenset({"title", "description", "examples", "deprecated"})
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_KNOWN_RULES = ("annotated_types", "pydantic")


def fingerprint(model: type[WaffleModel]) -> str:
    """Twelve hexadecimal digits: the same for the same declaration, in every process.

    Fields, types, constraints, defaults and the names of validators count. Descriptions do not, nor
    do defaults of secrets, which could be guessed from it.
    """
    declared = [_declared(each) for each in _with_nested(model)]
    text = json.dumps([declared, _schema(model)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _with_nested(model: type[WaffleModel]) -> list[type[WaffleModel]]:
    found: list[Any] = []  # Any: of any model
    waiting: list[object] = [model]
    while waiting:
        part = waiting.pop()
        waiting += get_args(part)
        if isinstance(part, type) and issubclass(part, WaffleModel) and part not in found:
            found.append(part)
            waiting += [field.annotation for field in part.model_fields.values()]
    return found


def _declared(model: type[WaffleModel]) -> object:
    settings = model()
    decorated = model.__pydantic_decorators__
    declared = {
        name: {
            "type": fact.type,
            "from": fact.renamed_from,
            "rules": [_rule(rule) for rule in model.model_fields[name].metadata],
            "default": None if fact.secret else _steady(getattr(settings, name)),
        }
        for name, fact in facts(model).items()
    }
    rules = [
        *(
            (name, found.info.mode, found.info.fields)
            for name, found in decorated.field_validators.items()
        ),
        *((name, found.info.mode, ()) for name, found in decorated.model_validators.items()),
    ]
    return [declared, sorted(rules)]


def _steady(value: object) -> object:
    """A default, alike in every process: a set in any order is the same set."""
    if isinstance(value, BaseModel):
        return {name: _steady(getattr(value, name)) for name in type(value).model_fields}
    if dataclasses.is_dataclass(value):
        return {part.name: _steady(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, frozenset):
        return sorted(json.dumps(_steady(part)) for part in value)
    if isinstance(value, tuple):
        return [_steady(part) for part in value]
    if isinstance(value, Mapping):
        return [[_steady(key), _steady(part)] for key, part in value.items()]
    if isinstance(value, (Secret, SecretStr, SecretBytes)):
        return None
    return f"{type(value).__qualname__} {_ADDRESS.sub('', repr(value))}"


def _rule(rule: object) -> str:
    """A constraint as a text; of a class that is not known, only what it is: its text may vary."""
    kind = type(rule)
    if kind.__module__.split(".")[0] in _KNOWN_RULES:
        return _ADDRESS.sub("", repr(rule))
    return f"{kind.__module__}.{kind.__qualname__}"


def _schema(model: type[WaffleModel]) -> object:
    """What the types are made of, at every depth: members of enums, fields of dataclasses."""
    try:
        return _without_prose(model.model_json_schema(schema_generator=_Shape))
    except Exception:  # noqa: BLE001 - a type of the user's may raise anything; its name counts
        return None


class _Shape(GenerateJsonSchema):
    """A JSON schema that no type prevents, without defaults: a set's would come in any order."""

    def handle_invalid_for_json_schema(
        self,
        schema: Any,  # noqa: ANN401 - Pydantic's name for it is not public
        error_info: str,  # noqa: ARG002 - may hold an address
    ) -> JsonSchemaValue:
        return {"kind": schema["type"]}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def _without_prose(schema: object) -> object:
    if isinstance(schema, Mapping):
        # Below `properties` these words are names of fields.
        return {
            key: _fields(part) if key in {"properties", "$defs"} else _without_prose(part)
            for key, part in schema.items()
            if key not in _PROSE
        }
    if isinstance(schema, list):
        return [_without_prose(part) for part in schema]
    return schema


def _fields(schema: object) -> object:
    if not isinstance(schema, Mapping):
        return schema
    return {name: _without_prose(part) for name, part in schema.items()}
