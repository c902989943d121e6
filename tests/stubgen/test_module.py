"""The text of the module that is written."""

from __future__ import annotations

import ast

from pydantic import Field, create_model

from typed_waffle import Waffle, WaffleModel
from typed_waffle.stubgen import generated

TEXTS = (
    "Shown in the page header.",
    '"',
    '""',
    '"""',
    '""""',
    'a"',
    'a""',
    'a"""',
    'a"""b',
    '"quoted"',
    "\\",
    "a\\",
    '\\"',
    '\\\\"',
    '\\"""',
    '"\\',
    '"\x00"',
    "\r\t\x85\u2028\ud800",
    "first\nsecond",
)
FIELDS = {f"field_{at}": (int, Field(0, description=text)) for at, text in enumerate(TEXTS)}
Described = create_model("Described", __base__=WaffleModel, **FIELDS)  # type: ignore[call-overload] # fields by name
described = Waffle(Described)


def test_a_description_is_a_literal_that_means_it() -> None:
    """Whatever quotes and backslashes are in it, the module says the same text."""
    text = generated(f"{__name__}:described")
    (fields,) = (
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef) and node.name == "DescribedFields"
    )
    said = [ast.literal_eval(part.value) for part in fields.body if isinstance(part, ast.Expr)]
    assert said[0] == "What `update` and `override` take."
    indented = "\n" + 8 * " "
    assert [one.replace(indented, "\n") for one in said[1:]] == [*TEXTS]
    assert text.replace("\n", "").isprintable()
