"""Readable: sizes, durations and times as people write them, and exactly."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import Final

from pydantic import ByteSize, TypeAdapter

__all__ = [
    "duration_meant",
    "duration_text",
    "is_duration",
    "local_text",
    "size_text",
    "time_text",
    "utc_meant",
    "utc_text",
]

# --- sizes ------------------------------------------------------------------------------------

_BINARY: Final = tuple((1024**n, f"{'KMGTPE'[n - 1]}iB") for n in range(6, 0, -1))
_DECIMAL: Final = tuple((1000**n, f"{'kMGTPE'[n - 1]}B") for n in range(6, 0, -1))
_EXACT: Final = 2**53
"""Above this, a size that is read from a text with a unit is not exact."""

_SIZES: Final = TypeAdapter(ByteSize)


def size_text(data: object) -> str | None:
    """A size with the largest unit of which it is a whole number, or else in bytes."""
    if not isinstance(data, int) or isinstance(data, bool):
        return None
    for number, unit in (*_BINARY, *_DECIMAL):
        if 0 < data <= _EXACT and data % number == 0:
            text = f"{data // number} {unit}"
            if _SIZES.validate_python(text) == data:
                return text
    return str(data)


# --- durations --------------------------------------------------------------------------------

_DURATION: Final = re.compile(
    r"(?P<sign>-?) ?(?:(?P<d>\d+) ?d ?)?(?:(?P<h>\d+) ?h ?)?(?:(?P<m>\d+) ?min ?)?"
    r"(?:(?P<s>\d+(?:\.\d{1,6})?) ?s)?",
    re.ASCII,
)
"""Of a text with single blanks. No two that may be missing touch, so that none is tried twice."""
_DURATIONS: Final = TypeAdapter(timedelta)


def duration_text(data: object) -> str | None:
    """`1 d 2 h 30 min 0.5 s` of a duration in the form of ISO 8601."""
    if not isinstance(data, str):
        return None
    try:
        whole = _DURATIONS.validate_python(data)
    except ValueError:
        return None
    sign, whole = ("-", -whole) if whole < timedelta() else ("", whole)
    minutes, seconds = divmod(whole.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{whole.microseconds:06}".rstrip("0") if whole.microseconds else ""
    parts = [f"{n} {unit}" for n, unit in ((whole.days, "d"), (hours, "h"), (minutes, "min")) if n]
    if seconds or fraction or not parts:
        parts.append(f"{seconds}{fraction} s")
    return sign + " ".join(parts)


def duration_meant(text: str) -> str:
    """The form of ISO 8601 of what was typed in that way; anything else as it is."""
    found = _DURATION.fullmatch(" ".join(text.split()))
    if not found or not any(found[part] for part in "dhms"):
        return text
    days, hours, minutes, seconds = (found[part] or "0" for part in "dhms")
    return f"{found['sign']}P{days}DT{hours}H{minutes}M{seconds}S"


def is_duration(text: str) -> bool:
    """Whether a text is a duration, in this or in any other form that Pydantic reads."""
    meant: str | float = duration_meant(text)
    with suppress(ValueError):
        meant = float(meant)  # seconds, which are no text to Pydantic
    try:
        _DURATIONS.validate_python(meant)
    except ValueError:
        return False
    return True


# --- times ------------------------------------------------------------------------------------

_TYPED: Final = re.compile(r"\d{4,}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?", re.ASCII)


def time_text(data: object) -> str | None:
    """A time of day as a browser writes it; `None` if it cannot."""
    if not isinstance(data, str):
        return None
    try:
        at = time.fromisoformat(data)
    except ValueError:
        return None
    return None if at.tzinfo or at.microsecond % 1000 else _shortest(at)


def local_text(data: object) -> str | None:
    """A date and time without a zone as a browser writes them; `None` if it cannot."""
    at = _read(data)
    return None if at is None or at.tzinfo else _written(at)


def utc_text(data: object) -> str | None:
    """The same of one in a zone, in UTC."""
    at = _read(data)
    if at is None or not at.tzinfo:
        return None
    try:
        return _written(at.astimezone(UTC))
    except OverflowError:
        return None


def utc_meant(text: str) -> str:
    """What was typed, in UTC if it says no zone."""
    return f"{text}Z" if _TYPED.fullmatch(text) else text


def _read(data: object) -> datetime | None:
    try:
        return datetime.fromisoformat(data) if isinstance(data, str) and "T" in data else None
    except ValueError:
        return None


def _written(at: datetime) -> str | None:
    return None if at.microsecond % 1000 else f"{at.date().isoformat()}T{_shortest(at)}"


def _shortest(at: time | datetime) -> str:
    fraction = f".{at.microsecond // 1000:03}".rstrip("0") if at.microsecond else ""
    seconds = f":{at.second:02}{fraction}" if at.second or fraction else ""
    return f"{at.hour:02}:{at.minute:02}{seconds}"
