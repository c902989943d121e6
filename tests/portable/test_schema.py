"""The JSON Schema of settings in a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

from jsonschema import Draft202012Validator
from pydantic import Secret, SecretStr

from tests.support.compounds import KINDS
from tests.support.kinds import Kind
from tests.support.models import one
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


def test_what_is_no_key_does_not_fit() -> None:
    """Keys of a mapping are texts in JSON, and those of numbers must be numbers."""
    model = one(Mapping[int, str], {1: "a"})
    check = Draft202012Validator(schema_of(model))
    assert check.is_valid({"value": {"-1": "a", "2": "b"}})
    assert not check.is_valid({"value": {"x": "a"}})


def test_what_is_no_decimal_does_not_fit() -> None:
    """A decimal is a number, or a text that is one."""
    check = Draft202012Validator(schema_of(one(Decimal, Decimal(1))))
    assert all(check.is_valid({"value": value}) for value in (1.5, "1.50", "-1E+400", ".5", "1."))
    assert not any(check.is_valid({"value": value}) for value in ("", "x", "1.5.2", "1e"))


def test_secrets_are_only_written() -> None:
    """A secret of any type says so, for whoever shows the settings."""
    for annotation, default in ((SecretStr, SecretStr("")), (Secret[int], Secret(1))):
        schema = schema_of(one(annotation, default))["properties"]["value"]
        assert schema["writeOnly"] is True
        assert "default" not in schema
