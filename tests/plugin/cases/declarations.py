"""What a settings model may not declare: where the plugin can be sure, at the declaration."""

import dataclasses
import typing as t
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import (
    Callable,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    MutableSequence,
    MutableSet,
    Sequence,
)
from collections.abc import Set as AbstractSet
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NewType

import annotated_types
import pydantic
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from typing_extensions import TypeAliasType

from typed_waffle import WaffleModel

T = t.TypeVar("T")


class Colour(Enum):
    RED = "red"


class Point(NamedTuple):
    x: int
    y: int = 0


class Row(NamedTuple):
    cells: list[int]


class Record(t.TypedDict):
    a: int


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: int = 1


@dataclasses.dataclass
class Thawed:
    a: int = 1


class FrozenModel(BaseModel, frozen=True):
    a: int = 1


class Configured(BaseModel):
    model_config = ConfigDict(frozen=True)


class Heir(Configured):
    b: int = 1


class Open(BaseModel):
    a: int = 1


class Tags(list[str]): ...


class Plain:
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


Amount = NewType("Amount", int)
Lines = NewType("Lines", list[str])
Texts = TypeAliasType("Texts", tuple[str, ...])
Bad = list[int]
Tree = TypeAliasType("Tree", "tuple[Tree, ...] | int")
Hidden = Annotated[int, Field(default=3)]
positive = Field(default=1, gt=0)


class Right(WaffleModel):
    """Everything in here may be declared."""

    model_config = ConfigDict(extra="forbid")
    shared: t.ClassVar[list[int]] = []

    text: str = ""
    when: "Forward | None" = None
    colour: Colour = Colour.RED
    theme: Literal["a", "b"] = "a"
    point: Point = Point(1)
    pair: tuple[int, str] = (1, "")
    empty: tuple[()] = ()
    frozen: Frozen = Frozen()
    frozen_model: FrozenModel = FrozenModel()
    configured: Configured = Configured()
    heir: Heir = Heir()
    plain: Plain = Plain()
    amount: Amount = Amount(1)
    texts: Texts = ()
    path: Path = Path()
    mapping: Mapping[str, Sequence[AbstractSet[int]]] = {}
    secret: SecretStr = SecretStr("")
    hidden: Hidden
    within: Annotated[int, Field(default=3)]
    made: Annotated[int, Field(default_factory=int)]
    named: Annotated[int, positive]
    dotted: t.Annotated[int, pydantic.Field(default=3, gt=1)]
    factory: int = Field(default_factory=int)
    tree: Tree = 1
    first: Annotated[int, Field(gt=1)] = 2
    later: int
    later = 3  # P: Untyped fields disallowed  [pydantic-field]
    left: int
    right: int
    left, right = 1, 2

    @property
    def worked(self) -> list[int]:
        return []

    def method(self, x: list[int]) -> list[int]:
        y: list[int] = x
        return y


class Mutable(WaffleModel):
    a: list[str] = []  # E: Setting "a" of "Mutable": list[str] can be mutated in place. Write tuple[str, ...] or Sequence[str]  [waffle-declaration]
    b: dict[str, int] = {}  # E: Setting "b" of "Mutable": dict[str, int] can be mutated in place. Write Mapping[str, int]  [waffle-declaration]
    c: set[str] = set()  # E: Setting "c" of "Mutable": set[str] can be mutated in place. Write frozenset[str] or collections.abc.Set[str]  [waffle-declaration]
    d: bytearray = bytearray()  # E: Setting "d" of "Mutable": bytearray can be mutated in place. Write bytes  [waffle-declaration]
    e: deque[int] = deque()  # E: Setting "e" of "Mutable": deque[int] can be mutated in place. Write tuple[int, ...] or Sequence[int]  [waffle-declaration]
    f: defaultdict[str, int] = defaultdict(int)  # E: Setting "f" of "Mutable": defaultdict[str, int] can be mutated in place. Write Mapping[str, int]  [waffle-declaration]
    g: Tags = Tags()  # E: Setting "g" of "Mutable": Tags can be mutated in place. Write tuple[T, ...] or Sequence[T]  [waffle-declaration]
    h: list[str] | None = None  # E: Setting "h" of "Mutable": list[str] can be mutated in place. Write tuple[str, ...] or Sequence[str]  [waffle-declaration]
    i: Mapping[str, list[int]] = {}  # E: Setting "i" of "Mutable": list[int] can be mutated in place. Write tuple[int, ...] or Sequence[int]  [waffle-declaration]
    j: tuple[list[int], ...] = ()  # E: Setting "j" of "Mutable": list[int] can be mutated in place. Write tuple[int, ...] or Sequence[int]  [waffle-declaration]
    k: Annotated[list[str], Field(max_length=3)] = []  # E: Setting "k" of "Mutable": list[str] can be mutated in place. Write tuple[str, ...] or Sequence[str]  [waffle-declaration]
    m: Bad = []  # E: Setting "m" of "Mutable": list[int] can be mutated in place. Write tuple[int, ...] or Sequence[int]  [waffle-declaration]
    n: Iterable[str] = ()  # E: Setting "n" of "Mutable": Iterable[str] can be mutated in place. Write tuple[str, ...] or Sequence[str]  [waffle-declaration]
    o: MutableSet[str] = set()  # E: Setting "o" of "Mutable": MutableSet[str] can be mutated in place. Write frozenset[str] or collections.abc.Set[str]  [waffle-declaration]
    p: Counter[str] = Counter()  # E: Setting "p" of "Mutable": Counter[str] can be mutated in place. Write Mapping[str, int]  [waffle-declaration]
    q: Lines = Lines([])  # E: Setting "q" of "Mutable": list[str] can be mutated in place. Write tuple[str, ...] or Sequence[str]  [waffle-declaration]
    r: Row = Row([])  # E: Setting "r" of "Mutable": list[int] can be mutated in place. Write tuple[int, ...] or Sequence[int]  [waffle-declaration]
    s: Record = {"a": 1}  # E: Setting "s" of "Mutable": Record is a dict. Declare it as a nested WaffleModel  [waffle-declaration]
    u: Open = Open()  # E: Setting "u" of "Mutable": Open can be mutated in place. Write class Open(WaffleModel), or freeze it  [waffle-declaration]
    v: Thawed = Thawed()  # E: Setting "v" of "Mutable": Thawed can be mutated in place. Write @dataclass(frozen=True)  [waffle-declaration]
    w: t.List[str] = []  # E: Setting "w" of "Mutable": list[str] can be mutated in place. Write tuple[str, ...] or Sequence[str]  [waffle-declaration]
    x: "list[Forward]" = []  # E: Setting "x" of "Mutable": list[Forward] can be mutated in place. Write tuple[Forward, ...] or Sequence[Forward]  [waffle-declaration]
    y: list[str] = []  # type: ignore[waffle-declaration]
    _z: list[str] = []


class Universal(WaffleModel):
    a: Any = None  # E: Setting "a" of "Universal": Any may hold anything, mutable values too. Write a frozen type that compares by value: str, tuple, frozenset, Mapping, a WaffleModel, ...  [waffle-declaration]
    b: object = None  # E: Setting "b" of "Universal": object may hold anything, mutable values too. Write a frozen type that compares by value: str, tuple, frozenset, Mapping, a WaffleModel, ...  [waffle-declaration]
    c: Mapping[str, Any] = {}  # E: Setting "c" of "Universal": Any may hold anything, mutable values too. Write a frozen type that compares by value: str, tuple, frozenset, Mapping, a WaffleModel, ...  [waffle-declaration]
    d: Callable[[], int] = int  # E: Setting "d" of "Universal": Callable[[], int] may hold anything, mutable values too. Write a frozen type that compares by value: str, tuple, frozenset, Mapping, a WaffleModel, ...  [waffle-declaration]
    e: type[int] = int  # E: Setting "e" of "Universal": type[int] may hold anything, mutable values too. Write a frozen type that compares by value: str, tuple, frozenset, Mapping, a WaffleModel, ...  [waffle-declaration]
    f: Hashable = 1  # E: Setting "f" of "Universal": Hashable may hold anything, mutable values too. Write a frozen type that compares by value: str, tuple, frozenset, Mapping, a WaffleModel, ...  [waffle-declaration]
    g: BaseModel = Open()  # E: Setting "g" of "Universal": BaseModel may hold anything, mutable values too. Write a frozen type that compares by value: str, tuple, frozenset, Mapping, a WaffleModel, ...  [waffle-declaration]
    h: Enum = Colour.RED  # E: Setting "h" of "Universal": Enum may hold anything, mutable values too. Write a frozen type that compares by value: str, tuple, frozenset, Mapping, a WaffleModel, ...  [waffle-declaration]
    i: list = []  # type: ignore[type-arg, waffle-declaration]


class Without(WaffleModel):
    a: int  # E: Setting "a" of "Without": it has no default, so the application could not always boot. Give it one  [waffle-declaration]
    b: int = Field(gt=1)  # E: Setting "b" of "Without": it has no default, so the application could not always boot. Give it one  [waffle-declaration]
    c: int = Field(..., gt=1)  # E: Setting "c" of "Without": it has no default, so the application could not always boot. Give it one  [waffle-declaration]
    d: int = Field(default=..., gt=1)  # E: Setting "d" of "Without": it has no default, so the application could not always boot. Give it one  [waffle-declaration]
    e: str = ...  # E: Incompatible types in assignment (expression has type "EllipsisType", variable has type "str")  [assignment]  # E: Setting "e" of "Without": it has no default, so the application could not always boot. Give it one  [waffle-declaration]
    f: Annotated[str, Field(min_length=1)]  # E: Setting "f" of "Without": it has no default, so the application could not always boot. Give it one  [waffle-declaration]
    g: t.Annotated[int, annotated_types.Gt(3), "a note", pydantic.Field(lt=5)]  # E: Setting "g" of "Without": it has no default, so the application could not always boot. Give it one  [waffle-declaration]
    h: str | None  # E: Setting "h" of "Without": it has no default, so the application could not always boot. Give it one  [waffle-declaration]
    theme: Literal["a", "b"]  # E: Setting "theme" of "Without": it has no default, so the application could not always boot. Give it one  [waffle-declaration]
    i: list[int]  # E: Setting "i" of "Without": list[int] can be mutated in place. Write tuple[int, ...] or Sequence[int]  [waffle-declaration]  # E: Setting "i" of "Without": it has no default, so the application could not always boot. Give it one  [waffle-declaration]
    j: int  # E: Setting "j" of "Without": it has no default, so the application could not always boot. Give it one  [waffle-declaration]

    def method(self) -> None:
        j = 3


class Generic(WaffleModel, t.Generic[T]):
    low: T | None = None
    all: list[T] = []  # E: Setting "all" of "Generic": list[T] can be mutated in place. Write tuple[T, ...] or Sequence[T]  [waffle-declaration]


class Heirs(Mutable):
    """What is inherited was reported already."""

    more: int = 1


class Outer:
    class Inner(WaffleModel):
        a: MutableSequence[int] = []  # E: Setting "a" of "Inner": MutableSequence[int] can be mutated in place. Write tuple[int, ...] or Sequence[int]  [waffle-declaration]


class Forward(WaffleModel):
    others: "Mapping[str, Forward]" = {}
    lists: "MutableMapping[str, Forward]" = {}  # E: Setting "lists" of "Forward": MutableMapping[str, Forward] can be mutated in place. Write Mapping[str, Forward]  [waffle-declaration]
    iterated: Iterator[int] = iter(())  # E: Setting "iterated" of "Forward": Iterator[int] can be mutated in place. Write tuple[int, ...] or Sequence[int]  [waffle-declaration]
    ordered: OrderedDict[str, int] = OrderedDict()  # E: Setting "ordered" of "Forward": OrderedDict[str, int] can be mutated in place. Write Mapping[str, int]  [waffle-declaration]


class Unknown(WaffleModel):
    a: Undefined = 1  # E: Name "Undefined" is not defined  [name-defined]
    b: list[int] = []  # E: Setting "b" of "Unknown": list[int] can be mutated in place. Write tuple[int, ...] or Sequence[int]  [waffle-declaration]
