"""Fixtures for all tests, and a guard: a test leaves no listener and no app context behind."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import has_app_context

from tests.support.databases import DATABASES, Database, DatabaseServer, Servers
from tests.support.databases import missing as missing_database
from tests.support.needs import needed
from tests.support.redis import RedisServer, executables, missing

pytest.register_assert_rewrite(
    "typed_waffle.testing.buses", "typed_waffle.testing.stores", "tests.support.matrix"
)

WAITING = frozenset({"buses", "stores", "workers"})
"""Folders whose modules wait more than others."""

LISTENER = "typed-waffle"
"""The name of every listener's thread."""


def pytest_configure() -> None:
    """Let servers that are started be interrupted, also where a shell has us ignore that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules that wait for servers: begun late, one would be alone at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, item.path.parent.name not in WAITING))


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


@pytest.fixture(scope="session")
def database_servers() -> Iterator[Servers]:
    """The servers that tests share."""
    servers = Servers()
    yield servers
    servers.close()


@pytest.fixture(params=DATABASES)
def database(
    request: pytest.FixtureRequest, database_servers: Servers, tmp_path: Path
) -> Iterator[Database]:
    """An empty database; each test that asks for one runs on every kind there is."""
    needed(missing_database(request.param))
    database = database_servers.database(request.param, tmp_path)
    yield database
    database.close()


@pytest.fixture(params=DATABASES)
def shared_database(
    request: pytest.FixtureRequest, database_servers: Servers, tmp_path: Path
) -> Iterator[Database]:
    """As `database`, with tables from the test before: faster where a test only uses them."""
    needed(missing_database(request.param))
    database = database_servers.shared(request.param, tmp_path)
    yield database
    database.close()


@pytest.fixture(params=[kind for kind, server in DATABASES.items() if server])
def database_server(
    request: pytest.FixtureRequest, database_servers: Servers
) -> Iterator[DatabaseServer]:
    """A server of this test's own, to be killed and frozen; on every kind there is."""
    needed(missing_database(request.param))
    server = database_servers.victim(request.param)
    yield server
    server.revive()


@pytest.fixture(params=sorted(executables()))
def redis_executable(request: pytest.FixtureRequest) -> str:
    """The path of a redis-server; each test that asks for one runs with every one there is."""
    name: str = request.param
    path = executables()[name]
    needed(None if path else missing(name))
    assert path is not None
    return path


@pytest.fixture
def debian_redis() -> str:
    """The path of the redis-server that speaks TLS and makes clusters."""
    path = executables()["debian-7"]
    needed(None if path else missing("debian-7"))
    assert path is not None
    return path


@pytest.fixture
def redis_server(redis_executable: str, tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(redis_executable, tmp_path)
    server.start()
    yield server
    server.kill()
