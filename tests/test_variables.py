"""Which field, or part of one, an environment variable names."""

from __future__ import annotations

import logging
from typing import Annotated

import pytest
from pydantic import Field

from tests.support.models import CANARY, Shop, Smtp
from typed_waffle import WaffleModel
from typed_waffle.environment import Pinned, locks
from typed_waffle.model import Setting
from typed_waffle.values import loaded


def test_only_variables_of_the_prefix_count(caplog: pytest.LogCaptureFixture) -> None:
    """The environment is full of others."""
    assert (
        locks(Shop, "SHOP_", {"LOW": "1", "SHOPLOW": "1", "PATH": "/bin", "MY_SHOP_LOW": "1"}) == {}
    )
    assert not caplog.records


def test_a_variable_may_be_written_in_any_case() -> None:
    """As pydantic-settings has it; the lock names it as it is written."""
    found = locks(Shop, "Shop_", {"shop_LOW": "3", "SHOP_smtp__Host": "h"})

    assert [lock.variable for lock in found.values()] == ["shop_LOW", "SHOP_smtp__Host"]


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_variables_that_differ_by_case_capitals_count(
    caplog: pytest.LogCaptureFixture, *, turned: bool
) -> None:
    """Whatever the order of the environment; the other is told."""
    environ = [("SHOP_LOW", "3"), ("shop_low", "4"), ("SHOP_low", "5")]
    found = locks(Shop, "SHOP_", dict(environ[::-1] if turned else environ))

    assert found["low"] == Pinned("SHOP_LOW", "3")
    assert "SHOP_low (SHOP_LOW is set), shop_low (SHOP_LOW is set)" in caplog.text


def test_a_variable_pins_all_fields_that_differ_by_case_only() -> None:
    """It names each of them."""

    class Twins(WaffleModel):
        low: int = 0
        LOW: int = 0

    assert locks(Twins, "", {"LOW": "1"}).keys() == {"low", "LOW"}


def test_an_alias_is_no_name() -> None:
    """A variable has the field's name, and so have the parts."""

    class Aliased(WaffleModel):
        low: Annotated[int, Field(alias="least")] = 0
        smtp: Smtp = Smtp()

    found = locks(Aliased, "SHOP_", {"SHOP_LOW": "3", "SHOP_LEAST": "4"})
    assert found == {"low": Pinned("SHOP_LOW", "3")}


def test_a_field_whose_parts_are_pinned_names_all_variables() -> None:
    """In order, as they are written."""
    environ = {"SHOP_SMTP__PORT": "1", "shop_smtp__host": "h", "SHOP_SMTP": "{}"}

    assert locks(Shop, "SHOP_", environ)["smtp"].variable == (
        "SHOP_SMTP, SHOP_SMTP__PORT, shop_smtp__host"
    )


def test_the_longest_name_of_a_field_counts() -> None:
    """A field may have two underscores in its name."""

    class Settings(WaffleModel):
        smtp: Smtp = Smtp()
        smtp__host: str = ""
        smtp_: Smtp = Smtp()

    found = locks(Settings, "", {"SMTP__HOST": "a", "SMTP___HOST": "b", "SMTP__PORT": "1"})
    got = loaded(Settings, {name: lock.text for name, lock in found.items()})
    assert (got.smtp, got.smtp__host, got.smtp_) == (Smtp(port=1), "a", Smtp(host="b"))


# --- what names nothing -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("SHOP_NAMES", " (did you mean SHOP_NAME?)"),
        ("SHOP_SMPT__HOST", " (did you mean SHOP_SMTP__HOST?)"),
        ("SHOP_SMTP__HOTS", " (did you mean SHOP_SMTP__HOST?)"),
        ("SHOP_SMTP_HOST", " (did you mean SHOP_SMTP__HOST?)"),
        ("SHOP_TAGS__0", " (did you mean SHOP_TAGS?)"),
        ("SHOP_NAME__FIRST", " (did you mean SHOP_NAME?)"),
        ("SHOP_TOKEN__X", " (did you mean SHOP_TOKEN?)"),
        ("SHOP_LIMITS__\udcff", " (did you mean SHOP_LIMITS?)"),
        ("SHOP_KEEPER", ""),
        ("SHOP_", ""),
    ],
)
def test_a_variable_that_names_nothing_is_told(
    variable: str, hint: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be a typo, or another program's: it pins nothing, and stops nothing."""
    assert locks(Shop, "SHOP_", {variable: CANARY}) == {}
    shown = variable.replace("\udcff", r"\udcff")
    assert [record.getMessage() for record in caplog.records] == [
        f"these environment variables begin with SHOP_ and pin no setting: {shown}{hint}"
    ]
    assert caplog.records[0].levelno == logging.WARNING


def test_a_variable_of_an_old_name_pins_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The new name is told, however little the two are alike."""

    class Renamed(WaffleModel):
        title: Annotated[str, Setting(renamed_from="site_name")] = ""

    assert locks(Renamed, "SHOP_", {"SHOP_SITE_NAME": "x"}) == {}
    assert "SHOP_SITE_NAME (did you mean SHOP_TITLE?)" in caplog.text


def test_all_that_name_nothing_are_told_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """One line for each boot, however many there are."""
    locks(Shop, "SHOP_", {"SHOP_B": "", "SHOP_A": "", "SHOP_LOW": "1"})

    assert len(caplog.records) == 1
    assert caplog.text.endswith("SHOP_A, SHOP_B\n")
