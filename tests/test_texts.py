"""What a text stands for, by the type of where it goes."""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

import pytest
from pydantic import ByteSize, Field, SecretStr
from pydantic.fields import FieldInfo

from tests.support.models import one
from typed_waffle import texts
from typed_waffle.parts import bare
from typed_waffle.texts import Misread, read, read_json, takes


class Tone(enum.Enum):
    LOW = 1
    HIGH = 2


@dataclass(frozen=True)
class Point:
    x: int = 0
    y: int = 0


def info(annotation: object, default: object) -> FieldInfo:
    """What may stand in a field of this type."""
    return FieldInfo.from_annotation(bare(one(annotation, default).model_fields["value"]))


@pytest.mark.parametrize(
    ("annotation", "default", "text", "value"),
    [
        (str, "", "plain words", "plain words"),
        (str, "", '"quoted"', '"quoted"'),
        (str, "", "null", "null"),
        (str, "", "[1]", "[1]"),
        (int, 0, "5", 5),
        (int | None, None, "null", None),
        (bool, False, "yes", True),
        (float, 0.0, "1e3", 1000.0),
        (Decimal, Decimal(0), "1.10", Decimal("1.10")),
        (ByteSize, ByteSize(1), "2 kB", 2000),
        (timedelta, timedelta(0), "00:01:30", timedelta(seconds=90)),
        (Literal[1, 2], 1, "2", 2),
        (Tone, Tone.LOW, "2", Tone.HIGH),
        (bytes, b"", "text", b"text"),
        (tuple[int, ...], (), "[1, 2]", (1, 2)),
        (tuple[bytes, ...], (), '["eA=="]', (b"x",)),
        (Mapping[str, int], {}, '{"a": 1}', {"a": 1}),
        (str | tuple[str, ...], "", "a", "a"),
        (str | tuple[str, ...], "", '["a"]', ("a",)),
        (str | tuple[str, ...], "", "[a", "[a"),
        (Point, Point(), '{"y": 2}', Point(0, 2)),
    ],
)
def test_a_text_is_read_by_its_type(
    annotation: object, default: object, text: str, value: object
) -> None:
    """A plain text needs no quotes; where the type has several parts, it is JSON."""
    found = read(info(annotation, default), text)
    assert (type(found), found) == (type(value), value) or found == value


def test_a_secret_is_a_text() -> None:
    """A secret is taken literally, whatever it looks like."""
    secret = read(info(SecretStr, SecretStr("")), '{"a": 1}')
    assert isinstance(secret, SecretStr)
    assert secret.get_secret_value() == '{"a": 1}'


@pytest.mark.parametrize(
    ("annotation", "default", "text", "back"),
    [(int, 0, "five", "five"), (tuple[int, ...], (), '["a"]', ["a"])],
)
def test_what_fits_in_no_way_comes_back(
    annotation: object, default: object, text: str, back: object
) -> None:
    """Whoever validates it can say why."""
    assert read(info(annotation, default), text) == back


@pytest.mark.parametrize("text", ["[1", "x", "[" * 100_000])
def test_a_value_of_parts_must_be_json(text: str) -> None:
    """A text that is no JSON is told so."""
    with pytest.raises(ValueError, match="not JSON"):
        read(info(tuple[int, ...], ()), text)


def test_bytes_that_are_not_utf_8_are_told() -> None:
    """What a terminal hands over may be any bytes."""
    with pytest.raises(ValueError, match="UTF-8"):
        read(info(str, ""), b"\xff".decode("utf-8", "surrogateescape"))


def test_json_is_asked_for() -> None:
    """Where a text would do as well, JSON can be meant; what does not fit comes back."""
    optional = info(str | None, "")
    assert read_json(optional, "null") is None
    assert read_json(optional, '"null"') == "null"
    assert read_json(info(bytes, b""), '"eA=="') == b"x"
    assert read_json(info(int, 0), '"a"') == "a"
    with pytest.raises(ValueError, match="not JSON"):
        read_json(optional, "nul")


def test_a_type_takes_or_does_not() -> None:
    """A value is taken as Pydantic takes it, lax."""
    assert takes(info(int, 0), "5")
    assert not takes(info(int, 0), "five")


@pytest.mark.parametrize(
    ("annotation", "default", "text", "value"),
    [
        (int, 0, "1", 1),
        (int, 0, '"x"', "x"),  # no value of it in any way: whoever validates it says why
        (float, 0.0, "1", 1.0),
        (Decimal, Decimal(0), "1.5", Decimal("1.5")),
        (Decimal, Decimal(0), '"1.50"', Decimal("1.50")),
        (ByteSize, ByteSize(0), '"2 kB"', ByteSize(2000)),
        (timedelta, timedelta(), '"PT3S"', timedelta(seconds=3)),
        (Tone, Tone.LOW, "2", Tone.HIGH),
        (Point, Point(), '{"x": 1}', Point(1, 0)),
        (Annotated[float, Field(allow_inf_nan=True)], 0.0, '"Infinity"', math.inf),
        (Mapping[int, str], {}, '{"1": "a"}', {1: "a"}),
    ],
)
def test_strictly_a_value_has_the_json_type_of_its_type(
    annotation: object, default: object, text: str, value: object
) -> None:
    """What JSON has a type for is taken in that type, and what is written so by us is as well."""
    assert read_json(info(annotation, default), text, strict=True) == value


@pytest.mark.parametrize(
    ("annotation", "default", "text", "loc"),
    [
        (int, 0, '"1"', ()),
        (int, 0, "true", ()),
        (bool, False, "1", ()),
        (tuple[int, ...], (), '[1, "2"]', (1,)),
        (Point, Point(), '{"x": 1, "y": "2"}', ("y",)),
    ],
)
def test_strictly_nothing_is_converted(
    annotation: object, default: object, text: str, loc: tuple[int | str, ...]
) -> None:
    """What would be taken for another value is refused, and where that stands is told."""
    where = info(annotation, default)
    assert takes(where, json.loads(text))
    with pytest.raises(Misread) as caught:
        read_json(where, text, strict=True)
    assert caught.value.loc == loc


def test_strictly_no_other_name_is_taken() -> None:
    """A name that a model does not have is not dropped silently."""
    with pytest.raises(Misread) as caught:
        read_json(info(tuple[Point, ...], ()), '[{"x": 1, "z": 2}]', strict=True)
    assert caught.value.loc == (0, "z")


def test_unions_that_differ_by_order_are_told_apart() -> None:
    """`X | Y` equals `Y | X` for Python; what reads the one is not kept for the other."""
    one_way, again, other_way = info(int | Tone, 0), info(int | Tone, 0), info(Tone | int, 0)
    assert texts._holder(one_way) is texts._holder(again)
    assert texts._holder(one_way) is not texts._holder(other_way)
