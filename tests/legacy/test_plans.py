"""The import: what the ancestor's tables hold becomes one change, or none."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Self

import pytest
from pydantic import ByteSize, Field, SecretStr, field_validator, model_validator
from sqlalchemy import Engine, create_engine

from tests.support.ancestor import ANCESTORS, TABLE
from tests.support.plain import stored
from typed_waffle import (
    ConfigurationError,
    InvalidChange,
    RevisionConflict,
    StoreUnavailable,
    UnknownSetting,
    Waffle,
    WaffleModel,
    legacy,
)

SECRET = "hunter2-canary"
EVIL = stored(b"cposix\nsystem\n(S'true'\ntR.")


class Smtp(WaffleModel):
    host: str = "localhost"
    port: int = 25


class Settings(WaffleModel):
    site_name: Annotated[str, Field(min_length=1, max_length=40)] = "Waffle"
    max_filesize: ByteSize = ByteSize(1_000)
    maintenance: bool = False
    ratio: float = 0.5
    currencies: Sequence[str] = ("EUR",)
    prices: Mapping[str, int] = {"classic": 4}
    admins: AbstractSet[str] = frozenset({"root"})
    smtp: Smtp = Smtp()
    smtp_password: SecretStr = SecretStr("")
    since: date = date(2015, 6, 15)
    fee: Decimal = Decimal("1.50")
    low: int = 0
    high: int = 10

    @field_validator("smtp_password")
    @classmethod
    def _not_short(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < 8:
            raise ValueError(f"{value.get_secret_value()} is too short")
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self


def rows(**values: object) -> dict[str, object]:
    return {key: stored(pickle.dumps(value)) for key, value in values.items()}


@pytest.fixture
def waffle(tmp_path: Path) -> Iterator[Waffle[Settings]]:
    url = f"sqlite:///{tmp_path / 'waffle.db'}"
    keys = {"WAFFLE_DATABASE_URL": url, "WAFFLE_ENV_PREFIX": "SHOP_"}
    with Waffle(Settings).connect(keys) as waffle:
        yield waffle


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'old.db'}")
    yield engine
    engine.dispose()


@pytest.mark.parametrize("ancestor", ANCESTORS)
def test_a_table_of_the_ancestor_becomes_one_change(
    ancestor: str, waffle: Waffle[Settings], old: Engine, tmp_path: Path
) -> None:
    """Both of its stores' tables are read, and all that differs is one change of channel import."""
    ANCESTORS[ancestor](
        tmp_path / "old.db",
        {
            "SITE_NAME": "Waffle",
            "MAX_FILESIZE": 1000,
            "MAINTENANCE": False,
            "RATIO": 0.5,
            "CURRENCIES": [],
            "PRICES": {},
            "ADMINS": set(),
            "SMTP": {},
            "SMTP_PASSWORD": "",
            "SINCE": None,
            "FEE": "1.50",
            "LOW": "",
            "HIGH": 10,
        },
        {
            "SITE_NAME": "Caf\xe9 Waffle",
            "MAX_FILESIZE": 2_000_000,
            "MAINTENANCE": True,
            "RATIO": 0.25,
            "CURRENCIES": ["EUR", "CHF"],
            "PRICES": {"classic": 5, "deluxe": 9},
            "ADMINS": {"ada", "root"},
            "SMTP": {"host": "mail.example.org", "port": 587},
            "SMTP_PASSWORD": SECRET,
            "SINCE": date(2016, 1, 1),
            "FEE": Decimal("2.00"),
            "LOW": 5,
        },
    )
    before = legacy.stored(old, TABLE)
    plan = legacy.plan(waffle, before)
    assert (waffle.history(), waffle.current_settings.low) == ((), 0)
    assert plan.refused == ()
    assert plan.ignored == (legacy.Ignored("HIGH", "high has this value already"),)

    change = plan.apply(actor="ada", note="from the old shop")
    assert change is not None
    assert waffle.history() == (change,)
    assert (change.channel, change.actor, change.note) == ("import", "ada", "from the old shop")
    assert [(e.field, e.before, e.after) for e in plan.entries] == [
        (f.field, f.before, f.after) for f in change.fields
    ]
    assert waffle.current_settings == Settings(
        site_name="Caf\xe9 Waffle",
        max_filesize=ByteSize(2_000_000),
        maintenance=True,
        ratio=0.25,
        currencies=("EUR", "CHF"),
        prices={"classic": 5, "deluxe": 9},
        admins=frozenset({"ada", "root"}),
        smtp=Smtp(host="mail.example.org", port=587),
        smtp_password=SecretStr(SECRET),
        since=date(2016, 1, 1),
        fee=Decimal("2.00"),
        low=5,
    )
    assert waffle.snapshot().origin("high") == "default"
    assert legacy.stored(old, TABLE) == before
    assert legacy.plan(waffle, before).apply() is None


# --- keys and fields --------------------------------------------------------------------------


def test_keys_are_for_fields_whatever_their_case(waffle: Waffle[Settings]) -> None:
    """A key means the field whose name differs in case only."""
    plan = legacy.plan(waffle, rows(SITE_NAME="a", Low=1, high=5))
    assert [(e.key, e.field) for e in plan.entries] == [
        ("SITE_NAME", "site_name"),
        ("Low", "low"),
        ("high", "high"),
    ]


def test_a_key_without_a_field_is_ignored_with_the_nearest_name(waffle: Waffle[Settings]) -> None:
    """What has no field is listed, with what may have been meant."""
    plan = legacy.plan(waffle, rows(SITENAME="a", DEBUG_TOOLBAR=True))
    assert plan.entries == ()
    assert plan.ignored == (
        legacy.Ignored("SITENAME", "there is no such setting", "site_name"),
        legacy.Ignored("DEBUG_TOOLBAR", "there is no such setting", None),
    )
    assert plan.apply() is None


def test_a_mapping_says_which_field_is_meant(waffle: Waffle[Settings]) -> None:
    """A key that is mapped is for that field, even if it looks like another."""
    mapping = {"SITENAME": "site_name", "LOW": "high"}
    plan = legacy.plan(waffle, rows(SITENAME="a", LOW=20), mapping=mapping)
    assert {e.key: e.field for e in plan.entries} == mapping


def test_a_mapping_to_no_field_is_refused(waffle: Waffle[Settings]) -> None:
    """A typo in the field's name is named, with the nearest."""
    with pytest.raises(UnknownSetting) as caught:
        legacy.plan(waffle, rows(SITENAME="a"), mapping={"SITENAME": "sitename"})
    assert caught.value.nearest == "site_name"


def test_two_keys_for_one_field_are_refused(waffle: Waffle[Settings]) -> None:
    """Which of the two would count is not guessed; skipping one decides it."""
    stored = rows(LOW=1, low=2)
    with pytest.raises(ConfigurationError, match="'LOW' and 'low' are both for low"):
        legacy.plan(waffle, stored)
    with pytest.raises(ConfigurationError, match="both for low"):
        legacy.plan(waffle, rows(LOW=1, OTHER=2), mapping={"OTHER": "low"})
    plan = legacy.plan(waffle, stored, skip=["LOW"])
    assert [(e.key, e.after) for e in plan.entries] == [("low", 2)]


def test_names_that_are_not_in_the_table_are_told(waffle: Waffle[Settings]) -> None:
    """A typo in a key does not pass unseen."""
    plan = legacy.plan(waffle, rows(LOW=1), mapping={"LWO": "low"}, skip=["HIGH", "LOW"])
    assert plan.ignored == (
        legacy.Ignored("LOW", "it is skipped"),
        legacy.Ignored("LWO", "it is not in the table", "LOW"),
        legacy.Ignored("HIGH", "it is not in the table", None),
    )


def test_two_fields_that_differ_in_case_are_not_guessed_between(tmp_path: Path) -> None:
    """A key in a third case is for neither; in the very case of one it is for that one."""

    class Twins(WaffleModel):
        size: int = 0
        Size: int = 0

    keys = {"WAFFLE_DATABASE_URL": f"sqlite:///{tmp_path / 'waffle.db'}"}
    with Waffle(Twins).connect(keys) as waffle:
        plan = legacy.plan(waffle, rows(SIZE=1, Size=2))
        assert [(e.field, e.after) for e in plan.entries] == [("Size", 2)]
        assert plan.ignored[0].why == "it may mean size or Size: map it to one of them"


# --- what is refused --------------------------------------------------------------------------


def test_all_that_is_refused_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pickles, values, locks and rules across settings: one run tells them, and writes nothing."""
    monkeypatch.setenv("SHOP_MAINTENANCE", "true")
    keys = {"WAFFLE_DATABASE_URL": f"sqlite:///{tmp_path}/w.db", "WAFFLE_ENV_PREFIX": "SHOP_"}
    stored = rows(SITE_NAME="", MAINTENANCE=False, CURRENCIES=[1], SMTP={"port": "x"}, LOW=50)
    stored |= {"RATIO": EVIL, "FEE": "1.50"}
    with Waffle(Settings).connect(keys) as waffle:
        plan = legacy.plan(waffle, stored)
        assert {(r.key, r.field): r.why for r in plan.refused} == {
            ("RATIO", "ratio"): "it names 'posix.system', and only plain data is read",
            ("FEE", "fee"): "it is not base64",
            ("MAINTENANCE", "maintenance"): (
                "it is locked by the environment variable SHOP_MAINTENANCE"
            ),
            ("SITE_NAME", "site_name"): (
                "site_name = '' is refused: String should have at least 1 character"
            ),
            ("CURRENCIES", "currencies"): (
                "currencies.0 = 1 is refused: Input should be a valid string"
            ),
            ("SMTP", "smtp"): (
                "smtp.port = 'x' is refused: Input should be a valid integer, "
                "unable to parse string as an integer"
            ),
            (None, None): ("a rule across settings refuses the change: low 50 is above high 10"),
        }
        assert plan.entries == ()
        with pytest.raises(InvalidChange) as caught:
            plan.apply()
        assert waffle.history() == ()
    assert all(refused.why in str(caught.value) for refused in plan.refused)
    assert "RATIO: it names" in str(caught.value)
    assert set(caught.value.fields) == {r.field for r in plan.refused if r.field}
    assert str(caught.value).endswith(
        "Nothing was written: correct what is stored, map the key to another field, or skip it."
    )


def test_half_an_import_is_made_only_on_purpose(waffle: Waffle[Settings]) -> None:
    """One refused key keeps the others out, until it is skipped."""
    stored = rows(SITE_NAME="a", MAX_FILESIZE="many")
    plan = legacy.plan(waffle, stored)
    assert [e.field for e in plan.entries] == ["site_name"]
    with pytest.raises(InvalidChange, match="MAX_FILESIZE"):
        plan.apply()
    assert waffle.history() == ()
    assert legacy.plan(waffle, stored, skip=["MAX_FILESIZE"]).apply() is not None
    assert waffle.current_settings.site_name == "a"


def test_rules_across_settings_see_the_whole(waffle: Waffle[Settings]) -> None:
    """Values that only fit together are set together."""
    assert legacy.plan(waffle, rows(LOW=50, HIGH=60)).apply() is not None
    assert (waffle.current_settings.low, waffle.current_settings.high) == (50, 60)


def test_a_secret_is_nowhere(waffle: Waffle[Settings]) -> None:
    """A plan, its repr and what refuses it show a secret neither accepted nor refused."""
    plan = legacy.plan(waffle, rows(SMTP_PASSWORD=SECRET))
    assert [(e.before, e.after) for e in plan.entries] == [("**********", "**********")]
    refused = legacy.plan(waffle, rows(SMTP_PASSWORD="hunter2"))
    assert len(refused.refused) == 1
    with pytest.raises(InvalidChange) as caught:
        refused.apply()
    for told in (repr(plan), repr(refused), str(caught.value), repr(caught.value.errors())):
        assert "hunter2" not in told
    assert plan.apply() is not None
    assert waffle.current_settings.smtp_password.get_secret_value() == SECRET


# --- the settings -----------------------------------------------------------------------------


def test_a_plan_is_made_on_what_is_stored_now(waffle: Waffle[Settings], tmp_path: Path) -> None:
    """A plan reads the store first, whatever this context shows."""
    keys = {"WAFFLE_DATABASE_URL": f"sqlite:///{tmp_path / 'waffle.db'}"}
    with waffle.pinned(), Waffle(Settings).connect(keys) as elsewhere:
        elsewhere.update(low=3)
        plan = legacy.plan(waffle, rows(LOW=4))
    assert (plan.revision, plan.entries[0].before) == (1, 3)


def test_a_plan_that_was_overtaken_is_not_applied(waffle: Waffle[Settings]) -> None:
    """What somebody changed since the plan was looked at is not overwritten."""
    plan = legacy.plan(waffle, rows(LOW=4))
    waffle.update(low=3)
    with pytest.raises(RevisionConflict):
        plan.apply()
    assert waffle.current_settings.low == 3


def test_a_store_that_is_away_is_told(tmp_path: Path) -> None:
    """A plan is not made on settings that cannot be read."""
    keys = {"WAFFLE_DATABASE_URL": f"sqlite:///{tmp_path}/away/waffle.db"}
    with Waffle(Settings).connect(keys) as waffle, pytest.raises(StoreUnavailable):
        legacy.plan(waffle, rows(LOW=4))


def test_it_is_loaded_by_who_needs_it() -> None:
    """Importing the package, or Flask's commands, loads no part of the import."""
    code = (
        "import sys, typed_waffle, typed_waffle.cli; "
        "print([m for m in sys.modules if m.startswith(('typed_waffle.legacy', 'sqlalchemy'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
