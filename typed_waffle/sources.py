"""Sources: where a worker gets its store and its bus from. Made in the process that uses them."""

from __future__ import annotations

# redis-py needs it, and at exit it is too late.
import concurrent.futures.thread  # noqa: F401 # pyright: ignore[reportUnusedImport]
import importlib
import logging
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typed_waffle.buses.message import Codec
from typed_waffle.config import Config
from typed_waffle.copies import Copies
from typed_waffle.lastgood import LastGood, Shelf
from typed_waffle.model import WaffleModel, facts, secret_names
from typed_waffle.protocols import Bus, Store
from typed_waffle.sealing import KEYS
from typed_waffle.shelves.bus import BusShelf
from typed_waffle.shelves.file import FileShelf
from typed_waffle.stores.memory import MemoryStore
from typed_waffle.stores.sealed import SealedStore

if TYPE_CHECKING:
    from flask import Flask
    from redis import Redis, RedisCluster
    from sqlalchemy import Engine

__all__ = ["Given", "Lent", "Sources"]

logger: logging.Logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lent:
    """A store and a bus that are there already: those of `typed_waffle.testing.memory`."""

    store: Store
    bus: Bus


@dataclass(frozen=True, slots=True)
class Given:
    """What `init_app` or `connect` was given, beside the keys."""

    engine: Engine | None
    redis: Redis | RedisCluster | None
    folder: Path
    """Where `waffle.db` is made if nothing names a database."""
    app: Callable[[], Flask | None]
    """The Flask app, for Flask-SQLAlchemy's engine; `None` without Flask."""


class Sources:
    """Makes the stores and buses of one binding."""

    def __init__(self, model: type[WaffleModel], config: Config, given: Given) -> None:
        self.config = config
        self._model = model
        self._given = given
        self._made_in = os.getpid()
        self._warned_in = 0
        self._exposed: tuple[str, ...] = ()
        self._lent: Lent | None = None

    @property
    def in_app(self) -> bool:
        """Whether a worker is of a Flask app, whose contexts are occasions to look at the store."""
        return self._given.app() is not None

    def lend(self, lent: Lent | None) -> Lent | None:
        """Use these from the next worker on; what was lent before.

        `None` is for those that the configuration names.
        """
        before, self._lent = self._lent, lent
        return before

    def bus(self) -> Bus | None:
        """What carries changes; `None` if they are only polled for.

        Raises:
            ConfigurationError: the address cannot be read, or the client cannot be used.
        """
        if self._lent is not None:
            return self._lent.bus
        config, client = self.config, self._given.redis
        if not config.uses_bus(client_given=client is not None):
            return None
        # A fork while another thread imports leaves the child with a module that nobody unlocks, so
        # the listener must import nothing: connecting to a host would import this codec.
        importlib.import_module("encodings.idna")
        from typed_waffle.buses.redis import (  # noqa: PLC0415 - loaded at the first use only
            RedisBus,
            client_at,
        )

        if client is None:
            url = config.redis_url.get_secret_value() if config.redis_url else None
            client = client_at(url, config.redis_host, config.redis_port)
        return RedisBus(client, config.redis_channel, Codec(config.signs_with()))

    def store(self, pinned: Collection[str], *, create_tables: bool | None = None) -> Store:
        """The store; secrets in it are encrypted if there are keys.

        Args:
            pinned: Settings of which nothing is stored.
            create_tables: Whether tables that lack are made; `WAFFLE_CREATE_TABLES` unless given.

        Raises:
            ConfigurationError: the database cannot be used.
        """
        if self._lent is not None:
            return self._sealed(self._lent.store, pinned)
        from typed_waffle.stores.engines import store_on  # noqa: PLC0415 - as above

        engine, owned = self.engine()
        if not owned and os.getpid() != self._made_in:
            # The pool may hold the parent's connections; they are dropped, not closed.
            engine.dispose(close=False)
            self._made_in = os.getpid()
        store = store_on(
            engine,
            prefix=self.config.table_prefix,
            create_tables=self.config.create_tables if create_tables is None else create_tables,
            owned=owned,
            keep=self.config.history_keep,
        )
        return self._sealed(store, pinned)

    def last_good(self, namespace: str, bus: Bus | None) -> LastGood:
        """Where copies are kept for a start without the database; nowhere without a signing key."""
        config, key = self.config, self.config.signs_with()
        if key is None:
            return LastGood()
        secret = secret_names(self._model)
        names = {name for fact in facts(self._model).values() for name in fact.names}
        shelves: list[Shelf] = []
        if config.cache_dir is not None and self._lent is None:
            shelves.append(FileShelf(self._given.folder / config.cache_dir, namespace))
        if bus is not None:
            shelves.append(BusShelf(bus, namespace))
        return LastGood(Copies(namespace, key, secret, names - secret, config.cipher()), shelves)

    def engine(self) -> tuple[Engine, bool]:
        """An engine of the database that holds the settings, and whether the caller disposes of it.

        Raises:
            ConfigurationError: `WAFFLE_DATABASE_URL` cannot be read.
        """
        from typed_waffle.stores.engines import own_engine  # noqa: PLC0415 - as above

        url, engine = self.config.database_url, self._given.engine
        if engine is None and url is None:
            engine = self._shared_engine()
        if engine is not None:
            return engine, False
        return own_engine(url.get_secret_value() if url else None, self._given.folder), True

    def _sealed(self, store: Store, pinned: Collection[str]) -> Store:
        """The store, with the secrets in it encrypted if there are keys."""
        secret = secret_names(self._model)
        cipher = self.config.cipher()
        if cipher is not None:
            names = {name for fact in facts(self._model).values() for name in fact.names}
            return SealedStore(store, cipher, secret, names - secret)
        # What the environment pins is not stored, and what is in memory ends with the process.
        exposed = [name for name in facts(self._model) if name in secret and name not in pinned]
        kept = self._lent is None and not isinstance(store, MemoryStore)
        self._exposed = tuple(exposed) if kept else ()
        return store

    def warn(self) -> None:
        """Say, once in each process, what the database keeps that others should not read."""
        if self._exposed and self._warned_in != os.getpid():
            self._warned_in = os.getpid()
            logger.warning(
                "%s: the database keeps secrets in plain text (%s), because %s is not set",
                self._model.__qualname__,
                ", ".join(self._exposed),
                KEYS,
            )

    def _shared_engine(self) -> Engine | None:
        """Flask-SQLAlchemy's engine, if the application has one."""
        app = self._given.app()
        database: Any = app.extensions.get("sqlalchemy") if app else None  # Any: an extra's class
        if app is None or database is None:
            return None
        with app.app_context():
            engine: Engine = database.engine
            return engine
