"""A process that ends in some way while its listener is live: `... '{...}' return`."""

import atexit
import json
import os
import signal
import sys
import threading

from flask import Flask

from tests.support.shop import waffle
from tests.support.waiting import PATIENCE, eventually

app = Flask("exits")


def main(keys: dict[str, str], way: str) -> None:
    """Be live, say so, and end."""
    app.config.update(keys)
    waffle.init_app(app)
    atexit.register(lambda: print(f"at exit: {waffle.current_settings.name}", flush=True))  # noqa: T201
    if way == "unused":
        return  # the first use is at the exit
    waffle.start()
    eventually(lambda: waffle.status().state == "live")
    os.write(1, b"live\n")
    match way:
        case "return":
            return
        case "exit":
            sys.exit(0)
        case "error":
            raise ZeroDivisionError
        case "interrupt":
            signal.raise_signal(signal.SIGINT)
        case "hang":
            # The callback hangs in the listener's thread, which the end must not wait for.
            waffle.on_change()(lambda _old, _new: threading.Event().wait(PATIENCE))
            sys.stdin.readline()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2])
