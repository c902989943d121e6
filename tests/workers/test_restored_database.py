"""Live workers of a database that is restored from a backup, emptied, edited, or lags behind."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.support.databases import Database, Servers
from tests.support.live import connected, pair
from tests.support.shop import Limits
from tests.support.waiting import PATIENCE, eventually
from typed_waffle import Waffle, agenda
from typed_waffle.stores.sql import SqlStore
from typed_waffle.stores.tables import tables

pytestmark = pytest.mark.slow

POLL = 0.5

KEPT = [table for table in tables().metadata.sorted_tables if "namespace" in table.c]
"""What a backup is of: all but the version of the tables."""

Rows = dict[str, list[dict[str, Any]]]


def rows(engine: Engine) -> Rows:
    """All that is in our tables, of one moment."""
    with engine.connect().execution_options(isolation_level="SERIALIZABLE") as connection:
        return {
            table.name: [dict(row) for row in connection.execute(table.select()).mappings()]
            for table in KEPT
        }


def restore(engine: Engine, backup: Rows, namespace: str | None = None) -> None:
    """Put rows back in the place of those that are there; of one namespace, or of all."""
    with engine.begin() as connection:
        for table in KEPT:
            gone = table.delete()
            connection.execute(gone.where(table.c.namespace == namespace) if namespace else gone)
            back = [r for r in backup[table.name] if namespace in {None, r["namespace"]}]
            if back:
                connection.execute(table.insert(), back)


@pytest.fixture
def stack(shared_database: Database) -> Iterator[ExitStack]:
    """What must end before the database is given back."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def keys(config: dict[str, Any], shared_database: Database) -> dict[str, Any]:
    return {**config, "WAFFLE_DATABASE_URL": shared_database.url, "WAFFLE_POLL_INTERVAL": POLL}


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch, shared_database: Database) -> None:
    """Except on one database, nobody is given five seconds to lag."""
    if shared_database.kind != "postgresql":
        monkeypatch.setattr(agenda, "BEHIND_SECONDS", 1.0)
        monkeypatch.setattr(agenda, "BEHIND_GAP", 0.2)


@pytest.mark.usefixtures("soon")
def test_a_store_that_went_back_is_followed(
    stack: ExitStack,
    keys: dict[str, Any],
    shared_database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Restored or emptied, it is followed by each worker with one warning, and works on."""
    restored = pair(stack, keys, namespace="restored")
    emptied = pair(stack, keys, namespace="emptied")
    engine = shared_database.engine()
    for number in range(1, 4):
        restored.write(number)
        emptied.write(number)
    backup = rows(engine)
    for number in range(4, 8):
        restored.write(number)
    restored.at(7)
    emptied.at(3)
    restore(engine, backup, "restored")
    restore(engine, {table: [] for table in backup}, "emptied")
    restored.at(3)
    emptied.at(0)
    revisions = [f.reader.snapshot().revision for f in (restored, emptied)]
    assert revisions == [3, 0]
    assert caplog.text.count("the store was restored") == 4
    restored.write(100)
    emptied.write(200)
    restored.at(100)
    emptied.at(200)
    assert [c.revision for c in restored.reader.history()] == [4, 3, 2, 1]
    assert [c.revision for c in emptied.reader.history()] == [1]
    assert caplog.text.count("the store was restored") == 4


def test_another_change_of_the_same_number_is_followed_at_once(
    stack: ExitStack,
    keys: dict[str, Any],
    shared_database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One chain cannot have two changes of one number: no lag explains it, so nobody waits."""
    live = pair(stack, keys)
    engine = shared_database.engine()
    live.write(1)
    backup = rows(engine)
    live.write(2)
    live.at(2)
    restore(engine, backup)
    # Somebody who has no Redis writes to the restored store before anybody looks.
    with Waffle(Limits).connect({"WAFFLE_DATABASE_URL": shared_database.url}) as other:
        other.update(low=50, high=57)
    assert live.at(50) < POLL + 2
    assert live.reader.snapshot().revision == 2
    assert "the store was restored" in caplog.text


def test_a_write_follows_a_restored_store_before_it_is_known(
    stack: ExitStack, keys: dict[str, Any], shared_database: Database
) -> None:
    """What a writer sees under the lock is the truth: its change builds on what was restored."""
    live = pair(stack, {**keys, "WAFFLE_POLL_INTERVAL": 3600})
    engine = shared_database.engine()
    live.write(1)
    backup = rows(engine)
    live.writer.update(name="lost")
    eventually(lambda: live.reader.snapshot().settings.name == "lost")
    restore(engine, backup)
    live.write(2)
    assert live.writer.snapshot().revision == 2
    live.at(2)


# --- lag --------------------------------------------------------------------------------------


class Replica:
    """Copies our tables to another database, so much later."""

    def __init__(self, primary: Engine, replica: Engine, lag: float) -> None:
        self._primary = primary
        self._replica = replica
        self._lag = lag
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._copy)

    def __enter__(self) -> None:
        SqlStore(self._replica).head("default")  # makes the tables
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(PATIENCE)

    def _copy(self) -> None:
        taken: deque[tuple[float, Rows]] = deque()
        shown: Rows = {}
        while not self._over.wait(0.05):
            taken.append((time.monotonic() + self._lag, rows(self._primary)))
            while taken and taken[0][0] <= time.monotonic():
                _, due = taken.popleft()
                if due != shown:
                    shown = due
                    restore(self._replica, due)


LAGS = {"postgresql": (2.0, True), "mariadb": (0.5, False)}
"""By database: the lag, and whether the readers can verify messages."""


@pytest.mark.parametrize("shared_database", LAGS, indirect=True)
def test_a_lagging_replica_is_not_taken_for_a_restored_store(
    stack: ExitStack,
    keys: dict[str, Any],
    shared_database: Database,
    database_servers: Servers,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A worker that reads a replica goes only forward, and ends where the primary is."""
    lag, signed = LAGS[shared_database.kind]
    (tmp_path / "replica").mkdir()
    there = database_servers.database(shared_database.kind, tmp_path / "replica")
    stack.callback(there.close)
    writer = connected(stack, keys)
    writer.update(low=1, high=8)
    stack.enter_context(Replica(shared_database.engine(), there.engine(), lag))
    reader = connected(
        stack,
        {
            **keys,
            "WAFFLE_DATABASE_URL": there.url,
            "WAFFLE_SIGNING_KEY": keys["WAFFLE_SIGNING_KEY"] if signed else "another",
        },
    )
    seen: list[int] = []
    for number in range(2, 12):
        writer.update(low=number, high=number + 7)
        for _ in range(20):
            time.sleep(0.01)  # the writer's pace
            seen.append(reader.snapshot().revision)
    if signed:
        assert seen[-1] >= 10  # messages carry the values: no read is needed
    eventually(lambda: reader.snapshot().settings.low == 11)
    until = time.monotonic() + 2 * lag
    while time.monotonic() < until:
        time.sleep(0.01)  # until the replica has shown all
        seen.append(reader.snapshot().revision)
    assert seen == sorted(seen)
    assert reader.snapshot().settings.low == 11
    assert "restored" not in caplog.text
