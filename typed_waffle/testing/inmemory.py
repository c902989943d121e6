"""Memory: workers of one process, on a store and a bus that need no server."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from typed_waffle.binder import EXTENSION
from typed_waffle.binding import Binding
from typed_waffle.buses.memory import MemoryBus
from typed_waffle.extension import Waffle
from typed_waffle.listener import InlineListener
from typed_waffle.protocols import Bus, Event, Store, Subscription
from typed_waffle.sources import Lent
from typed_waffle.stores.memory import MemoryStore

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["Memory", "memory"]

BLINK = 0.02
"""Seconds between an idle worker's signs that nothing is left for it."""

SOON = 0.25
"""A look at the store that is due within so many seconds has a reason: a message asked for it."""

AWAY = 3600
"""Seconds between polls, so that what arrives was pushed."""


class Memory:
    """Some workers, and the store and the bus that they share."""

    store: Store
    """What they share: a `MemoryStore`, unless another one was given."""
    bus: Bus
    """As above, a `MemoryBus`."""

    def __init__(self, store: Store, bus: Bus) -> None:
        self.store = store
        self.bus = bus
        self._workers: list[tuple[Binding[Any], _Handle]] = []  # Any: of any model
        self._moved = threading.Event()

    def wait_delivered(self, timeout: float = 5.0) -> None:
        """Wait until every worker has handled all that the bus delivered to it.

        Then each of them shows the change or has rejected it, and callbacks have run. What the bus
        lost is not waited for, nor is a worker that has not begun.

        Args:
            timeout: Seconds after which something must be wrong.

        Raises:
            TimeoutError: It took longer.
        """
        began = time.monotonic()
        while late := [one for one in self._workers if not _idle(*one, began)]:
            if time.monotonic() - began > timeout:
                raise TimeoutError(
                    f"{len(late)} of {len(self._workers)} workers did not handle within "
                    f"{timeout:g} s all that the bus delivered: {late[0][0].status()}"
                )
            self._moved.clear()
            self._moved.wait(BLINK)

    def lend(self, binding: Binding[Any]) -> Lent:  # Any: of any model
        """What one more worker uses (the library's own)."""
        handle = _Handle(self.bus, self._moved)
        self._workers.append((binding, handle))
        return Lent(self.store, handle)


@contextmanager
def memory(
    *waffles: Waffle[Any],  # Any: of any model
    app: Flask | None = None,
    store: Store | None = None,
    bus: Bus | None = None,
    config: Mapping[str, Any] | None = None,  # Any: as in Flask's app.config
) -> Generator[Memory, None, None]:
    """Let each `Waffle` be a worker on one store and one bus in memory, until the block ends.

    Args:
        waffles: One for each worker, all of one model; one is enough for most tests.
        app: A Flask application for the first of them, whether it is bound to it already or not.
            Its database and its Redis are not used in the block. The others, and all of them if it
            is left out, are connected as by `Waffle.connect`. When a block within another ends, it
            works in the outer one again.
        store: Another store: a `FaultyStore`, or one of your own.
        bus: Another bus, as above.
        config: `WAFFLE_*` keys for those without an application. Polls are an hour apart if they do
            not say otherwise, so that what arrives was pushed.
    """
    shared = Memory(store or MemoryStore(), bus or MemoryBus())
    keys = {"WAFFLE_POLL_INTERVAL": AWAY, "WAFFLE_FALLBACK_POLL_INTERVAL": AWAY, **(config or {})}
    with ExitStack() as stack:
        for waffle in waffles:
            if app is not None and waffle is waffles[0]:
                stack.enter_context(_on(app, waffle, shared))
            else:
                binder = waffle._binder  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # ours
                stack.enter_context(binder.connection(keys, None, None, shared.lend))
        yield shared


@contextmanager
def _on(
    app: Flask, waffle: Waffle[Any], shared: Memory
) -> Generator[None, None, None]:  # Any: as above
    """Let an application use what is shared."""
    if waffle.namespace not in app.extensions.get(EXTENSION, {}):
        waffle.init_app(app)
    binding: Binding[Any] = app.extensions[EXTENSION][waffle.namespace]
    bindings = waffle._bindings  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # ours
    before = binding.lend(shared.lend(binding))
    try:
        bindings.show()
        binding.started()
        yield
    finally:
        binding.lend(before)
        bindings.show()
        if before is not None:  # a block around this one goes on as it was
            binding.started()


def _idle(binding: Binding[Any], handle: _Handle, since: float) -> bool:
    """Whether a worker has handled all that it was given before this moment."""
    worker = binding.worker
    if worker is None or worker.bus is not handle:  # not begun, or in a block within this one
        return True
    if not handle.ears and isinstance(worker.listener, InlineListener):
        return True
    soon = min(SOON, binding.config.fallback_poll_interval / 2)
    quiet = any(ear.quiet_at >= since for ear in handle.ears)
    return quiet and worker.runtime.agenda.wait() > soon


class _Handle:
    """One worker's hold of the bus: closing it leaves the other workers theirs."""

    def __init__(self, bus: Bus, moved: threading.Event) -> None:
        self.ears: list[_Ear] = []
        self._bus = bus
        self._moved = moved
        self.publish = bus.publish
        self.leave = bus.leave
        self.left = bus.left

    def subscribe(self) -> _Ear:
        """See `Bus.subscribe`."""
        ear = _Ear(self._bus.subscribe(), self.ears, self._moved)
        self.ears.append(ear)
        return ear

    def close(self) -> None:
        """See `Bus.close`: of this handle."""
        for ear in tuple(self.ears):
            ear.close()


class _Ear:
    """A subscription that knows whether its worker has handled what it was given.

    A worker takes all that there is, which ends with a `None`, and handles it before it asks again.
    """

    def __init__(self, inner: Subscription, ears: list[_Ear], moved: threading.Event) -> None:
        self.quiet_at = float("-inf")
        """When nothing was left to take or to handle, the last time."""
        self._inner = inner
        self._ears = ears
        self._moved = moved
        self._handling = False
        self._took_all = False

    def get(self, timeout: float) -> Event | None:
        """See `Subscription.get`."""
        end = time.monotonic() + timeout
        self._handling &= not self._took_all
        self._took_all = False
        while True:
            began = time.monotonic()
            event = self._inner.get(max(0.0, min(BLINK, end - began)))
            if event is not None:
                self._handling = True
                return event
            if not self._handling:
                self.quiet_at = began
                self._moved.set()
            if time.monotonic() >= end:
                self._took_all = True
                return None

    def close(self) -> None:
        """See `Subscription.close`."""
        if self in self._ears:
            self._ears.remove(self)
        self._inner.close()
