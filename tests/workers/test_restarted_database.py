"""Workers of a database server that crashes, and of one whose answers are slow."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import pytest
from sqlalchemy import make_url

from tests.support.databases import DatabaseServer
from tests.support.shop import Limits
from tests.support.waiting import PATIENCE, eventually
from tests.support.wire import Wire
from typed_waffle import Change, StoreUnavailable, Waffle

pytestmark = pytest.mark.slow

WRITERS = 4
CRASHES = 3
BETWEEN_CRASHES = 25


@pytest.fixture
def shared(config: dict[str, Any], database_server: DatabaseServer) -> dict[str, Any]:
    """The keys of workers that share one database of the server and one Redis."""
    return {**config, "WAFFLE_DATABASE_URL": database_server.scratch()}


@dataclass
class Told:
    """What writers were told of each change, by its note."""

    made: dict[str, Change] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    in_doubt: set[str] = field(default_factory=set)


@dataclass
class Writers:
    """Workers of their own that write until they are stopped."""

    config: dict[str, Any]
    told: Told = field(default_factory=Told)
    backwards: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        for number in range(WRITERS):
            self._threads.append(threading.Thread(target=self._write, args=(number,)))
            self._threads[-1].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def _write(self, writer: int) -> None:
        number = last = 0
        with Waffle(Limits).connect(self.config) as waffle:
            while not self._over.is_set():
                number += 1
                note = f"{writer}-{number}"
                try:
                    with waffle.edit(note=note) as edit:
                        edit.update(low=number, high=number + 7, name=note)
                except StoreUnavailable as error:
                    (self.told.in_doubt if error.in_doubt else self.told.refused).add(note)
                    self._over.wait(0.02)
                else:
                    assert edit.change is not None
                    self.told.made[note] = edit.change
                self.backwards += waffle.snapshot().revision < last
                last = waffle.snapshot().revision


def pages(waffle: Waffle[Limits]) -> Iterator[Change]:
    before = None
    while page := waffle.history(before=before):
        yield from page
        before = page[-1].revision


def assert_sound(told: Told, waffle: Waffle[Limits]) -> None:
    """Nothing is reported made that is not there, nothing is there twice, and all adds up."""
    waffle.refresh()
    changes = list(pages(waffle))[::-1]
    assert [c.revision for c in changes] == list(range(1, waffle.snapshot().revision + 1))
    assert len({c.id for c in changes}) == len(changes)
    kept = {c.note: c for c in changes}
    assert len(kept) == len(changes)
    assert told.made.items() <= kept.items()
    assert not told.refused & kept.keys()
    assert kept.keys() <= told.made.keys() | told.in_doubt
    replayed: dict[str, object] = Limits().model_dump()
    for change in changes:
        assert {f.field: f.before for f in change.fields}.items() <= replayed.items()
        replayed |= {f.field: f.after for f in change.fields}
    assert replayed == waffle.snapshot().settings.model_dump()


def more(count: Callable[[], int], by: int) -> None:
    """Wait until a count has grown."""
    goal = count() + by
    eventually(lambda: count() >= goal)


def reads(wire: Wire, before: int) -> None:
    """Wait until there is another connection than there were before."""
    eventually(lambda: wire.opened > before)


def shows(waffle: Waffle[Limits], number: int) -> float:
    """Wait until a worker shows this; how long that took."""
    return eventually(lambda: waffle.snapshot().settings.low == number)


def test_writers_are_told_the_truth_while_the_server_crashes(
    shared: dict[str, Any], database_server: DatabaseServer
) -> None:
    """Four workers write, and the server is killed three times: the history agrees with all."""
    with Waffle(Limits).connect(shared) as waffle:
        waffle.start()
        with Writers(shared) as writers:
            told = writers.told
            for _ in range(CRASHES):
                more(lambda: len(told.made), BETWEEN_CRASHES)
                database_server.kill()
                more(lambda: len(told.refused) + len(told.in_doubt), 1)
                database_server.start()
            more(lambda: len(told.made), BETWEEN_CRASHES)
        assert writers.backwards == 0
        eventually(lambda: waffle.status().state == "live")
        assert_sound(told, waffle)


@pytest.fixture
def wire(database_server: DatabaseServer) -> Iterator[Wire]:
    with Wire(database_server.port) as wire:
        yield wire


def through(wire: Wire, config: dict[str, Any]) -> dict[str, Any]:
    """The keys of a worker whose database is at the end of the wire."""
    url = make_url(config["WAFFLE_DATABASE_URL"]).set(port=wire.port)
    return {**config, "WAFFLE_DATABASE_URL": url.render_as_string(hide_password=False)}


def test_writers_are_told_the_truth_while_answers_are_lost(
    shared: dict[str, Any], wire: Wire
) -> None:
    """Every few commits one loses its answer, or itself: each change is made exactly once."""
    with Waffle(Limits).connect(shared) as waffle:
        waffle.start()
        with Writers(through(wire, shared)) as writers:
            told = writers.told
            for number in range(20):
                more(lambda: wire.commits, 3)
                (wire.lose_answer if number % 2 else wire.lose_commit)()
        assert writers.backwards == 0
        assert not told.in_doubt
        assert not told.refused
        assert_sound(told, waffle)


def test_nobody_hears_of_a_change_before_it_is_committed(
    shared: dict[str, Any], wire: Wire
) -> None:
    """With 50 ms between all else and the commit, the others still end up at each change."""
    shared = {**shared, "WAFFLE_POLL_INTERVAL": 3600}
    wire.commit_delay = 0.05
    with (
        Waffle(Limits).connect(through(wire, shared)) as writer,
        Waffle(Limits).connect({**shared, "WAFFLE_SIGNING_KEY": "another"}) as reader,
    ):
        # With another key it is only hinted at changes: it reads the store at once.
        eventually(lambda: reader.status().state == writer.status().state == "live")
        for number in range(1, 11):
            writer.update(low=number, high=number + 7)
            assert shows(reader, number) < 2


def test_a_change_during_a_slow_reading_is_not_missed(shared: dict[str, Any], wire: Wire) -> None:
    """While a worker reads the store, which takes long, the next change comes: it is shown."""
    shared = {**shared, "WAFFLE_POLL_INTERVAL": 3600}
    with (
        Waffle(Limits).connect(shared) as writer,
        Waffle(Limits).connect({**through(wire, shared), "WAFFLE_SIGNING_KEY": "x"}) as reader,
    ):
        eventually(lambda: reader.status().state == writer.status().state == "live")
        wire.answer_delay = 0.1
        for number in (10, 20):
            before = wire.opened
            writer.update(low=number, high=number + 7)
            reads(wire, before)
            writer.update(low=number + 1, high=number + 8)
            shows(reader, number + 1)
