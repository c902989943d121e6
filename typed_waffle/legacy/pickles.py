"""A pickle read as data: its instructions are followed here, and none of them can run anything.

A pickle is a program for a small stack machine. `pickle` looks up and calls what the program
names, so it is not used, nor imported. The machine below knows only the instructions of plain
data, in protocols 0 to 5, Python 2's included. A name in a pickle stays a text; the few that plain
data needs are looked up in a table of our own functions.
"""

from __future__ import annotations

import pickletools
import re
import struct
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Literal

__all__ = ["VALUES", "Call", "Name", "NotPlainData", "OldText", "Part", "damaged", "followed"]

VALUES = 10_000
"""The most values that one setting may hold."""
STEPS = 10 * VALUES
"""The most instructions that are followed: enough for so many values in any protocol."""

_PROTOCOL = 5
_SHOWN = 100
_OPCODES = {op.code.encode("latin-1"): op.name for op in pickletools.opcodes}


class NotPlainData(Exception):  # noqa: N818 - internal: it ends in a plan, never at a caller
    """A stored value that is not plain data; the message says why, and shows no value."""


@dataclass(slots=True, eq=False)
class Part:
    """A container that is being filled; a dict as keys and values in turn."""

    kind: Literal["list", "tuple", "dict", "set", "frozenset"]
    items: list[object]


@dataclass(frozen=True, slots=True, eq=False)
class OldText:
    """A `str` of Python 2: text or bytes, the pickle does not say."""

    raw: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """What a pickle would import. It stays a text."""

    dotted: str


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """What a pickle would call."""

    dotted: str
    arguments: list[object]


def followed(data: bytes, names: Container[str]) -> object:
    """What a pickle describes, in parts that are not built yet.

    Raises:
        NotPlainData: it is damaged, or uses an instruction or a name that plain data does not need.
    """
    machine = _Machine(data, names)
    try:
        return machine.run()
    except ValueError:  # a number or a text that cannot be read
        failure = damaged()
    raise failure


def damaged() -> NotPlainData:
    """What to raise for bytes that no pickler writes."""
    return NotPlainData("it is not a pickle, or a damaged one")


class _Machine:
    def __init__(self, data: bytes, names: Container[str]) -> None:
        self._data = data
        self._names = names
        self._at = 0
        self._stack: list[object] = []
        self._marks: list[int] = []
        self._memo: dict[int, object] = {}

    def run(self) -> object:
        for _ in range(STEPS):
            code = self.take(1)
            if code == b".":
                result = self.pop()
                if self._stack or self._marks or self._at != len(self._data):
                    raise damaged()
                return result
            step = _STEPS.get(code)
            if step is None:
                raise _refused(code)
            step(self)
        raise NotPlainData(f"it has more than {STEPS} instructions")

    # --- the bytes ----------------------------------------------------------------------------

    def take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) != size:
            raise damaged()
        self._at += size
        return taken

    def line(self) -> bytes:
        end = self._data.find(b"\n", self._at)
        if end < 0:
            raise damaged()
        taken = self._data[self._at : end]
        self._at = end + 1
        return taken

    def number(self, size: int, *, signed: bool = False) -> int:
        return int.from_bytes(self.take(size), "little", signed=signed)

    def real(self) -> float:
        value: float = struct.unpack(">d", self.take(8))[0]
        return value

    def text(self, size: int) -> str:
        return self.take(self.number(size)).decode()

    # --- the stack ----------------------------------------------------------------------------

    def push(self, value: object) -> None:
        self._stack.append(value)

    def top(self) -> object:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise damaged()
        return self._stack[-1]

    def pop(self) -> object:
        value = self.top()
        self._stack.pop()
        return value

    def last(self, count: int) -> list[object]:
        return [self.pop() for _ in range(count)][::-1]

    def mark(self) -> None:
        self._marks.append(len(self._stack))

    def marked(self) -> list[object]:
        """All since the last mark."""
        if not self._marks:
            raise damaged()
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def fill(self, kind: str, items: list[object]) -> None:
        """Put items into the container on top."""
        part = self.top()
        if not isinstance(part, Part) or part.kind != kind:
            raise damaged()
        part.items += items

    # --- the memo -----------------------------------------------------------------------------

    def remember(self, index: int | None = None) -> None:
        self._memo[len(self._memo) if index is None else index] = self.top()

    def recall(self, index: int) -> None:
        if index not in self._memo:
            raise damaged()
        self.push(self._memo[index])

    # --- names --------------------------------------------------------------------------------

    def name(self, module: object, name: object) -> Name:
        if not isinstance(module, str) or not isinstance(name, str):
            raise damaged()
        dotted = f"{module}.{name}"
        if dotted not in self._names:
            raise NotPlainData(f"it names {dotted[:_SHOWN]!r}, and only plain data is read")
        return Name(dotted)

    def written_name(self) -> Name:
        return self.name(self.line().decode(), self.line().decode())

    def call(self) -> None:
        name, arguments = self.last(2)
        if not isinstance(name, Name) or not isinstance(arguments, Part):
            raise damaged()
        self.push(Call(name.dotted, arguments.items))


def _refused(code: bytes) -> NotPlainData:
    name = _OPCODES.get(code)
    if name is None:
        return damaged()
    return NotPlainData(f"it uses {name}, an instruction that plain data does not need")


def _instance(machine: _Machine) -> None:
    machine.written_name()  # is refused by its name, if it can be
    raise _refused(b"i")


def _protocol(machine: _Machine) -> None:
    if machine.number(1) > _PROTOCOL:
        raise damaged()


def _frame(machine: _Machine) -> None:
    machine.take(8)  # how much to read ahead


def _integer(text: bytes) -> int:
    return text == b"01" if text in {b"00", b"01"} else int(text)


_ESCAPE = re.compile(rb"\\(?:x([0-9a-f]{2})|(.?))", re.DOTALL)
_ESCAPED = {b"\\": b"\\", b"'": b"'", b'"': b'"', b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def _quoted(text: bytes) -> OldText:
    """A `str` as Python 2 wrote it: its `repr`."""
    if len(text) < 2 or text[:1] != text[-1:] or text[:1] not in {b"'", b'"'}:  # noqa: PLR2004 - two quotes
        raise damaged()

    def unescaped(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return bytes([int(match[1], 16)])
        if match[2] not in _ESCAPED:
            raise damaged()
        return _ESCAPED[match[2]]

    return OldText(_ESCAPE.sub(unescaped, text[1:-1]))


def _wide(text: bytes) -> str:
    # A narrow build of Python 2 wrote a character beyond U+FFFF as two.
    joined = text.decode("raw-unicode-escape").encode("utf-16-le", "surrogatepass")
    return joined.decode("utf-16-le")


_STEPS: dict[bytes, Callable[[_Machine], None]] = {
    b"\x80": _protocol,
    b"\x95": _frame,
    b"(": lambda m: m.mark(),
    # one value
    b"N": lambda m: m.push(None),
    b"\x88": lambda m: m.push(True),  # noqa: FBT003 - the value itself
    b"\x89": lambda m: m.push(False),  # noqa: FBT003 - as above
    b"I": lambda m: m.push(_integer(m.line())),
    b"J": lambda m: m.push(m.number(4, signed=True)),
    b"K": lambda m: m.push(m.number(1)),
    b"M": lambda m: m.push(m.number(2)),
    b"L": lambda m: m.push(int(m.line().removesuffix(b"L"))),
    b"\x8a": lambda m: m.push(m.number(m.number(1), signed=True)),  # LONG1
    b"\x8b": lambda m: m.push(m.number(m.number(4), signed=True)),  # LONG4
    b"F": lambda m: m.push(float(m.line())),
    b"G": lambda m: m.push(m.real()),
    b"S": lambda m: m.push(_quoted(m.line())),
    b"T": lambda m: m.push(OldText(m.take(m.number(4)))),
    b"U": lambda m: m.push(OldText(m.take(m.number(1)))),
    b"C": lambda m: m.push(m.take(m.number(1))),
    b"B": lambda m: m.push(m.take(m.number(4))),
    b"\x8e": lambda m: m.push(m.take(m.number(8))),  # BINBYTES8
    b"V": lambda m: m.push(_wide(m.line())),
    b"\x8c": lambda m: m.push(m.text(1)),  # SHORT_BINUNICODE
    b"X": lambda m: m.push(m.text(4)),
    b"\x8d": lambda m: m.push(m.text(8)),  # BINUNICODE8
    # containers
    b"]": lambda m: m.push(Part("list", [])),
    b"l": lambda m: m.push(Part("list", m.marked())),
    b"a": lambda m: m.fill("list", m.last(1)),
    b"e": lambda m: m.fill("list", m.marked()),
    b")": lambda m: m.push(Part("tuple", [])),
    b"t": lambda m: m.push(Part("tuple", m.marked())),
    b"\x85": lambda m: m.push(Part("tuple", m.last(1))),
    b"\x86": lambda m: m.push(Part("tuple", m.last(2))),
    b"\x87": lambda m: m.push(Part("tuple", m.last(3))),
    b"}": lambda m: m.push(Part("dict", [])),
    b"d": lambda m: m.push(Part("dict", m.marked())),
    b"s": lambda m: m.fill("dict", m.last(2)),
    b"u": lambda m: m.fill("dict", m.marked()),
    b"\x8f": lambda m: m.push(Part("set", [])),
    b"\x90": lambda m: m.fill("set", m.marked()),
    b"\x91": lambda m: m.push(Part("frozenset", m.marked())),
    # the memo
    b"p": lambda m: m.remember(int(m.line())),
    b"q": lambda m: m.remember(m.number(1)),
    b"r": lambda m: m.remember(m.number(4)),
    b"\x94": lambda m: m.remember(),
    b"g": lambda m: m.recall(int(m.line())),
    b"h": lambda m: m.recall(m.number(1)),
    b"j": lambda m: m.recall(m.number(4)),
    # names, which stay names
    b"c": lambda m: m.push(m.written_name()),
    b"\x93": lambda m: m.push(m.name(*m.last(2))),  # STACK_GLOBAL
    b"i": _instance,
    b"R": lambda m: m.call(),
}
