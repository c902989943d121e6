"""The fingerprint of a model: the same everywhere, another for another declaration."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from tests.support.models import Shop
from tests.support.pages import ROOT
from typed_waffle import WaffleModel
from typed_waffle.fingerprint import fingerprint
from typed_waffle.model import Setting


@dataclass(frozen=True)
class Box:
    names: frozenset[str] = frozenset({"a", "b", "c", "d"})


class Nested(WaffleModel):
    names: AbstractSet[str] = {"e", "f", "g", "h"}
    token: SecretStr = SecretStr("secret")


class Awkward(WaffleModel):
    """What comes in another order, or at another address, in each process."""

    box: Box = Box()
    nested: Sequence[Nested] = (Nested(),)
    names: Mapping[str, AbstractSet[str]] = {"x": {"i", "j", "k", "l"}}
    even: Annotated[int, AfterValidator(lambda value: value)] = 2


def model(**fields: Any) -> type[WaffleModel]:  # noqa: ANN401 - as create_model has it
    return create_model("Declared", __base__=WaffleModel, **fields)


def test_it_is_the_same_in_every_process() -> None:
    """Neither the seed of hashes nor addresses count."""
    script = (
        "from tests.support.models import Shop; from tests.test_fingerprint import Awkward\n"
        "from typed_waffle.fingerprint import fingerprint\n"
        "print(fingerprint(Shop), fingerprint(Awkward))"
    )
    for seed in ("1", "2"):
        told = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.split() == [fingerprint(Shop), fingerprint(Awkward)]


def test_it_is_twelve_digits() -> None:
    """Short enough to be compared by eye."""
    assert re.fullmatch("[0-9a-f]{12}", fingerprint(Shop))


class One(Enum):
    A = "a"


class Two(Enum):
    A = "a"
    B = "b"


def rule() -> Callable[..., Any]:
    return field_validator("a")(lambda value: value)


class Ruled(WaffleModel):
    a: int = 1

    @model_validator(mode="after")
    def rule(self) -> Ruled:
        return self


DECLARED: dict[str, type[WaffleModel]] = {
    "plain": model(a=(int, 1)),
    "another name": model(b=(int, 1)),
    "another type": model(a=(float, 1.0)),
    "another default": model(a=(int, 2)),
    "a bound": model(a=(Annotated[int, Field(ge=0)], 1)),
    "another bound": model(a=(Annotated[int, Field(ge=1)], 1)),
    "strict": model(a=(Annotated[int, Field(strict=True)], 1)),
    "one more": model(a=(int, 1), b=(int, 1)),
    "renamed": model(a=(Annotated[int, Setting(renamed_from="b")], 1)),
    "a rule": create_model(
        "Declared", __base__=WaffleModel, __validators__={"rule": rule()}, a=(int, 1)
    ),
    "a rule of the whole": Ruled,
    "optional": model(a=(Annotated[int | None, "a marker"], 1)),
    "choices": model(a=(Literal["a"], "a")),
    "more choices": model(a=(Literal["a", "b"], "a")),
    "an enum": model(a=(One, One.A)),
    "a longer enum": model(a=(Two, Two.A)),
    "nested": model(a=(Sequence[model(b=(int, 1))], ())),  # type: ignore[misc] # a type made here
    "nested, another default": model(a=(Sequence[model(b=(int, 2))], ())),  # type: ignore[misc] # as above
}


def test_another_declaration_has_another() -> None:
    """Fields, types, constraints, defaults and rules count, nested ones too."""
    found = {name: fingerprint(each) for name, each in DECLARED.items()}
    assert len(set(found.values())) == len(found), found


def test_what_changes_no_setting_does_not_count() -> None:
    """Descriptions, and the name of the model, may be bettered."""

    class Other(WaffleModel):
        """Described."""

        a: Annotated[int, Field(description="A number", title="A", examples=[1])] = 1
        """A number."""

    assert fingerprint(Other) == fingerprint(DECLARED["plain"])


def test_a_secret_s_default_does_not_count() -> None:
    """Whoever reads a fingerprint cannot find out by trying which default makes it."""

    def secret(default: str) -> str:
        nested = model(token=(SecretStr, SecretStr(default)))
        return fingerprint(
            model(
                token=(SecretStr, SecretStr(default)),
                tokens=(Sequence[SecretStr], (SecretStr(default),) * len(default)),
                nested=(nested, nested()),
                many=(Sequence[nested], ()),  # type: ignore[valid-type] # a type made here
            )
        )

    assert secret("") == secret("hunter2") == secret("another")


class Silent:
    """A type that has no JSON schema."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls(),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda _: "silent"),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Silent)

    def __hash__(self) -> int:
        return 1


class Failing(Silent):
    """One that raises if it is asked for it."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: object, handler: object) -> dict[str, Any]:
        raise RuntimeError("no")


@pytest.mark.parametrize("kind", [Silent, Failing])
def test_a_type_without_a_schema_prevents_nothing(kind: type[Silent]) -> None:
    """It counts by its name."""
    found = fingerprint(model(a=(kind, kind())))
    assert re.fullmatch("[0-9a-f]{12}", found)
    assert found != fingerprint(model(b=(kind, kind())))
