"""Hub: keeps a driver that blocks from holding up every greenlet of gevent's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, TypeVar

from sqlalchemy import Engine

from typed_waffle.surroundings import greenlets, loading

__all__ = ["Hub", "hub_for"]

T = TypeVar("T")

THREADS = 4
"""How many uses of the database may be under way at a time; more wait for one of them."""

_IN_PYTHON = frozenset({"pymysql", "pg8000"})
"""Drivers that wait in sockets of Python, which the monkey patch makes give way."""


class Hub:
    """Makes calls in threads of its own, so that a frozen database takes none of gevent's."""

    def __init__(self) -> None:
        from gevent.threadpool import ThreadPool  # noqa: PLC0415 - an extra

        self._pool = ThreadPool(THREADS)

    def run(self, call: Callable[[], T], within: float, late: type[Exception]) -> T:
        """What `call` gives or raises; other greenlets go on meanwhile.

        Raises:
            late: it did not come back in time; its thread is left alone with it.
        """
        import gevent  # noqa: PLC0415 - as above

        answers: list[T] = []
        errors: list[BaseException] = []

        def settle() -> None:
            # Nothing may leave a thread of the pool as an exception: gevent would print it.
            try:
                answers.append(call())
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                errors.append(error)

        with gevent.Timeout(within, late):
            self._pool.spawn(copy_context().run, settle).get()
        if errors:
            raise errors[0]
        return answers[0]

    def close(self) -> None:
        """Let the threads go, once they are done."""
        self._pool.kill()


def hub_for(engine: Engine) -> Hub | None:
    """The hub that an engine needs in this process; `None` if its driver gives way, or need not."""
    # While uWSGI loads the application, nobody is held up, and a thread would be forked.
    if greenlets() != "full" or loading() or engine.dialect.driver in _IN_PYTHON:
        return None
    if engine.dialect.driver == "psycopg":
        # It chooses how to wait when it is imported: by select, if that was patched before.
        waiting: Any = sys.modules.get("psycopg.waiting")  # Any: it need not be installed
        if waiting is not None and waiting.wait is not getattr(waiting, "wait_c", None):
            return None
    return Hub()
