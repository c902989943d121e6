"""Parts of a value that are given, and those that stay as the default has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from pydantic import Field, SecretStr

from tests.support.models import CANARY, Foreign, Smtp, pinned
from typed_waffle import WaffleModel
from typed_waffle.frozendict import FrozenDict
from typed_waffle.values import same


@dataclass(frozen=True)
class Point:
    x: int = 0
    y: int = 0


class Cat(WaffleModel):
    kind: Literal["cat"] = "cat"
    name: str = "Tom"
    lives: int = 9


class Dog(WaffleModel):
    kind: Literal["dog"] = "dog"
    name: str = "Rex"
    barks: bool = False


class Mail(WaffleModel):
    """Nested to some depth, with names that are not in lower case."""

    Host: str = "localhost"
    port: int | None = 25
    tried: Sequence[int] = (1,)
    password: SecretStr = SecretStr("")
    fallback: Mail | None = None


MAIL = Mail(Host="mail", port=587, password=SecretStr(CANARY))


@pytest.mark.parametrize(
    ("environ", "value"),
    [
        ({"VALUE__HOST": "h"}, MAIL.model_copy(update={"Host": "h"})),
        ({"VALUE__PORT": "null"}, MAIL.model_copy(update={"port": None})),
        ({"VALUE__TRIED": "[2]"}, MAIL.model_copy(update={"tried": (2,)})),
        ({"VALUE__FALLBACK__HOST": "h"}, MAIL.model_copy(update={"fallback": Mail(Host="h")})),
        ({"VALUE": '{"port": 1}', "VALUE__HOST": "h"}, Mail(Host="h", port=1)),
        ({"VALUE": '{"Host": "a"}', "VALUE__HOST": "h"}, Mail(Host="h")),
        ({"VALUE": "null", "VALUE__HOST": "h"}, Mail(Host="h")),
        (
            {"VALUE__FALLBACK__PORT": "1", "VALUE__FALLBACK": '{"Host": "h"}', "VALUE__PORT": "2"},
            MAIL.model_copy(update={"port": 2, "fallback": Mail(Host="h", port=1)}),
        ),
    ],
)
def test_a_variable_can_name_a_part(environ: Mapping[str, str], value: Mail) -> None:
    """The other parts are the default's, or those of the JSON that is given for the whole."""
    got = pinned(Mail | None, MAIL, **environ)

    assert same(got, value), got
    assert got.password.get_secret_value() == value.password.get_secret_value()


@pytest.mark.parametrize(
    ("annotation", "default", "environ", "value"),
    [
        (Point, Point(1, 1), {"VALUE__Y": "2"}, Point(1, 2)),
        (Foreign, Foreign(), {"VALUE__SIZES": "[2]"}, Foreign(sizes=(2,))),
        (Mapping[str, int], {"a": 1}, {"VALUE__B": "2"}, FrozenDict({"a": 1, "b": 2})),
        (Mapping[str, int], {"EUR": 1}, {"VALUE__EUR": "2"}, FrozenDict({"EUR": 2})),
        (Mapping[int, str], {1: "a"}, {"VALUE__1": "b"}, FrozenDict({1: "b"})),
        (
            Mapping[str, int],
            {},
            {"VALUE": '{"EUR":1,"a":1}', "VALUE__EUR": "2"},
            FrozenDict({"EUR": 2, "a": 1}),
        ),
        (Mapping[str, Sequence[int]], {}, {"VALUE__A": "[1]"}, FrozenDict({"a": (1,)})),
        (
            Mapping[str, Point],
            {"a": Point(1, 1)},
            {"VALUE__A__X": "2", "VALUE__B__X": "3"},
            FrozenDict({"a": Point(2, 1), "b": Point(3, 0)}),
        ),
        (Smtp | None, None, {"VALUE__HOST": "h"}, Smtp(host="h")),
    ],
)
def test_models_dataclasses_and_mappings_have_parts(
    annotation: Any,  # noqa: ANN401 - an annotation
    default: object,
    environ: Mapping[str, str],
    value: object,
) -> None:
    """A mapping's key is in lower case, unless it is there already in another."""
    got = pinned(annotation, default, **environ)

    assert same(got, value), got


@pytest.mark.parametrize("discriminator", ["kind", None])
@pytest.mark.parametrize(
    ("environ", "value"),
    [
        ({"VALUE__LIVES": "1"}, Cat(name="Kit", lives=1)),
        ({"VALUE__KIND": "cat", "VALUE__LIVES": "1"}, Cat(name="Kit", lives=1)),
        ({"VALUE__KIND": "dog", "VALUE__BARKS": "yes"}, Dog(barks=True)),
        ({"VALUE__KIND": "dog", "VALUE__NAME": "Ace"}, Dog(name="Ace")),
        (
            {"VALUE": '{"kind":"dog","name":"Ace"}', "VALUE__BARKS": "1"},
            Dog(name="Ace", barks=True),
        ),
    ],
)
def test_the_default_says_nothing_of_another_member_of_a_union(
    environ: Mapping[str, str], value: object, discriminator: str | None
) -> None:
    """A part that only the other has, or its kind, tells that the other is meant."""
    got = pinned(Cat | Dog, Field(Cat(name="Kit"), discriminator=discriminator), **environ)

    assert same(got, value), got
