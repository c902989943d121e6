"""Notes in Redis: one key for each, and a set of names for each shelf.

All keys of a shelf have one hash tag, so that one node of a cluster has them. Keys are never
searched for: no SCAN, no KEYS. Names whose note is gone are dropped by whoever comes across them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from typed_waffle.buses.message import Codec
from typed_waffle.buses.routes import Route
from typed_waffle.buses.turnstile import Turnstile
from typed_waffle.buses.wire import Address, RefusedError, Reply, Wire
from typed_waffle.protocols import BusError

__all__ = ["RedisNotes"]

T = TypeVar("T")

WITHIN = 1.0
"""Seconds that leaving or reading may take, from finding the server to its last answer."""

TIMEOUT = 0.5
"""Seconds for each step of it."""

PAUSE_AFTER_FAILURE = 1.0
"""Seconds for which it is not tried again."""

HOPS = 3
"""How often a cluster may send us on to another node."""

MAX_NOTE = 4 * 1024 * 1024
"""The longest note, in bytes; of a longer one, which is nobody's, no more is read."""

MAX_SHELF = 16 * 1024 * 1024
"""The most bytes that are read from a shelf."""

MAX_NAMES = 5000
"""The most names that are read from a shelf."""

AT_ONCE = 100
"""How many commands are sent before their answers are taken."""

SWEPT = 16
"""How many names a newcomer looks at, so that those who left do not pile up where nobody reads."""

_MOVED = re.compile(r"(?:MOVED|MovedError:) \d+ (?P<host>\S*):(?P<port>\d+)$")
_READ_ONLY = re.compile("READONLY|ReadOnlyError")
"""What the server said, or the name that redis-py has for it: its versions differ."""

_BRACES = str.maketrans({"{": "%7B", "}": "%7D"})


class RedisNotes:
    """The notes of one channel, in the first database. A connection is made for each use."""

    def __init__(self, route: Route, channel: str, codec: Codec) -> None:
        self._route = route
        self._prefix = channel.translate(_BRACES)
        self._codec = codec
        self._leaving = Turnstile("note")
        self._reading = Turnstile("look at the notes")

    def leave(self, shelf: str, name: str, text: str | None, lasts: float) -> None:
        """See `Bus.leave`."""
        note = None if text is None else self._codec.seal(shelf, name, text)
        if note is not None and len(note) > MAX_NOTE:
            raise BusError(f"a note of {len(note)} bytes is too long; {MAX_NOTE} is the most")
        index = self._index(shelf)

        def talk(wire: Wire) -> None:
            if note is None:
                _take_away(wire, index, name.encode())
            else:
                _put(wire, index, name.encode(), note, lasts)

        self._leaving.make(lambda: self._where_it_lies(talk), WITHIN, PAUSE_AFTER_FAILURE)

    def left(self, shelf: str) -> dict[str, str]:
        """See `Bus.left`."""
        index = self._index(shelf)
        notes = self._reading.make(
            lambda: self._where_it_lies(lambda wire: _all(wire, index)), WITHIN, PAUSE_AFTER_FAILURE
        )
        read: dict[str, str] = {}
        for name, note in notes.items():
            try:
                text = self._codec.unseal(shelf, name.decode(), note)
            except UnicodeDecodeError:
                continue
            if text is not None:
                read[name.decode()] = text
        return read

    def _index(self, shelf: str) -> bytes:
        return f"{self._prefix}:{{{shelf.translate(_BRACES)}}}".encode()

    def _where_it_lies(self, talk: Callable[[Wire], T]) -> T:
        """Talk to the server that has the shelf."""
        address: Address | None = None
        for _ in range(HOPS):
            wire = self._route.moved(address, TIMEOUT) if address else self._route.open(TIMEOUT)
            try:
                return talk(wire)
            except RefusedError as error:
                address = _elsewhere(wire, error)
            finally:
                wire.close()
        raise BusError(f"after {HOPS} nodes of the cluster, none has the notes")


def _key(index: bytes, name: bytes) -> bytes:
    return index + b":" + name


def _put(wire: Wire, index: bytes, name: bytes, note: bytes, lasts: float) -> None:
    wire.send("SET", _key(index, name), note, "PX", str(max(1, math.ceil(lasts * 1000))))
    wire.send("SADD", index, name)
    wire.send("TTL", index)
    _stored, new, expiry = (_answer(wire) for _ in range(3))
    _outlive(wire, index, expiry, lasts)
    if new:
        [names] = _ask(wire, ("SRANDMEMBER", index, str(SWEPT)))
        exist = _ask(wire, *(("EXISTS", _key(index, other)) for other in names))
        _drop(wire, index, [other for other, there in zip(names, exist, strict=True) if not there])


def _outlive(wire: Wire, index: bytes, expiry: float, lasts: float) -> None:
    """See that the set is there for longer than a note."""
    if expiry < lasts:  # by far, so that this is rarely needed
        _ask(wire, ("EXPIRE", index, str(math.ceil(2 * lasts))))


def _take_away(wire: Wire, index: bytes, name: bytes) -> None:
    _ask(wire, ("DEL", _key(index, name)), ("SREM", index, name))


def _all(wire: Wire, index: bytes) -> dict[bytes, bytes]:
    [names] = _ask(wire, ("SRANDMEMBER", index, str(MAX_NAMES + 1)))
    if len(names) > MAX_NAMES:
        raise BusError(f"there are more than {MAX_NAMES} notes")
    notes: dict[bytes, bytes] = {}
    length = 0
    for begin in range(0, len(names), AT_ONCE):
        some = names[begin : begin + AT_ONCE]
        for name in some:
            wire.send("GETRANGE", _key(index, name), "0", str(MAX_NOTE))
        for name in some:
            notes[name] = _answer(wire)
            length += len(notes[name])
            if length > MAX_SHELF:
                raise BusError(f"the notes have more than {MAX_SHELF} bytes")
    with suppress(RefusedError):  # a replica can be read all the same
        _drop(wire, index, [name for name, note in notes.items() if not note])
    return {name: note for name, note in notes.items() if note}


def _drop(wire: Wire, index: bytes, names: Sequence[bytes]) -> None:
    for begin in range(0, len(names), AT_ONCE):
        some = names[begin : begin + AT_ONCE]
        looks = (("TTL", _key(index, name)) for name in some)
        _removed, *lasts = _ask(wire, ("SREM", index, *some), *looks)
        # Left anew since it was looked for, perhaps before its name was dropped.
        back = {name: left for name, left in zip(some, lasts, strict=True) if left >= 0}
        if back:
            _added, expiry = _ask(wire, ("SADD", index, *back), ("TTL", index))
            _outlive(wire, index, expiry, max(1, *back.values()))


def _ask(wire: Wire, *commands: tuple[str | bytes, ...]) -> list[Reply]:
    for command in commands:
        wire.send(*command)
    return [_answer(wire) for _ in commands]


def _answer(wire: Wire) -> Reply:
    return wire.answer(TIMEOUT)


def _elsewhere(wire: Wire, error: RefusedError) -> Address:
    """The address that a refusal names; any other refusal is raised."""
    text = str(error)
    if _READ_ONLY.search(text):
        raise BusError(
            "this server is a replica, and keeps no notes of its own. Name the primary"
        ) from error
    moved = _MOVED.search(text)
    if moved is None:
        raise error
    # A node that does not know its own name leaves it to whoever asks.
    host = moved["host"] or (wire.address[0] if wire.address else "")
    return host, int(moved["port"])
