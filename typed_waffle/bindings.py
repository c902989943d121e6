"""Bindings: the applications that one Waffle serves, and what is shown outside of any context."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Generic

from typed_waffle.binding import Binding
from typed_waffle.errors import NotBound
from typed_waffle.layers import Layers
from typed_waffle.model import M
from typed_waffle.pins import Pin, Pins, covering, forget, origin, show, shown, taken
from typed_waffle.snapshot import Snapshot, resting

__all__ = ["Bindings"]


class Bindings(Generic[M]):
    """Holds no application alive: each binding belongs to its application."""

    pins: Pins[M]
    """The pin of each context; outside of any, the one of the one binding there is."""

    def __init__(self, model: type[M]) -> None:
        self._model = model
        self._name = model.__qualname__
        # Replaced, never changed: any thread may be reading it.
        self._all: tuple[weakref.ref[Binding[M]], ...] = ()
        self._showing = threading.RLock()
        self._covered: weakref.WeakSet[Pin[M]] = weakref.WeakSet()
        self.pins = Pins(model, self._sole_snapshot)
        _everywhere.add(self)

    def add(self, binding: Binding[M]) -> None:
        """A binding begins."""
        with self._showing:
            self._all = (*self._living(), weakref.ref(binding, self._collected))
            self.show()

    def _collected(self, _: object) -> None:
        self.show()  # what went with its application must not be shown any more

    def remove(self, binding: Binding[M]) -> None:
        """A binding ends."""
        with self._showing:
            self._all = tuple(ref for ref in self._living() if ref() is not binding)
            self.show()

    def all(self) -> list[Binding[M]]:
        """Every binding."""
        return [binding for ref in self._all if (binding := ref()) is not None]

    def _living(self) -> list[weakref.ref[Binding[M]]]:
        return [ref for ref in self._all if ref() is not None]

    def show(self) -> None:
        """Keep what is shown outside of any context: the one binding's live snapshot."""
        with self._showing:
            bindings = self.all()
            worker = bindings[0].worker if len(bindings) == 1 else None
            if worker is None:
                forget(self.pins.outside)
            else:
                show(self.pins.outside, worker.runtime.live)
            self._uncover()

    def forked(self) -> None:
        """This process is a new one: nothing inherited is shown before it was read anew."""
        self._showing = threading.RLock()
        forget(self.pins.outside)
        for binding in self.all():
            forget(binding.holder)
        self.pins.inherited()
        self._uncover()

    def meant(self) -> Binding[M]:
        """The binding that the current context means.

        Raises:
            NotBound: no context says which, and there is not just one.
        """
        source = origin(self.pins.current.get())
        owner: object = getattr(source, "__self__", None)
        return owner if isinstance(owner, Binding) else self._sole()

    @contextmanager
    def pinned(self) -> Generator[M, None, None]:
        """Show one snapshot to every read in this context."""
        before = self.pins.current.get()
        cover = covering(before)
        pin = self.pins.once(origin(before), before)
        show(pin, shown(before) if cover is None else self.base(cover.plain))
        self.pins.current.set(self.pins.under(pin, before))
        try:
            yield shown(self.pins.current.get()).settings
        finally:
            # A generator may end it after its context, or in another one.
            if self.pins.holds(pin):
                top = self.pins.current.get()
                self.pins.current.set(self.pins.under(self.pins.lasting(before), top))

    def repin(self, newest: Snapshot[M]) -> None:
        """Let this context show a newer snapshot, because it made the change itself."""
        self.pins.renew(newest)

    # --- what a test puts on top --------------------------------------------------------------

    def put_on(self, layers: Layers[M] | None) -> Pin[M]:
        """Show these layers, and no others, on top in this context; the pin that shows them."""
        top = self.pins.current.get()
        cover = covering(top)
        plain = top if cover is None else cover.plain
        pin = plain if layers is None else self.pins.covered(plain, layers, self)
        self.pins.current.set(pin)
        return pin

    def base(self, plain: Pin[M]) -> Snapshot[M]:
        """What a pin shows, if no worker has to begin for that; else what is known without one."""
        snapshot = taken(plain)
        if snapshot is not None:
            return snapshot
        owner: object = getattr(origin(plain), "__self__", None)
        bindings = self.all()
        if isinstance(owner, Binding):
            bindings = [owner]
        if len(bindings) != 1:
            return resting(self._model, None, {})
        if bindings[0].quiet() is None:
            return bindings[0].resting()
        return shown(plain)

    def follow(self, pin: Pin[M]) -> None:
        """Forget what this pin shows whenever what is live was replaced."""
        with self._showing:
            self._covered.add(pin)

    def _uncover(self) -> None:
        for pin in list(self._covered):
            forget(pin)

    def _sole_snapshot(self) -> Snapshot[M]:
        return self._sole().snapshot()

    def _sole(self) -> Binding[M]:
        bindings = self.all()
        if len(bindings) == 1:
            return bindings[0]
        if not bindings:
            raise NotBound(
                f"{self._name} is bound to no application: call waffle.init_app(app), "
                "or use `with waffle.connect():`"
            )
        raise NotBound(
            f"{self._name} is bound to {len(bindings)} applications, and no app context says "
            "which one is meant: use `with app.app_context():`"
        )


_everywhere: weakref.WeakSet[Bindings[Any]] = weakref.WeakSet()  # Any: of any model


def _after_fork() -> None:
    # Reads look at a holder or at a context's pin, not at the pid: let the child's ask anew.
    for bindings in list(_everywhere):
        bindings.forked()


os.register_at_fork(after_in_child=_after_fork)
