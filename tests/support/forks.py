"""A process that forks again and again while it listens, and while a thread of it writes.

`python -m tests.support.forks '[{...}, 100]'` prints how its children ended, as JSON.
"""

import faulthandler
import itertools
import json
import os
import signal
import sys
import threading
from typing import Any, NoReturn

from tests.support.shop import GAP, change, waffle
from tests.support.waiting import PATIENCE, eventually

AT_ONCE = 5
"""How many children live side by side."""


def child() -> NoReturn:
    """Read, and wait for a change that is newer than this process."""
    # Whoever hangs says where, and ends by a signal, and so with another code.
    faulthandler.register(signal.SIGALRM, chain=True)
    signal.alarm(int(PATIENCE))
    snapshot = waffle.snapshot()
    if snapshot.settings.high != snapshot.settings.low + GAP:
        os._exit(1)
    eventually(lambda: waffle.snapshot().revision > snapshot.revision)
    os._exit(0)


def main(keys: dict[str, Any], forks: int) -> None:
    """Fork, and count how the children end."""
    over = threading.Event()
    codes: list[int] = []

    def write() -> None:
        for number in itertools.count(1):
            if over.is_set():
                return
            change(number)

    def reap() -> None:
        codes.append(os.waitstatus_to_exitcode(os.wait()[1]))

    with waffle.connect(keys):
        eventually(lambda: waffle.status().state == "live")
        writer = threading.Thread(target=write)
        writer.start()
        for number in range(forks):
            if os.fork() == 0:
                child()
            if number >= AT_ONCE:
                reap()
        for _ in range(min(AT_ONCE, forks)):
            reap()
        over.set()
        writer.join()
        told = {"codes": codes, "state": waffle.status().state}
        print(json.dumps({**told, "revision": waffle.snapshot().revision}))  # noqa: T201


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))
