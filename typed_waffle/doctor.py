"""Doctor: whether all that settings need is there and works, and what to do where it does not.

It begins no worker, so that it can tell why none begins.
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Literal

from typed_waffle.change import State
from typed_waffle.config import Config
from typed_waffle.desk import Desk
from typed_waffle.environment import Locks, locks
from typed_waffle.errors import ConfigurationError, WaffleError
from typed_waffle.fingerprint import fingerprint
from typed_waffle.fleet import WorkerInfo, decoded
from typed_waffle.inspection import judged
from typed_waffle.model import M, facts, secret_names
from typed_waffle.protocols import Bus, BusError, Store, Subscribed
from typed_waffle.sealing import KEYS, closed
from typed_waffle.serving import version
from typed_waffle.stores.sealed import SealedStore
from typed_waffle.variables import assigned

__all__ = ["Finding", "examined"]

Verdict = Literal["well", "note", "wrong"]

CONFIRM_WITHIN = 3.0
"""Seconds until a subscription must be confirmed."""

TELLING = 1.0
"""Seconds by which a clock must be off to be worth a word."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one thing."""

    check: str
    verdict: Verdict
    """`note` is worth knowing, and needs nothing."""
    detail: str
    todo: str | None = None


def examined(desk: Desk[M]) -> tuple[Finding, ...]:
    """Look at everything, one after the other. It takes seconds where nothing answers."""
    return tuple(_Examination(desk).findings())


class _Examination(Generic[M]):
    """What is known so far, while one thing after the other is looked at."""

    def __init__(self, desk: Desk[M]) -> None:
        self._desk = desk
        self._model: type[M] = desk.model
        self._sources = desk.binding.sources
        self._config: Config = self._sources.config
        self._pinned: Locks = {}
        self._state: State | None = None
        self._shares = False

    def findings(self) -> Iterator[Finding]:
        yield from self._environment()
        yield from self._database()
        yield from self._stored()
        yield from self._encryption()
        yield from self._redis()
        yield self._listener()

    # --- environment --------------------------------------------------------------------------

    def _environment(self) -> Iterator[Finding]:
        prefix = self._config.env_prefix
        if prefix is None:
            yield Finding("environment", "well", "no variables pin settings")
            return
        try:
            self._pinned = locks(self._model, prefix, os.environ)
        except ConfigurationError as error:
            yield Finding(
                "environment", "wrong", str(error), "Without that no worker begins: see above."
            )
            return
        named = ", ".join(f"{pin.variable} pins {name}" for name, pin in self._pinned.items())
        yield Finding("environment", "well", named or f"no variable begins with {prefix}")
        strays = assigned(self._model, prefix, os.environ).strays
        for name, why in strays.items():
            yield Finding(
                "environment",
                "note",
                f"{name} pins nothing{f': {why}' if why else ''}",
                "Correct its name, or take it away if it is for no other program.",
            )

    # --- database -----------------------------------------------------------------------------

    def _database(self) -> Iterator[Finding]:
        try:
            store = self._sources.store(self._pinned)
        except ConfigurationError as error:
            yield Finding("database", "wrong", str(error), "Correct that key.")
            return
        try:
            began = time.monotonic()
            self._state = store.state(self._desk.namespace)
            took = (time.monotonic() - began) * 1000
            revision = self._state.head.revision
            detail = f"it answers in {took:.0f} ms, and is at revision {revision}"
            yield Finding("database", "well", detail)
            yield from self._tables(store)
        except WaffleError as error:
            yield Finding(
                "database",
                "wrong",
                str(error),
                "If its tables are missing, `flask waffle init-db` makes them.",
            )
        finally:
            store.close()

    def _tables(self, store: Store) -> Iterator[Finding]:
        inner = store.inner if isinstance(store, SealedStore) else store
        from typed_waffle.stores.sql import SqlStore  # noqa: PLC0415 - loads SQLAlchemy

        if not isinstance(inner, SqlStore):
            detail = "it is in memory: settings end with the process, and no other sees them"
            yield Finding("tables", "wrong", detail, "Set WAFFLE_DATABASE_URL.")
            return
        facts = inner.facts()
        said = "no version, as tables that Alembic made" if facts.version is None else None
        said = said or f"version {facts.version}"
        if facts.version is not None and facts.version < facts.newest:
            yield Finding(
                "tables",
                "wrong",
                f"they are of {said}; this release has version {facts.newest}",
                "Run `flask waffle init-db`, or migrate the database with Alembic.",
            )
        else:
            yield Finding("tables", "well", f"they are of {said}")
        yield _clock("the database", facts.now)

    def _stored(self) -> Iterator[Finding]:
        if self._state is None:
            return
        found = judged(self._model, self._state, self._pinned)
        for misfit in found.misfits:
            yield Finding(
                "stored values",
                "wrong",
                f"{misfit.field or 'all of them'}: {misfit.why}",
                "Set it to what fits, reset it, or correct the model.",
            )
        if not found.misfits:
            yield Finding("stored values", "well", "they fit this code")
        for name in found.unknown:
            yield Finding(
                "stored values",
                "note",
                f"{name} is stored, and this code has no such setting",
                "Other code may have it. If none has, delete its row in the table of overrides.",
            )

    # --- secrets ------------------------------------------------------------------------------

    def _encryption(self) -> Iterator[Finding]:
        secret = secret_names(self._model)
        fields = [name for name in facts(self._model) if name in secret]
        if not fields:
            yield Finding("encryption", "well", "no setting is a secret")
            return
        if self._config.encryption_keys is None:
            yield Finding(
                "encryption",
                "wrong",
                f"the database keeps {', '.join(fields)} in plain text: {KEYS} is not set",
                f"Make a key, set {KEYS} in every worker, and run `flask waffle rotate-keys`.",
            )
            return
        state = self._state or State()
        shut = [name for name, text in state.overrides.items() if closed(text)]
        if shut:
            yield Finding(
                "encryption",
                "wrong",
                f"no key opens what is stored of {', '.join(shut)}",
                f"Add the key that it was encrypted with to {KEYS}, or set it anew.",
            )
        else:
            count = len(self._config.encryption_keys)
            keys = "1 key opens" if count == 1 else f"{count} keys open"
            yield Finding("encryption", "well", f"{keys} every secret that is stored")

    # --- Redis --------------------------------------------------------------------------------

    def _redis(self) -> Iterator[Finding]:
        try:
            bus = self._sources.bus()
        except ConfigurationError as error:
            yield Finding("Redis", "wrong", str(error), "Correct that key.")
            return
        self._shares = bus is not None
        if bus is None:
            every = self._config.fallback_poll_interval
            detail = f"it is not used: workers look at the database every {every:g} s"
            if self._config.redis_url is not None:
                detail += ", because WAFFLE_MULTIPROC is off"
            yield Finding("Redis", "note", detail, "To push changes, set WAFFLE_REDIS_URL.")
            return
        try:
            yield from self._asked(bus)
        finally:
            bus.close()

    def _asked(self, bus: Bus) -> Iterator[Finding]:
        try:
            records = bus.left(f"fleet:{self._desk.namespace}")
            _confirmed(bus)
        except BusError as error:
            yield Finding(
                "Redis",
                "wrong",
                str(error),
                "See that WAFFLE_REDIS_URL is right, and that the server answers and allows it. "
                "Until then workers look at the database by themselves.",
            )
            return
        yield Finding("Redis", "well", "it answers, and its channel is open")
        if self._config.signs_with() is None:
            yield Finding(
                "signing key",
                "wrong",
                "messages are not signed: each change costs each worker a look at the database",
                "Set WAFFLE_SIGNING_KEY, or the app's SECRET_KEY, to the same text everywhere.",
            )
        else:
            yield Finding("signing key", "well", "messages are signed")
        yield from _time_of(bus)
        yield from self._fleet([w for n, r in records.items() if (w := decoded(n, r)) is not None])

    def _fleet(self, workers: list[WorkerInfo]) -> Iterator[Finding]:
        if not workers:
            yield Finding(
                "workers",
                "note",
                "none is alive",
                "If some should be, see that they use this Redis.",
            )
            return
        states = Counter(worker.state for worker in workers)
        detail = ", ".join(f"{count} {state}" for state, count in states.most_common())
        for worker in workers:
            if worker.state not in {"live", "starting"}:
                why = f": {worker.reason}" if worker.reason else ""
                yield Finding(
                    "workers",
                    "wrong",
                    f"{worker.server} {worker.pid} on {worker.host} is {worker.state}{why}",
                    "Look at its log.",
                )
        yield Finding("workers", "well", detail)
        mine = fingerprint(self._model)
        others = sum(worker.model != mine for worker in workers)
        if others:
            yield Finding(
                "workers",
                "note",
                f"{others} of {len(workers)} have another settings model than this code",
                "If no deploy is under way, restart them.",
            )
        versions = {worker.version for worker in workers} - {version()}
        if versions:
            detail = f"some run typed-waffle {', '.join(sorted(versions))}; here is {version()}"
            yield Finding("workers", "note", detail)

    # --- listener -----------------------------------------------------------------------------

    def _listener(self) -> Finding:
        chosen = self._config.listener
        if chosen == "gevent" and importlib.util.find_spec("gevent") is None:
            return Finding(
                "listener",
                "wrong",
                "WAFFLE_LISTENER is 'gevent', and gevent is not installed",
                "pip install 'typed-waffle[gevent]', or use 'auto'.",
            )
        if chosen == "auto" and not self._shares:
            chosen = "inline"
        told = {
            "auto": "a thread, or a greenlet where gevent is in force",
            "thread": "a thread",
            "gevent": "a greenlet",
            "inline": "none: the database is looked at while requests are served",
        }
        return Finding("listener", "well", f"in each worker: {told[chosen]}")


def _confirmed(bus: Bus) -> None:
    """See that the channel can be listened to."""
    subscription = bus.subscribe()
    until = time.monotonic() + CONFIRM_WITHIN
    try:
        while not isinstance(subscription.get(0.2), Subscribed):
            if time.monotonic() > until:
                raise BusError(f"the channel was not open within {CONFIRM_WITHIN:g} s")
    finally:
        subscription.close()


def _time_of(bus: Bus) -> Iterator[Finding]:
    from typed_waffle.buses.redis import RedisBus  # noqa: PLC0415 - loaded if there is a bus

    if isinstance(bus, RedisBus):
        with suppress(BusError):  # the user may not ask for the time
            yield _clock("Redis", bus.clock())


def _clock(whose: str, now: datetime) -> Finding:
    """Clocks order nothing, but people read them."""
    off = (now - datetime.now(UTC)).total_seconds()
    if abs(off) < TELLING:
        return Finding("clocks", "well", f"{whose}'s is right to the second")
    ahead = "ahead of" if off > 0 else "behind"
    detail = f"{whose}'s is {abs(off):.0f} s {ahead} this host's: it only shows in times"
    return Finding("clocks", "note", detail)
