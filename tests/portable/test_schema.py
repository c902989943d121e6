"""The JSON Schema of settings in a file."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from tests.support.compounds import KINDS
from tests.support.kinds import Kind
from typed_waffle.portable.schema import schema_of
from typed_waffle.values import dumped


def faults(kind: Kind) -> list[str]:
    """What its schema has against what is stored of it."""
    check = Draft202012Validator(schema_of(kind.model))
    found: list[str] = []
    for value in (kind.default, *kind.picked):
        if not kind.refused(value):
            settings = kind.model.model_validate({"value": value})
            data = json.loads(dumped(settings, ["value"])["value"])
            found += [error.message for error in check.iter_errors({"value": data})]
    return found


def test_what_is_stored_fits_the_schema() -> None:
    """Of every kind, the default and the values of note."""
    assert {name: found for name, kind in KINDS.items() if (found := faults(kind))} == {}
