"""The exceptions: one base, attributes that carry what the message says."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

import typed_waffle
from typed_waffle import (
    BusUnavailable,
    Change,
    ConfigurationError,
    DeclarationError,
    FieldChange,
    InvalidChange,
    NotBound,
    RevisionConflict,
    SettingLocked,
    StoreUnavailable,
    UnknownSetting,
    WaffleError,
    errors,
)

BETWEEN = Change(
    5, "id", datetime(2024, 1, 1, tzinfo=UTC), "ann", None, "python", (FieldChange("low", 0, 1),)
)

EACH: list[WaffleError] = [
    DeclarationError("Shop", "low", "it is wrong", "Write it right"),
    InvalidChange(
        "no", [{"type": "value_error", "loc": ("low",), "msg": "bad", "input": 1, "ctx": {"a": 1}}]
    ),
    UnknownSetting("Shop", "lwo", "low", ["low", "high"]),
    SettingLocked("low", "SHOP_LOW"),
    RevisionConflict(4, 5, [BETWEEN]),
    StoreUnavailable("reading", "no route to host"),
    NotBound("no application says which settings are meant"),
    ConfigurationError("WAFFLE_REDIS_PROT", "no such key", nearest="WAFFLE_REDIS_PORT"),
    BusUnavailable("reading the fleet", "no route to host"),
]
PUBLIC = [
    each
    for each in map(vars(typed_waffle).get, typed_waffle.__all__)
    if inspect.isclass(each) and issubclass(each, WaffleError)
]


def test_every_class_is_looked_at_here() -> None:
    """A new class gets its examples, and is public."""
    defined = {
        each
        for each in vars(errors).values()
        if inspect.isclass(each) and issubclass(each, WaffleError)
    }

    assert {type(error) for error in EACH} | {WaffleError} == defined == set(PUBLIC)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (DeclarationError, TypeError),
        (InvalidChange, ValueError),
        (UnknownSetting, LookupError),
        (NotBound, RuntimeError),
        (ConfigurationError, ValueError),
    ],
)
def test_an_error_is_also_the_builtin_that_people_expect(
    error: type[WaffleError], builtin: type[Exception]
) -> None:
    """`except ValueError` around an update keeps working."""
    assert issubclass(error, builtin)


def pickled(error: WaffleError) -> WaffleError:
    again: WaffleError = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    return again


@pytest.mark.parametrize("error", EACH, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("clone", [copy.copy, pickled])
def test_an_error_survives_a_trip_to_another_process(
    error: WaffleError, clone: Callable[[WaffleError], WaffleError]
) -> None:
    """A job queue or a process pool gets the same error, attributes included."""
    again = clone(error)

    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


@pytest.mark.parametrize(
    ("error", "attributes"),
    [
        (EACH[0], {"model": "Shop", "field": "low", "hint": "Write it right"}),
        (EACH[1], {"fields": ("low",)}),
        (EACH[2], {"model": "Shop", "field": "lwo", "nearest": "low"}),
        (EACH[3], {"field": "low", "variable": "SHOP_LOW"}),
        (EACH[4], {"expected": 4, "actual": 5, "changes": (BETWEEN,)}),
        (EACH[5], {"cause": "no route to host"}),
        (EACH[7], {"key": "WAFFLE_REDIS_PROT", "nearest": "WAFFLE_REDIS_PORT"}),
        (EACH[8], {"cause": "no route to host"}),
    ],
    ids=lambda case: type(case).__name__,
)
def test_attributes_carry_what_the_message_says(
    error: WaffleError, attributes: dict[str, object]
) -> None:
    """No surface parses text."""
    assert {name: getattr(error, name) for name in attributes} == attributes


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (EACH[0], "Shop.low: it is wrong. Write it right"),
        (DeclarationError("Shop", None, "it is wrong", "Fix it"), "Shop: it is wrong. Fix it"),
        (EACH[1], "no"),
        (EACH[2], "Shop has no setting 'lwo': did you mean 'low'?"),
        (
            UnknownSetting("Shop", "x", None, ["low", "high"]),
            "Shop has no setting 'x': it declares low, high.",
        ),
        (
            EACH[3],
            (
                "low is locked by the environment variable SHOP_LOW: nothing was written. "
                "Change the variable and restart, or unset it to let low be stored."
            ),
        ),
        (
            EACH[4],
            (
                "expected revision 4, but the store is at 5: nothing was written. In between "
                "changed: low. Look at the changes, then try again with expected_revision=5."
            ),
        ),
        (
            RevisionConflict(4, 3, []),
            (
                "expected revision 4, but the store is at 3: nothing was written. "
                "Look at the changes, then try again with expected_revision=3."
            ),
        ),
        (
            StoreUnavailable("writing", "timeout", in_doubt=True),
            (
                "the settings store cannot be reached while writing: timeout. Whether the change "
                "was committed is not known. Check WAFFLE_DATABASE_URL and that the database "
                "answers."
            ),
        ),
        (EACH[7], "WAFFLE_REDIS_PROT: no such key. Did you mean WAFFLE_REDIS_PORT?"),
        (ConfigurationError("KEY", "it is wrong"), "KEY: it is wrong."),
    ],
    ids=lambda case: type(case).__name__,
)
def test_a_message_says_what_is_wrong_and_what_to_do(error: WaffleError, text: str) -> None:
    """The setting, the cause, the next step."""
    assert str(error) == text


def test_the_fields_of_an_invalid_change_are_told_once_and_in_order() -> None:
    """A rule across fields names none."""
    error = InvalidChange(
        "no",
        [
            {"type": "x", "loc": ("b", 0), "msg": "", "input": 1},
            {"type": "x", "loc": ("a",), "msg": "", "input": 1},
            {"type": "x", "loc": (), "msg": "", "input": None},
            {"type": "x", "loc": ("b", 1), "msg": "", "input": 1},
        ],
    )

    assert error.fields == ("b", "a")


def test_errors_gives_a_list_of_ones_own() -> None:
    """A caller may change it."""
    error = InvalidChange("no", [{"type": "x", "loc": (), "msg": "", "input": None}])

    error.errors().clear()

    assert len(error.errors()) == 1


@pytest.mark.parametrize("error", PUBLIC, ids=lambda error: error.__name__)
def test_each_public_error_has_its_heading_in_the_docs(error: type[WaffleError]) -> None:
    """A message can be looked up by its class."""
    page = (Path(__file__).parent.parent / "docs" / "errors.md").read_text(encoding="utf-8")

    assert re.search(rf"^## `{error.__name__}`$", page, re.MULTILINE)
