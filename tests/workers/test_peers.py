"""Processes that share one database file and one Redis."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Python
from tests.support.shop import Limits
from typed_waffle import Change, Waffle

pytestmark = pytest.mark.slow

PROCESSES = 4
CHANGES = 200


def run(config: dict[str, Any], writes: list[int], folder: Path) -> list[dict[str, Any]]:
    with ExitStack() as stack:
        peers = []
        for number, count in enumerate(writes):
            told = {"config": config, "first": 1000 * (number + 1), "writes": count, "end": CHANGES}
            command = ["-m", "tests.support.peer", json.dumps(told)]
            peers.append(stack.enter_context(Python(command, folder / f"peer{number}.log")))
        for peer in peers:
            peer.says("ready")
        for peer in peers:
            peer.tell()
        codes = [peer.ended(90) for peer in peers]
        assert codes == [0] * PROCESSES, peers[codes.index(1)].output()
        return [json.loads(peer.output().splitlines()[-1]) for peer in peers]


def pages(waffle: Waffle[Limits]) -> Iterator[Change]:
    before = None
    while page := waffle.history(before=before):
        yield from page
        before = page[-1].revision


def assert_sound(saw: list[dict[str, Any]]) -> None:
    assert [s["last"] for s in saw] == [CHANGES] * PROCESSES
    assert [(s["backwards"], s["mixed"]) for s in saw] == [(0, 0)] * PROCESSES
    assert len({s["low"] for s in saw}) == 1
    assert min(s["reads"] for s in saw) > CHANGES


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "hints"])
def test_changes_of_one_process_reach_all(
    config: dict[str, Any], tmp_path: Path, *, signed: bool
) -> None:
    """All processes end on the last of 200 changes, went only forward, and saw no mixed state."""
    if not signed:
        del config["WAFFLE_SIGNING_KEY"]
    assert_sound(run(config, [CHANGES, 0, 0, 0], tmp_path))


def test_changes_of_all_processes_at_once_are_all_kept(
    config: dict[str, Any], tmp_path: Path
) -> None:
    """200 changes by four processes at once make 200 revisions that replay to what is stored."""
    assert_sound(run(config, [CHANGES // PROCESSES] * PROCESSES, tmp_path))
    with Waffle(Limits).connect(config) as waffle:
        changes = list(pages(waffle))[::-1]
        stored = waffle.snapshot().settings
    assert [c.revision for c in changes] == list(range(1, CHANGES + 1))
    replayed: dict[str, object] = Limits().model_dump()
    for change in changes:
        assert {f.field: f.before for f in change.fields}.items() <= replayed.items()
        replayed |= {f.field: f.after for f in change.fields}
    assert replayed == stored.model_dump()
