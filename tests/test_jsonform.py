"""JSON forms of our own: secrets, sets, and enums whose values JSON does not have."""

from __future__ import annotations

import enum
import json
import os
import subprocess
import sys
from typing import Annotated, Any

import pytest
from pydantic import Secret, TypeAdapter, ValidationError

from tests.support.compounds import Mixed, Planet, Vault
from tests.support.models import one
from typed_waffle import DeclarationError, WaffleModel
from typed_waffle.jsonform import ByName, saved_by_value
from typed_waffle.values import dumped, loaded, masked

CANARY = "hunter2-canary"

PLANET: TypeAdapter[Planet] = TypeAdapter(Annotated[Planet, ByName()])


class Words(WaffleModel):
    words: frozenset[str] = frozenset("waffle sugar cream iron".split())  # noqa: SIM905 - shorter
    mixed: frozenset[int | str | None] = frozenset({1, "1", None, -1})
    sets: frozenset[frozenset[int]] = frozenset({frozenset({3, 1}), frozenset({2})})


def test_equal_sets_have_equal_texts_in_every_process() -> None:
    """Strings hash differently in each process, and a set is in the order of its hashes."""
    script = (
        "from tests.test_jsonform import Words\n"
        "from typed_waffle.values import dumped\n"
        "import json; print(json.dumps(dumped(Words(), ['words', 'mixed', 'sets'])))"
    )
    seen = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    ]

    assert json.loads(seen[0]) == dumped(Words(), ["words", "mixed", "sets"])
    assert seen == [seen[0]] * 3
    assert json.loads(seen[0])["words"] == '["cream","iron","sugar","waffle"]'


def test_a_set_stays_a_set_for_others() -> None:
    """Only its JSON is in order."""
    assert Words().model_dump()["words"] == Words().words


class Empty(enum.Enum):
    pass


class Endless(enum.Enum):
    MANY = float("inf")


@pytest.mark.parametrize(
    ("cls", "so"), [(Mixed, True), (Planet, False), (Empty, True), (Endless, False)]
)
def test_an_enum_is_saved_by_value_if_json_has_its_values(
    cls: type[enum.Enum], *, so: bool
) -> None:
    """Texts, numbers and truth values; an infinity is none."""
    assert saved_by_value(cls) is so


@pytest.mark.parametrize("planet", Planet)
def test_an_enum_of_other_values_is_saved_by_name(planet: Planet) -> None:
    """Pydantic saves a tuple as a list, which is no value of the enum."""
    text = PLANET.dump_json(planet).decode()

    assert text == f'"{planet.name}"'
    assert PLANET.validate_json(text) is planet


def test_in_python_an_enum_is_given_by_member_value_or_name() -> None:
    """As everywhere in Pydantic; and as people write it, in an environment variable, say."""
    assert PLANET.validate_python("MARS") is Planet.MARS
    assert PLANET.validate_python(Planet.MARS) is Planet.MARS
    assert PLANET.validate_python(Planet.MARS.value) is Planet.MARS
    assert PLANET.dump_python(Planet.MARS) is Planet.MARS


class Grown(enum.Enum):
    """Its members were texts once; then came one that JSON does not have."""

    FREE = "free"
    PAID = ("paid", 2)


def test_what_was_saved_by_value_is_still_read_by_name() -> None:
    """A new member does not spoil what is stored."""
    model = one(Grown, Grown.PAID)

    assert loaded(model, {"value": '"free"'}).value is Grown.FREE
    assert dumped(model(), ["value"]) == {"value": '"PAID"'}


def test_an_unknown_name_is_refused_with_the_names() -> None:
    """They are what can be written."""
    wanted = "should be 'EARTH' or 'MARS' or 'DAY' or 'RAW'"
    with pytest.raises(ValidationError, match=wanted):
        PLANET.validate_json('"PLUTO"')
    with pytest.raises(ValidationError, match=wanted):
        PLANET.validate_python("PLUTO")


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_its_json_schema_is_that_of_the_names(mode: Any) -> None:  # noqa: ANN401 - a literal of Pydantic's
    """Surfaces can offer them."""
    assert PLANET.json_schema(mode=mode) == {
        "type": "string",
        "enum": ["EARTH", "MARS", "DAY", "RAW"],
    }


def test_a_secret_of_an_enum_of_other_values_is_refused() -> None:
    """A `Secret` is loaded by Pydantic alone, which knows no names."""
    with pytest.raises(DeclarationError, match="does not survive JSON"):
        one(Secret[Planet], Secret(Planet.MARS))


def test_a_secret_in_a_secret_model_is_stored_in_the_clear_and_masked_for_others() -> None:
    """At any depth (FAULTS V2)."""
    model = one(Secret[Vault], Secret(Vault()))
    settings = model(value={"key": CANARY})

    text = dumped(settings, ["value"])["value"]

    assert json.loads(text)["key"] == CANARY
    assert loaded(model, {"value": text}).value.get_secret_value().key.get_secret_value() == CANARY
    assert CANARY not in f"{masked(settings, ['value'])}{settings!r}"
