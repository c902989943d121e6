"""Hostile texts in the store: nobody executes them, and no worker stops for them."""

from __future__ import annotations

import json
import logging
import pickle
import time
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field, SecretStr

from tests.support.handles import Handles
from tests.support.worker import Worker, worker
from typed_waffle import WaffleModel
from typed_waffle.change import State
from typed_waffle.protocols import Proposal, Store
from typed_waffle.runtime import Rules
from typed_waffle.values import MAX_TEXT

SOON = 3.0
"""Seconds of processor time in which any text is refused; on a busy machine, too."""


class Node(WaffleModel):
    below: Mapping[str, Node] = {}


class Settings(WaffleModel):
    name: str = "Waffle"
    size: int = 1
    ratio: float = 1.0
    tags: Sequence[str] = ()
    limits: Mapping[str, Annotated[int, Field(ge=0)]] = {}
    tree: Node = Node()
    token: SecretStr = SecretStr("")
    kept: str = "default"


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def executable(path: Path) -> dict[str, str]:
    """What other systems have executed when they read it (X1)."""
    call = f"__import__('pathlib').Path({str(path)!r}).touch()"
    return {
        "a pickle": pickle.dumps(Bomb(path), protocol=0).decode("ascii"),
        "a YAML tag": f'!!python/object/apply:os.system ["touch {path}"]',
        "Python": call,
        "a template": f"{{{{ {call} }}}}",
    }


HOSTILE: dict[str, tuple[str, str]] = {
    "nothing": ("name", ""),
    "not JSON": ("name", "waffle"),
    "two values": ("size", '1,"name":"stolen"'),
    "the end of the document": ("size", '1},{"size":2'),
    "a comment": ("size", "1/*"),
    "half a surrogate": ("name", r'"\ud800"'),
    "a wrong type": ("size", '"many"'),
    "null": ("size", "null"),
    "an infinity": ("ratio", "1e999"),
    "a NaN": ("ratio", "NaN"),
    "5000 digits": ("size", "9" * 5000),
    "5000 digits in a text": ("size", json.dumps("9" * 5000)),
    "200 000 digits": ("ratio", "9" * 200_000),
    "100 000 levels": ("tree", "[" * 100_000),
    "100 000 closed levels": ("tree", "[" * 100_000 + "]" * 100_000),
    "500 levels of the tree": ("tree", '{"below":{"a":' * 250 + "{}" + "}}" * 250),
    "a long text": ("name", json.dumps("x" * MAX_TEXT)),
    "5 MB": ("name", json.dumps("x" * 5_000_000)),
    "20 000 wrong items": ("tags", json.dumps([1] * 20_000)),
    "10 000 wrong values": ("limits", json.dumps({str(n): -1 for n in range(10_000)})),
    "a wrong value behind a key twice": ("limits", '{"a":1,"a":-1}'),
    "a secret of a wrong type": ("token", '["canary-4711"]'),
    **{name: ("name", text) for name, text in executable(Path("/nowhere")).items()},
}


def overwrite(store: Store, namespace: str, **texts: str) -> None:
    """Write straight into the rows, past every check."""

    def decide(state: State) -> Proposal:
        overrides = {**state.overrides, **texts}
        return Proposal(uuid.uuid4().hex, overrides, (), None, None, "python")

    store.commit(namespace, decide)


def settled(stores: Handles, namespace: str) -> Worker:
    """A worker that shows two values of the store's."""
    start = partial(worker, model=Settings, rules=Rules(namespace))
    start(stores.one).write(kept="stored", size=2)
    return start(stores.other)


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_text_stops_no_worker(
    kind: str, stores: Handles, caplog: pytest.LogCaptureFixture
) -> None:
    """It shows its last good values, says it once, and is well again after the next good change."""
    field, text = HOSTILE[kind]
    namespace = uuid.uuid4().hex
    running = settled(stores, namespace)
    overwrite(stores.one, namespace, **{field: text})
    before = running.settings

    began = time.process_time()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert running.runtime.check()
    took = time.process_time() - began

    assert running.settings is before
    assert (before.kept, before.size) == ("stored", 2)
    # One line about the revision, one about the worker's state; and no more at the later looks.
    assert len(caplog.messages) == 2
    [line] = (text for text in caplog.messages if text.startswith("revision 2"))
    assert line.startswith(f"revision 2 does not fit Settings: {field}: ")
    assert all(len(text) < 500 and "canary" not in text for text in caplog.messages)
    assert running.runtime.status().state == "rejected"
    assert [list(reasons) for _, reasons in running.rejections] == [[field]]
    assert took < SOON

    assert running.write(**{field: getattr(Settings(), field)})
    assert running.settings.kept == "stored"
    assert running.runtime.status().state != "rejected"


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_text_keeps_no_worker_from_starting(
    kind: str, stores: Handles, caplog: pytest.LogCaptureFixture
) -> None:
    """Its field shows the default, and all others what is stored."""
    field, text = HOSTILE[kind]
    namespace = uuid.uuid4().hex
    settled(stores, namespace)
    overwrite(stores.one, namespace, **{field: text})

    began = time.process_time()
    with caplog.at_level(logging.WARNING):
        fresh = worker(stores.other, model=Settings, rules=Rules(namespace))
    took = time.process_time() - began

    assert getattr(fresh.settings, field) == getattr(Settings(), field)
    assert fresh.settings.kept == "stored"
    assert len(caplog.messages) == 2
    assert took < SOON


def test_nothing_stored_is_executed(stores: Handles, tmp_path: Path) -> None:
    """Not by a reader, not by a writer, not by the history (X1)."""
    canary = tmp_path / "executed"
    for text in executable(canary).values():
        namespace = uuid.uuid4().hex
        running = settled(stores, namespace)
        overwrite(stores.one, namespace, name=text)
        running.runtime.check()
        worker(stores.other, model=Settings, rules=Rules(namespace))
        running.write(name="mended")
        assert running.settings.name == "mended"

    assert not canary.exists()
