"""A plain script that forks while its listener is live."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Python

CHILDREN = 3


@pytest.fixture
def family(config: dict[str, Any], tmp_path: Path) -> list[dict[str, Any]]:
    """What the children and their parent saw."""
    # Polls are too rare to help: whatever arrives was pushed.
    told = {"config": {**config, "WAFFLE_POLL_INTERVAL": 3600}, "children": CHILDREN}
    command = ["-W", "ignore::DeprecationWarning", "-m", "tests.support.family", json.dumps(told)]
    with Python(command, tmp_path / "family.log") as script:
        code = script.ended()
        output = script.output()
    assert code == 0, output
    return [json.loads(line) for line in output.splitlines() if line.startswith('{"who"')]


def test_each_child_gets_a_worker_of_its_own(family: list[dict[str, Any]]) -> None:
    """Parent and children have different workers, each with its own pid."""
    assert len(family) == CHILDREN + 1
    assert len({seen["worker"] for seen in family}) == CHILDREN + 1
    assert sorted(family[-1]["children"]) == sorted(s["pid"] for s in family[:-1])


def test_children_follow_changes(family: list[dict[str, Any]]) -> None:
    """A child starts with what is stored, and hears the change that its parent makes later."""
    children = [(s["outside"], s["inside"], s["low"]) for s in family if s["who"] == "child"]
    assert children == [(1, 1, 2)] * CHILDREN


def test_the_parent_goes_on_working(family: list[dict[str, Any]]) -> None:
    """After its children have ended, the parent still hears the bus and uses the database."""
    parent = family[-1]
    assert (parent["who"], parent["codes"]) == ("parent", [0] * CHILDREN)
    assert (parent["revision"], parent["state"], parent["history"]) == (3, "live", 3)
    assert parent["seen"] == [1, 2, 2]


def test_forks_under_load_harm_nobody(config: dict[str, Any], tmp_path: Path) -> None:
    """A parent that listens, writes and forks a hundred times: every child begins and follows."""
    command = ["-W", "ignore::DeprecationWarning", "-m", "tests.support.forks"]
    with Python([*command, json.dumps([config, 100])], tmp_path / "forks.log") as script:
        code = script.ended(100)
        output = script.output()
    assert code == 0, output
    told = json.loads(output.splitlines()[-1])
    assert told["codes"] == [0] * 100
    assert told["state"] == "live"
