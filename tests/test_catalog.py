"""What people may know of every setting."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from tests.support.models import CANARY, Shop, shown
from typed_waffle.catalog import Catalog, Entry, plain, told
from typed_waffle.change import Change, FieldChange, Stamp
from typed_waffle.environment import locks
from typed_waffle.model import facts
from typed_waffle.snapshot import Unfit
from typed_waffle.values import MASK

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def stamp(revision: int) -> Stamp:
    return Stamp(revision, NOW, "ada", "why", "cli")


def entries(**overrides: str) -> dict[str, Entry]:
    catalog = Catalog(shown(overrides=overrides, revision=3), {})
    return {entry.field: entry for entry in catalog.entries()}


def test_every_setting_is_there_in_order() -> None:
    """The catalog follows the model."""
    assert list(entries()) == list(facts(Shop))


def test_a_default() -> None:
    """A setting that nobody set shows its default, its type, its rule and its description."""
    entry = entries()["name"]
    assert (entry.value, entry.default, entry.origin, entry.stored) == (
        "Waffle",
        "Waffle",
        "default",
        False,
    )
    assert (entry.type, entry.constraint) == ("str", "1 to 300000 characters")
    assert entry.description == "Shown in the page header."
    assert [(layer.origin, layer.wins) for layer in entry.layers] == [("default", True)]
    assert entry.latest is None


def test_what_is_stored() -> None:
    """It wins over the default, which is told as well."""
    entry = entries(name='"Cone"', high="3")["name"]
    assert (entry.value, entry.default, entry.origin, entry.stored) == (
        "Cone",
        "Waffle",
        "stored",
        True,
    )
    assert [(layer.origin, layer.value, layer.wins) for layer in entry.layers] == [
        ("stored", "Cone", True),
        ("default", "Waffle", False),
    ]


def test_what_the_environment_pins() -> None:
    """The variable wins, and every place is told."""
    found = locks(Shop, "SHOP_", {"SHOP_NAME": "Pinned"})
    entry = Catalog(shown(overrides={"name": '"Cone"'}, locks=found), {}).entry("name")
    assert (entry.value, entry.origin, entry.variable) == ("Pinned", "environment", "SHOP_NAME")
    assert [(layer.value, layer.wins, layer.note) for layer in entry.layers] == [
        ("Pinned", True, "SHOP_NAME"),
        ("Cone", False, None),
        ("Waffle", False, None),
    ]


def test_no_secret_is_told() -> None:
    """Secrets are masked, in parts and in what is stored, too."""
    found = entries(token=f'"{CANARY}"', smtp=f'{{"password":"{CANARY}"}}')
    assert CANARY not in str(found)
    assert found["token"].value == MASK
    assert found["smtp"].value == {"host": "localhost", "port": 25, "password": MASK}
    assert found["token"].secret


def test_what_does_not_fit() -> None:
    """What is stored and refused is told with its reason; the default is shown."""
    snapshot = replace(
        shown(),
        state=shown(overrides={"high": "3"}).state,
        unfit={"high": Unfit("it is odd")},
    )
    entry = Catalog(snapshot, {}).entry("high")
    assert (entry.value, entry.origin, entry.problem) == (10, "default", "it is odd")
    assert [(layer.value, layer.wins, layer.note) for layer in entry.layers] == [
        (3, False, "it is odd"),
        (10, True, None),
    ]
    unknown = Catalog(replace(snapshot, unfit={"high": Unfit("")}), {}).entry("high")
    assert unknown.problem == "a rule across settings refuses it"


def test_all_at_once_is_the_same_as_one_by_one() -> None:
    """Also of a part of the settings only."""
    snapshot = shown(overrides={"name": '"Cone"', "token": f'"{CANARY}"'}, revision=3)
    found = Catalog(snapshot, {}).entries()
    assert found == tuple(Catalog(snapshot, {}).entry(name) for name in facts(Shop))
    some = Catalog(snapshot, {}).entries({"token", "name"})
    assert [entry.field for entry in some] == ["name", "token"]


def test_the_latest_change() -> None:
    """Who changed it last, under whatever name."""
    catalog = Catalog(shown(revision=3), {"low": stamp(2)})
    assert catalog.entry("low").latest == stamp(2)
    assert catalog.entry("high").latest is None


def test_a_change_as_plain_data() -> None:
    """Values of a change are told as JSON has them; what the model does not know stays."""
    fields = (
        FieldChange("admins", frozenset({"root"}), frozenset({"b", "a"})),
        FieldChange("token", MASK, MASK),
        FieldChange("gone", [1], None),
    )
    change = Change(1, "id", NOW, None, None, "cli", fields)
    assert [(f.before, f.after) for f in told(Shop, change).fields] == [
        (["root"], ["a", "b"]),
        (MASK, MASK),
        ([1], None),
    ]
    assert plain(Shop, "limits", shown().settings.limits) == {"x": [1, 2]}
