"""What people do with settings, whatever the surface."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kiosk import Kiosk, Smtp
from typed_waffle import (
    ConfigurationError,
    InvalidChange,
    RevisionConflict,
    StoreUnavailable,
    Waffle,
)
from typed_waffle import desk as module
from typed_waffle.desk import Desk, Signature
from typed_waffle.parts import GONE, Parts
from typed_waffle.paths import Assignment, assigned, merged, parsed

ADA = Signature("cli", "ada", "why")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'kiosk.db'}"


@pytest.fixture
def desk(url: str) -> Iterator[Desk[Kiosk]]:
    with Waffle(Kiosk).connect({"WAFFLE_DATABASE_URL": url}) as waffle:
        yield Desk(waffle)


@pytest.fixture
def other(url: str) -> Iterator[Waffle[Kiosk]]:
    """Another worker on the same database."""
    with Waffle(Kiosk).connect({"WAFFLE_DATABASE_URL": url}) as waffle:
        yield waffle


def given(path: str, text: str) -> Assignment:
    return assigned(Kiosk, parsed(Kiosk, path), text)


def test_the_catalog_is_of_now(desk: Desk[Kiosk], other: Waffle[Kiosk]) -> None:
    """What another worker changed a moment ago is in it, with who did it."""
    assert desk.catalog().entry("low").value == 0
    with other.edit(actor="bob") as edit:
        edit.update(low=3)
    catalog = desk.catalog()
    entry = catalog.entry("low")
    assert (catalog.revision, entry.value) == (1, 3)
    assert entry.latest is not None
    assert (entry.latest.revision, entry.latest.actor) == (1, "bob")


def test_several_paths_are_one_change(desk: Desk[Kiosk]) -> None:
    """It says who, why and how; its values are plain data."""
    change = desk.change(ADA, [given("smtp.host", "mail"), given("max_filesize", "2 kB")])
    assert change is not None
    assert (change.revision, change.actor, change.note, change.channel) == (1, "ada", "why", "cli")
    assert {f.field: f.after for f in change.fields}["max_filesize"] == 2000
    assert desk.waffle.current_settings.smtp == Smtp(host="mail")
    assert desk.change(ADA, [given("smtp.host", "mail")]) is None
    reset = desk.change(ADA, resets=[parsed(Kiosk, "smtp.host"), parsed(Kiosk, "max_filesize")])
    assert reset is not None
    assert desk.waffle.current_settings == Kiosk()


def test_a_part_overwrites_no_other_part(
    desk: Desk[Kiosk], other: Waffle[Kiosk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who changes one part at the same time as somebody else another loses nothing."""
    meanwhile = iter([Smtp(port=26), Smtp(port=27)])

    def slow(settings: Kiosk, *rest: object) -> object:
        made = merged(settings, *rest)  # type: ignore[arg-type] # passed on
        smtp = next(meanwhile, None)
        if smtp is not None:
            other.update(smtp=smtp)
        return made

    monkeypatch.setattr(module, "merged", slow)
    change = desk.change(ADA, [given("smtp.host", "mail")])
    assert change is not None
    assert change.revision == 3
    assert desk.waffle.current_settings.smtp == Smtp(host="mail", port=27)


def test_entries_overwrite_no_other_entry(
    desk: Desk[Kiosk], other: Waffle[Kiosk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries that are put into a mapping, or taken out, leave what somebody else put there."""
    meanwhile = iter([{"waffle": 5, "tea": 2}, {"waffle": 5, "tea": 2, "cake": 3}])

    def slow(settings: Kiosk, *rest: object) -> object:
        made = merged(settings, *rest)  # type: ignore[arg-type] # passed on
        menu = next(meanwhile, None)
        if menu is not None:
            other.update(menu=menu)
        return made

    monkeypatch.setattr(module, "merged", slow)
    desk.change(ADA, [Assignment(parsed(Kiosk, "menu"), Parts(juice=4, waffle=GONE, none=GONE))])
    assert desk.waffle.current_settings.menu == {"tea": 2, "cake": 3, "juice": 4}


def test_who_expects_a_revision_is_told_of_a_conflict(
    desk: Desk[Kiosk], other: Waffle[Kiosk]
) -> None:
    """With an expected revision nothing is tried again, parts or not."""
    other.update(low=1)
    for path, text in (("low", "2"), ("smtp.host", "mail")):
        with pytest.raises(RevisionConflict) as caught:
            desk.change(Signature("cli", expected_revision=0), [given(path, text)])
        assert (caught.value.actual, len(caught.value.changes)) == (1, 1)
    assert desk.change(Signature("cli", expected_revision=1), [given("low", "2")]) is not None
    desk.check(Signature("cli", expected_revision=2))
    with pytest.raises(RevisionConflict):
        desk.check(Signature("cli", expected_revision=1))


def test_an_endless_race_ends(
    desk: Desk[Kiosk], other: Waffle[Kiosk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If others write all the time, the conflict is told."""
    port = iter(range(100, 200))

    def slow(settings: Kiosk, *rest: object) -> object:
        other.update(smtp=Smtp(port=next(port)))
        return merged(settings, *rest)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(module, "merged", slow)
    with pytest.raises(RevisionConflict):
        desk.change(ADA, [given("smtp.host", "mail")])
    assert next(port) == 100 + module.ATTEMPTS


def test_without_the_database_nothing_is_shown(tmp_path: Path) -> None:
    """Defaults, or a copy, would be taken for what is stored."""
    url = f"sqlite:///{tmp_path / 'missing' / 'kiosk.db'}"
    connected = Waffle(Kiosk).connect({"WAFFLE_DATABASE_URL": url})
    with connected as waffle, pytest.raises(StoreUnavailable):
        Desk(waffle).catalog()


def test_without_redis_nobody_knows_the_workers(desk: Desk[Kiosk]) -> None:
    """One worker, shown as the fleet, would be a lie."""
    with pytest.raises(ConfigurationError, match="WAFFLE_REDIS_URL"):
        desk.workers()


def test_a_rollback_is_foreseen(desk: Desk[Kiosk], other: Waffle[Kiosk]) -> None:
    """On top of which revision, and what it would do; nothing is written."""
    desk.change(ADA, [given("low", "3")])
    other.update(low=4)
    revision, fields, kept = desk.foreseen_rollback(1)
    assert (revision, kept) == (2, ())
    assert [(field.field, field.before, field.after) for field in fields] == [("low", 4, 3)]
    assert desk.foreseen_rollback(2) == (2, (), ())
    with pytest.raises(InvalidChange, match="no way back to revision 3"):
        desk.foreseen_rollback(3)
    assert desk.revision == 2


@pytest.mark.parametrize("number", [2**63, 10**30])
def test_a_bound_past_what_a_store_counts_is_no_bound(desk: Desk[Kiosk], number: int) -> None:
    """No database is asked for a number that it cannot hold."""
    desk.change(ADA, [given("low", "3")])
    (change,) = desk.history(field=None, limit=number, before=number)
    assert change.revision == 1
