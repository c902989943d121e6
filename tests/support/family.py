"""A parent with a live listener that forks children; each of them is a worker of its own.

`python -m tests.support.family '{"config": {...}, "children": 3}'` prints what each child saw, and
then what the parent saw, as JSON lines.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from flask import Flask

from tests.support.shop import change, waffle
from tests.support.waiting import eventually


def report(who: str, **seen: object) -> None:
    """One line for the test; one write, so that lines of several processes stay whole."""
    worker = waffle._bindings.meant().worker  # its runtime's id is not public
    assert worker is not None
    line = {"who": who, "pid": os.getpid(), "worker": worker.runtime.id, **seen}
    os.write(1, f"{json.dumps(line)}\n".encode())


def child(ready: int, app: Flask) -> None:
    """Read outside of any context and inside of one; then wait for the parent's change."""
    outside = waffle.current_settings.low
    with app.app_context():
        inside = waffle.current_settings.low
    eventually(lambda: waffle.status().state == "live")
    os.write(ready, b".")
    eventually(lambda: waffle.snapshot().revision >= 2)
    report("child", outside=outside, inside=inside, low=waffle.current_settings.low)


def _leave(work: Callable[[int, Flask], None], ready: int, app: Flask) -> NoReturn:
    """Work, and end without the parent's clean-up."""
    try:
        work(ready, app)
    except BaseException:  # noqa: BLE001 - whatever it is, the child must end here
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def parent(app: Flask, count: int) -> None:
    """Fork, change something, and go on working."""
    revisions: list[int] = []
    waffle.on_change()(lambda _, new: revisions.append(new.low))
    change(1)
    eventually(lambda: waffle.status().state == "live")
    reading, writing = os.pipe()
    pids = []
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            _leave(child, writing, app)
        pids.append(pid)
    os.close(writing)
    for _ in range(count):
        assert os.read(reading, 1), "a child failed"
    change(2)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    with type(waffle)(waffle.model).connect(told["config"]) as other:
        other.update(name="from elsewhere")
    eventually(lambda: waffle.current_settings.name == "from elsewhere")
    state = waffle.status()
    report(
        "parent",
        children=pids,
        codes=codes,
        revision=waffle.snapshot().revision,
        seen=revisions,
        state=state.state,
        history=len(waffle.history()),
    )


if __name__ == "__main__":
    told: dict[str, Any] = json.loads(sys.argv[1])
    shop = Flask("family")
    shop.config.update(told["config"])
    waffle.init_app(shop)
    parent(shop, told["children"])
    waffle.close()
