"""How a type is spelled in a module that is written."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, get_type_hints

import pytest
from pydantic_core import Url
from typing_extensions import TypeAliasType

from tests.support.compounds import KINDS, Colour
from tests.support.kinds import Kind
from tests.typing.everything import Box, Outer
from typed_waffle.stubgen.spelling import Speller, Unnameable


def bare(annotation: Any) -> Any:  # noqa: ANN401 - annotations have no common type
    """The annotation without what stands in `Annotated`."""
    one = type("One", (), {"__annotations__": {"it": annotation}})
    return get_type_hints(one)["it"]


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_spelling_means_the_type(kind: Kind) -> None:
    """Whatever survives the store is spelled so that it means the same type elsewhere."""
    speller = Speller(["str", "tests", "pydantic"])
    spelled = speller.spelled(kind.type)
    names: dict[str, Any] = {"str": None, "tests": None, "pydantic": None}
    exec("\n".join(speller.imports()), names)  # noqa: S102 - that is what is written
    assert eval(spelled, names) == bare(kind.type)  # noqa: S307 - as above


@pytest.mark.parametrize(
    ("annotation", "spelled"),
    [
        (Outer.Smtp, "tests.typing.everything.Outer.Smtp"),
        (Box[int], "tests.typing.everything.Box[int]"),
        (Literal[Colour.RED, "a\"'\n"], "typing.Literal[tests.support.compounds.Colour.RED, %s]"),
        (Url, "pydantic_core.Url"),
        (tuple[()], "tuple[()]"),
    ],
)
def test_a_class_is_spelled_with_its_module(annotation: object, spelled: str) -> None:
    """A class is named where other modules find it, and a member of an enum by its class."""
    assert Speller(()).spelled(annotation) == spelled.replace("%s", ascii("a\"'\n"))


def test_a_taken_name_is_passed_by() -> None:
    """A module or a builtin type whose name means something else goes by another."""
    speller = Speller(["str", "builtins", "tests", "_tests_support_compounds"])
    assert speller.spelled(Mapping[str, Colour]) == (
        "collections.abc.Mapping[_builtins.str, _tests_support_compounds_.Colour]"
    )
    assert speller.imports() == [
        "import builtins as _builtins",
        "import collections.abc",
        "import tests.support.compounds as _tests_support_compounds_",
    ]


def test_what_is_local_cannot_be_named() -> None:
    """A class in a function, a variable, or a class that something else hides, is refused."""

    class Local(enum.Enum):
        ONE = 1

    hidden = type("Colour", (), {"__module__": Colour.__module__})
    for annotation, said in (
        (Mapping[str, Local], "Local is local to a function"),
        (hidden, "Colour is local to tests.support.compounds"),
        (TypeVar("T"), "~T is not a type that can be written down"),
    ):
        with pytest.raises(Unnameable) as caught:
            Speller(()).spelled(annotation)
        assert str(caught.value) == said


def test_a_local_alias_is_spelled_out() -> None:
    """An alias that no module has is as good as what it stands for."""
    alias = TypeAliasType("alias", Mapping[str, int])
    assert Speller(()).spelled(alias) == "collections.abc.Mapping[str, int]"
