"""Binding: one application's state. It gives each process its own worker, at its first use."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from os import getpid
from typing import Any, Generic, cast

from flask.globals import app_ctx

from typed_waffle.config import Config
from typed_waffle.display import Observer
from typed_waffle.environment import locks, source
from typed_waffle.errors import ConfigurationError
from typed_waffle.forking import gate
from typed_waffle.journal import Journal, held, logger_of
from typed_waffle.listener import Driver, Listener, listen
from typed_waffle.model import M
from typed_waffle.pins import Pin, Pins, forget, passing, taken
from typed_waffle.protocols import Bus, Store
from typed_waffle.runtime import Rules, Runtime
from typed_waffle.sealing import KEYS
from typed_waffle.snapshot import Snapshot, resting
from typed_waffle.sources import Lent, Sources
from typed_waffle.status import Health, Status
from typed_waffle.stores.sealed import SealedStore
from typed_waffle.surroundings import at_end, greenlets, loading, operating, threadless

__all__ = ["Binding", "Worker"]

logger: logging.Logger = logger_of(__name__)

STOP_WITHIN = 2.0
"""Seconds that `close` waits for the listener."""


EXIT_WITHIN = 0.5
"""Seconds that the end of the interpreter waits for all listeners."""

_UNPATCHED = (
    "'gevent' needs gevent's monkey patch, and it is not in force, or not for all of threading, "
    "socket and select. Call gevent.monkey.patch_all() before anything else is imported, start the "
    "server so that it does (gunicorn -k gevent, uwsgi --gevent-monkey-patch), or use 'auto'"
)

# Flask types the proxy as what it shows; this is Werkzeug's own, and documented.
_app_context: Callable[[], object] = cast("Any", app_ctx)._get_current_object  # noqa: SLF001 - as above # Any: as above

CLOSED = 0
"""The pid of a worker that ended: nobody's, so that the next use makes a new one."""


@dataclass(slots=True)
class Worker(Generic[M]):
    """What one process runs for one binding."""

    pid: int
    runtime: Runtime[M]
    listener: Listener
    store: Store
    bus: Bus | None = None
    closed_in: int | None = None
    """The process that closed it; to any other, it is as if it had never been."""


class _Attempt:
    """One start of a worker, and all who wait for it."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.error: Exception | None = None
        """Why it failed. Whoever comes later begins another one."""


class Binding(Generic[M]):
    """One application's (or one `connect`'s) use of a `Waffle`.

    The pid says whose a worker is: a worker that was inherited over a fork is neither used nor
    closed, because its sockets and locks are the parent's.
    """

    def __init__(
        self,
        model: type[M],
        namespace: str,
        sources: Sources,
        pins: Pins[M],
        observer: Observer[M],
    ) -> None:
        self.config: Config = sources.config
        if self.config.env_prefix:
            source()  # now, so that what is missing is said now, and no worker has to import it
        self.sources: Sources = sources
        self.holder: Pin[M] = pins.live(self._newest)
        self._model = model
        self._namespace = namespace
        self.pins = pins
        self._observer = observer
        # What begins in this context, as soon as there is something to show.
        self._starting: ContextVar[list[Runtime[M]] | None] = ContextVar(
            "typed_waffle_starting", default=None
        )
        self._attempts: dict[int, _Attempt] = {}
        # In a box, so that ending it when the app is collected needs no reference to the binding.
        self._box: list[Worker[M]] = []
        self._inherited: list[Worker[M]] = []
        self._journal = Journal(logger)
        self._refused_until = float("-inf")
        self._closed_in: int | None = None
        self.trouble: str | None = None
        """Why this process has no worker, if it tried to have one."""
        _everywhere.add(self)

    # --- the worker of this process -----------------------------------------------------------

    @property
    def worker(self) -> Worker[M] | None:
        """The worker of this process, if it has one."""
        box = self._box  # at most one; asked at every app context, so no generator
        return box[0] if box and box[0].pid == os.getpid() else None

    @property
    def last(self) -> Worker[M] | None:
        """The worker of this process, or the one that was closed in it."""
        me = os.getpid()
        return next((w for w in self._box if me in {w.pid, w.closed_in}), None)

    @property
    def closed(self) -> bool:
        """Whether this very process closed it. A child of it begins anew."""
        return self._closed_in == os.getpid()

    def status(self) -> Status:
        """How the worker of this process is, or why there is none. It starts nothing."""
        worker = self.last
        if worker is not None:
            return worker.runtime.status()
        why = self.trouble or "not used yet in this process"
        unused = Health(ok=False, detail=why, last_ok=None)
        return Status("starting", datetime.now(UTC), 0, self.trouble, unused, unused)

    def started(self) -> Worker[M]:
        """The worker of this process; it connects now if this is the first use.

        Raises:
            ConfigurationError: something is set up wrong; each use says so until it is mended.
            StoreUnavailable: the database is away, and `WAFFLE_ON_UNAVAILABLE` is `raise`; each use
                tries again, or waits for a try that is under way.
        """
        worker = self.worker
        if worker is not None:
            return worker
        if self._starting.get() is not None:  # a handler of the log, say, or of the engine's events
            raise ConfigurationError("first use", "it was used while it began: read settings only")
        # Of each process: a lock inherited over a fork may be held by a thread that is not.
        attempt = self._attempts.setdefault(os.getpid(), _Attempt())
        with held(), attempt.guard:
            worker = self.worker
            if worker is not None:
                return worker
            if attempt.error is not None:
                raise attempt.error
            begun: list[Runtime[M]] = []
            token, passed = self._starting.set(begun), passing.set(True)
            try:
                worker = self._begin(begun)
            except Exception as error:
                self.trouble = str(error)
                attempt.error = error
                self._attempts.pop(os.getpid(), None)
                raise
            finally:
                passing.reset(passed)
                self._starting.reset(token)
        # Not under the lock: whoever is told may use the settings.
        if worker.runtime.works:  # a command says it when it is asked to
            self.sources.warn()
        if not loading():  # else each read of theirs would begin, and tell, again
            worker.runtime.deliver()
        return worker

    def _begin(self, begun: list[Runtime[M]]) -> Worker[M]:
        # Kept, so that no destructor touches the parent's sockets.
        self._inherited += [worker for worker in self._box if worker.pid != CLOSED]
        config = self.config
        pinned = locks(self._model, config.env_prefix, os.environ) if config.env_prefix else {}
        with gate.passed():  # a child would wait for ever for a module that is half imported
            bus, store = self.sources.bus(), self.sources.store(pinned)
            last_good = self.sources.last_good(self._namespace, bus)
        driver = self._driver(bus)
        rules = Rules(
            self._namespace,
            config.poll_interval,
            config.fallback_poll_interval,
            raise_on_invalid=config.on_invalid == "raise",
            raise_on_unavailable=config.on_unavailable == "raise",
            listens=bus is not None and driver != "inline",
            works=not operating(),
        )
        runtime = Runtime(self._model, rules, store, bus, self._observer, pinned)
        begun.append(runtime)
        try:
            runtime.boot(last_good)
        except BaseException:
            runtime.close()
            raise
        worker = Worker(os.getpid(), runtime, listen(driver, runtime, bus), store, bus)
        self._closed_in = self.trouble = None
        if not loading():  # else it serves this use only, and no worker inherits it
            self._box[:] = [worker]
            runtime.show_again()  # whoever read meanwhile may have shown what was there before
            at_end(_at_exit)
        return worker

    def _driver(self, bus: Bus | None) -> Driver:
        chosen, patched = self.config.listener, greenlets()
        if chosen == "gevent" and patched != "full":
            raise ConfigurationError("WAFFLE_LISTENER", _UNPATCHED)
        if chosen == "inline" or loading():
            return "inline"
        if chosen == "auto" and (_in_command() or (bus is None and self.sources.in_app)):
            return "inline"
        if patched == "partial" or (threadless() and patched == "none"):
            logger.error(
                "no listener can run here, because %s: changes are looked for when the application "
                "works, every %g s",
                "gevent's monkey patch makes threads greenlets, but not sockets give way (use "
                "gevent.monkey.patch_all())"
                if patched == "partial"
                else "this uWSGI runs threads only while requests do (start it with "
                "--enable-threads)",
                self.config.fallback_poll_interval,
            )
            return "inline"
        return "gevent" if patched == "full" else "thread"

    def rotate_keys(self) -> int:
        """Encrypt the stored secrets anew with the first key; how many there are.

        Raises:
            ConfigurationError: no key is set, or none opens one of them.
        """
        store = self.started().store
        if not isinstance(store, SealedStore):
            raise ConfigurationError(KEYS, "it is not set, so there is no key to encrypt with")
        return store.rotate(self._namespace)

    # --- contexts -----------------------------------------------------------------------------

    def pushed(self, _: object, **__: object) -> None:
        """An app context begins: it gets a pin of its own, and the process its worker."""
        tested = self.pins.enter(
            self.snapshot, _app_context()
        )  # then nothing begins: a test needs no store
        box = self._box  # as `worker`, without a call
        if box and box[0].pid == getpid():
            box[0].listener.poke()
        elif not tested and self._may_begin():
            # Flask would leave its context behind, for the next request, if this raised. The first
            # read begins again, and raises where the application sees it.
            try:
                self.started()
            except Exception:  # noqa: BLE001 - whatever it is, the first read raises it
                self._refused_until = time.monotonic() + self.config.fallback_poll_interval
                text = "the settings cannot be used yet"
                self._journal.log(logging.ERROR, text, error=True)

    def _may_begin(self) -> bool:
        """Whether a context is a reason to begin."""
        if self.closed or self._starting.get() is not None or _in_command():
            return False
        return time.monotonic() >= self._refused_until

    def popped(self, _: object, **__: object) -> None:
        """An app context ends."""
        self.pins.leave()

    def quiet(self) -> Snapshot[M] | None:
        """The snapshot that a read would show, if no worker has to begin for that."""
        if self.worker is None and not (self.closed and self.last is not None):
            begun = self._starting.get()
            return begun[0].live if begun else None
        return self.snapshot()

    def resting(self) -> Snapshot[M]:
        """What is shown while no worker begins: the defaults, and what the environment pins."""
        return resting(self._model, self.config.env_prefix, os.environ)

    def snapshot(self) -> Snapshot[M]:
        """The live snapshot; after `close`, the last one."""
        found = taken(self.holder)
        return self._newest() if found is None else found

    def _newest(self) -> Snapshot[M]:
        # Not from the holder, which shows this: a first read of it looks whether that has moved.
        if self.closed and self.last is not None:
            return self.last.runtime.live
        begun = self._starting.get()
        return begun[0].live if begun else self.started().runtime.live

    def close(self, wait: float = STOP_WITHIN) -> None:
        """Stop the listener and give back connections; safe to call twice."""
        self._closed_in = os.getpid()
        _end(self._box, wait)

    def lend(self, lent: Lent | None) -> Lent | None:
        """Close, and be as new, on a store and a bus that are lent; what was lent before.

        `None` is for its own.
        """
        self.close()
        self._box.clear()
        self._closed_in = None
        before = self.sources.lend(lent)
        forget(self.holder)
        return before

    def close_with(self, owner: object) -> None:
        """Close when `owner` is collected; until then, nothing here keeps it alive."""
        weakref.finalize(owner, _end, self._box, 0.0).atexit = False


def _end(box: list[Any], wait: float) -> None:  # Any: workers of any model
    for worker in box:
        if worker.pid == os.getpid():
            worker.listener.stop(wait)
            worker.runtime.close()
            worker.pid, worker.closed_in = CLOSED, os.getpid()


_everywhere: weakref.WeakSet[Binding[Any]] = weakref.WeakSet()  # Any: of any model


def _at_exit() -> None:
    """Stop the listeners, so that they say good-bye. Snapshots stay readable."""
    workers = [worker for binding in list(_everywhere) if (worker := binding.worker) is not None]
    end = time.monotonic() + EXIT_WITHIN
    for wait in (False, True):  # all of them first, and then each of them
        for worker in workers:
            try:
                worker.listener.stop(max(0.0, end - time.monotonic()) if wait else 0.0)
            except Exception:
                logger.exception("a settings listener could not be stopped")


atexit.register(_at_exit)


def _in_command() -> bool:
    """Whether this thread runs a command that ends soon: ours, or of `flask` but `run`."""
    if operating():
        return True
    click, flask_cli = sys.modules.get("click"), sys.modules.get("flask.cli")
    context = click.get_current_context(silent=True) if click else None
    if context is None or flask_cli is None:
        return False
    return context.find_object(flask_cli.ScriptInfo) is not None and context.info_name != "run"
