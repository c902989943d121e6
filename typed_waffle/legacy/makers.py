"""What the names in a pickle stand for: a function of our own for each that plain data needs.

Each takes exactly the arguments that a pickler writes. Whatever else is given to it raises an error
of Python's own, and nothing is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType

__all__ = ["MAKERS"]

EXPONENT = 6144
"""The largest exponent of a `Decimal`. As an integer, a far larger one would fill the memory."""

_FOLD = 0x80


def _set(*arguments: object) -> object:
    match arguments:
        case (list() as items,):
            return set(items)
        case _:
            raise ValueError


def _frozenset(*arguments: object) -> object:
    match arguments:
        case (list() as items,):
            return frozenset(items)
        case _:
            raise ValueError


def _bytes(*arguments: object) -> object:
    if arguments:
        raise ValueError
    return b""


def _encoded(*arguments: object) -> object:
    match arguments:
        case (str() as text, "latin1"):
            return text.encode("latin-1")
        case _:
            raise ValueError


def _decimal(*arguments: object) -> object:
    match arguments:
        case (str() as digits,):
            value = Decimal(digits)
        case (bytes() as digits,):
            value = Decimal(digits.decode())
        case _:
            raise ValueError
    if not value.is_finite() or abs(value.adjusted()) > EXPONENT:
        raise ValueError
    return value


# Python's own classes take these bytes without a look: they would make a 99th of June.


def _date(*arguments: object) -> date:
    match arguments:
        case (bytes() as raw,):
            high, low, month, day = raw
            return date(high << 8 | low, month, day)
        case _:
            raise ValueError


def _time(*arguments: object) -> time:
    raw, zone = _bytes_and_zone(arguments)
    hour, minute, second, *micro = raw
    fold, hour = divmod(hour, _FOLD)
    return time(hour, minute, second, _micro(micro), zone, fold=fold)


def _datetime(*arguments: object) -> datetime:
    raw, zone = _bytes_and_zone(arguments)
    high, low, month, day, hour, minute, second, *micro = raw
    fold, month = divmod(month, _FOLD)
    year = high << 8 | low
    return datetime(year, month, day, hour, minute, second, _micro(micro), zone, fold=fold)


def _micro(raw: list[int]) -> int:
    first, second, third = raw
    return first << 16 | second << 8 | third


def _bytes_and_zone(arguments: tuple[object, ...]) -> tuple[bytes, timezone | None]:
    match arguments:
        case (bytes() as raw,):
            return raw, None
        case (bytes() as raw, timezone() as zone):
            return raw, zone
        case _:
            raise ValueError


def _timedelta(*arguments: object) -> timedelta:
    match arguments:
        case (int() as days, int() as seconds, int() as microseconds):
            return timedelta(days, seconds, microseconds)
        case _:
            raise ValueError


def _timezone(*arguments: object) -> timezone:
    match arguments:
        case (timedelta() as offset,):
            return timezone(offset)
        case (timedelta() as offset, str() as name):
            return timezone(offset, name)
        case _:
            raise ValueError


MAKERS: Mapping[str, Callable[..., object]] = MappingProxyType(
    {
        # `__builtin__` is Python 2's name of it, which pickles of the protocols 0 to 2 keep.
        "builtins.set": _set,
        "__builtin__.set": _set,
        "builtins.frozenset": _frozenset,
        "__builtin__.frozenset": _frozenset,
        "builtins.bytes": _bytes,
        "__builtin__.bytes": _bytes,
        "_codecs.encode": _encoded,  # bytes, in the protocols 0 to 2
        "decimal.Decimal": _decimal,
        "datetime.date": _date,
        "datetime.time": _time,
        "datetime.datetime": _datetime,
        "datetime.timedelta": _timedelta,
        "datetime.timezone": _timezone,
    }
)
"""Dotted name to function. No name is ever looked up anywhere else."""
