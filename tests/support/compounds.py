"""Kinds of values with parts, or of classes of one's own; see `kinds`."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, Secret, SecretBytes, SecretStr
from pydantic_core import core_schema

from tests.support.kinds import FIRST, NAIVE, NARROWED, NETWORK, PLAIN, TIMES, UTF8_TEXT, Kind
from typed_waffle import WaffleModel
from typed_waffle.frozendict import FrozenDict

__all__ = ["KINDS", "nested"]

# --- types ------------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Mixed(enum.Enum):
    WORD = "word"
    NUMBER = 1
    HALF = 0.5
    YES = True


class Planet(enum.Enum):
    """Values that JSON does not have, so names are saved."""

    EARTH = (5.976e24, 6.37814e6)
    MARS = (6.421e23, 3.3972e6)
    DAY = dt.date(2024, 2, 29)
    RAW = b"\xff"


class Size(enum.StrEnum):
    SMALL = "s"
    LARGE = "l"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Access(enum.IntFlag):
    READ = 1
    WRITE = 2


class Shade(enum.Flag):
    DARK = 1
    WARM = 2


class Cat(WaffleModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(WaffleModel):
    kind: Literal["dog"] = "dog"
    name: str = ""
    friends: tuple[Cat, ...] = ()


class Vault(WaffleModel):
    key: SecretStr = SecretStr("")
    deeper: Mapping[str, tuple[SecretBytes, ...]] = {}


class Node(WaffleModel):
    value: int = 0
    below: Mapping[str, Node] = {}

    @property
    def depth(self) -> int:
        """How many levels it has."""
        return 1 + max((node.depth for node in self.below.values()), default=0)


class Tom(Cat):
    """Looks like a Cat in JSON."""


class Foreign(BaseModel):
    """A frozen model that is no WaffleModel."""

    model_config = ConfigDict(frozen=True)

    size: int | float | bool = 0


@dataclasses.dataclass(frozen=True)
class Point:
    x: float = 0.0
    y: float = 0.0


class Pair(NamedTuple):
    left: int = 0
    right: str = ""


class Rgb:
    """A class that tells Pydantic how to load and save it."""

    def __init__(self, red: int, green: int, blue: int) -> None:
        self.parts = (red, green, blue)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rgb) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    @classmethod
    def __get_pydantic_core_schema__(cls, _: object, __: object) -> core_schema.CoreSchema:
        """Parse `#rrggbb`, and write it."""
        return core_schema.no_info_plain_validator_function(
            cls.parsed,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda colour: "#{:02x}{:02x}{:02x}".format(*colour.parts)
            ),
        )

    @classmethod
    def parsed(cls, value: object) -> Rgb:
        """One of a text, or one as it is."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, str) or not re.fullmatch("#[0-9a-f]{6}", value):
            raise ValueError("not a colour")
        return cls(*bytes.fromhex(value[1:]))


def nested(depth: int) -> Node:
    """A tree of this many levels; each is two of JSON."""
    node = Node()
    for _ in range(depth - 1):
        node = Node.model_construct(value=1, below=FrozenDict({"a": node}))
    return node


# --- strategies -------------------------------------------------------------------------------

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
CATS = st.builds(Cat, lives=st.integers())
DOGS = st.builds(Dog, name=UTF8_TEXT, friends=st.lists(CATS, max_size=2).map(tuple))
SECRETS = UTF8_TEXT.map(SecretStr)


def frozen(keys: st.SearchStrategy[Any], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(keys, values, max_size=4).map(FrozenDict)


def tuples(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(values, max_size=4).map(tuple)


def sets(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.frozensets(values, max_size=4)


def too_deep(value: object) -> bool:
    """Whether a tree is deeper than JSON is read: 200 levels."""
    return isinstance(value, Node) and value.depth > 100


ENUMS: dict[str, Kind] = {
    "Enum": Kind(Mixed, Mixed.WORD, st.sampled_from(Mixed), list(Mixed)),
    "Enum: by name": Kind(Planet, Planet.EARTH, st.sampled_from(Planet), list(Planet)),
    "StrEnum": Kind(Size, Size.SMALL, st.sampled_from(Size)),
    "IntEnum": Kind(Level, Level.LOW, st.sampled_from(Level)),
    "IntFlag": Kind(
        Access,
        Access(0),
        st.sampled_from([Access.READ, Access.WRITE, Access.READ | Access.WRITE, Access(8)]),
    ),
    "Flag": Kind(Shade, Shade(0), st.sampled_from([Shade.DARK, Shade.DARK | Shade.WARM])),
    "Literal": Kind(Literal["a", 1, True], "a", st.sampled_from(["a", 1, True])),
}

CONTAINERS: dict[str, Kind] = {
    "X | None": Kind(int | None, 0, st.none() | st.integers(), [None]),
    "tuple": Kind(tuple[int, str], (0, ""), st.tuples(st.integers(), UTF8_TEXT)),
    "tuple: of any length": Kind(tuple[bytes, ...], (), tuples(st.binary()), [(b"\xff",)]),
    "tuple: empty": Kind(tuple[()] | None, None, st.just(())),
    "Sequence": Kind(Sequence[Sequence[str]], (), tuples(tuples(UTF8_TEXT))),
    "frozenset": Kind(frozenset[int | str | None], frozenset(), sets(st.integers() | UTF8_TEXT)),
    "frozenset: of frozensets": Kind(
        frozenset[frozenset[int]], frozenset(), sets(sets(st.integers()))
    ),
    "frozenset: of floats": Kind(
        frozenset[Annotated[float, Field(allow_inf_nan=True)]], frozenset(), sets(st.floats())
    ),
    "Set": Kind(AbstractSet[Planet], frozenset(), sets(st.sampled_from(Planet))),
    "Mapping": Kind(
        Mapping[str, Mapping[str, tuple[bytes, ...]]],
        {},
        frozen(UTF8_TEXT, frozen(UTF8_TEXT, tuples(st.binary()))),
        [FrozenDict({"b": FrozenDict(), "a": FrozenDict()})],
    ),
    "Mapping: by numbers": Kind(Mapping[int, float], {}, frozen(st.integers(), st.just(-0.0))),
    "Mapping: by dates": Kind(Mapping[dt.date, int], {}, frozen(st.dates(), st.integers())),
    "Mapping: by times": Kind(
        Mapping[dt.datetime, dt.timedelta], {}, frozen(NAIVE, st.timedeltas())
    ),
    "Mapping: by bytes": Kind(Mapping[bytes, bool], {}, frozen(st.binary(), st.booleans())),
    "Mapping: by paths": Kind(Mapping[Path, UUID], {}, frozen(UTF8_TEXT.map(Path), st.uuids())),
    "Mapping: by enum": Kind(
        Mapping[Mixed, int], {}, frozen(st.sampled_from(Mixed), st.integers())
    ),
    "Mapping: by name": Kind(
        Mapping[Planet, int], {}, frozen(st.sampled_from(Planet), st.integers())
    ),
    "Mapping: by tuples": Kind(
        Mapping[tuple[int, str], Cat], {}, frozen(st.tuples(st.integers(), UTF8_TEXT), CATS)
    ),
    "Mapping: by models": Kind(Mapping[Cat, str], {}, frozen(CATS, UTF8_TEXT)),
    "Mapping: by a union": Kind(
        Mapping[int | str | None, int],
        {},
        frozen(st.integers() | UTF8_TEXT | st.none(), st.integers()),
        [FrozenDict({1: 1, "1": 2, None: 3, "None": 4})],
    ),
}

STRICT = ConfigDict(strict=True)

STRICTLY: dict[str, Kind] = {
    "Mapping: strict": Kind(
        Mapping[int, Mapping[dt.date, tuple[int, ...]]],
        {},
        frozen(st.integers(), frozen(st.dates(), tuples(st.integers()))),
        config=STRICT,
    ),
    "frozenset: strict": Kind(frozenset[UUID], frozenset(), sets(st.uuids()), config=STRICT),
    "Enum: strict": Kind(
        tuple[Planet | Mixed, ...],
        (),
        tuples(st.sampled_from(Planet) | st.sampled_from(Mixed)),
        config=STRICT,
    ),
    "Secret: strict": Kind(
        Secret[tuple[dt.date, ...]], Secret(()), tuples(st.dates()).map(Secret), config=STRICT
    ),
}

MODELS: dict[str, Kind] = {
    "WaffleModel": Kind(Dog, Dog(), DOGS),
    "WaffleModel: deep": Kind(Node, Node(), st.integers(1, 30).map(nested), refused=too_deep),
    "BaseModel": Kind(Foreign, Foreign(), st.builds(Foreign, size=NUMBERS)),
    "dataclass": Kind(Point, Point(), st.builds(Point)),
    "NamedTuple": Kind(Pair, Pair(), st.builds(Pair)),
    "__get_pydantic_core_schema__": Kind(
        Rgb, Rgb(0, 0, 0), st.builds(Rgb, *[st.integers(0, 255)] * 3)
    ),
}

UNIONS: dict[str, Kind] = {
    "X | Y: numbers and texts": Kind(
        int | str | float | bool,
        0,
        NUMBERS | UTF8_TEXT,
        [1, 1.0, True, "1", "1.0", "true", -0.0, 1e300, 10**20, 1e20],
    ),
    "X | Y: in another order": Kind(
        bool | float | int | str | None, None, NUMBERS | UTF8_TEXT | st.none(), [1, 1.0, True, "1"]
    ),
    "X | Y: bytes and numbers": Kind(
        bytes | int, 0, st.binary() | st.integers(), [b"1", 1, b"\xff"]
    ),
    "X | Y: two kinds of numbers": Kind(
        Decimal | float,
        0.0,
        st.decimals(allow_nan=False, allow_infinity=False)
        | NUMBERS.filter(lambda n: type(n) is float),
    ),
    "X | Y: two kinds of times": Kind(
        dt.date | dt.datetime, dt.date.min, st.dates() | NAIVE, [FIRST]
    ),
    "X | Y: a date looks like a text": Kind(
        dt.date | str,
        "",
        st.dates() | st.just("today"),
        ["2024-01-01"],
        lambda value: value == "2024-01-01",
    ),
    "X | Y: a member looks like a text": Kind(
        Size | str, "", UTF8_TEXT, ["s", Size.SMALL], lambda value: isinstance(value, Size)
    ),
    "X | Y: a set looks like a tuple": Kind(
        tuple[int, ...] | frozenset[int],
        (),
        tuples(st.integers()),
        [frozenset({1})],
        lambda value: isinstance(value, frozenset),
    ),
    "X | Y: told by a discriminator": Kind(
        Annotated[Cat | Dog, Field(discriminator="kind")], Cat(), CATS | DOGS
    ),
    "X | Y: models": Kind(Cat | Dog, Cat(), CATS | DOGS),
    "X | Y: models that look alike": Kind(
        Cat | Tom, Cat(), CATS, [Tom()], lambda value: isinstance(value, Tom)
    ),
}

HIDDEN: dict[str, Kind] = {
    "SecretStr": Kind(SecretStr, SecretStr(""), SECRETS, [SecretStr("*" * 10)]),
    "SecretBytes": Kind(SecretBytes, SecretBytes(b""), st.binary().map(SecretBytes)),
    "Secret": Kind(Secret[int], Secret(0), st.integers().map(Secret)),
    "Secret: of a tuple": Kind(
        Secret[tuple[bytes, ...]], Secret(()), tuples(st.binary()).map(Secret)
    ),
    "Secret: of a model": Kind(
        Secret[Vault], Secret(Vault()), st.builds(Vault, key=SECRETS).map(Secret)
    ),
    "Secret: of a float": Kind(
        Secret[Annotated[float, Field(allow_inf_nan=True)]], Secret(0.0), st.floats().map(Secret)
    ),
    "SecretStr: in a tuple": Kind(tuple[SecretStr, ...], (), tuples(SECRETS)),
    "SecretStr: in a set": Kind(frozenset[SecretStr], frozenset(), sets(SECRETS)),
    "SecretStr: in a mapping": Kind(Mapping[str, SecretStr | None], {}, frozen(UTF8_TEXT, SECRETS)),
    "SecretStr: in a union": Kind(SecretStr | int | None, None, SECRETS | st.integers()),
    "SecretStr: looks like SecretBytes": Kind(
        SecretStr | SecretBytes,
        SecretStr(""),
        SECRETS,
        [SecretBytes(b"\xff")],
        lambda value: isinstance(value, SecretBytes),
    ),
    "SecretStr: in a model": Kind(
        Vault,
        Vault(),
        st.builds(
            Vault, key=SECRETS, deeper=frozen(UTF8_TEXT, tuples(st.binary().map(SecretBytes)))
        ),
    ),
}

KINDS = {
    **PLAIN,
    **TIMES,
    **NETWORK,
    **NARROWED,
    **ENUMS,
    **CONTAINERS,
    **STRICTLY,
    **MODELS,
    **UNIONS,
    **HIDDEN,
}
"""Every kind, by a name; what stands before a colon has a row in `docs/types.md`."""
