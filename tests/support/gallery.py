"""Settings of many kinds, for programs that try all that a description of them allows."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, ByteSize, Field, Secret, SecretStr

from typed_waffle import WaffleModel

__all__ = ["Parts", "Values"]


class Tone(enum.Enum):
    """How it speaks."""

    FORMAL = "formal"
    FRIENDLY = "friendly"


class Smtp(WaffleModel):
    """Where mail goes."""

    host: str = "localhost"
    port: Annotated[int, Field(ge=1, le=65535)] = 25
    password: SecretStr = SecretStr("")
    headers: Mapping[str, str] = {}


class Room(WaffleModel):
    """A place, and those in it."""

    name: Annotated[str, Field(max_length=20)] = ""
    seats: int | None = None
    within: Mapping[str, Room] = {}


@dataclasses.dataclass(frozen=True)
class Point:
    x: float = 0.0
    y: float = 0.0


class Values(WaffleModel):
    """Settings without parts, and no rule across them, which no schema could tell."""

    name: Annotated[str, Field(min_length=1, max_length=40)] = "Waffle"
    """Shown in the page header."""
    opened: bool = True
    number: int = 0
    ratio: Annotated[float, Field(ge=0, lt=1)] = 0.5
    discount: float | None = None
    price: Decimal = Decimal("1.50")
    tone: Tone = Tone.FORMAL
    theme: Literal["light", "dark", 3] = "light"
    size: ByteSize = ByteSize(1_000)
    pause: timedelta = timedelta(seconds=30)
    since: AwareDatetime = datetime(2024, 1, 1, tzinfo=UTC)
    day: date = date(2024, 2, 29)
    ident: UUID = UUID(int=0)
    api_key: SecretStr = SecretStr("")
    pin: Secret[int] = Secret(1234)


class Parts(WaffleModel):
    """Settings with parts."""

    pair: tuple[int, str] = (1, "a")
    tags: Annotated[Sequence[str], Field(max_length=3)] = ("new",)
    admins: AbstractSet[str] = {"root"}
    codes: Mapping[int, str] = {1: "one"}
    rooms: Mapping[str, Room] = {"hall": Room(name="Hall")}
    doors: Sequence[Room] = ()
    at: Point = Point()
    smtp: Smtp = Smtp()
    relay: Smtp | None = None
    keys: Sequence[SecretStr] = ()
