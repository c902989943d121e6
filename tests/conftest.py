"""Fixtures for all tests, and a guard: a test leaves no listener and no app context behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import has_app_context

from tests.support.redis import RedisServer, executables, missing

pytest.register_assert_rewrite("typed_waffle.testing")

LISTENER = "typed-waffle"
"""The name of every listener's thread."""


def _listeners() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == LISTENER}


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    before = _listeners()
    yield
    for thread in _listeners() - before:
        thread.join(5)
    assert not _listeners() - before, "a listener thread was left behind"
    assert not has_app_context(), "an app context was left behind"


@pytest.fixture(params=sorted(executables()))
def redis_executable(request: pytest.FixtureRequest) -> str:
    """The path of a redis-server; each test that asks for one runs with every one there is."""
    name: str = request.param
    path = executables()[name]
    if path is not None:
        return path
    if os.environ.get("CI"):
        pytest.fail(missing(name))
    pytest.skip(missing(name))


@pytest.fixture
def redis_server(redis_executable: str, tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(redis_executable, tmp_path)
    server.start()
    yield server
    server.kill()
