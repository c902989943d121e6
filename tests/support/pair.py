"""Two whole workers on one database: one makes changes, the other must hear of them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.shop import Limits
from tests.support.waiting import eventually
from typed_waffle import Waffle

__all__ = ["FALLBACK", "WRITE", "Pair", "connected"]

FALLBACK = 0.5
"""Seconds between looks at the database when Redis is away. While it is well they are too rare to
help, so that what arrives was pushed, or was read after a subscription."""

WRITE = 2.5
"""Seconds that a write may take, whatever Redis does: about one, on a busy machine."""

PUSH = 2.0
"""Seconds in which what is pushed must arrive on a busy machine."""


class Pair:
    """The two workers."""

    def __init__(self, reader: Waffle[Limits], writer: Waffle[Limits]) -> None:
        self.reader = reader
        self.writer = writer
        self._names = (f"name {number}" for number in itertools.count())
        self._seen = [0]
        reader.on_change()(lambda _old, _new: self._seen.append(reader.snapshot().revision))

    def state(self) -> str:
        """What the reader says of itself."""
        return self.reader.status().state

    def goes_live(self) -> float:
        """Wait until both say that they are told of changes; how long that took."""
        return eventually(lambda: self.state() == self.writer.status().state == "live")

    def change(self) -> str:
        """Make a change, which must be quick; the name that it gives."""
        name = next(self._names)
        began = time.monotonic()
        self.writer.update(name=name)
        assert time.monotonic() - began < WRITE
        return name

    def converges(self, within: float) -> None:
        """Make a change; the reader must show it in time."""
        name = self.change()
        eventually(lambda: self.reader.current_settings.name == name, within)

    def pushes(self) -> None:
        """Make a change; the reader must show it at once."""
        self.converges(PUSH)

    def polls(self) -> None:
        """Make a change; the reader must find it by looking."""
        self.converges(2 * FALLBACK + PUSH)

    def only_went_forward(self) -> bool:
        """Whether the reader never showed an older revision than before."""
        return self._seen == sorted(self._seen)


@contextmanager
def connected(
    folder: Path,
    reader: Mapping[str, Any],
    writer: Mapping[str, Any] | None = None,
    clients: tuple[Any, Any] = (None, None),
) -> Generator[Pair, None, None]:
    """Both, live; each has keys or a client of its own that say where Redis is."""
    shared = {
        "WAFFLE_DATABASE_URL": f"sqlite:///{folder / 'waffle.db'}",
        "WAFFLE_SIGNING_KEY": "a test's key",
        "WAFFLE_POLL_INTERVAL": 3600,
        "WAFFLE_FALLBACK_POLL_INTERVAL": FALLBACK,
    }
    keys = reader if writer is None else writer
    with (
        Waffle(Limits).connect({**shared, **reader}, redis=clients[0]) as first,
        Waffle(Limits).connect({**shared, **keys}, redis=clients[1]) as second,
    ):
        pair = Pair(first, second)
        pair.goes_live()
        yield pair
        assert pair.only_went_forward()
