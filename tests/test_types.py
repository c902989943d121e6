"""The tables of the page on types say what the code does."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import (
    Base64Bytes,
    Base64Str,
    ByteSize,
    HttpUrl,
    Json,
    SecretStr,
    SkipValidation,
)

from tests.support.compounds import KINDS
from tests.support.models import one
from tests.support.pages import ROOT
from typed_waffle import DeclarationError, InvalidChange
from typed_waffle.change import State
from typed_waffle.edit import Draft, planned
from typed_waffle.frozendict import FrozenDict
from typed_waffle.snapshot import assembled
from typed_waffle.values import same

PAGE = (ROOT / "docs" / "types.md").read_text(encoding="utf-8")

CLASSES: tuple[Any, ...] = (  # Any: some are special forms to a type checker
    *(ByteSize, HttpUrl, Json, SecretStr, SkipValidation),
    *(Callable, Decimal, FrozenDict, Iterable, Mapping, Sequence),
    *(date, datetime, defaultdict, deque, timedelta),
)
NAMES: dict[str, Any] = {
    **{cls.__name__: cls for cls in CLASSES},
    "Any": Any,
    "Base64Bytes": Base64Bytes,
    "Base64Str": Base64Str,
}


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    table = re.findall(r"^\| (.*) \|$", section, re.MULTILINE)[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)] for row in table]


def codes(cell: str) -> list[str]:
    return [code.replace(r"\|", "|") for code in re.findall(r"`([^`]+)`", cell)]


def value(code: str) -> Any:  # noqa: ANN401 - of any type
    """What a cell's code is."""
    return eval(code, NAMES)  # noqa: S307 - our own page


def test_every_kind_that_is_tried_has_a_row_and_no_other() -> None:
    """What the first table promises, `test_survival` tries on every store."""
    named = [code for row in rows("What survives") for code in codes(row[0])]

    assert sorted(named) == sorted({name.split(":")[0] for name in KINDS})


REFUSED = [
    (code, codes(row[1]))
    for row in rows("Refused when the class is made")
    for code in codes(row[0])
]


@pytest.mark.parametrize(("code", "instead"), REFUSED, ids=[code for code, _ in REFUSED])
def test_what_the_page_refuses_is_refused(code: str, instead: list[str]) -> None:
    """With the spelling that the page says."""
    with pytest.raises(DeclarationError) as refused:
        one(value(code), None)
    assert refused.value.field in ("value", None)
    assert all(spelling in refused.value.hint for spelling in instead)


CONVERTED = rows("What is converted")


@pytest.mark.parametrize(
    ("kind", "given", "stored"), CONVERTED, ids=[" ".join(row) for row in CONVERTED]
)
def test_what_the_page_converts_is_converted(kind: str, given: str, stored: str) -> None:
    """As Pydantic does it, and shown by the writer as by every reader (FAULTS V5)."""
    model = one(value(codes(kind)[0]) | None, None)
    before = assembled(model, State(), {})
    draft = Draft("new-id", updates={"value": value(codes(given)[0])})
    if stored == "refused":
        with pytest.raises(InvalidChange):
            planned(draft, before)
        return

    change = planned(draft, before)

    assert change is not None
    wanted = value(codes(stored)[0])
    assert same(change.after.settings.value, wanted)
    assert same(assembled(model, change.after.state, {}).settings.value, wanted)


def test_the_tables_are_found() -> None:
    """Otherwise the tests above would try nothing."""
    assert len(REFUSED) >= 20
    assert len(CONVERTED) >= 20
