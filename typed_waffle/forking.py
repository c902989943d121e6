"""Forking: keeps `os.fork` from copying this process in the middle of a listener's work.

A child has none of its parent's other threads, so that a lock which the listener held at that
moment (SQLite's own, a module's import lock) would never be given back in the child.
"""

from __future__ import annotations

import os
import threading

__all__ = ["at_work"]

PATIENCE = 1.0
"""Seconds that a fork waits for the listener. A listener stuck in a frozen database holds no lock
that a child needs more than the fork needs to go on."""


class _Gate:
    """One lock for the process; replaced in a child, where its holder may not exist."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.held = threading.local()

    def before(self) -> None:
        self.held.now = self.lock.acquire(timeout=PATIENCE)

    def after_in_parent(self) -> None:
        if self.held.now:
            self.lock.release()

    def after_in_child(self) -> None:
        self.lock = threading.RLock()


_gate = _Gate()


def at_work() -> threading.RLock:
    """The lock to hold while the listener works; not while it waits."""
    return _gate.lock


os.register_at_fork(
    before=_gate.before,
    after_in_parent=_gate.after_in_parent,
    after_in_child=_gate.after_in_child,
)
