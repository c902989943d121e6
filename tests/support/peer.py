"""One of several processes on the same store and bus: it reads in a tight loop, and may write.

`python -m tests.support.peer '{"config": {...}, "first": 1000, "writes": 50, "end": 200}'`
prints "ready", waits for a line, works, and prints what it saw as JSON.
"""

import json
import sys
import threading
import time
from typing import Any

from tests.support.shop import GAP, change, waffle

DEADLINE = 60.0


def watched(end: int) -> dict[str, Any]:
    """Read until the last revision is seen."""
    reads = backwards = mixed = last = 0
    deadline = time.monotonic() + DEADLINE
    breath = threading.Event()
    while last < end and time.monotonic() < deadline:
        for _ in range(100):
            snapshot = waffle.snapshot()
            settings = snapshot.settings
            reads += 1
            backwards += snapshot.revision < last
            mixed += settings.high != settings.low + GAP or settings.low > settings.high
            with waffle.pinned():
                shown = waffle.current_settings
                mixed += shown.high != shown.low + GAP
            last = snapshot.revision
        breath.wait(0.001)  # the writer in this process needs the interpreter, too
    return {
        "reads": reads,
        "backwards": backwards,
        "mixed": mixed,
        "last": last,
        "low": waffle.current_settings.low,
    }


def main() -> None:
    """Work as told."""
    told = json.loads(sys.argv[1])

    def write() -> None:
        for number in range(told["writes"]):
            change(told["first"] + number)

    with waffle.connect(told["config"]):
        print("ready", flush=True)  # noqa: T201 - for the parent
        sys.stdin.readline()
        writer = threading.Thread(target=write)
        writer.start()
        saw = watched(told["end"])
        writer.join()
        print(json.dumps(saw), flush=True)  # noqa: T201 - for the parent


if __name__ == "__main__":
    main()
