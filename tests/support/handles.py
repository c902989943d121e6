"""One store as two workers hold it, on every database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.databases import DATABASES, Servers
from typed_waffle.protocols import Store
from typed_waffle.stores.memory import MemoryStore
from typed_waffle.stores.sql import SqlStore

__all__ = ["STORES", "Handles", "handles"]

STORES = ("memory", *DATABASES)


@dataclass(frozen=True)
class Handles:
    """Two stores that show the same."""

    kind: str
    one: Store
    other: Store


@contextmanager
def handles(kind: str, servers: Servers, folder: Path) -> Iterator[Handles]:
    """Both on an empty database of this kind."""
    if kind == "memory":
        store = MemoryStore()
        yield Handles(kind, store, store)
        return
    database = servers.database(kind, folder)
    # A server's connections are kept, for speed.
    engine = database.engine if DATABASES[kind] else database.own
    try:
        yield Handles(kind, SqlStore(engine()), SqlStore(engine()))
    finally:
        database.close()
