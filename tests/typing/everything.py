"""A settings model with every kind of field, for which `everything_typed.py` is written."""

import dataclasses
import datetime as dt
import enum
import ipaddress
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePath
from typing import Annotated, Generic, Literal, NamedTuple, NewType, Optional, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import (
    AnyUrl,
    AwareDatetime,
    ByteSize,
    EmailStr,
    Field,
    HttpUrl,
    IPvAnyAddress,
    PastDate,
    PositiveInt,
    PostgresDsn,
    Secret,
    SecretBytes,
    SecretStr,
    StringConstraints,
)
from typing_extensions import TypeAliasType

from tests.support import models
from tests.support.models import Foreign
from typed_waffle import Waffle, WaffleModel
from typed_waffle.model import Setting

T = TypeVar("T")
K = TypeVar("K")

Cents = NewType("Cents", int)
Limits = TypeAliasType("Limits", Mapping[str, tuple[int, ...]])
Table = TypeAliasType("Table", Mapping[str, T], type_params=(T,))
Number = int | Decimal


class Colour(enum.Enum):
    """By value."""

    RED = "red"
    BLUE = "blue"


class Planet(enum.Enum):
    """By name."""

    EARTH = (5.976e24, 6.37814e6)
    MARS = (6.421e23, 3.3972e6)


class Size(enum.StrEnum):
    """A text."""

    SMALL = "s"
    LARGE = "l"


class Access(enum.IntFlag):
    """A number."""

    READ = 1
    WRITE = 2


class Cat(WaffleModel):
    """Told by its kind."""

    kind: Literal["cat"] = "cat"


class Dog(WaffleModel):
    """Told by its kind."""

    kind: Literal["dog"] = "dog"


class Node(WaffleModel):
    """A model that refers to itself."""

    below: Mapping[str, "Node"] = {}


@dataclasses.dataclass(frozen=True)
class Point:
    """A place."""

    x: float = 0.0


class Pair(NamedTuple):
    """Two numbers."""

    left: int = 0
    right: int = 0


class Box(WaffleModel, Generic[T]):
    """A generic model, nested as it is and inherited from."""

    held: T | None = None
    spares: "Sequence[T]" = ()


class Shelf(Box[tuple[K, ...]], Generic[K]):
    """A generic model on top of another."""

    label: K | None = None


class Outer:
    """A class that has another in it."""

    class Smtp(WaffleModel):
        """A nested model in a nested class."""

        host: str = "localhost"


class Settings(Shelf[Planet]):
    """Each kind of field that survives the store."""

    site_name: Annotated[str, Field(min_length=1, max_length=40)] = "Waffle"
    """Shown in the page "header".

    Over several lines, with a \\ in it, a \t, and quotes at the end: \"""x\""""
    maintenance: bool = False
    count: PositiveInt = 1
    share: float = 0.0
    price: Decimal = Decimal(0)
    part: Fraction = Fraction(0)
    number: Number = 0
    cents: Cents = Cents(0)
    raw: bytes = b""
    ident: UUID = UUID(int=0)
    folder: Path = Path()
    pure: PurePath = PurePath()
    pattern: re.Pattern[str] = re.compile("")
    code: Annotated[str, StringConstraints(pattern="^a*$")] = ""
    day: dt.date = dt.date.min
    past: PastDate = dt.date.min
    moment: AwareDatetime = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    span: dt.timedelta = dt.timedelta(0)
    zone: ZoneInfo = ZoneInfo("UTC")
    address: ipaddress.IPv4Address = ipaddress.IPv4Address(0)
    any_address: IPvAnyAddress | None = None
    url: AnyUrl | None = None
    home: HttpUrl | None = None
    database: PostgresDsn | None = None
    mail: EmailStr = "ada@example.com"
    max_filesize: ByteSize = ByteSize(1_000)
    colour: Colour = Colour.RED
    size: Size = Size.SMALL
    access: Access = Access(0)
    mode: Literal["on", "off", 1, True, None] = "on"  # noqa: PYI061 - as somebody may write it
    password: SecretStr = SecretStr("")
    key: SecretBytes = SecretBytes(b"")
    pin: Secret[int] = Secret(0)
    pair: tuple[int, str] = (0, "")
    nothing: tuple[()] = ()
    many: tuple[bytes, ...] = ()
    names: Sequence[Annotated[str, Field(min_length=1)]] = ()
    planets: AbstractSet[Planet] = frozenset()
    numbers: frozenset[int | None] = frozenset()
    prices: Mapping[str, Mapping[Planet, int]] = {}
    limits: Limits = {}  # noqa: RUF012 - an alias of Mapping
    table: Table[Size] = {}  # noqa: RUF012 - as above
    note: Optional[str] = None  # noqa: UP045 - as somebody may write it
    animal: Annotated[Cat | Dog, Field(discriminator="kind")] = Cat()
    node: Node = Node()
    foreign: Foreign = Foreign()
    point: Point = Point()
    corner: Pair = Pair()
    box: Box[int] = Box[int]()
    boxes: Mapping[str, Box[Size]] = {}
    smtp: models.Smtp = models.Smtp()
    other_smtp: Outer.Smtp = Outer.Smtp()
    page_size: Annotated[int, Setting(renamed_from="per_page")] = 20
    # Names that mean something else in the module that is written:
    update: int = 0
    int: bool = False
    datetime: dt.datetime | None = None
    pydantic: HttpUrl | None = None
    typing: Literal["x"] = "x"
    tests: Size = Size.SMALL


everything = Waffle(Settings)
