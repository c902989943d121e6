"""Which types a field may have, and the immutable form in which each is held."""

from __future__ import annotations

import dataclasses
import enum
import re
import sys
import typing as t
from collections import (
    ChainMap,
    Counter,
    OrderedDict,
    UserDict,
    abc,
    defaultdict,
    deque,
    namedtuple,
)
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath

import pytest
from pydantic import (
    Base64Str,
    Base64UrlBytes,
    BaseModel,
    ConfigDict,
    Field,
    ImportString,
    Json,
    JsonValue,
    PlainSerializer,
    RootModel,
    Secret,
    SecretBytes,
    SecretStr,
    SkipValidation,
    WrapSerializer,
)
from typing_extensions import TypeAliasType

from tests.support.models import Foreign, Smtp, one
from typed_waffle import DeclarationError, WaffleModel
from typed_waffle.fieldtypes import has_secret, held, immutable, spelled
from typed_waffle.frozendict import FrozenDict

T = t.TypeVar("T")


class Open(BaseModel):
    size: int = 1


class FrozenWithList(BaseModel):
    model_config = ConfigDict(frozen=True)
    sizes: list[int] = []


class FrozenWithMapping(BaseModel):
    model_config = ConfigDict(frozen=True)
    sizes: abc.Mapping[str, int] = {}


class FrozenWithExtra(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class FrozenWithPrivate(BaseModel):
    model_config = ConfigDict(frozen=True)
    _cache: dict[str, int] = {}


class FrozenWithSecret(BaseModel):
    model_config = ConfigDict(frozen=True)
    key: SecretStr = SecretStr("")


class FrozenTree(BaseModel):
    model_config = ConfigDict(frozen=True)
    left: FrozenTree | None = None


class FrozenGeneric(BaseModel, t.Generic[T]):
    model_config = ConfigDict(frozen=True)
    part: T | None = None


class FrozenRoot(RootModel[tuple[int, ...]], frozen=True):
    pass


class FrozenRootOfList(RootModel[list[int]], frozen=True):
    pass


@dataclasses.dataclass
class OpenData:
    size: int = 1


@dataclasses.dataclass(frozen=True)
class Data:
    kinds: t.ClassVar[list[str]] = []
    size: int = 1


@dataclasses.dataclass(frozen=True)
class DataWithList:
    sizes: list[int] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class DataTree:
    left: DataTree | None = None


@dataclasses.dataclass(frozen=True)
class DataGeneric(t.Generic[T]):
    part: T | None = None


@dataclasses.dataclass
class OpenDataGeneric(t.Generic[T]):
    part: T | None = None


@dataclasses.dataclass(frozen=True)
class DataGenericList(t.Generic[T]):
    parts: list[T] = dataclasses.field(default_factory=list)


class Pair(t.NamedTuple):
    left: int = 1
    right: str = "r"


class PairWithList(t.NamedTuple):
    sizes: list[int] = []  # noqa: RUF012 - that is the case


Untyped = namedtuple("Untyped", "left right")  # noqa: PYI024 - that is the case


class Movie(t.TypedDict):
    title: str


class MyList(list[int]):
    pass


class MyDict(dict[str, int]):
    pass


class MySet(set[int]):
    pass


class ByIdentity:
    pass


class NotHashed:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment] # as Python itself does it


class Colour(enum.Enum):
    RED = "red"


class NestedWaffle(WaffleModel):
    sizes: abc.Mapping[str, int] = {}


ListOfInt = t.NewType("ListOfInt", list[int])
UserId = t.NewType("UserId", int)
ListAlias = TypeAliasType("ListAlias", list[int])
TupleAlias = TypeAliasType("TupleAlias", tuple[int, ...])
Many = TypeAliasType("Many", tuple[T, ...], type_params=(T,))
SecretAlias = TypeAliasType("SecretAlias", SecretStr)
SecretNew = t.NewType("SecretNew", SecretStr)

AS_TUPLE = "Write tuple[int, ...] or Sequence[int]"
AS_SET = "Write frozenset[int] or collections.abc.Set[int]"
AS_MAPPING = "Write Mapping[str, int]"
ANYTHING = "may hold anything"
FROZEN_TYPE = "Write a frozen type that compares by value"

REFUSED: list[tuple[str, t.Any, str]] = [
    ("list", list, "Write tuple[T, ...] or Sequence[T]"),
    ("list[int]", list[int], AS_TUPLE),
    ("typing.List", t.List[int], AS_TUPLE),  # noqa: UP006 - old code has it
    ("dict", dict, "Write Mapping[K, V]"),
    ("dict[str, int]", dict[str, int], AS_MAPPING),
    ("typing.Dict", t.Dict[str, int], AS_MAPPING),  # noqa: UP006 - old code has it
    ("set", set, "Write frozenset[T] or collections.abc.Set[T]"),
    ("set[int]", set[int], AS_SET),
    ("bytearray", bytearray, "Write bytes"),
    ("memoryview", memoryview, "Write bytes"),
    ("deque", deque, "Write tuple[T, ...] or Sequence[T]"),
    ("deque[int]", deque[int], AS_TUPLE),
    ("defaultdict", defaultdict[str, int], AS_MAPPING),
    ("OrderedDict", OrderedDict[str, int], AS_MAPPING),
    ("Counter", Counter[str], "Write Mapping[str, int]"),
    ("MutableMapping", abc.MutableMapping, "Write Mapping[K, V]"),
    ("MutableMapping[str, int]", abc.MutableMapping[str, int], AS_MAPPING),
    ("typing.MutableMapping", t.MutableMapping[str, int], AS_MAPPING),
    ("MutableSequence", abc.MutableSequence[int], AS_TUPLE),
    ("MutableSet", abc.MutableSet[int], AS_SET),
    ("Iterable", abc.Iterable[int], AS_TUPLE),
    ("bare Iterable", abc.Iterable, "Write tuple[T, ...] or Sequence[T]"),
    ("Iterator", abc.Iterator[int], AS_TUPLE),
    ("Generator", abc.Generator[int, None, None], AS_TUPLE),
    ("Collection", abc.Collection[int], AS_TUPLE),
    ("Container", abc.Container[int], AS_TUPLE),
    ("Reversible", abc.Reversible[int], AS_TUPLE),
    ("a list of its own class", MyList, "Write tuple[T, ...] or Sequence[T]"),
    ("a dict of its own class", MyDict, "Write Mapping[K, V]"),
    ("a set of its own class", MySet, "Write frozenset[T]"),
    ("UserDict", UserDict, FROZEN_TYPE),
    ("ChainMap", ChainMap[str, int], "Write"),
    ("bare tuple", tuple, "Write tuple[T, ...]"),
    ("bare typing.Tuple", t.Tuple, "[T, ...]"),  # noqa: UP006 - old code has it
    ("bare frozenset", frozenset, "Write frozenset[T]"),
    ("bare Sequence", abc.Sequence, "Write Sequence[T]"),
    ("bare typing.Sequence", t.Sequence, "Write Sequence[T]"),
    ("bare Set", abc.Set, "Write Set[T]"),
    ("bare Mapping", abc.Mapping, "Write Mapping[K, V]"),
    ("Any", t.Any, ANYTHING),
    ("object", object, ANYTHING),
    ("type", type, ANYTHING),
    ("type[int]", type[int], ANYTHING),
    ("Callable", abc.Callable, ANYTHING),
    ("Callable[[], int]", abc.Callable[[], int], ANYTHING),
    ("typing.Callable", t.Callable[[], int], ANYTHING),
    ("Hashable", abc.Hashable, ANYTHING),
    ("BaseModel", BaseModel, ANYTHING),
    ("Enum", enum.Enum, ANYTHING),
    ("ImportString", ImportString, ANYTHING),
    ("a type variable", T, ANYTHING),
    ("JsonValue", JsonValue, "Write"),
    ("Json", Json, "Declare the type that the text holds"),
    ("Json[tuple]", Json[tuple[int, ...]], "Declare the type that the text holds"),
    ("SkipValidation", SkipValidation[int], "Leave SkipValidation out"),
    ("Base64Str", Base64Str, "Write bytes"),
    ("Base64UrlBytes", Base64UrlBytes, "Write bytes"),
    ("a model that is not frozen", Open, "Write class Open(WaffleModel), or freeze it"),
    ("a frozen model with a list inside", FrozenWithList, AS_TUPLE),
    ("a frozen model with a Mapping inside", FrozenWithMapping, "Make the class that has it a"),
    ("a frozen model with extra fields", FrozenWithExtra, "Write class FrozenWithExtra(Waffle"),
    ("a frozen model with a private attribute", FrozenWithPrivate, "can be mutated in place"),
    ("a secret in a class that is not ours", FrozenWithSecret, "saved as asterisks"),
    ("a generic model without its type", FrozenGeneric, "Say its type: FrozenGeneric[...]"),
    ("a generic model of a list", FrozenGeneric[list[int]], AS_TUPLE),
    ("a frozen root model of a list", FrozenRootOfList, AS_TUPLE),
    ("a dataclass that is not frozen", OpenData, "Write @dataclass(frozen=True)"),
    ("a frozen dataclass with a list inside", DataWithList, AS_TUPLE),
    ("a generic dataclass without its type", DataGeneric, "Say its type: DataGeneric[...]"),
    ("a generic dataclass of a list", DataGeneric[list[int]], AS_TUPLE),
    ("a generic dataclass that is not frozen", OpenDataGeneric[int], "Write @dataclass(frozen"),
    ("a generic dataclass with a list inside", DataGenericList[int], "Write tuple["),
    ("a named tuple with a list inside", PairWithList, AS_TUPLE),
    ("a named tuple without types", Untyped, ANYTHING),
    ("TypedDict", Movie, "Declare it as a nested WaffleModel"),
    ("a class that compares by identity", ByIdentity, FROZEN_TYPE),
    ("a class that does not hash", NotHashed, FROZEN_TYPE),
    ("something that is no type", 5, "is not a type"),
    ("Awaitable", abc.Awaitable[int], "Write"),
    ("Secret without its type", Secret, "Write Secret[T] with its type"),
    ("Secret of a list", Secret[list[int]], AS_TUPLE),
    ("a secret as a key", abc.Mapping[SecretStr, int], "Make it a value"),
    ("a NewType of a list", ListOfInt, AS_TUPLE),
    ("an alias of a list", ListAlias, AS_TUPLE),
    ("a generic alias of a list", Many[list[int]], AS_TUPLE),
]


@pytest.mark.parametrize(
    ("annotation", "hint"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_mutable_type_is_refused_with_its_immutable_spelling(
    annotation: t.Any,  # noqa: ANN401 - an annotation
    hint: str,
) -> None:
    """The class statement fails, names the field, and says what to write."""
    with pytest.raises(DeclarationError) as refused:
        one(annotation, None)
    assert str(refused.value).startswith("One")
    assert hint in str(refused.value)


NESTED: list[tuple[str, t.Any]] = [
    ("Optional", t.Optional[list[int]]),  # noqa: UP045 - old code has it
    ("| None", list[int] | None),
    ("Union", t.Union[str, list[int]]),  # noqa: UP007 - old code has it
    ("Annotated", t.Annotated[list[int], Field(max_length=3)]),
    ("tuple", tuple[int, list[int]]),
    ("tuple, ...", tuple[list[int], ...]),
    ("Mapping", abc.Mapping[str, list[int]]),
    ("Sequence", abc.Sequence[list[int]]),
    ("frozenset", frozenset[list[int]]),
    ("Mapping of Sequence of Optional", abc.Mapping[str, abc.Sequence[list[int] | None]]),
    ("generic model", FrozenGeneric[tuple[list[int], ...]]),
    ("NewType in tuple", tuple[ListOfInt, ...]),
    ("alias in Optional", ListAlias | None),
    ("model in tuple in Mapping", abc.Mapping[str, tuple[FrozenWithList, ...]]),
    ("Annotated in Annotated", t.Annotated[t.Annotated[list[int], "a"] | None, "b"]),
]


@pytest.mark.parametrize("annotation", [a for _, a in NESTED], ids=[name for name, _ in NESTED])
def test_a_mutable_type_is_found_at_any_depth(annotation: t.Any) -> None:  # noqa: ANN401 - an annotation
    """It does not matter what the list is wrapped in."""
    with pytest.raises(DeclarationError, match=re.escape(AS_TUPLE)):
        one(annotation, None)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the `type` statement is new in 3.12")
def test_a_recursive_alias_is_refused() -> None:
    """An alias that refers to itself is told apart from one that is only deep."""
    namespace: dict[str, t.Any] = {}
    exec("type Tree = int | tuple[Tree, ...]", namespace)  # noqa: S102 - no syntax error on 3.11

    with pytest.raises(DeclarationError, match=r"Tree refers to itself\. Write the levels out"):
        one(namespace["Tree"], 1)


ACCEPTED: list[tuple[t.Any, t.Any, t.Any]] = [
    (abc.Sequence[int], [1, 2], (1, 2)),
    (t.Sequence[int], [1, 2], (1, 2)),
    (abc.Set[int], {1, 2}, frozenset({1, 2})),
    (t.AbstractSet[int], {1, 2}, frozenset({1, 2})),
    (abc.Mapping[str, int], {"a": 1}, FrozenDict({"a": 1})),
    (t.Mapping[str, int], {"a": 1}, FrozenDict({"a": 1})),
    (abc.Mapping[str, abc.Sequence[int]], {"a": [1]}, FrozenDict({"a": (1,)})),
    (
        abc.Sequence[abc.Mapping[str, abc.Set[int]]],
        [{"a": {1}}],
        (FrozenDict({"a": frozenset({1})}),),
    ),
    (tuple[abc.Sequence[int], ...], [[1]], ((1,),)),
    (tuple[int, abc.Mapping[str, int]], [1, {"a": 1}], (1, FrozenDict({"a": 1}))),
    (tuple[()], [], ()),
    (frozenset[tuple[int, ...]], [[1]], frozenset({(1,)})),
    (abc.Sequence[int] | None, [1], (1,)),
    (t.Annotated[abc.Sequence[int], Field(max_length=2)], [1], (1,)),
    (int | abc.Mapping[str, abc.Sequence[int]], {"a": [1]}, FrozenDict({"a": (1,)})),
    (TupleAlias, [1], (1,)),
    (Many[int], [1], (1,)),
    (UserId, 1, 1),
    (None, None, None),
    (t.Literal["a", 1], "a", "a"),
    (Colour, "red", Colour.RED),
    (re.Pattern[str], "a+", re.compile("a+")),
    (Path, "/a", Path("/a")),
    (Fraction, "1/2", Fraction(1, 2)),
    (NestedWaffle, {"sizes": {"a": 1}}, NestedWaffle(sizes={"a": 1})),
    (tuple[Smtp, ...], [{"host": "h"}], (Smtp(host="h"),)),
    (Foreign, {"sizes": [1]}, Foreign(sizes=(1,))),
    (FrozenTree, {"left": {}}, FrozenTree(left=FrozenTree())),
    (FrozenGeneric[int], {"part": 1}, FrozenGeneric[int](part=1)),
    (FrozenRoot, [1], FrozenRoot((1,))),
    (Data, {"size": 2}, Data(2)),
    (DataTree, {"left": {}}, DataTree(DataTree())),
    (DataGeneric[int], {"part": 1}, DataGeneric(1)),
    (Pair, [2, "x"], Pair(2, "x")),
]


@pytest.mark.parametrize(("annotation", "default", "value"), ACCEPTED)
def test_a_value_is_held_immutably(annotation: t.Any, default: t.Any, value: t.Any) -> None:  # noqa: ANN401 - of any type
    """What the default may be written as, at any depth, is held as something that cannot change."""
    settings = one(annotation, default)()

    got = settings.value
    assert (type(got), got) == (type(value), value)
    assert immutable(got)
    assert hash(settings) == hash(one(annotation, default)(value=value))


@pytest.mark.parametrize(
    ("value", "so"),
    [
        (1, True),
        ("a", True),
        (None, True),
        (Decimal(1), True),
        (PurePosixPath("a"), True),
        (Colour.RED, True),
        ((1, (2,)), True),
        (FrozenDict({"a": (1,)}), True),
        (Foreign(), True),
        (Data(), True),
        (SecretStr("a"), True),
        (Secret((1,)), True),
        ([], False),
        ({}, False),
        (set(), False),
        (bytearray(), False),
        (memoryview(b""), False),
        (((1, []),), False),
        (FrozenDict({"a": []}), False),
        (Open(), False),
        (FrozenWithList(), False),
        (OpenData(), False),
        (DataWithList(), False),
        (Secret([1]), False),
        (ByIdentity(), False),
    ],
)
def test_immutable_looks_at_all_that_a_value_contains(value: object, *, so: bool) -> None:
    """One list anywhere inside makes a value mutable."""
    assert immutable(value) is so


@pytest.mark.parametrize(
    ("annotation", "so"),
    [
        (SecretStr, True),
        (SecretBytes, True),
        (Secret[int], True),
        (SecretStr | None, True),
        (tuple[SecretStr, ...], True),
        (abc.Mapping[str, tuple[int, SecretStr]], True),
        (t.Annotated[SecretStr, Field(min_length=1)], True),
        (Smtp, True),
        (tuple[Smtp, ...], True),
        (SecretAlias, True),
        (SecretNew, True),
        (SecretAlias | None, True),
        (str, False),
        (NestedWaffle, False),
        (t.Literal["SecretStr"], False),
    ],
)
def test_a_secret_is_found_anywhere_in_a_type(annotation: t.Any, *, so: bool) -> None:  # noqa: ANN401 - an annotation
    """Aliases, unions, containers and nested models do not hide it."""
    assert has_secret(held(annotation)) is so


@pytest.mark.parametrize("serializer", [PlainSerializer(str), WrapSerializer(lambda v, _: v)])
@pytest.mark.parametrize("secret", [SecretStr, tuple[SecretStr, ...], SecretAlias])
def test_a_secret_takes_no_serialiser_of_its_own(
    secret: t.Any,  # noqa: ANN401 - an annotation
    serializer: PlainSerializer | WrapSerializer,
) -> None:
    """It could write the plaintext into the history."""
    with pytest.raises(DeclarationError, match="a serialiser could show the secret"):
        one(t.Annotated[secret, serializer], None)


def test_a_dataclass_whose_types_cannot_be_found_is_refused() -> None:
    """The name that is not defined is told."""

    @dataclasses.dataclass(frozen=True)
    class Local:
        size: Missing = None  # type: ignore[name-defined] # noqa: F821 - that is the case

    with pytest.raises(DeclarationError, match="name 'Missing' is not defined"):
        one(Local, None)


def test_a_custom_type_with_a_schema_is_judged_by_its_values() -> None:
    """A class that Pydantic asks for a schema may stand for another class."""

    class Even:
        @classmethod
        def __get_pydantic_core_schema__(cls, source: object, handler: t.Any) -> t.Any:  # noqa: ANN401 - Pydantic's protocol
            return handler(int)

    assert one(Even, 2)().value == 2


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (..., "..."),
        (tuple[int, ...], "tuple[int, ...]"),
        (abc.Mapping[str, int], "Mapping[str, int]"),
        (FrozenDict[str, int], "Mapping[str, int]"),
        (t.Optional[int], "Optional[int]"),  # noqa: UP045 - old code has it
        (t.Annotated[int, Field(ge=0)], "int"),
        (abc.Mapping[str, SecretStr], "Mapping[str, SecretStr]"),
        (t.Annotated[int, Field(ge=0)] | None, "int | None"),
        (int | None, "int | None"),
        (Colour, "Colour"),
    ],
)
def test_an_annotation_is_spelled_as_one_would_write_it(annotation: t.Any, text: str) -> None:  # noqa: ANN401 - an annotation
    """Messages and admin pages show no module names."""
    assert spelled(annotation) == text
