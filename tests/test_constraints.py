"""What a field takes, in words."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import pytest
from pydantic import ByteSize, Field, HttpUrl, PositiveInt, SecretStr, StringConstraints

from tests.support.models import Smtp, one
from typed_waffle.constraints import choices, constraint


class Tone(enum.Enum):
    LOW = "low"
    HIGH = "high"


class Pair(enum.Enum):
    ONE = (1, 2)
    TWO = (3, 4)


@pytest.mark.parametrize(
    ("annotation", "default", "words"),
    [
        (str, "", None),
        (Smtp, Smtp(), None),
        (str | None, None, None),
        (SecretStr, SecretStr(""), None),
        (bool, False, "true or false"),
        (Annotated[int, Field(ge=1, le=9)], 1, "1 to 9"),
        (Annotated[int, Field(ge=1)], 1, "at least 1"),
        (Annotated[int | None, Field(le=9)], 1, "at most 9 or null"),
        (PositiveInt, 1, "more than 0"),
        (Annotated[float, Field(lt=1, multiple_of=0.5)], 0.5, "less than 1, a multiple of 0.5"),
        (Annotated[str, Field(min_length=1, max_length=40)], "x", "1 to 40 characters"),
        (Annotated[str, Field(min_length=2, max_length=2)], "xx", "2 characters"),
        (Annotated[str, StringConstraints(max_length=1)], "x", "at most 1 character"),
        (Annotated[str, Field(pattern="^a+$")], "a", "matching ^a+$"),
        (Annotated[Mapping[str, int], Field(min_length=1)], {"a": 1}, "at least 1 entry"),
        (
            Annotated[Sequence[Annotated[int, Field(ge=0)]], Field(max_length=3)],
            (),
            "at most 3 items, each at least 0",
        ),
        (Literal["a", "b"], "a", "one of a, b"),
        (Literal["a"], "a", "only a"),
        (Literal[1, 2] | None, None, "one of 1, 2 or null"),
        (Tone, Tone.LOW, "one of low, high"),
        (Pair, Pair.ONE, "one of ONE, TWO"),
        (ByteSize, ByteSize(1), "a size, as 1500, 10 kB or 2 MiB"),
        (
            dt.timedelta,
            dt.timedelta(0),
            "a duration, as 90 (seconds), 00:01:30 or PT90S",
        ),
        (dt.date, dt.date(2026, 1, 31), "a date, as 2026-01-31"),
        (HttpUrl, HttpUrl("http://localhost/"), "a URL"),
    ],
)
def test_constraints_in_words(annotation: object, default: object, words: str | None) -> None:
    """What its rules say, and how a value of an unusual type is written."""
    assert constraint(one(annotation, default), "value") == words


def test_a_constraint_is_short() -> None:
    """An enum may have hundreds of members."""
    texts = tuple(f"member-{n}" for n in range(300))
    words = constraint(one(Literal.__getitem__(texts), texts[0]), "value")
    assert words is not None
    assert len(words) == 200
    assert words.endswith("...")


@pytest.mark.parametrize(
    ("annotation", "default", "texts"),
    [
        (str, "", ()),
        (bool | None, None, ("true", "false")),
        (Literal["a", 2], "a", ("a", "2")),
        (Tone, Tone.LOW, ("low", "high")),
        (Pair, Pair.ONE, ("ONE", "TWO")),
    ],
)
def test_choices(annotation: object, default: object, texts: tuple[str, ...]) -> None:
    """The texts that complete a value, where there are few."""
    assert choices(one(annotation, default).model_fields["value"]) == texts
