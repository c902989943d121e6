"""`Waffle.override`: what a test shows on top, where it is seen, and that nothing else happens."""

import asyncio
import logging
from collections.abc import Generator, Iterator
from datetime import date
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationInfo, field_validator

from tests.support.apps import Apps, Settings
from typed_waffle import (
    InvalidChange,
    NotBound,
    UnknownSetting,
    Waffle,
    WaffleModel,
    settings_changed,
)
from typed_waffle.layers import KEPT

NOWHERE = {
    "WAFFLE_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/nothing",
    "WAFFLE_REDIS_URL": "redis://127.0.0.1:1",
}
"""A database and a Redis that are not there."""


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[Apps]:
    apps = Apps(tmp_path)
    yield apps
    apps.close()


@pytest.fixture
def waffle(apps: Apps) -> Waffle[Settings]:
    return apps.bound()


@pytest.fixture
def unbound() -> Waffle[Settings]:
    return Waffle(Settings)


# --- what is shown ------------------------------------------------------------------------------


def test_it_shows_the_values_until_it_ends(unbound: Waffle[Settings]) -> None:
    """Inside, the fields have these values and all others their defaults; after it, as before."""
    settings = unbound.current_settings
    with unbound.override(name="Cone", low=3) as shown:
        assert (settings.name, settings.low, settings.high) == ("Cone", 3, 10)
        assert type(shown) is Settings
        assert shown == settings
        assert unbound.snapshot().settings is shown
    with pytest.raises(NotBound):
        _ = settings.name


def test_origin_and_revision(apps: Apps, waffle: Waffle[Settings]) -> None:
    """An overridden field says so; the others, and the revision, are those of the base."""
    waffle.update(low=1, high=9)
    with waffle.override(low=2):
        snapshot = waffle.snapshot()
        assert [snapshot.origin(name) for name in ("name", "low", "high")] == [
            "default",
            "override",
            "stored",
        ]
        assert snapshot.revision == 1
        assert snapshot.texts() == {"low": "2", "high": "9"}
    assert waffle.snapshot().origin("low") == "stored"


def test_it_wins_over_the_environment(apps: Apps, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is pinned is the base, for a worker that runs and for none; an override hides it."""
    monkeypatch.setenv("SHOP_NAME", "Pinned")
    monkeypatch.setenv("SHOP_LOW", "4")
    waffle = apps.bound(apps.app(WAFFLE_ENV_PREFIX="SHOP_"))
    for _ in range(2):
        with waffle.override(name="Cone") as settings:
            assert (settings.name, settings.low) == ("Cone", 4)
            assert waffle.snapshot().origin("name") == "override"
            assert waffle.snapshot().origin("low") == "environment"
        waffle.start()
    monkeypatch.setenv("SHOP_LOW", "5")
    with apps.bound(apps.app(WAFFLE_ENV_PREFIX="SHOP_")).override() as settings:
        assert settings.low == 5


def test_the_inner_one_wins(unbound: Waffle[Settings]) -> None:
    """Nested, each adds to the ones around it and hides them; each end brings back what was."""
    settings = unbound.current_settings
    with unbound.override(name="a", low=1):
        with unbound.override(name="b", high=5):
            assert (settings.name, settings.low, settings.high) == ("b", 1, 5)
        assert (settings.name, settings.low, settings.high) == ("a", 1, 10)


def test_an_exception_ends_it(unbound: Waffle[Settings]) -> None:
    """Whatever is raised inside goes on, and nothing stays."""
    with pytest.raises(KeyError), unbound.override(name="a"):
        raise KeyError
    with pytest.raises(NotBound):
        _ = unbound.current_settings.name


def test_they_may_end_in_any_order(unbound: Waffle[Settings]) -> None:
    """One that ends first takes its own values away, and leaves those of the ones within."""

    def shows(**fields: object) -> Generator[None, None, None]:
        with unbound.override(**fields):
            yield

    settings = unbound.current_settings
    outer, inner, last = shows(name="a", low=1), shows(name="b"), shows(high=5)
    for generator in (outer, inner, last):
        next(generator)
    outer.close()
    assert (settings.name, settings.low, settings.high) == ("b", 0, 5)
    last.close()
    assert (settings.name, settings.high) == ("b", 10)
    inner.close()
    with pytest.raises(NotBound):
        _ = settings.name


def test_one_object_may_be_entered_within_itself(unbound: Waffle[Settings]) -> None:
    """It keeps nothing that belongs to one entry."""
    override = unbound.override(name="a")
    with override, unbound.override(name="b"):
        with override:
            assert unbound.current_settings.name == "a"
        assert unbound.current_settings.name == "b"


def test_async_with(unbound: Waffle[Settings]) -> None:
    """`async with` does the same."""

    async def main() -> str:
        async with unbound.override(name="a") as settings:
            assert settings.name == unbound.current_settings.name
            return settings.name

    assert asyncio.run(main()) == "a"


# --- what is refused ----------------------------------------------------------------------------


class Picky(WaffleModel):
    """Values that a change refuses for each of the reasons there are."""

    floor: int = 0
    ceiling: int = 10
    when: date | str = ""
    token: SecretStr = SecretStr("")

    @field_validator("ceiling")
    @classmethod
    def _above(cls, value: int, info: ValidationInfo) -> int:
        if value <= info.data["floor"]:
            raise ValueError("it is not above the floor")
        return value

    @field_validator("floor")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("it is odd")
        return value

    @field_validator("token")
    @classmethod
    def _long(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < 8:
            raise ValueError(f"{value.get_secret_value()} is short")
        return value


@pytest.fixture
def picky() -> Waffle[Picky]:
    return Waffle(Picky)


def test_an_unknown_name_is_refused_at_the_call(picky: Waffle[Picky]) -> None:
    """Before it is entered, and with the nearest name."""
    with pytest.raises(UnknownSetting, match="'cieling': did you mean 'ceiling'"):
        picky.override(cieling=5)  # type: ignore[waffle-unknown] # that is the case


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"ceiling": "high"}, "ceiling = 'high' is refused: Input should be a valid integer"),
        ({"floor": 3}, "floor = 3 is refused: it is odd"),
        ({"when": "2024-01-01"}, "when = .* does not survive JSON: every worker would load"),
        ({"token": SecretStr("hunter2")}, r"token = \*+ is refused: its rule refuses it"),
    ],
)
def test_a_bad_value_is_refused_at_the_call(
    picky: Waffle[Picky], fields: dict[str, object], why: str
) -> None:
    """As a change would refuse it: the setting, its value, the rule, and no secret."""
    with pytest.raises(InvalidChange, match=why) as caught:
        picky.override(**fields)
    assert caught.value.fields == tuple(fields)
    assert str(caught.value).endswith("Correct it in the call of override.")
    assert "hunter2" not in f"{caught.value!r} {caught.value.errors()}"
    assert caught.value.__context__ is None


def test_rules_across_fields_are_checked_with_the_base(waffle: Waffle[Settings]) -> None:
    """At the entry, when the other values are known; then nothing is entered."""
    override = waffle.override(low=15)
    with pytest.raises(InvalidChange, match="low 15 is above high 10"), override:
        pytest.fail("it was entered")
    assert waffle.current_settings.low == 0
    waffle.update(high=20)
    with override as settings:
        assert (settings.low, settings.high) == (15, 20)


def test_a_validator_that_looks_at_others_waits_for_them(picky: Waffle[Picky]) -> None:
    """A field's validator that sees other fields is a rule across fields."""
    override = picky.override(ceiling=-2)
    with pytest.raises(InvalidChange, match="ceiling = -2 is refused: it is not above"), override:
        pytest.fail("it was entered")
    with picky.override(floor=-4), override as settings:
        assert (settings.floor, settings.ceiling) == (-4, -2)


def test_a_base_that_does_not_fit_is_told_at_the_read(waffle: Waffle[Settings]) -> None:
    """A change that comes later may break a rule with the override: who reads is told."""
    waffle.update(high=20)
    with waffle.override(low=15):
        waffle.update(high=5)
        with pytest.raises(InvalidChange, match="low 15 is above high 5"):
            _ = waffle.current_settings.low
        waffle.update(high=30)
        assert (waffle.current_settings.low, waffle.current_settings.high) == (15, 30)


def test_a_secret_is_shown_nowhere(unbound: Waffle[Settings]) -> None:
    """Neither the object nor what it shows prints a secret."""
    override = unbound.override(token="hunter2")  # type: ignore[waffle-value] # as a form gives it
    with override as settings:
        assert settings.token.get_secret_value() == "hunter2"
        shown = f"{override!r} {settings!r} {unbound.current_settings!r} {unbound.snapshot()!r}"
    assert repr(override) == "<override of Settings: token>"
    assert "hunter2" not in shown


# --- nothing else happens -----------------------------------------------------------------------


def test_no_store_and_no_bus(apps: Apps, caplog: pytest.LogCaptureFixture) -> None:
    """Reads and requests inside begin no worker; without one, the base is the defaults."""
    app = apps.app(**NOWHERE)
    waffle = apps.bound(app)
    app.add_url_rule("/", view_func=lambda: waffle.current_settings.name)
    with caplog.at_level(logging.DEBUG), waffle.override(low=3):
        assert (waffle.current_settings.low, waffle.current_settings.high) == (3, 10)
        for _ in range(2):
            assert app.test_client().get("/").text == "Waffle"
        with app.app_context(), waffle.override(name="Cone"), waffle.pinned() as settings:
            assert (settings.name, settings.low, waffle.current_settings.low) == ("Cone", 3, 3)
            assert waffle.status().bus.detail == "not used yet in this process"
    assert [r.message for r in caplog.records if r.name.startswith("typed_waffle")] == []


def test_nothing_is_written_and_nobody_is_told(waffle: Waffle[Settings]) -> None:
    """No revision, no history, no callback and no signal."""
    told: list[object] = []
    waffle.on_change()(lambda _, new: told.append(new))
    with settings_changed.connected_to(lambda *_, **__: told.append(1)):
        waffle.start()
        with waffle.override(name="Cone"):
            assert waffle.snapshot().revision == 0
        assert waffle.history() == ()
    assert told == []


def test_it_is_validated_once_for_each_base(apps: Apps) -> None:
    """Requests inside share what was made of a base; only the newest few are remembered."""
    count = 0

    class Counted(Settings):
        @field_validator("name")
        @classmethod
        def _count(cls, value: str) -> str:
            nonlocal count
            count += 1
            return value

    app, waffle = apps.app(), Waffle(Counted)
    waffle.init_app(app)
    with waffle.override(name="Cone"):
        before = count
        for _ in range(10):
            with app.app_context():
                assert waffle.current_settings.name == "Cone"
        assert count == before
        for number in range(1, KEPT + 2):
            waffle.update(high=number)
            assert waffle.current_settings.high == number
    waffle.close()
