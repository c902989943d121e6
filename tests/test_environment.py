"""Fields that environment variables pin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

import pytest
from pydantic import SecretStr

from tests.support.models import CANARY, Shop, Smtp, one
from typed_waffle import ConfigurationError
from typed_waffle.environment import Pinned, locks
from typed_waffle.frozendict import FrozenDict
from typed_waffle.values import loaded


def pinned(annotation: Any, default: Any, raw: str) -> Any:  # noqa: ANN401 - of any type
    """The value of a field that the environment pins."""
    model = one(annotation, default)
    found = locks(model, "SHOP_", {"SHOP_VALUE": raw})
    return loaded(model, {name: lock.text for name, lock in found.items()}).value


@pytest.mark.parametrize(
    ("annotation", "default", "raw", "value"),
    [
        (str, "", "text", "text"),
        (str, "", "5", "5"),
        (str, "", "", ""),
        (str, "", "null", "null"),
        (str, "", '"quoted"', '"quoted"'),
        (str, "", "é \U0001f9c7", "é \U0001f9c7"),
        (int, 0, "5", 5),
        (int, 0, " 5 ", 5),
        (float, 0.0, "1.5", 1.5),
        (bool, False, "true", True),
        (bool, True, "off", False),
        (int | None, 0, "null", None),
        (Literal[1, 2], 1, "2", 2),
        (timedelta, timedelta(0), "PT3S", timedelta(seconds=3)),
        (Sequence[int], (), "[1,2]", (1, 2)),
        (Mapping[str, int], {}, '{"a":1}', FrozenDict({"a": 1})),
        (Smtp, Smtp(), '{"host":"h"}', Smtp(host="h")),
    ],
)
def test_a_variable_is_text_where_the_field_takes_text_and_json_elsewhere(
    annotation: Any,  # noqa: ANN401 - an annotation
    default: object,
    raw: str,
    value: object,
) -> None:
    """People write what they mean, without quoting."""
    got = pinned(annotation, default, raw)

    assert (type(got), got) == (type(value), value)


def test_a_lock_names_its_variable() -> None:
    """Prefix and field, in capitals."""
    assert locks(Shop, "SHOP_", {"SHOP_LOW": "3"})["low"] == Pinned("SHOP_LOW", '"3"')


def test_only_variables_of_fields_count() -> None:
    """The environment is full of others."""
    others = {"SHOP_OTHER": "1", "LOW": "1", "shop_low": "1", "SHOP_": "1", "PATH": "/bin"}

    assert locks(Shop, "SHOP_", others) == {}


@pytest.mark.parametrize(
    ("variable", "raw", "why"),
    [
        ("SHOP_LOW", "x", "low refuses its value: Input should be a valid integer"),
        ("SHOP_NAME", "", "name refuses its value: String should have at least 1 character"),
        ("SHOP_TAGS", "a,b", "tags refuses its value: Input should be a valid array"),
        ("SHOP_TAGS", "[1]", "tags refuses its value: Input should be a valid string"),
        ("SHOP_SMTP", '{"port":0}', "smtp refuses its value: Input should be greater than"),
        ("SHOP_NAME", "\udcff", "name refuses its value: it is not UTF-8"),
        ("SHOP_RATIO", "inf", "ratio refuses its value: Input should be a finite number"),
    ],
)
def test_a_value_that_does_not_fit_is_a_configuration_error(
    variable: str, raw: str, why: str
) -> None:
    """It names the variable, the field and the rule."""
    with pytest.raises(ConfigurationError) as refused:
        locks(Shop, "SHOP_", {variable: raw})
    assert str(refused.value).startswith(f"{variable}: {why}")
    assert refused.value.key == variable


def test_a_rule_across_fields_is_judged_later() -> None:
    """One variable alone may break it, and two together not."""
    found = locks(Shop, "SHOP_", {"SHOP_LOW": "20", "SHOP_HIGH": "30"})

    assert loaded(Shop, {name: lock.text for name, lock in found.items()}).low == 20


def test_a_secret_variable_is_in_no_message() -> None:
    """Not even when it is refused."""
    with pytest.raises(ConfigurationError) as refused:
        locks(Shop, "SHOP_", {"SHOP_SMTP": f'{{"password":["{CANARY}"]}}'})
    assert CANARY not in str(refused.value)


def test_a_secret_variable_is_in_no_repr() -> None:
    """A lock is shown as the variable that it comes from."""
    found = locks(Shop, "SHOP_", {"SHOP_TOKEN": CANARY})

    assert loaded(Shop, {"token": found["token"].text}).token == SecretStr(CANARY)
    assert repr(found) == "{'token': Pinned(variable='SHOP_TOKEN')}"
