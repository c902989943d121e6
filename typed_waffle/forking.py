"""Forking: keeps a fork and a call that must not be cut in two apart.

SQLite, the C library's look-up of names and the import of a module have locks that know nothing of
forks: a child that was made while another thread held one of them waits for it for ever. And gevent
copies greenlets into the child, where one that waits for an answer of the database would read the
parent's. So every use of the database and of Redis's connections in the making is inside of
`Gate.passed`, and a fork waits for those that are under way, for a moment. Where no hook runs
(uWSGI forks from C) nothing of the library is running: see `surroundings.loading`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["Gate", "gate"]

WITHIN = 2.0
"""Seconds that a fork waits at most; it goes on then, as it would without us."""

PAUSE = 0.001
"""Seconds between two looks. There is no lock in here, since a fork would copy it."""


class Gate:
    """Open but for the moment of a fork."""

    def __init__(self) -> None:
        self._inside: dict[int, int] = {}
        """How deep each thread, or greenlet, is inside."""
        self._forking: set[int] = set()

    @contextmanager
    def passed(self) -> Generator[None, None, None]:
        """Be inside; wait outside while others fork.

        Who forks does not wait: a signal's handler, or another's at-fork hook, may come in here on
        top of its own fork. Nor for a second one that forks, which may come in just so.
        """
        me = threading.get_ident()
        depth = self._inside.get(me, 0)
        self._inside[me] = depth + 1
        # Inside first, and only then the look: one of the two sees the other.
        while self._forking and me not in self._forking and not depth:
            self._inside.pop(me, None)
            time.sleep(PAUSE)
            self._inside[me] = 1
        try:
            yield
        finally:
            if depth:
                self._inside[me] = depth
            else:
                self._inside.pop(me, None)

    def before(self) -> None:
        """A fork is about to happen: let nobody in, and wait for those inside."""
        me = threading.get_ident()
        self._forking.add(me)
        end = time.monotonic() + WITHIN
        while any(thread != me for thread in tuple(self._inside)) and time.monotonic() < end:
            time.sleep(PAUSE)

    def after_in_parent(self) -> None:
        """The fork happened."""
        self._forking.discard(threading.get_ident())

    def after_in_child(self) -> None:
        """Nobody but the thread that forked is here."""
        me = threading.get_ident()
        self._forking.clear()
        self._inside = {thread: n for thread, n in self._inside.items() if thread == me}


gate: Gate = Gate()
"""The one gate of this process."""

os.register_at_fork(
    before=gate.before,
    after_in_parent=gate.after_in_parent,
    after_in_child=gate.after_in_child,
)
