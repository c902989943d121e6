"""The stores that values go through."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.databases import Servers, missing
from tests.support.handles import STORES, Handles, handles
from tests.support.needs import needed


@pytest.fixture(scope="module", params=STORES)
def stores(
    request: pytest.FixtureRequest,
    database_servers: Servers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Handles]:
    """One database for a whole module; each value gets a namespace of its own."""
    needed(missing(request.param))
    with handles(request.param, database_servers, tmp_path_factory.mktemp("db")) as made:
        yield made
