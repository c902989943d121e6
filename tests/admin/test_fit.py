"""Which controls suit a type: each shows its values, and gives them back exactly."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field, Secret, SecretBytes, SecretStr
from werkzeug.datastructures import MultiDict

from tests.support.compounds import KINDS
from tests.support.kinds import Kind
from tests.support.models import one
from tests.support.office import Bakery
from typed_waffle.admin.pages.leaf import Leaf
from typed_waffle.admin.pages.overlap import at
from typed_waffle.admin.pages.sheet import Sheet, sheet_of
from typed_waffle.admin.pages.typed import Posted, Reader
from typed_waffle.admin.visitor import Rights, Visitor
from typed_waffle.portable.format import exactly
from typed_waffle.values import dumped, loaded, shown

kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def leaves(kind: Kind, value: object) -> list[tuple[Leaf, object]]:
    """The leaves of a kind, and what stands at each if the setting has that value."""
    stored = kind.model.model_validate({"value": value}, by_name=True)
    data = shown(loaded(kind.model, dumped(stored, ["value"])))
    return [(leaf, at(data["value"], leaf.path.keys)) for leaf in sheet_of(kind.model).root.every()]


def sent(leaf: Leaf, data: object, *, was: str | None = None) -> MultiDict[str, str]:
    """What a browser sends of a control that nobody touched: lines end as in HTTP."""
    stands = leaf.shown(data)
    form = MultiDict[str, str]()
    form[f"w.{leaf.name}"] = stands.digest if was is None else was
    form[f"v.{leaf.name}"] = stands.text.replace("\n", "\r\n")
    if stands.none and leaf.flagged:
        form[f"n.{leaf.name}"] = "1"
    return form


def posted(kind: Kind, form: MultiDict[str, str]) -> Posted:
    reader = Reader(sheet_of(kind.model), kind.model, "default", Visitor("ann", Rights()))
    return reader.posted(form)


def survives(kind: Kind, value: object) -> None:
    for leaf, data in leaves(kind, value):
        stands = leaf.shown(data)
        assert not posted(kind, sent(leaf, data)).typed, f"{value!r} counts as changed"
        if leaf.secret:
            assert stands.text == ""
            continue
        # Typed anew, when nobody knows what stood there before, it is the same value.
        typed = posted(kind, sent(leaf, data, was=f"{stands.control.kind}:?")).typed[leaf.name]
        assert typed.error is None
        if stands.control.kind == "utc":  # the moment is the same, in UTC
            assert datetime.fromisoformat(str(typed.plain)) == datetime.fromisoformat(str(data))
        elif isinstance(data, list) and "NaN" in data:  # NaN has no place in an order
            assert sorted(map(exactly, cast("list[object]", typed.plain))) == sorted(
                map(exactly, data)
            )
        else:
            assert exactly(typed.plain) == exactly(data)


@kinds
def test_a_default_survives(kind: Kind) -> None:
    """What nobody touched is unchanged, and what is typed as it stands is the same value."""
    survives(kind, getattr(kind.model(), "value"))  # noqa: B009 - the model is made at run time


@pytest.mark.parametrize(
    ("kind", "value"), [(k, v) for k in KINDS.values() for v in k.picked if not k.refused(v)]
)
def test_odd_values_survive(kind: Kind, value: object) -> None:
    """So it is with values at which something broke once."""
    survives(kind, value)


@kinds
@given(choice=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_value_survives(kind: Kind, choice: st.DataObject) -> None:
    """So it is with any value."""
    value = choice.draw(kind.values)
    if not kind.refused(value):
        survives(kind, value)


def control(annotation: Any, default: Any) -> str:  # noqa: ANN401 - of any type
    """The kind of control that a default of a type gets."""
    model = one(annotation, default)
    (leaf,) = sheet_of(model).root.every()
    return leaf.shown(shown(model())["value"]).control.kind


def bakery() -> Sheet:
    return sheet_of(Bakery)


def test_each_type_has_a_control_that_fits() -> None:
    """A truth value is a switch, an enum is chosen, a number counted, and so on."""
    data = shown(Bakery())
    found = {
        leaf.name: leaf.shown(at(data[leaf.path.field], leaf.path.keys)).control.kind
        for leaf in bakery().root.every()
    }
    assert found == {
        "name": "line",
        "motto": "area",
        "greeting": "line",
        "open": "switch",
        "shift": "select",
        "theme": "select",
        "price": "number",
        "seats": "number",
        "low": "number",
        "high": "number",
        "ratio": "number",
        "quota": "number",
        "upload": "size",
        "pause": "duration",
        "opens": "time",
        "since": "date",
        "launched": "utc",
        "tags": "lines",
        "holidays": "lines",
        "prices": "json",
        "ovens": "json",
        "token": "block",
        "keys": "sealed",
        "smtp.host": "area",
        "smtp.port": "number",
        "smtp.password": "block",
        "smtp.tls.verify": "switch",
        "smtp.tls.versions": "lines",
    }


def test_a_number_has_its_bounds_and_its_step() -> None:
    """A browser counts between the bounds, in steps that are values."""
    leaves_ = bakery().leaves
    assert dict(leaves_["seats"].controls[0].attributes) == {
        "min": "1",
        "max": "500",
        "step": "1",
        "inputmode": "numeric",
    }
    price = leaves_["price"]
    assert price.controls[0].attributes["step"] == "0.01"
    assert price.unit == "EUR"
    assert leaves_["ratio"].controls[0].attributes["step"] == "any"


@pytest.mark.parametrize(
    ("rules", "attributes"),
    [
        (Field(gt=0.0, lt=10.0), {"min": "1", "max": "9", "step": "1"}),
        (Field(gt=0, lt=10), {"min": "1", "max": "9", "step": "1"}),
        (Field(ge=10, multiple_of=5), {"min": "10", "step": "5"}),
        (Field(ge=11, multiple_of=5), {"min": "11", "step": "any"}),
    ],
)
def test_a_browser_refuses_no_whole_number_that_fits(
    rules: Any,  # noqa: ANN401 - as Field gives it
    attributes: dict[str, str],
) -> None:
    """It counts from the least one, so that has to be a value, or it counts nothing."""
    model = one(Annotated[int, rules], 5 if "9" in attributes.values() else 15)
    (leaf,) = sheet_of(model).root.every()
    assert {"inputmode": "numeric", **attributes} == dict(leaf.controls[0].attributes)


@pytest.mark.parametrize(
    ("annotation", "attributes"),
    [
        (int, {"step": "any"}),
        (
            Annotated[int, Field(gt=0, multiple_of=5)],
            {"min": "1", "step": "any", "inputmode": "numeric"},
        ),
        (Annotated[int, Field(gt=4, multiple_of=5)], {"min": "5", "step": "5"}),
        (Annotated[int, Field(multiple_of=5)], {"step": "any"}),
        (Annotated[Decimal, Field(decimal_places=2)], {"step": "any"}),
        (Annotated[Decimal, Field(gt=0, decimal_places=2)], {"step": "any"}),
    ],
)
def test_a_browser_counts_steps_from_a_bound_only(
    annotation: Any,  # noqa: ANN401 - of any type
    attributes: dict[str, str],
) -> None:
    """Without one it counts from what stands there, and refuses the whole form for one value."""
    (leaf,) = sheet_of(one(annotation, 10)).root.every()
    known = {"inputmode": "numeric"} if "min" in attributes else {}
    assert dict(leaf.controls[0].attributes) == {**known, **attributes}


def test_a_truth_value_that_may_be_missing_is_chosen() -> None:
    """A switch has two states, not three."""
    assert control(bool | None, None) == "select"


def test_a_secret_that_may_have_lines_is_a_block() -> None:
    """An input for passwords drops the ends of lines; a short secret or a number has none."""
    assert control(SecretStr, SecretStr("")) == "block"
    assert control(SecretBytes, SecretBytes(b"")) == "block"
    assert control(Annotated[SecretStr, Field(max_length=64)], SecretStr("")) == "password"
    assert control(Secret[int], Secret(1)) == "password"


def test_items_that_no_line_holds_are_json() -> None:
    """An item with blanks around it, with a newline, or empty, would be lost on a line."""
    for text in ("", " a", "a ", "a\nb", "a\rb"):
        assert control(tuple[str, ...], (text,)) == "json"
    assert control(tuple[str, ...], ("a b", "ä")) == "lines"


def test_texts_that_no_browser_gives_back_are_json() -> None:
    """A carriage return or a NUL would not come back as it is."""
    for text in ("a\rb", "a\r\nb", "\0", "\x1b[1m"):
        assert control(str, text) == "json"
    assert control(str, "a\n\tb") == "area"
