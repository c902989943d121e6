"""Live workers of a database that somebody edits by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.support.databases import Database
from tests.support.live import connected, pair
from tests.support.pages import ROOT
from tests.support.shop import Limits
from typed_waffle.stores.sql import SqlStore

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "multiproc.md").read_text(encoding="utf-8")
DOCUMENTED = re.search(r"```sql\n(.*?)```", PAGE, re.DOTALL)

EDIT = "UPDATE waffle_override SET value = '\"by hand\"' WHERE field = 'name'"


def run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.fixture
def stack(shared_database: Database) -> Iterator[ExitStack]:
    """What must end before the database is given back."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def keys(config: dict[str, Any], shared_database: Database) -> dict[str, Any]:
    return {**config, "WAFFLE_DATABASE_URL": shared_database.url, "WAFFLE_POLL_INTERVAL": 0.5}


def test_an_edit_as_documented_is_followed(
    stack: ExitStack,
    keys: dict[str, Any],
    shared_database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With a new revision and a new id every worker shows it at its next poll, and goes on."""
    live = pair(stack, keys)
    live.writer.update(name="stored")
    assert DOCUMENTED is not None
    begin, *edits, commit, _ = DOCUMENTED[1].replace("site_name", "name").split(";")
    assert (begin.strip(), commit.strip()) == ("BEGIN", "COMMIT")
    run(shared_database.engine(), *edits)
    live.show(Limits(name="Closed"))
    live.write(1)
    assert live.show(Limits(low=1, high=8, name="Closed")) < 5
    assert [c.revision for c in live.reader.history()] == [3, 1]
    assert "restored" not in caplog.text
    assert live.reader.status().state == "live"


def test_an_edit_of_a_row_alone_is_part_of_the_next_change(
    stack: ExitStack, keys: dict[str, Any], shared_database: Database
) -> None:
    """Nobody is told; whoever reads all shows it, and the next change is made on top of it."""
    live = pair(stack, {**keys, "WAFFLE_POLL_INTERVAL": 3600})
    live.writer.update(name="stored")
    live.show(Limits(name="stored"))
    run(shared_database.engine(), EDIT)
    live.reader.refresh()
    live.show(Limits(name="stored"))
    assert connected(stack, keys).snapshot().settings == Limits(name="by hand")
    live.write(1)
    assert live.show(Limits(low=1, high=8, name="by hand")) < 5
    stored = SqlStore(shared_database.engine()).state("default").overrides
    assert stored == {"name": '"by hand"', "low": "1", "high": "8"}
    assert [f.field for f in live.reader.history()[0].fields] == ["low", "high"]


BUMPS = (
    "UPDATE waffle_head SET revision = revision + 1",
    "UPDATE waffle_head SET change_id = 'ffffffffffffffffffffffffffffffff'",
)


@pytest.mark.parametrize("bump", BUMPS)
def test_half_a_new_revision_is_followed_as_well(
    stack: ExitStack, keys: dict[str, Any], shared_database: Database, bump: str
) -> None:
    """Whoever forgets the id, or the number, is understood; later changes reach all."""
    live = pair(stack, keys)
    live.writer.update(name="stored")
    live.show(Limits(name="stored"))
    run(shared_database.engine(), EDIT, bump)
    live.show(Limits(name="by hand"))
    live.write(1)
    live.show(Limits(low=1, high=8, name="by hand"))
    assert live.reader.snapshot().revision == live.writer.snapshot().revision


def test_a_change_after_a_bumped_number_reaches_whoever_has_not_looked(
    stack: ExitStack, keys: dict[str, Any], shared_database: Database
) -> None:
    """The message follows the id that is known, with a number that does not: the store is read."""
    live = pair(stack, {**keys, "WAFFLE_POLL_INTERVAL": 3600})
    live.writer.update(name="stored")
    live.show(Limits(name="stored"))
    run(shared_database.engine(), EDIT, BUMPS[0])
    live.write(1)
    assert live.show(Limits(low=1, high=8, name="by hand")) < 5
    assert live.reader.snapshot().revision == 3
