"""The annotation of each field as the developer wrote it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import pytest
from pydantic import ByteSize, create_model

from tests.support.models import Shop
from tests.typing.everything import Box, Settings, Shelf, Size
from typed_waffle import DeclarationError, WaffleModel
from typed_waffle.stubgen.declared import declared

T = TypeVar("T")


class Sized(Shop):
    """Declares one field anew; this module has no name that Shop's annotations use but these."""

    name: str = "Sized"
    size: ByteSize = ByteSize(0)


class Nesting(WaffleModel):
    """Names what stands within itself."""

    class Inner(WaffleModel):
        """Stands within."""

    inner: Inner = Inner()
    above: Mapping[str, Nesting] = {}


class Twice(Box[Sequence[T]], Generic[T]):
    """Uses the parameter's own name again in what it tells its base."""

    again: Mapping[str, T] = {}


class Dates(Twice[dt.date]):
    """No field of its own."""


def test_a_type_is_as_it_was_written() -> None:
    """Not in the immutable form in which the model holds it."""
    assert declared(Shop)["tags"] == Sequence[str]
    assert declared(Shop)["limits"] == Mapping[str, Sequence[int]]
    assert list(declared(Shop)) == list(Shop.model_fields)


def test_an_inherited_type_is_read_where_it_stands() -> None:
    """Its names are those of the module of the class that declares the field."""
    assert declared(Sized) == {**declared(Shop), "name": str, "size": ByteSize}


def test_a_type_parameter_is_filled_in() -> None:
    """Through any number of generic bases, even if they use the same name."""
    types = declared(Dates)
    assert types["held"] == Sequence[dt.date] | None
    assert types["spares"] == Sequence[Sequence[dt.date]]
    assert types["again"] == Mapping[str, dt.date]
    assert declared(Box[int])["held"] == int | None
    assert declared(Shelf[str])["spares"] == Sequence[tuple[str, ...]]
    assert declared(Settings)["boxes"] == Mapping[str, Box[Size]]


def test_names_within_the_class_are_known() -> None:
    """A type that is defined in the model's own body, and the model itself."""
    assert declared(Nesting) == {"inner": Nesting.Inner, "above": Mapping[str, Nesting]}


def test_a_made_model_has_its_types() -> None:
    """`create_model` writes annotations too."""
    made = create_model("Made", __base__=WaffleModel, days=(Sequence[dt.date], ()))
    assert declared(made) == {"days": Sequence[dt.date]}


def test_a_name_that_only_a_function_knows_is_refused() -> None:
    """The error names the setting, the name that is missing, and what to do."""

    class Local(WaffleModel):
        pass

    class Here(WaffleModel):
        nested: Local = Local()

    with pytest.raises(DeclarationError, match=r"Here\.nested: .* 'Local' is not defined\. Define"):
        declared(Here)
