"""Schema: the JSON Schema of settings in a file."""

from __future__ import annotations

import enum
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from typed_waffle.model import M, facts
from typed_waffle.values import data, masked

__all__ = ["schema_of"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


_NUMBER = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,15})?$"
_NAMES: dict[str, JsonSchemaValue] = {
    "integer": {"pattern": "^[-+]?[0-9]+$"},
    "number": {"pattern": _NUMBER},
    "boolean": {"enum": ["true", "false"]},
}
"""How a key that is no text is written where JSON has texts only."""

_ODD = ["NaN", "Infinity", "-Infinity"]


class _Shape(GenerateJsonSchema):
    """A schema that no type prevents; without defaults, which are put in as they are stored."""

    def handle_invalid_for_json_schema(
        self,
        schema: Any,  # noqa: ANN401, ARG002 - Pydantic's name for it is not public
        error_info: str,  # noqa: ARG002 - may hold an address
    ) -> JsonSchemaValue:
        return {}

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        made = super().float_schema(schema)
        return {"anyOf": [made, {"enum": _ODD}]} if schema.get("allow_inf_nan") else made

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        made = super().decimal_schema(schema)
        if "max_digits" in schema or "decimal_places" in schema:
            return made
        # The pattern of some versions of Pydantic knows no exponent.
        for form in made.get("anyOf", [made]):
            form.pop("pattern", None)
            if form.get("type") == "string" and not schema.get("allow_inf_nan"):
                form["pattern"] = _NUMBER
        return made

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        made = super().dict_schema(schema)
        keys = self.generate_inner(schema["keys_schema"]) if "keys_schema" in schema else {}
        named = _NAMES.get(str(keys.get("type")))  # Pydantic tells those of texts only
        return {**made, "propertyNames": named} if named else made

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        if issubclass(schema["cls"], enum.Flag):  # any sum of its members
            return {"title": schema["cls"].__name__, "type": "integer"}
        try:
            return super().enum_schema(schema)
        except ValueError:  # of values that JSON does not have
            return {"enum": [member.name for member in schema["members"]]}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def schema_of(model: type[M]) -> dict[str, Any]:  # Any: a JSON Schema
    """What may be given for the settings, the same for the same declaration.

    Defaults are as the store would hold them, those of secrets left out. No other name is allowed.
    """
    made = model.model_json_schema(by_alias=False, schema_generator=_Shape)
    defaults = model.model_construct()
    for name, fact in facts(model).items():
        part = made["properties"][name]
        if not fact.secret:
            part["default"] = data(masked(defaults, [name])[name])
    return {"$schema": _DIALECT, **made, "additionalProperties": False}
