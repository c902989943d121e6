"""The JSON Schema of what the commands show, from the docs."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from tests.support.pages import ROOT

__all__ = ["SCHEMA", "validate"]

SCHEMA: dict[str, Any] = json.loads(
    (ROOT / "docs" / "cli.schema.json").read_text("utf-8")
)  # Any: a JSON Schema


def validate(command: str, document: object) -> None:
    """See that a command may show this document."""
    failed = isinstance(document, dict) and list(document) == ["error"]
    name = "failed" if failed else command
    whole = {**SCHEMA, "$ref": f"#/$defs/{name}"}
    checker = Draft202012Validator.FORMAT_CHECKER
    Draft202012Validator(whole, format_checker=checker).validate(document)
