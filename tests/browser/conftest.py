"""Fixtures for the tests that a browser makes: it, and an office to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.browser import Chromium, Window
from tests.support.office_site import OfficeSite, opened
from tests.support.person import Person


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """One browser for a module."""
    with Chromium() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OfficeSite]:
    """An office: which, and of how many workers, a module may say."""
    name: str = getattr(request.module, "OFFICE", "bakery")
    size: int = getattr(request.module, "SIZE", 1)
    with opened(tmp_path_factory.mktemp("office"), name, size) as site:
        yield site


@pytest.fixture
def site(running: OfficeSite) -> OfficeSite:
    """The office, with every setting at its default."""
    running.empty()
    return running


@pytest.fixture
def windows(chromium: Chromium, running: OfficeSite) -> Iterator[Callable[..., Window]]:
    """Opens windows, each with somebody of a name at it; at the end all must be calm."""
    made: list[Window] = []
    with ExitStack() as stack:

        def window(actor: str | None = "ann", **options: Any) -> Window:  # noqa: ANN401 - of Chromium.window
            cookies = {} if actor is None else {"actor": actor}
            made.append(chromium.window(running.url, cookies=cookies, **options))
            stack.callback(made[-1].close)
            return made[-1]

        yield window
        for one in made:
            one.calm()


@pytest.fixture
def ann(windows: Callable[..., Window]) -> Person:
    """Ann, who may change everything."""
    return Person(windows("ann"))
