"""Kinds of values that settings hold: what must survive the store, and what must be refused.

Here are the values without parts; those with parts are in `compounds`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import ipaddress
import math
import re
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from pydantic import (
    AnyUrl,
    AwareDatetime,
    ByteSize,
    ConfigDict,
    EmailStr,
    Field,
    HttpUrl,
    IPvAnyAddress,
    NaiveDatetime,
    PastDate,
    PositiveInt,
    PostgresDsn,
    StrictInt,
    StringConstraints,
    TypeAdapter,
)

from tests.support.models import one
from typed_waffle import WaffleModel

__all__ = [
    "NAIVE",
    "NETWORK",
    "PARIS",
    "PLAIN",
    "TIMES",
    "UTF8_TEXT",
    "Kind",
    "never",
    "unencodable",
]

UTC = dt.UTC
FIRST, LAST = dt.datetime.min, dt.datetime.max  # noqa: DTZ901 - without a zone on purpose
PARIS = ZoneInfo("Europe/Paris")
LARGEST = 10**4300 - 1
"""Python, and Pydantic's JSON parser, read no more digits."""


def never(_: object) -> bool:
    return False


@dataclasses.dataclass(frozen=True)
class Kind:
    """One type, values of it, and which of them cannot survive."""

    type: Any
    default: object
    values: st.SearchStrategy[Any]
    picked: Sequence[object] = ()
    """Values at which something broke once, here or in another system."""
    refused: Callable[[Any], bool] = never
    config: ConfigDict | None = None

    @cached_property
    def model(self) -> type[WaffleModel]:
        """A settings model with one field of the type, `value`."""
        made: type[WaffleModel] = one(self.type, self.default, **(self.config or {}))
        return made


# --- strategies -------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
UTF8_TEXT = st.text(max_size=20)
OFFSETS = st.integers(-1439, 1439).map(lambda m: dt.timezone(dt.timedelta(minutes=m)))
NAIVE = st.datetimes().map(lambda time: time.replace(fold=0))
ODD_OFFSETS = st.integers(-86399, 86399).map(lambda s: dt.timezone(dt.timedelta(seconds=s)))
ZONES = st.sampled_from(
    [PARIS, ZoneInfo("Africa/Monrovia"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("UTC")]
)
NUMBER = int | float | bool | str


def urls(kind: Any, before: str, after: str = "") -> st.SearchStrategy[Any]:  # noqa: ANN401 - a type
    made = TypeAdapter(kind)
    return UTF8_TEXT.map(lambda path: made.validate_python(f"{before}/{path}{after}"))


# --- what is refused --------------------------------------------------------------------------


def unencodable(text: object) -> bool:
    """Whether a lone surrogate stands in it."""
    return bool(re.search("[\ud800-\udfff]", str(text)))


def infinite(number: float | Decimal) -> bool:
    return not (number.is_finite() if isinstance(number, Decimal) else math.isfinite(number))


def odd_time(time: dt.datetime | dt.time) -> bool:
    """Whether ISO 8601 cannot say it: an offset with seconds, a fold or a zone without offset."""
    offset = time.utcoffset()
    if offset is None:
        return time.fold == 1 or time.tzinfo is not None
    return bool(offset % dt.timedelta(minutes=1))


PLAIN: dict[str, Kind] = {
    "str": Kind(
        str,
        "",
        TEXT,
        [
            "\0",
            "a\r\nb\rc\u2028\u2029\x85",
            "\ufeff\u202e\u05d0\u200d\ufffe\uffff\U0010ffff",
            "🧇👩‍👩‍👧e\u0301é",
            "'\"\\`%s :a ${} \x1a\x7f",
            "**********",
            "\ud800",
            "\udfff\ud800",
        ],
        unencodable,
    ),
    "bool": Kind(bool, default=False, values=st.booleans(), picked=[True]),
    "int": Kind(
        int,
        0,
        st.integers(),
        [2**53 + 1, 2**63, -(2**64), 10**400, LARGEST, -LARGEST, LARGEST + 1, 10**5000],
        lambda number: abs(number) > LARGEST,
    ),
    "float": Kind(
        float,
        0.0,
        st.floats(),
        [-0.0, 5e-324, 1.7976931348623157e308, 1e16, 0.1, math.inf, -math.inf, math.nan],
        infinite,
    ),
    "float: not finite": Kind(
        Annotated[float, Field(allow_inf_nan=True)],
        math.inf,
        st.floats(),
        [math.nan, -math.inf, -0.0],
    ),
    "Decimal": Kind(
        Decimal,
        Decimal(0),
        st.decimals(),
        [Decimal(text) for text in ("1.0", "1.00", "-0", "0E+3", "1E+400", "1E-400", "NaN")],
        infinite,
    ),
    "Decimal: not finite": Kind(
        Annotated[Decimal, Field(allow_inf_nan=True)],
        Decimal("NaN"),
        st.decimals(),
        [Decimal(text) for text in ("-NaN", "NaN123", "sNaN", "-Infinity", "1.0", "1.00")],
    ),
    "Fraction": Kind(Fraction, Fraction(0), st.fractions()),
    "bytes": Kind(bytes, b"", st.binary(max_size=40), [b"\xff\xfe\0", bytes(range(256)), b"text"]),
    "UUID": Kind(uuid.UUID, uuid.UUID(int=0), st.uuids()),
    "Path": Kind(
        Path,
        Path(),
        TEXT.map(Path),
        [Path("/a/../b"), Path("a\0b"), Path("/caf\udce9")],
        unencodable,
    ),
    "PurePath": Kind(
        PurePath,
        PurePath(),
        UTF8_TEXT.map(PurePath),
        [PureWindowsPath(r"c:\a"), Path("/a")],
        lambda path: type(path) is not PurePosixPath,
    ),
    "re.Pattern": Kind(
        re.Pattern[str],
        re.compile(""),
        UTF8_TEXT.map(re.escape).map(re.compile),
        [re.compile("(?i)^a+$"), re.compile("a", re.IGNORECASE)],
        lambda pattern: re.compile(pattern.pattern) != pattern,
    ),
}

TIMES: dict[str, Kind] = {
    "date": Kind(dt.date, dt.date.min, st.dates(), [dt.date.max, dt.date(2024, 2, 29)]),
    "datetime": Kind(
        dt.datetime,
        FIRST,
        st.datetimes(timezones=st.none() | st.just(UTC) | OFFSETS | ODD_OFFSETS),
        [
            LAST,
            dt.datetime(2024, 1, 1),  # noqa: DTZ001 - that is the case
            dt.datetime(2024, 1, 1, fold=1),  # noqa: DTZ001 - as above
            dt.datetime(2024, 1, 1, tzinfo=UTC),
            FIRST.replace(tzinfo=dt.timezone(dt.timedelta(hours=14))),
            LAST.replace(tzinfo=dt.timezone(dt.timedelta(hours=-12))),
        ],
        odd_time,
    ),
    "datetime: in a zone": Kind(
        dt.datetime,
        FIRST,
        st.datetimes(timezones=ZONES),
        [
            dt.datetime(2024, 10, 27, 2, 30, tzinfo=PARIS),
            dt.datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=PARIS),
            dt.datetime(2024, 3, 31, 2, 30, tzinfo=PARIS),
            dt.datetime(1900, 1, 1, tzinfo=PARIS),
        ],
        odd_time,
    ),
    "AwareDatetime": Kind(
        AwareDatetime, dt.datetime(2024, 1, 1, tzinfo=UTC), st.datetimes(timezones=OFFSETS)
    ),
    "NaiveDatetime": Kind(NaiveDatetime, FIRST, st.datetimes(), refused=odd_time),
    "PastDate": Kind(PastDate, dt.date.min, st.dates(max_value=dt.date(2024, 1, 1))),
    "time": Kind(
        dt.time,
        dt.time.min,
        st.times(timezones=st.none() | OFFSETS | ZONES),
        [dt.time.max, dt.time(1, tzinfo=UTC), dt.time(1, tzinfo=PARIS), dt.time(1, fold=1)],
        odd_time,
    ),
    "timedelta": Kind(
        dt.timedelta,
        dt.timedelta(),
        st.timedeltas(),
        [dt.timedelta.min, dt.timedelta.max, dt.timedelta(days=-3, microseconds=7)],
    ),
    "ZoneInfo": Kind(ZoneInfo, ZoneInfo("UTC"), ZONES),
}

NETWORK: dict[str, Kind] = {
    "IPv4Address": Kind(ipaddress.IPv4Address, ipaddress.IPv4Address(0), st.ip_addresses(v=4)),
    "IPv6Address": Kind(
        ipaddress.IPv6Address,
        ipaddress.IPv6Address(0),
        st.ip_addresses(v=6),
        [ipaddress.IPv6Address("fe80::1%eth0")],
    ),
    "IPv4Network": Kind(
        ipaddress.IPv4Network,
        ipaddress.IPv4Network("10.0.0.0/8"),
        st.builds(
            lambda ip, bits: ipaddress.IPv4Network((ip, bits), strict=False),
            st.ip_addresses(v=4),
            st.integers(0, 32),
        ),
    ),
    "IPv6Interface": Kind(
        ipaddress.IPv6Interface,
        ipaddress.IPv6Interface("::1/64"),
        st.builds(
            lambda ip, bits: ipaddress.IPv6Interface((ip, bits)),
            st.ip_addresses(v=6),
            st.integers(0, 128),
        ),
    ),
    "IPvAnyAddress": Kind(IPvAnyAddress, ipaddress.IPv4Address(0), st.ip_addresses()),
    "AnyUrl": Kind(AnyUrl, AnyUrl("a:b"), urls(AnyUrl, "x-a://Host"), [AnyUrl("mailto:a@b")]),
    "HttpUrl": Kind(
        HttpUrl,
        HttpUrl("http://a"),
        urls(HttpUrl, "HTTP://u:p@Exämple.org:80", "?q=ä b#ö"),
        [HttpUrl("https://[::1]:8443/%20 %zz")],
    ),
    "PostgresDsn": Kind(
        PostgresDsn, PostgresDsn("postgresql://a/b"), urls(PostgresDsn, "postgres://u@h:1,i:2")
    ),
    "EmailStr": Kind(
        EmailStr, "a@b.de", st.sampled_from(["a+b@b.de", "ä@ö.de"]), ["First.Last@b.de"]
    ),
}

NARROWED: dict[str, Kind] = {
    "ByteSize": Kind(ByteSize, ByteSize(0), st.integers(0).map(ByteSize), [ByteSize(2_000_000)]),
    "PositiveInt": Kind(PositiveInt, 1, st.integers(1)),
    "StrictInt": Kind(StrictInt, 0, st.integers()),
    "StringConstraints": Kind(
        Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\S*$", max_length=9)],
        "",
        st.from_regex(r"\A[a-zA-Z0-9]{0,9}\Z"),
    ),
    "StringConstraints: Python's own expressions": Kind(
        Annotated[str, StringConstraints(pattern=r"^(?!x)\w*$")],
        "",
        st.from_regex(r"\A[a-w]{0,9}\Z"),
        config=ConfigDict(regex_engine="python-re"),
    ),
}
