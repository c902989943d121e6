"""What a text stands for, by the type of where it goes."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Literal

import pytest
from pydantic import ByteSize, SecretStr
from pydantic.fields import FieldInfo

from tests.support.models import one
from typed_waffle.parts import bare
from typed_waffle.texts import read, read_json, takes


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
