"""A merge patch: what becomes of each kind of setting."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest

from tests.support.compounds import KINDS
from tests.support.gallery import Parts, Values
from tests.support.kinds import Kind
from tests.support.teller import Teller
from typed_waffle import WaffleModel
from typed_waffle.admin.api import patch
from typed_waffle.admin.api.patch import patched
from typed_waffle.errors import InvalidChange
from typed_waffle.parts import GONE
from typed_waffle.paths import merged
from typed_waffle.setting import Setting
from typed_waffle.values import data, dumped


class Renamed(WaffleModel):
    new: Annotated[int, Setting(renamed_from="old")] = 0


@pytest.fixture
def teller(tmp_path: Path) -> Iterator[Teller]:
    teller = Teller(tmp_path, Parts)
    yield teller
    teller.close()


# --- what RFC 7396 says -----------------------------------------------------------------------


def test_parts_that_are_not_named_stay(teller: Teller) -> None:
    """Of a nested model only what the patch names changes, also one after the other."""
    teller.patched({"smtp": {"host": "mail"}})
    smtp = teller.patched({"smtp": {"port": 587}})["smtp"]
    assert smtp == {"host": "mail", "port": 587, "password": "**********", "headers": {}}


def test_null_is_the_default(teller: Teller) -> None:
    """`null` puts a setting back, or a part of one, and leaves the rest."""
    teller.patched({"smtp": {"host": "mail", "port": 587}, "tags": ["x"]})
    made = teller.patched({"smtp": {"port": None}, "tags": None})
    assert (made["smtp"]["host"], made["smtp"]["port"], made["tags"]) == ("mail", 25, ["new"])


def test_what_is_put_back_is_not_stored(teller: Teller) -> None:
    """A setting that `null` put back follows the default of the code again."""
    teller.patched({"tags": ["x"]})
    teller.patched({"tags": None})
    with teller.app.app_context():
        assert teller.waffle.snapshot().origin("tags") == "default"


def test_lists_are_replaced(teller: Teller) -> None:
    """A sequence, a tuple and a set become what is given; there is no part of them."""
    made = teller.patched({"tags": ["b"], "pair": [2, "b"], "admins": ["x", "a"]})
    assert (made["tags"], made["pair"], made["admins"]) == (["b"], [2, "b"], ["a", "x"])


def test_entries_of_a_mapping_are_changed_one_by_one(teller: Teller) -> None:
    """Entries that are not named stay, `null` takes one out, also one of the default."""
    teller.patched({"codes": {"2": "two"}})
    assert teller.patched({"codes": {"3": "three"}})["codes"] == {
        "1": "one",
        "2": "two",
        "3": "three",
    }
    assert teller.patched({"codes": {"1": None, "9": None}})["codes"] == {"2": "two", "3": "three"}
    assert teller.patched({"codes": None})["codes"] == {"1": "one"}


def test_models_in_a_mapping_are_merged(teller: Teller) -> None:
    """An entry that is a model keeps its other parts; a new one gets the defaults of its class."""
    made = teller.patched({"rooms": {"hall": {"seats": 3}, "attic": {"seats": 1}}})["rooms"]
    assert made == {
        "hall": {"name": "Hall", "seats": 3, "within": {}},
        "attic": {"name": "", "seats": 1, "within": {}},
    }
    made = teller.patched({"rooms": {"hall": {"name": None, "within": {"bar": {"seats": 9}}}}})
    assert made["rooms"]["hall"] == {
        "name": "",
        "seats": 3,
        "within": {"bar": {"name": "", "seats": 9, "within": {}}},
    }
    made = teller.patched({"rooms": {"hall": {"within": {"bar": None}}, "attic": None}})
    assert made["rooms"] == {"hall": {"name": "", "seats": 3, "within": {}}}


def test_a_mapping_in_a_model_is_merged_though_all_parts_are_given(teller: Teller) -> None:
    """Entries stay that a patch with every part of the model around them does not name."""
    teller.patched({"smtp": {"headers": {"X-A": "1"}}})
    whole = {"host": "m", "port": 1, "password": "p", "headers": {"X-B": "2"}}
    assert teller.patched({"smtp": whole})["smtp"]["headers"] == {"X-A": "1", "X-B": "2"}


def test_entries_that_come_at_once_are_all_there(teller: Teller) -> None:
    """Programs that put entries into one mapping at the same time lose none of them."""
    teller.get("/api/settings")
    statuses: list[int] = []

    def put(number: int) -> None:
        for entry in range(4):
            answer = teller.patch({"codes": {f"{number}{entry}": "x"}})
            statuses.append(answer.status_code)

    threads = [threading.Thread(target=put, args=(number,)) for number in (2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 12
    made = {f"{number}{entry}" for number in (2, 3, 4) for entry in range(4)}
    assert teller.get("/api/settings")["codes"].keys() == {"1", *made}


def test_a_model_that_is_optional_is_merged_if_it_is_there(teller: Teller) -> None:
    """The parts come over those that are there, or over the defaults of the class."""
    assert teller.patched({"relay": {"port": 26}})["relay"]["host"] == "localhost"
    teller.patched({"relay": {"host": "relay"}})
    made = teller.patched({"relay": {"headers": {"X": "1"}, "port": None}})["relay"]
    assert (made["host"], made["port"], made["headers"]) == ("relay", 25, {"X": "1"})
    assert teller.patched({"relay": None})["relay"] is None
    assert teller.patched({"relay": {}})["relay"]["host"] == "localhost"


def test_an_empty_object_changes_nothing_that_is_there(teller: Teller) -> None:
    """It names no part and no entry, so that all of them stay."""
    made = teller.patched({"relay": {"host": "relay"}, "rooms": {"hall": {"within": {"a": {}}}}})
    nothing: dict[str, object] = {}
    for given in (
        {"relay": nothing, "smtp": nothing, "codes": nothing, "at": nothing},
        {"rooms": {"hall": nothing}},
        {"rooms": {"hall": {"within": nothing}}},
        {"rooms": {"hall": {"within": {"a": {"within": nothing}}}}},
    ):
        assert teller.patched(given) == made
    assert teller.revision() == 1


def test_a_dataclass_has_parts_as_well(teller: Teller) -> None:
    """A part of a dataclass is changed as one of a model is."""
    assert teller.patched({"at": {"x": 2.5}})["at"] == {"x": 2.5, "y": 0.0}
    assert teller.patched({"at": {"y": 1, "x": None}})["at"] == {"x": 0.0, "y": 1.0}


def test_another_member_of_a_union_begins_anew() -> None:
    """What is given for one model does not come over another one's parts."""
    model = KINDS["X | Y: told by a discriminator"].model
    assignments, resets = patched(model, {"value": {"kind": "dog", "name": "rex"}})
    values, whole = merged(model(), assignments, resets)
    assert values["value"] == {"kind": "dog", "name": "rex"}
    assert not whole


def test_secrets_in_a_mapping_stay(tmp_path: Path) -> None:
    """A secret that is not named keeps its value, though nobody is shown it."""
    teller = Teller(tmp_path, KINDS["SecretStr: in a mapping"].model)
    teller.patched({"value": {"a": "first", "b": "second"}})
    teller.patched({"value": {"b": "third"}})
    with teller.app.app_context():
        value = teller.waffle.snapshot().settings.value
    assert {name: secret.get_secret_value() for name, secret in value.items()} == {
        "a": "first",
        "b": "third",
    }
    teller.close()


def test_what_is_taken_out_of_a_tree_is_gone() -> None:
    """Only a mapping's entry is marked; a part of a model is put back by its path."""
    assignments, resets = patched(Parts, {"codes": {"1": None}, "smtp": {"port": None}})
    assert assignments[0].value == {1: GONE}
    assert [str(path) for path in resets] == ["smtp.port"]


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"smtp": {"port": "25"}}, "/smtp/port"),
        ({"smtp": {"port": True}}, "/smtp/port"),
        ({"smtp": {"host": 5}}, "/smtp/host"),
        ({"smtp": "localhost"}, "/smtp"),
        ({"smtp": ["localhost"]}, "/smtp"),
        ({"tags": "new"}, "/tags"),
        ({"tags": [1]}, "/tags/0"),
        ({"tags": {"0": "a"}}, "/tags"),
        ({"pair": ["1", "a"]}, "/pair/0"),
        ({"codes": {"1": 1}}, "/codes/1"),
        ({"codes": {"x": "1"}}, "/codes/x"),
        ({"codes": [[1, "a"]]}, "/codes"),
        ({"codes": {"2": "a", "02": "b"}}, "/codes"),
        ({"codes": {"1": None, "01": "b"}}, "/codes"),
        ({"codes": {"2": "a", "02": "a", "3": "c"}}, "/codes"),
        ({"doors": [{"seats": "1"}]}, "/doors/0/seats"),
        ({"doors": [{"sets": 1}]}, "/doors/0/sets"),
        ({"rooms": {"a": {"within": {"b": {"seats": "1"}}}}}, "/rooms/a/within/b/seats"),
        ({"rooms": {"a": {"within": {"b": {"seats": 1.5}}}}}, "/rooms/a/within/b/seats"),
        ({"at": {"x": "1"}}, "/at/x"),
        ({"relay": {"port": 0}}, "/relay/port"),
        ({"relay": 5}, "/relay"),
        ({"keys": ["**********"]}, "/keys"),
        ({"smtp": {"password": "**********"}}, "/smtp/password"),
    ],
)
def test_what_does_not_fit_is_pointed_at(teller: Teller, given: object, pointer: str) -> None:
    """A value of another JSON type is not converted, and each fault says where it stands."""
    problem = teller.refused(given)
    assert problem["type"] == "urn:typed-waffle:InvalidChange"
    assert pointer in {error["pointer"] for error in problem["errors"]}
    assert all(error.keys() == {"pointer", "type", "detail"} for error in problem["errors"])


@pytest.mark.parametrize(
    "name",
    [
        *("__class__", "__dict__", "model_config", "model_fields", "__pydantic_extra__"),
        *("smtp.port", "SMTP", "smtp ", "", "constructor", "__proto__", "a/b~c", "tags.0"),
    ],
)
def test_only_what_is_declared_is_a_setting(teller: Teller, name: str) -> None:
    """No other name is taken: no path, no attribute, no name in another case."""
    problem = teller.refused({"tags": [], name: 1})
    assert problem["type"] == "urn:typed-waffle:UnknownSetting"
    assert problem["setting"] == name


@pytest.mark.parametrize(
    "given",
    [
        {"smtp": {"prt": 1}},
        {"smtp": {"__class__": None}},
        {"relay": {"model_config": {}}},
        {"rooms": {"hall": {"seat": 1}}},
        {"rooms": {"hall": {"within": {"a": {"b": {}}}}}},
        {"at": {"z": 1}},
    ],
)
def test_only_what_is_declared_is_a_part(teller: Teller, given: object) -> None:
    """At every depth a name that is not declared is refused, and what there is is told."""
    assert teller.refused(given)["type"] == "urn:typed-waffle:UnknownSetting"


def test_an_old_name_is_none(tmp_path: Path) -> None:
    """A renamed setting is written under its name of today, which the problem tells."""
    teller = Teller(tmp_path, Renamed)
    problem = teller.refused({"old": 1})
    assert (problem["type"], problem["nearest"]) == ("urn:typed-waffle:UnknownSetting", "new")
    assert teller.get("/api/history?field=old") == {"changes": []}
    teller.close()


def test_a_long_name_is_not_repeated(teller: Teller) -> None:
    """A name of a megabyte is refused at once, and is not sent back."""
    for given in ({"x" * 1_000_000: 1}, {"smtp": {"y" * 1_000_000: 1}}):
        answer = teller.patch(given)
        assert answer.status_code == 422
        assert len(answer.data) < 2_000


@pytest.mark.parametrize("part", [{"seats": 1}, {}, {"seats": None}, {"within": {"a": {}}}])
def test_parts_are_counted(
    teller: Teller, monkeypatch: pytest.MonkeyPatch, part: Mapping[str, object]
) -> None:
    """A patch of more parts and entries than can be read quickly is refused, whatever they are."""
    monkeypatch.setattr(patch, "MOST", 10)
    problem = teller.refused({"rooms": {f"room {number}": part for number in range(11)}})
    assert "more than 10 parts" in problem["detail"]
    assert teller.patch({"codes": {str(number): "x" for number in range(11)}}).status_code == 200


@pytest.mark.parametrize("part", [{"k" * 1_001: {}}, {"k" * 600: {"within": {"j" * 400: {}}}}])
def test_a_large_value_has_no_long_names(teller: Teller, part: Mapping[str, object]) -> None:
    """Pydantic repeats the names around a fault for each fault, which thousands may have."""
    filled = {f"room {number}": {"name": "x" * 10} for number in range(1_000)}
    problem = teller.refused({"rooms": {**filled, **part}})
    assert "more than 1000 characters" in problem["detail"]
    assert [error["pointer"] for error in problem["errors"]] == ["/rooms"]
    assert teller.patch({"rooms": part}).status_code == 200


# --- every kind -------------------------------------------------------------------------------


def sent_back(kind: Kind, shown: Mapping[str, Any]) -> object:
    """What the model makes of its own plain data as a patch."""
    assignments, resets = patched(kind.model, shown)
    values, _ = merged(kind.model(), assignments, resets)
    return values["value"] if values else kind.default


def test_what_is_shown_can_be_sent_back() -> None:
    """Of every kind without a secret, the values of note are taken as the API shows them."""
    odd: list[str] = []
    for name, kind in KINDS.items():
        if "Secret" in name:
            continue
        values = [value for value in kind.picked if not kind.refused(value)]
        odd += [f"{name}: {value!r}" for value in values if not kept(kind, value)]
    assert odd == []


def kept(kind: Kind, value: object) -> bool:
    settings = kind.model.model_validate({"value": value})
    shown = data(dumped(settings, ["value"])["value"])
    if shown is None:
        return True
    try:
        again = kind.model.model_validate({"value": sent_back(kind, {"value": shown})})
    except InvalidChange:
        return False
    return dumped(again, ["value"]) == dumped(settings, ["value"])


def test_values_of_most_types(tmp_path: Path) -> None:
    """Each type takes its own JSON form, and a size in words."""
    teller = Teller(tmp_path, Values)
    given = {
        "name": "Küche",
        "opened": False,
        "number": 10**30,
        "ratio": 0.25,
        "discount": 0,
        "price": "2.00",
        "tone": "friendly",
        "theme": 3,
        "size": "2 MiB",
        "pause": "PT1M",
        "since": "2026-01-31T12:00:00+01:00",
        "day": "2026-01-31",
        "pin": 42,
        "ident": "e3e70682-c209-1cac-a29f-6fbed82c07cd",
    }
    made = teller.patched(given)
    assert {**given, "size": 2_097_152, "pin": "**********", "discount": 0.0} == {
        name: made[name] for name in given
    }
    for wrong in ({"theme": "3"}, {"number": "1"}, {"opened": 1}, {"pause": "soon"}, {"pin": "1"}):
        teller.refused(wrong)
    teller.close()
