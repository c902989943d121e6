"""One worker, and a Redis that comes and goes."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from tests.support.redis import RedisServer
from tests.support.shop import Limits
from tests.support.waiting import eventually
from typed_waffle import Waffle

FALLBACK = 0.5


@pytest.fixture
def app(config: dict[str, Any]) -> Flask:
    app = Flask(__name__)
    # While Redis is well, polls are too rare to help.
    app.config.update(config, WAFFLE_POLL_INTERVAL=3600, WAFFLE_FALLBACK_POLL_INTERVAL=FALLBACK)
    return app


@pytest.fixture
def waffle(app: Flask) -> Iterator[Waffle[Limits]]:
    waffle = Waffle(Limits)
    waffle.init_app(app)
    yield waffle
    waffle.close()


@pytest.fixture
def elsewhere(config: dict[str, Any]) -> Iterator[Waffle[Limits]]:
    """Another worker, which makes the changes."""
    with Waffle(Limits).connect(config) as waffle:
        yield waffle


def test_an_app_without_redis_boots_degraded_and_polls(
    waffle: Waffle[Limits], elsewhere: Waffle[Limits], redis_server: RedisServer
) -> None:
    """Without Redis the app boots degraded and sees a change within the fallback interval."""
    redis_server.kill()
    waffle.start()
    assert waffle.current_settings.name == "Waffle"
    eventually(lambda: waffle.status().state == "degraded")
    elsewhere.update(name="polled")
    took = eventually(lambda: waffle.current_settings.name == "polled")
    assert took < 2 * FALLBACK + 1


@pytest.mark.ladder
def test_push_works_once_redis_appears(
    waffle: Waffle[Limits], elsewhere: Waffle[Limits], redis_server: RedisServer
) -> None:
    """When Redis appears, the worker becomes live and is told of changes, without a restart."""
    redis_server.kill()
    waffle.start()
    eventually(lambda: waffle.status().state == "degraded")
    redis_server.start()
    eventually(lambda: waffle.status().state == elsewhere.status().state == "live")
    elsewhere.update(name="pushed")
    assert eventually(lambda: waffle.current_settings.name == "pushed") < 5


def test_a_worker_that_loses_redis_polls_soon(
    waffle: Waffle[Limits], elsewhere: Waffle[Limits], redis_server: RedisServer
) -> None:
    """A live worker that loses Redis sees the next change within the fallback interval."""
    waffle.start()
    eventually(lambda: waffle.status().state == "live")
    redis_server.kill()
    elsewhere.update(name="polled")
    took = eventually(lambda: waffle.current_settings.name == "polled")
    assert took < 2 * FALLBACK + 1


def test_a_change_while_redis_is_frozen_is_kept(
    waffle: Waffle[Limits], redis_server: RedisServer
) -> None:
    """A frozen Redis costs a writer about a second, not its change."""
    waffle.start()
    eventually(lambda: waffle.status().state == "live")
    redis_server.stop()
    try:
        change = waffle.update(name="kept")
    finally:
        redis_server.cont()
    assert change is not None
    assert waffle.current_settings.name == "kept"
    eventually(lambda: waffle.status().state == "live")
