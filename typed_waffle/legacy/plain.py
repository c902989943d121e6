"""Plain data from a stored value: base64 of a pickle, as Flask-WaffleConf writes it."""

from __future__ import annotations

import base64

from typed_waffle.legacy.makers import MAKERS
from typed_waffle.legacy.pickles import (
    VALUES,
    Call,
    NotPlainData,
    OldText,
    Part,
    damaged,
    followed,
)

__all__ = ["decoded"]

LONGEST = 1024 * 1024
"""The most bytes of a pickle, and of all texts and integers in what it makes."""
DEEPEST = 64
"""How deep containers may be nested."""


def decoded(stored: object) -> object:
    """The plain data of a stored value.

    That is `None`, booleans, numbers, texts, bytes, lists, tuples, dicts, sets, dates, times and
    `Decimal`. A `str` of Python 2 is a text if it is UTF-8, else bytes.

    Raises:
        NotPlainData: it is anything else, or too large.
    """
    if not isinstance(stored, (str, bytes)):
        raise NotPlainData(f"it is no text, but of type {type(stored).__name__}")
    if len(stored) > 2 * LONGEST:
        raise _too_long()
    try:
        # Without blanks: a column of fixed width adds them.
        encoded = b"".join((stored.encode() if isinstance(stored, str) else stored).split())
        data = base64.b64decode(encoded, validate=True)
    except ValueError:
        failure = NotPlainData("it is not base64")
    else:
        if len(data) > LONGEST:
            raise _too_long()
        return _Builder().built(followed(data, MAKERS))
    raise failure


def _too_long() -> NotPlainData:
    return NotPlainData(f"it is longer than {LONGEST} bytes")


class _Builder:
    """Builds plain data from parts, which may refer to one another many times, or in a circle.

    What is referred to twice is built, and counted, twice.
    """

    def __init__(self) -> None:
        self._values = VALUES
        self._size = LONGEST

    def built(self, part: object, depth: int = 0) -> object:
        self._count(part, depth)
        match part:
            case None | bool() | int() | float() | str() | bytes():
                return part
            case OldText():
                return _text_or_bytes(part.raw)
            case Part(kind="dict"):
                return self._dict(part.items, depth)
            case Part():
                return self._collection(part, depth)
            case Call():
                return self._made(part, depth)
            case _:
                raise NotPlainData("it holds a name, which is no data")

    def _count(self, part: object, depth: int) -> None:
        self._values -= 1
        match part:
            case str() | bytes():
                self._size -= len(part)
            case OldText():
                self._size -= len(part.raw)
            case int():
                self._size -= part.bit_length() // 8
            case _:
                pass
        if depth > DEEPEST:
            raise NotPlainData(f"it is nested more than {DEEPEST} deep, or holds itself")
        if self._values < 0:
            raise NotPlainData(f"it holds more than {VALUES} values")
        if self._size < 0:
            raise _too_long()

    def _dict(self, items: list[object], depth: int) -> dict[object, object]:
        parts = [self.built(item, depth + 1) for item in items]
        if len(parts) % 2:
            raise damaged()
        try:
            return dict(zip(parts[::2], parts[1::2], strict=True))
        except TypeError:  # the key has no hash
            failure = NotPlainData("a dict in it has a key that can be mutated")
        raise failure

    def _collection(self, part: Part, depth: int) -> object:
        items = [self.built(item, depth + 1) for item in part.items]
        try:
            match part.kind:
                case "tuple":
                    return tuple(items)
                case "set":
                    return set(items)
                case "frozenset":
                    return frozenset(items)
                case _:
                    return items
        except TypeError:  # as above
            failure = NotPlainData(f"a {part.kind} in it holds what can be mutated")
        raise failure

    def _made(self, call: Call, depth: int) -> object:
        arguments = [self._argument(argument, depth + 1) for argument in call.arguments]
        try:
            return MAKERS[call.dotted](*arguments)
        except (TypeError, ValueError, ArithmeticError):
            failure = NotPlainData(f"what it gives to {call.dotted} makes no such value")
        raise failure

    def _argument(self, part: object, depth: int) -> object:
        if isinstance(part, OldText):
            self._count(part, depth)
            return part.raw  # the inside of a date is no text, even where it looks like one
        return self.built(part, depth)


def _text_or_bytes(raw: bytes) -> str | bytes:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw
