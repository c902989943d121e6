"""Serving: what a worker runs in, as far as that can be told. For people only."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Collection, Sequence
from pathlib import PurePath

__all__ = ["server_of", "version"]

_BY_MODULE = (
    ("uwsgi", "uwsgi"),
    ("mod_wsgi", "mod_wsgi"),
    ("gunicorn.arbiter", "gunicorn"),
    ("celery.apps.worker", "celery"),
)
"""Modules that only such a server's own processes have loaded; the first that is there counts."""

LONGEST = 60


def server_of(modules: Collection[str], arguments: Sequence[str]) -> str:
    """What runs this process: a server's name, else the script's.

    `modules` and `arguments` are those of `sys`. Of the arguments only the program is looked at.
    """
    for module, server in _BY_MODULE:
        if module in modules:
            return server
    program = PurePath(arguments[0]) if arguments else PurePath()
    if program.name == "__main__.py":
        program = program.parent  # python -m package
    if program.name in {"", "-", "-c", "-m"}:
        return "python"
    return program.name[:LONGEST]


@functools.cache
def version() -> str:
    """The version of this library."""
    try:
        return importlib.metadata.version("typed-waffle")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"  # a checkout on the path
