"""Shapes: the JSON Schemas of what the API answers and takes, made of the one of the settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from typed_waffle.admin.api.schema import DEFS, Schema
from typed_waffle.jsonform import MASK

__all__ = ["Shapes"]

_NAME: Final = re.compile(r"[^A-Za-z0-9._-]")

_SIZE: Final = r"^\s*(\d*\.?\d+)\s*(\w+)?"
"""How Pydantic describes a size in words. A text may begin so and be none."""

_WHOLE_SIZE: Final = (
    r"^[ ]*[0-9]*\.?[0-9]+[ ]*([KkMmGgTtPpEe]?[Bb]?|[KkMmGgTtPpEe]?[Bb][Ii][Tt]"
    r"|[KkMmGgTtPpEe][Ii][Bb]([Ii][Tt])?)$"
)

_SECRET: Final[Schema] = {
    "type": "string",
    "const": MASK,
    "description": "A secret, which is never shown.",
}


class Shapes:
    """Makes the schemas, and keeps the components that these refer to.

    Args:
        defs: The definitions of the schema of the settings.
    """

    def __init__(self, defs: Mapping[str, Schema]) -> None:
        self.components: dict[str, Schema] = {}
        self._defs = defs

    def answer(self, schema: Schema) -> Schema:
        """What is shown: every part is there, and asterisks stand for secrets."""
        if schema.get("writeOnly"):
            return dict(_SECRET)
        made = self._within(schema, self.answer, "shown")
        if "properties" in made:
            made |= {"required": list(made["properties"]), "additionalProperties": False}
        return made

    def given(self, schema: Schema) -> Schema:
        """What is taken where a value is replaced as a whole."""
        made = self._within(schema, self.given, "given")
        if made.get("pattern") == _SIZE:
            made["pattern"] = _WHOLE_SIZE
        if "properties" in made:
            made["additionalProperties"] = False
        return made

    def patch(self, schema: Schema) -> Schema:
        """What is taken where parts are put over those that are there."""
        if "$ref" in schema and not self._merges(self._meant(schema)):
            return self.given(schema)
        if "$ref" not in schema and not self._merges(schema):
            return self.given(schema)
        made = self._within(schema, self.patch, "patch")
        if "oneOf" in made:  # with parts left out, several may fit
            made["anyOf"] = made.pop("oneOf")
        if "properties" in made:
            parts = made["properties"].items()
            made["properties"] = {name: _nullable(part) for name, part in parts}
            made["additionalProperties"] = False
            made.pop("required", None)
        elif isinstance(made.get("additionalProperties"), dict):
            made["additionalProperties"] = _nullable(made["additionalProperties"])
            for bound in ("minProperties", "maxProperties"):  # of what it makes, with what is there
                made.pop(bound, None)
        return made

    def _within(self, schema: Schema, shape: Callable[[Schema], Schema], kind: str) -> Schema:
        """The schema with what stands in it in another shape."""
        # A default is no part of a change; a set takes a value twice, and masks may be alike.
        dropped = {"default", "uniqueItems", "discriminator", "title"}
        made = {key: part for key, part in schema.items() if key not in dropped}
        for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
            if key in made:
                made[key] = [shape(part) for part in made[key]]
        for key in ("items", "additionalProperties", "propertyNames"):
            if isinstance(made.get(key), dict):
                made[key] = shape(made[key])
        if "properties" in made:
            made["properties"] = {name: shape(part) for name, part in made["properties"].items()}
        if "$ref" in made:
            made["$ref"] = self._component(made["$ref"], shape, kind)
        return made

    def _component(self, ref: str, shape: Callable[[Schema], Schema], kind: str) -> str:
        name = ref.removeprefix(DEFS)
        component = f"{_NAME.sub('_', name)}.{kind}"
        if component not in self.components:
            self.components[component] = {}  # it may refer to itself
            self.components[component] = shape(self._defs[name])
        return f"#/components/schemas/{component}"

    def _meant(self, schema: Schema) -> Schema:
        return self._defs[str(schema["$ref"]).removeprefix(DEFS)]

    def _merges(self, schema: Schema) -> bool:
        """Whether a value may have parts that are changed one by one."""
        if "$ref" in schema:
            return self._merges(self._meant(schema))
        if "properties" in schema or isinstance(schema.get("additionalProperties"), dict):
            return True
        options = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
        return any(self._merges(option) for option in options)


def _nullable(schema: Schema) -> Schema:
    """The schema, or `null`; what is said of it stays outside."""
    said = {key: schema[key] for key in ("description",) if key in schema and "$ref" not in schema}
    return {**said, "anyOf": [_without(schema, said), {"type": "null"}]}


def _without(schema: Schema, said: Mapping[str, object]) -> Schema:
    return {key: part for key, part in schema.items() if key not in said}
