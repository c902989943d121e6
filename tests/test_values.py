"""One value to JSON text and back, without loss."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import math
import typing as t
import uuid
from collections import abc
from decimal import Decimal
from fractions import Fraction
from ipaddress import IPv4Address, IPv6Network
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import (
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    HttpUrl,
    PlainSerializer,
    Secret,
    SecretBytes,
    SecretStr,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    computed_field,
    model_serializer,
)

from tests.support.models import CANARY, Foreign, Shop, Smtp, one
from typed_waffle import WaffleModel, values
from typed_waffle.frozendict import FrozenDict
from typed_waffle.values import (
    MASK,
    MAX_TEXT,
    data,
    document,
    dumped,
    loaded,
    malformed,
    masked,
    same,
)

UTC = dt.UTC
PLUS_2 = dt.timezone(dt.timedelta(hours=2))


class Colour(enum.Enum):
    RED = "red"
    BLUE = 2


class Level(enum.IntEnum):
    LOW = 1


class Cat(WaffleModel):
    kind: t.Literal["cat"] = "cat"
    lives: int = 9


class Dog(WaffleModel):
    kind: t.Literal["dog"] = "dog"
    name: str = ""


Pet = t.Annotated[Cat | Dog, Field(discriminator="kind")]


class Node(WaffleModel):
    value: int = 0
    below: abc.Mapping[str, Node] = {}


@dataclasses.dataclass(frozen=True)
class Point:
    x: float = 0.0
    y: float = 0.0


class Pair(t.NamedTuple):
    left: int = 0
    right: str = ""


class Aliased(WaffleModel):
    size: int = Field(1, alias="SIZE")


class Doubled(WaffleModel):
    size: int = 1

    @computed_field  # type: ignore[prop-decorator] # Pydantic's own way
    @property
    def double(self) -> int:
        """Not stored: it is computed."""
        return self.size * 2


ROUND_TRIPS: list[tuple[t.Any, t.Any]] = [
    (bool, True),
    (int, -1),
    (int, 2**70),
    (int, -(10**400)),
    (float, 0.1),
    (float, 1.0),
    (float, -0.0),
    (float, 5e-324),
    (float, 1.7976931348623157e308),
    (str, ""),
    (str, "\x00\r\n\t\"\\'/"),
    (str, "é ß 漢 \U0001f9c7 \u2028\ufeff"),
    (bytes, b""),
    (bytes, b"\xff\xfe\x00"),
    (Decimal, Decimal("1.10")),
    (Decimal, Decimal("1E+400")),
    (t.Annotated[float, Field(allow_inf_nan=True)], math.inf),
    (t.Annotated[float, Field(allow_inf_nan=True)], math.nan),
    (t.Annotated[Decimal, Field(allow_inf_nan=True)], Decimal("sNaN")),
    (Fraction, Fraction(1, 3)),
    (complex, 1 + 2j),
    (dt.date, dt.date(1, 1, 1)),
    (dt.time, dt.time(23, 59, 59, 999999)),
    (dt.time, dt.time(1, 2, tzinfo=PLUS_2)),
    (dt.datetime, dt.datetime(2024, 2, 29, 1, 2, 3, 4)),  # noqa: DTZ001 - that is the case
    (dt.datetime, dt.datetime(2024, 2, 29, tzinfo=UTC)),
    (dt.datetime, dt.datetime(2024, 2, 29, tzinfo=PLUS_2)),
    (dt.datetime, dt.datetime(2024, 2, 29, tzinfo=ZoneInfo("Europe/Paris"))),
    (dt.datetime, dt.datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Paris"))),
    (dt.datetime, dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Paris"))),
    (dt.timedelta, dt.timedelta(days=-3, microseconds=7)),
    (uuid.UUID, uuid.UUID(int=7)),
    (Path, Path("/a/b")),
    (IPv4Address, IPv4Address("10.0.0.1")),
    (IPv6Network, IPv6Network("2001:db8::/32")),
    (HttpUrl, HttpUrl("https://example.org/a?b=c")),
    (ByteSize, ByteSize(1000)),
    (ZoneInfo, ZoneInfo("Europe/Paris")),
    (Colour, Colour.BLUE),
    (Level, Level.LOW),
    (t.Literal["a", 1] | None, 1),
    (int | None, None),
    (int | str, "1"),
    (int | float, 1.0),
    (bool | int, 1),
    (tuple[int, ...], (1, 2)),
    (tuple[int, str], (1, "a")),
    (tuple[()], ()),
    (frozenset[int], frozenset({1, 2})),
    (frozenset[tuple[int, ...]], frozenset({(1, 2)})),
    (abc.Sequence[abc.Mapping[str, int]], (FrozenDict({"a": 1}),)),
    (abc.Mapping[int, str], FrozenDict({1: "a"})),
    (abc.Mapping[dt.date, bytes], FrozenDict({dt.date(2024, 1, 1): b"\xff"})),
    (abc.Mapping[uuid.UUID, bool], FrozenDict({uuid.UUID(int=1): True})),
    (abc.Mapping[Colour, int], FrozenDict({Colour.RED: 1})),
    (Pet, Dog(name="Rex")),
    (tuple[Pet, ...], (Cat(lives=3), Dog(name="Rex"))),
    (Cat | Dog, Dog(name="Rex")),
    (Node, Node(below={"a": Node(value=1, below={"b": Node()})})),
    (Smtp, Smtp(host="h", password=SecretStr("p"))),
    (Foreign, Foreign(sizes=(1, 2))),
    (Point, Point(1.5, -2.0)),
    (Pair, Pair(1, "a")),
    (Aliased, Aliased(SIZE=3)),
    (Doubled, Doubled(size=3)),
    (SecretStr, SecretStr(CANARY)),
    (SecretBytes, SecretBytes(b"\xff")),
    (Secret[int], Secret(7)),
    (Secret[dt.date], Secret(dt.date(2024, 1, 1))),
    (Secret[tuple[bytes, ...]], Secret((b"\xff",))),
    (tuple[SecretStr, ...], (SecretStr("a"), SecretStr("b"))),
    (SecretStr | None, SecretStr("a")),
]


@pytest.mark.parametrize(("annotation", "value"), ROUND_TRIPS)
def test_a_value_survives_the_store(annotation: t.Any, value: t.Any) -> None:  # noqa: ANN401 - of any type
    """Value, ASCII text, and the same value again, of the same type at every depth."""
    model = one(annotation, value)

    text = dumped(model(), ["value"])["value"]

    assert text.isascii()
    assert same(loaded(model, {"value": text}).value, value)


class Impure(BaseModel):
    """Floats here may be infinite, which JSON cannot say."""

    model_config = ConfigDict(frozen=True)

    size: float = 0


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Impure, Impure(size=math.inf)),
        pytest.param(int, 10**5000, id="an int of 5001 digits"),
        (t.Annotated[int, PlainSerializer(lambda v: v + 1)], 1),
        (t.Annotated[int, PlainSerializer(lambda v: 1 // v)], 0),
        (str, "\ud800"),
        (Path, Path("\udcff")),
        (dt.datetime, dt.datetime(2024, 1, 1, fold=1)),  # noqa: DTZ001 - that is the case
        (dt.time, dt.time(1, tzinfo=ZoneInfo("Europe/Paris"))),
        (Cat | Dog, Smtp()),
    ],
)
def test_what_does_not_survive_is_seen(annotation: t.Any, value: t.Any) -> None:  # noqa: ANN401 - of any type
    """Dumping or loading fails with a ValueError, or the result is not the same: never silence."""
    model = create_lenient(annotation)
    settings = model.model_construct(value=value)

    try:
        survived = same(loaded(model, dumped(settings, ["value"])).value, value)
    except ValueError:
        survived = False
    assert not survived


def create_lenient(annotation: t.Any) -> t.Any:  # noqa: ANN401 - a model of any one field
    return one(t.Union[annotation, None], None)  # noqa: UP007 - run-time types


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_any_text_that_utf8_holds_survives(text: str) -> None:
    """No code point is lost or refused, NUL and separators included."""
    model = one(str, "")

    assert loaded(model, dumped(model(value=text), ["value"])).value == text


def test_only_the_fields_asked_for_are_dumped() -> None:
    """A change stores what it touched."""
    assert dumped(Shop(), ["low", "tags"]) == {"low": "0", "tags": '["a","b"]'}


def test_a_computed_field_is_not_dumped() -> None:
    """It could not be loaded again."""
    assert dumped(one(Doubled, Doubled())(), ["value"]) == {"value": '{"size":1}'}


def test_an_alias_is_for_input_only() -> None:
    """The store knows a field by its name, whatever its aliases."""
    model = Aliased

    assert dumped(Aliased(SIZE=3), ["size"]) == {"size": "3"}
    assert loaded(model, {"size": "3"}).size == 3


def test_the_store_sees_a_secret_in_the_clear() -> None:
    """Otherwise asterisks would be loaded back (FAULTS V2)."""
    shop = Shop(token=SecretStr(CANARY), smtp=Smtp(password=SecretStr(CANARY)))

    texts = dumped(shop, ["token", "smtp"])

    assert [json.loads(texts["token"]), json.loads(texts["smtp"])["password"]] == [CANARY, CANARY]


SECRETS: list[tuple[t.Any, t.Any]] = [
    (SecretStr, CANARY),
    (SecretBytes, CANARY.encode()),
    (Secret[str], Secret(CANARY)),
    (SecretStr | None, CANARY),
    (tuple[SecretStr, ...], (CANARY,)),
    (frozenset[SecretStr], (CANARY,)),
    (abc.Mapping[str, SecretStr], {"a": CANARY}),
    (Smtp, {"password": CANARY}),
    (tuple[Smtp, ...], ({"password": CANARY},)),
    (t.Annotated[SecretStr, Field(min_length=1)], CANARY),
]


@pytest.mark.parametrize(("annotation", "value"), SECRETS)
def test_a_secret_is_masked_for_everyone_else(annotation: t.Any, value: t.Any) -> None:  # noqa: ANN401 - of any type
    """Masked texts and the repr show asterisks, wherever the secret stands."""
    default = () if "[" in str(annotation) and "Secret[" not in str(annotation) else value
    model = one(annotation, default or value)
    settings_ = model(value=value)

    shown = f"{masked(settings_, ['value'])}{settings_!r}{settings_}"

    assert CANARY not in shown
    assert MASK in shown


def test_all_fields_are_shown_at_once() -> None:
    """As they are masked one by one; what cannot be written is left to that."""
    settings_ = Shop(token=SecretStr(CANARY), tags=["x"])
    alone = {name: json.loads(masked(settings_, [name])[name]) for name in Shop.model_fields}
    assert values.shown(settings_) == alone
    assert CANARY not in str(alone)

    class Broken(WaffleModel):
        value: int = 0

        @model_serializer
        def fails(self) -> dict[str, int]:
            if self.value == 7:
                raise ZeroDivisionError
            return {"value": self.value}

    assert values.shown(Broken(value=7)) == {}
    assert values.shown(Broken(value=1)) == {"value": 1}


def test_an_inherited_secret_is_still_stored_and_masked() -> None:
    """Each level of inheritance looks at the field again, and changes nothing."""

    class Child(Smtp):
        extra: int = 1

    class Grandchild(Child):
        more: int = 1

    settings_ = Grandchild(password=SecretStr(CANARY))

    assert dumped(settings_, ["password"]) == {"password": f'"{CANARY}"'}
    assert masked(settings_, ["password"]) == {"password": f'"{MASK}"'}


def test_no_texts_make_the_defaults() -> None:
    """An application with nothing stored boots."""
    assert loaded(Shop, {}) == Shop()


def test_a_text_that_does_not_fit_is_refused() -> None:
    """Loading validates: types, constraints, and rules across fields."""
    for texts in ({"low": '"x"'}, {"name": '""'}, {"low": "11"}):
        with pytest.raises(ValidationError):
            loaded(Shop, texts)


def test_the_document_is_one_object() -> None:
    """All overrides are loaded at once, so that rules across fields see them together."""
    assert json.loads(document({"low": "20", 'a"b': "[1]"})) == {"low": 20, 'a"b': [1]}


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "{", "nul", "'a'", "1 2", "1,2", '1,"other":2', "1}", "1],[2", "1]", "[1"),
        *('"\\ud800"', '"\udcff"', "[" * 5000, "9" * 4301, "[" * 201 + "]" * 201),
        '"' + "x" * MAX_TEXT + '"',
    ],
    ids=lambda text: text[:20],
)
def test_a_text_that_is_not_json_is_seen(text: str) -> None:
    """Hostile and broken texts are told from JSON before they can touch their neighbours."""
    assert malformed(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        *("1", " 1 ", "null", '"a"', "[]", '{"a": 1, "a": 2}', "1e999", "NaN", "9" * 4300),
        *("[" * 200 + "]" * 200, '"' + "x" * (MAX_TEXT - 2) + '"'),
    ],
    ids=lambda text: text[:20],
)
def test_json_is_not_malformed(text: str) -> None:
    """Whether it fits a field is another question."""
    assert malformed(text) is None


def test_what_is_not_malformed_loads_in_the_document() -> None:
    """Alone it may be as deep as among the others, and no deeper."""
    deepest = "[" * 200 + "]" * 200
    deep = TypeAdapter(dict[str, t.Any])

    assert deep.validate_json(document({"a": deepest, "b": "9" * 4300}))
    with pytest.raises(ValidationError, match="recursion limit"):
        deep.validate_json(document({"a": f"[{deepest}]"}))


def test_a_model_that_leaves_a_field_out_when_dumped_is_seen() -> None:
    """Its serialiser decides what there is to store."""

    class Closed(WaffleModel):
        open: int = 0
        value: int = 0

        @model_serializer(mode="wrap")
        def shut(self, dump: SerializerFunctionWrapHandler) -> dict[str, t.Any]:
            return {name: part for name, part in dump(self).items() if self.value != 1}

    assert dumped(Closed(value=2), ["value"]) == {"value": "2"}
    with pytest.raises(ValueError, match="leaves it out"):
        dumped(Closed(value=1), ["value"])


def test_data_is_the_plain_value_of_a_text() -> None:
    """It is shown where no field fits."""
    assert data('{"a":[1,null]}') == {"a": [1, None]}


@dataclasses.dataclass(frozen=True)
class Box:
    part: object


@pytest.mark.parametrize(
    ("one_", "other", "so"),
    [
        (1, 1, True),
        (1, 2, False),
        (1, True, False),
        (1, 1.0, False),
        (math.nan, math.nan, True),
        (math.nan, 1.0, False),
        (0.0, -0.0, False),
        (complex(0, 0.0), complex(0, -0.0), False),
        (complex(math.nan, 1), complex(math.nan, 1), True),
        (Decimal("1.0"), Decimal("1.0"), True),
        (Decimal("1.0"), Decimal("1.00"), False),
        (Decimal(0), Decimal("-0"), False),
        (Decimal("NaN"), Decimal("NaN"), True),
        (Decimal("NaN"), Decimal("-NaN"), False),
        (Decimal("sNaN"), Decimal("sNaN"), True),
        (frozenset({math.nan}), frozenset({float("nan")}), True),
        (frozenset({0.0}), frozenset({-0.0}), False),
        ((1, 2), (1, 2), True),
        ((1,), (True,), False),
        ((1,), (1, 1), False),
        (frozenset({1}), frozenset({1}), True),
        (frozenset({1}), frozenset({True}), False),
        (frozenset({(1,)}), frozenset({(1.0,)}), False),
        (frozenset({1}), frozenset({2}), False),
        (FrozenDict({"a": 1}), FrozenDict({"a": 1}), True),
        (FrozenDict({"a": 1}), FrozenDict({"a": True}), False),
        (FrozenDict({"a": 1}), FrozenDict({"b": 1}), False),
        (FrozenDict({1: "a"}), FrozenDict({True: "a"}), False),
        (FrozenDict({1: "a", 2: "b"}), FrozenDict({1: "a", 2: "b"}), True),
        (FrozenDict({1: "a", 2: "b"}), FrozenDict({2: "b", 1: "a"}), False),
        (Foreign(sizes=(1,)), Foreign(sizes=(1,)), True),
        (Foreign(sizes=(1,)), Foreign(sizes=(2,)), False),
        (Foreign(), Smtp(), False),
        (Box(1), Box(1), True),
        (Box(1), Box(part=True), False),
        (SecretStr("a"), SecretStr("a"), True),
        (SecretStr("a"), SecretStr("b"), False),
        (Secret(1), Secret(1.0), False),
        (dt.datetime(2024, 1, 1, 2, tzinfo=PLUS_2), dt.datetime(2024, 1, 1, tzinfo=UTC), False),
        (
            dt.datetime(2024, 1, 1, tzinfo=UTC),
            dt.datetime(2024, 1, 1, tzinfo=ZoneInfo("UTC")),
            True,
        ),
        (dt.time(2, tzinfo=PLUS_2), dt.time(0, tzinfo=UTC), False),
        (dt.time(2, tzinfo=ZoneInfo("Europe/Paris")), dt.time(2), False),
        (dt.time(2, fold=1), dt.time(2), False),
        (dt.datetime(2024, 1, 1, fold=1), dt.datetime(2024, 1, 1), False),  # noqa: DTZ001 - as said
        (
            dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Paris")),
            dt.datetime(2024, 10, 27, 2, 30, tzinfo=dt.timezone(dt.timedelta(hours=1))),
            True,
        ),
    ],
)
def test_same_means_equal_and_of_one_type_at_every_depth(
    one_: object, other: object, *, so: bool
) -> None:
    """`==` alone would let 1 pass for True, and one time zone for another."""
    assert same(one_, other) is so


def test_a_loaded_mapping_is_frozen() -> None:
    """What comes from the store is as immutable as what is declared."""
    model = one(abc.Mapping[str, abc.Sequence[int]], {})

    value = loaded(model, {"value": '{"a":[1]}'}).value

    assert isinstance(value, FrozenDict)
    assert isinstance(value["a"], tuple)


def test_the_library_relies_on_pydantic_for_the_last_of_two_equal_keys() -> None:
    """A text with a key twice is read alike by every worker: the last one counts."""
    assert data('{"a":1,"a":2}') == TypeAdapter(dict[str, int]).validate_json('{"a":1,"a":2}')
