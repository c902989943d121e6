"""Setting: the marker, and what may be declared with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

import pytest
from pydantic import Field, SecretStr

from typed_waffle import DeclarationError, UnknownSetting, WaffleModel
from typed_waffle.model import Setting, facts, known, named, reader, secret_names

T = TypeVar("T")


class Shop(WaffleModel):
    """Two renamed fields, one of them a secret, and one that was not."""

    site_title: Annotated[str, Field(min_length=1), Setting(renamed_from="site_name")] = "Waffle"
    token: Annotated[SecretStr, Setting(renamed_from="api_key")] = SecretStr("")
    size: int = 1


def test_the_facts_tell_the_old_name() -> None:
    """None for a field that was always called so."""
    assert [(f.name, f.renamed_from) for f in facts(Shop).values()] == [
        ("site_title", "site_name"),
        ("token", "api_key"),
        ("size", None),
    ]


def test_the_marker_is_frozen_and_equal_by_value() -> None:
    """It stands in annotations, which are compared and hashed."""
    marker = Setting(renamed_from="x")

    assert {marker} == {Setting(renamed_from="x")}
    with pytest.raises(dataclasses.FrozenInstanceError):
        marker.renamed_from = "y"  # type: ignore[misc] # that is the case


def test_pydantic_takes_no_notice() -> None:
    """Values, dumps and the JSON schema are as without it; the rules beside it hold."""

    class Plain(WaffleModel):
        site_title: Annotated[str, Field(min_length=1)] = "Waffle"

    class Renamed(WaffleModel):
        site_title: Annotated[str, Field(min_length=1), Setting(renamed_from="old")] = "Waffle"

    settings = Renamed(site_title="x")
    assert settings.model_dump() == Plain(site_title="x").model_dump()
    schemas = [model.model_json_schema()["properties"] for model in (Plain, Renamed)]
    assert schemas[0] == schemas[1]
    with pytest.raises(ValueError, match="at least 1 character"):
        Renamed(site_title="")


def test_one_field_s_text_is_read_with_its_rules() -> None:
    """The marker is among the metadata of the reader's annotation."""
    assert reader(Shop, "site_title")('"x"') == "x"
    with pytest.raises(ValueError, match="at least 1 character"):
        reader(Shop, "site_title")('""')


def test_a_marker_that_says_nothing_is_fine() -> None:
    """A team may put one on every field."""

    class Quiet(WaffleModel):
        size: Annotated[int, Setting()] = 1

    assert facts(Quiet)["size"].renamed_from is None


# --- refused ----------------------------------------------------------------------------------


def renamed(old: Any) -> type[WaffleModel]:  # noqa: ANN401 - whatever somebody writes
    """A model of three fields, one of them renamed and one whose name is taken."""

    class Renamed(WaffleModel):
        new: Annotated[int, Setting(renamed_from=old)] = 1
        other: Annotated[int, Setting(renamed_from="taken")] = 1
        size: int = 1

    return Renamed


def twice() -> None:
    class Renamed(WaffleModel):
        new: Annotated[int, Setting(renamed_from="a"), Setting(renamed_from="b")] = 1


def in_a_container() -> None:
    class Renamed(WaffleModel):
        new: tuple[Annotated[int, Setting(renamed_from="a")], ...] = ()


def in_a_union() -> None:
    class Renamed(WaffleModel):
        new: Annotated[int, Setting(renamed_from="a")] | None = None


def in_a_nested_model() -> None:
    class Outer(WaffleModel):
        shops: tuple[Shop, ...] = ()


def in_itself() -> None:
    class Tree(WaffleModel):
        leaf: Annotated[int, Setting(renamed_from="a")] = 1
        branches: tuple[Tree, ...] = ()


@pytest.mark.parametrize(
    ("declare", "field", "reason"),
    [
        (lambda: renamed("not a name"), "new", "renamed_from='not a name' is not a Python name"),
        (lambda: renamed(""), "new", "renamed_from='' is not a Python name"),
        (lambda: renamed("class"), "new", "renamed_from='class' is not a Python name"),
        (lambda: renamed(5), "new", "renamed_from=5 is not a Python name"),
        (lambda: renamed("new"), "new", "renamed_from='new' is a field of this model"),
        (lambda: renamed("size"), "new", "renamed_from='size' is a field of this model"),
        (lambda: renamed("taken"), "new", "renamed_from='taken' is said of other too"),
        (twice, "new", "it says renamed_from more than once"),
        (in_a_container, "new", "inside of its type says nothing. Put it on the field"),
        (in_a_union, "new", "inside of its type says nothing"),
        (in_a_nested_model, "shops", "Shop.site_title says renamed_from, and is nested here"),
        (in_itself, "branches", "Tree.leaf says renamed_from, and is nested here"),
    ],
)
def test_a_name_that_cannot_be_the_old_one_is_refused(
    declare: Callable[[], object], field: str, reason: str
) -> None:
    """When the class is made, with the field and the reason."""
    with pytest.raises(DeclarationError) as refused:
        declare()
    assert refused.value.field == field
    assert reason in str(refused.value)


# --- inherited --------------------------------------------------------------------------------


class Branch(Shop):
    """Inherits two renames and adds one."""

    amount: Annotated[int, Setting(renamed_from="quantity")] = 1


def test_a_rename_is_inherited() -> None:
    """And a field that the subclass adds may be renamed as well."""
    assert named(Branch, {"site_name": '"a"', "quantity": "2"}) == {
        "site_title": '"a"',
        "amount": "2",
    }


def test_a_field_that_is_declared_anew_says_it_anew() -> None:
    """As with everything else in its annotation; the name is then free."""

    class Anew(Shop):
        site_title: str = "Branch"
        site_name: str = "Branch"

    assert facts(Anew)["site_title"].renamed_from is None
    assert named(Anew, {"site_name": '"a"'}) == {"site_name": '"a"'}


@pytest.mark.parametrize(
    ("annotation", "field"),
    [
        ({"site_name": str}, "site_title"),
        ({"label": Annotated[str, Setting(renamed_from="site_name")]}, "site_title"),
        ({"label": Annotated[str, Setting(renamed_from="size")]}, "label"),
    ],
)
def test_a_subclass_cannot_take_a_name_twice(annotation: dict[str, object], field: str) -> None:
    """Nor one that the base's rename reads."""
    name = next(iter(annotation))
    with pytest.raises(DeclarationError) as refused:
        type("Wrong", (Shop,), {"__annotations__": annotation, name: "", "__module__": __name__})
    assert refused.value.field == field


class Box(WaffleModel, Generic[T]):
    """Generic, and renamed."""

    content: Annotated[T | None, Setting(renamed_from="inside")] = None


def test_a_generic_model_keeps_its_renames() -> None:
    """Under the type that it is given."""
    assert named(Box[int], {"inside": "1"}) == {"content": "1"}
    assert reader(Box[int], "content")("1") == 1


# --- by name ----------------------------------------------------------------------------------


def test_the_new_name_counts_before_the_old() -> None:
    """Names that the model does not have are left out, and nothing is made up."""
    stored = {"site_name": '"old"', "site_title": '"new"', "size": "2", "gone": "3"}

    assert named(Shop, stored) == {"site_title": '"new"', "size": "2"}
    assert named(Shop, {"site_name": '"old"'}) == {"site_title": '"old"'}
    assert named(Shop, {}) == {}


def test_secrets_are_known_by_both_names() -> None:
    """What hides or encrypts by name asks this."""
    assert secret_names(Shop) == {"token", "api_key"}


def test_an_old_name_is_no_setting_and_the_error_tells_the_new() -> None:
    """However little the two are alike."""
    with pytest.raises(UnknownSetting, match="did you mean 'token'") as unknown:
        known(Shop, "api_key")
    assert unknown.value.nearest == "token"
    assert known(Shop, "api_key", former=True).name == "token"
