"""Surroundings: what this process runs under, as far as it shows.

Looked at when a worker begins, never at import: a server patches, forks and numbers its workers
after that. What is seen here decides how a listener is driven, never what is true.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

__all__ = ["COMMAND", "Greenlets", "at_end", "greenlets", "loading", "operating", "threadless"]

Greenlets = Literal["none", "partial", "full"]

COMMAND = "typed_waffle.command"
"""What the `meta` of a click context holds if the command is one of ours."""


def greenlets() -> Greenlets:
    """How far gevent's monkey patch is in force.

    `partial` means that threads are greenlets, but that a socket which waits holds them all up.
    """
    monkey: Any = sys.modules.get("gevent.monkey")  # Any: an extra's module
    if monkey is None or not monkey.is_module_patched("threading"):
        return "none"
    whole = monkey.is_module_patched("socket") and monkey.is_module_patched("select")
    return "full" if whole else "partial"


def threadless() -> bool:
    """Whether this is a uWSGI in which threads only run while requests do.

    Read from `uwsgi.has_threads`, not from its options: since 2.0.27 or so threads need none.
    """
    return getattr(_uwsgi(), "has_threads", 1) == 0


def loading() -> bool:
    """Whether a uWSGI process loads the application, before it forks or becomes a worker.

    It forks without telling Python, so nothing may be running then.
    """
    uwsgi = _uwsgi()
    try:
        if uwsgi is None or uwsgi.worker_id() or uwsgi.mule_id():
            return False
        return not uwsgi.i_am_the_spooler() if hasattr(uwsgi, "i_am_the_spooler") else True
    except AttributeError:
        return False  # a module of that name, but no server


def operating() -> bool:
    """Whether this thread runs one of our own commands, which is nobody's worker."""
    click: Any = sys.modules.get("click")  # Any: nothing is imported for this
    context = click.get_current_context(silent=True) if click else None
    return context is not None and COMMAND in context.meta


def at_end(call: Callable[[], None]) -> None:
    """Have uWSGI call this when a worker ends: under gevent it calls nothing of `atexit`."""
    uwsgi = _uwsgi()
    before: Callable[[], object] | None = getattr(uwsgi, "atexit", None)
    if not hasattr(uwsgi, "worker_id") or getattr(before, "func", None) is _both:
        return
    uwsgi.atexit = partial(_both, call, before)


def _both(call: Callable[[], None], before: Callable[[], object] | None) -> None:
    call()
    if before is not None:
        before()


def _uwsgi() -> Any:  # noqa: ANN401 - the module exists in its server only
    return sys.modules.get("uwsgi")
