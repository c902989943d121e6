"""Processes that write to one database: what each of them does, and how they are started."""

from __future__ import annotations

import multiprocessing
import random
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from typing import Annotated, Any

from annotated_types import Ge
from pydantic import model_validator

from tests.support.waiting import PATIENCE
from typed_waffle import InvalidChange, RevisionConflict, Waffle, WaffleModel
from typed_waffle.stores import transactions

__all__ = ["FIELDS", "Budget", "boot", "endless", "race", "spend", "started", "together"]

LIMIT = 100

# Each child is a fork of a process that imported all of this and did nothing else.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(
    [__name__, "typed_waffle.stores.engines", "psycopg", "pymysql", "sqlite3"]
)

Amount = Annotated[int, Ge(0)]


class Budget(WaffleModel):
    """Fields that many writers change at once, and a rule across them."""

    north: Amount = 0
    east: Amount = 0
    south: Amount = 0
    west: Amount = 0

    @model_validator(mode="after")
    def _affordable(self) -> Budget:
        spent = self.north + self.east + self.south + self.west
        if spent > LIMIT:
            raise ValueError(f"{spent} is more than {LIMIT}")
        return self


FIELDS = tuple(Budget.model_fields)


def spend(waffle: Waffle[Budget], number: int, gate: Barrier) -> tuple[list[int], int]:
    """Make 50 changes of two fields each; the revisions made, and how many were refused."""
    dice = random.Random(number)  # noqa: S311 - no secret depends on it
    made: list[int] = []
    refused = 0
    gate.wait(PATIENCE)
    for _ in range(50):
        fields: dict[str, object] = {name: dice.randrange(50) for name in dice.sample(FIELDS, 2)}
        try:
            change = waffle.update(**fields)
        except InvalidChange:
            refused += 1
        else:
            made += [change.revision] if change else []
    return made, refused


def race(waffle: Waffle[Budget], number: int, gate: Barrier) -> list[dict[str, Any]]:
    """Ten times, change what all look at, at the moment when all do; what came of each."""
    outcomes: list[dict[str, Any]] = []
    for attempt in range(10):
        gate.wait(PATIENCE)
        waffle.refresh()
        seen = waffle.snapshot().revision
        gate.wait(PATIENCE)
        try:
            with waffle.edit(expected_revision=seen) as edit:
                edit.update(north=10 * number + attempt + 1)  # nobody's is the default
        except RevisionConflict as conflict:
            between = [(change.revision, change.id) for change in conflict.changes]
            told = {"expected": conflict.expected, "actual": conflict.actual, "between": between}
            outcomes.append({"seen": seen, "won": None, **told})
        else:
            assert edit.change is not None
            outcomes.append({"seen": seen, "won": (edit.change.revision, edit.change.id)})
    return outcomes


def boot(waffle: Waffle[Budget], number: int, _: Barrier) -> tuple[bool, int]:
    """Begin on what may be an empty database; whether it answered, and the revision made."""
    answered = waffle.status().store.ok
    change = waffle.update(**{FIELDS[number % 4]: number + 1})
    return answered, change.revision if change else 0


def endless(config: dict[str, Any], first: int, made: Connection) -> None:
    """Make changes without end, and tell the revision of each."""
    _be_patient()
    with Waffle(Budget).connect(config) as waffle:
        number = first
        while True:
            number += 1
            change = waffle.update(north=number % 50, east=(number + 1) % 50)
            assert change is not None
            made.send_bytes(change.revision.to_bytes(8))


def _be_patient() -> None:
    """Many processes on a slow machine are not a database that hangs: that has its own tests."""
    transactions.PATIENCE = transactions.READ_PATIENCE = PATIENCE


Work = Callable[[Waffle[Budget], int, Barrier], object]


def _run(work: Work, config: dict[str, Any], number: int, gate: Barrier, results: Any) -> None:  # noqa: ANN401 - multiprocessing's own
    _be_patient()
    try:
        if work is boot:
            gate.wait(PATIENCE)
        with Waffle(Budget).connect(config) as waffle:
            results.put((number, work(waffle, number, gate)))
    except BaseException:
        gate.abort()
        traceback.print_exc()
        raise


def together(work: Work, config: dict[str, Any], count: int) -> list[Any]:
    """Let so many processes do this at the same moment; what each gives."""
    gate, results = _processes.Barrier(count), _processes.SimpleQueue()
    workers = [
        _processes.Process(target=_run, args=(work, config, number, gate, results))
        for number in range(count)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(2 * PATIENCE)
    assert [worker.exitcode for worker in workers] == [0] * count
    return [result for _, result in sorted(results.get() for _ in workers)]


@contextmanager
def started(config: dict[str, Any], first: int) -> Iterator[tuple[BaseProcess, Connection]]:
    """A writer without end, killed when the block ends; and what it tells."""
    told, made = _processes.Pipe(duplex=False)
    writer = _processes.Process(target=endless, args=(config, first, made))
    writer.start()
    made.close()
    try:
        yield writer, told
    finally:
        writer.kill()
        writer.join(PATIENCE)
        told.close()
