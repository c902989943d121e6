"""Bindings: the applications that one Waffle serves, and what is shown outside of any context."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Generic

from typed_waffle.binding import Binding
from typed_waffle.current import Pin, forget, live, origin, outer, show, shown, unread
from typed_waffle.errors import NotBound
from typed_waffle.model import M
from typed_waffle.snapshot import Snapshot

__all__ = ["Bindings"]


class Bindings(Generic[M]):
    """Holds no application alive: each binding belongs to its application."""

    current: ContextVar[Pin[M]]
    """The pin of the current context; outside of any, the holder of the one binding there is."""

    def __init__(self, name: str) -> None:
        self._name = name
        # Replaced, never changed: any thread may be reading it.
        self._all: tuple[weakref.ref[Binding[M]], ...] = ()
        self._showing = threading.RLock()
        self._outside: Pin[M] = live(self._sole_snapshot)
        self.current = ContextVar("typed_waffle", default=self._outside)
        _everywhere.add(self)

    def add(self, binding: Binding[M]) -> None:
        """A binding begins."""
        with self._showing:
            self._all = (*self._living(), weakref.ref(binding))
            self.show()

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
                forget(self._outside)
            else:
                show(self._outside, worker.runtime.live)

    def forked(self) -> None:
        """This process is a new one: nothing inherited is shown before it was read anew."""
        self._showing = threading.RLock()
        forget(self._outside)
        for binding in self.all():
            forget(binding.holder)

    def meant(self) -> Binding[M]:
        """The binding that the current context means.

        Raises:
            NotBound: no context says which, and there is not just one.
        """
        source = origin(self.current.get())
        owner: object = getattr(source, "__self__", None)
        return owner if isinstance(owner, Binding) else self._sole()

    @contextmanager
    def pinned(self) -> Generator[M, None, None]:
        """Show one snapshot to every read in this context."""
        before = self.current.get()
        pin = unread(origin(before), before)
        show(pin, shown(before))
        self.current.set(pin)
        try:
            yield shown(pin).settings
        finally:
            self.current.set(before)

    def repin(self, newest: Snapshot[M]) -> None:
        """Let this context show a newer snapshot, because it made the change itself."""
        pin = self.current.get()
        if outer(pin) is not None:  # what is live was shown when it became so
            show(pin, newest)

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
    # Reads outside of a context look at a holder, not at the pid: let the child's ask anew.
    for bindings in list(_everywhere):
        bindings.forked()


os.register_at_fork(after_in_child=_after_fork)
