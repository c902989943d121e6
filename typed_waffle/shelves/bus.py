"""A shelf on the bus, for all workers."""

from __future__ import annotations

from typed_waffle.lastgood import ShelfError
from typed_waffle.protocols import Bus

__all__ = ["BusShelf"]

LASTS = 30 * 86_400.0
"""Seconds for which a copy is kept if nobody renews it."""

LIMIT = 1024 * 1024
"""The longest copy, in characters: a bus promises no more."""

_NAME = "state"


class BusShelf:
    """The one note on a shelf of its namespace's own."""

    distant = True
    limit = LIMIT

    def __init__(self, bus: Bus, namespace: str) -> None:
        self._bus = bus
        self._shelf = f"last-good:{namespace}"
        self.label = "Redis"

    def read(self) -> str | None:
        """See `Shelf.read`."""
        try:
            return self._bus.left(self._shelf).get(_NAME)
        except Exception as error:  # a start goes on, whatever the bus does
            raise ShelfError(_explained(error)) from error

    def write(self, text: str) -> None:
        """See `Shelf.write`."""
        try:
            self._bus.leave(self._shelf, _NAME, text, LASTS)
        except Exception as error:  # and so does a change, which is committed
            raise ShelfError(_explained(error)) from error


def _explained(error: Exception) -> str:
    why = str(error).removesuffix(".")
    return f"{why}. A start without the database needs it, or WAFFLE_CACHE_DIR"
