"""Overrides at once in many greenlets: `python -m tests.support.leaks`. It prints what leaked."""

# ruff: noqa: E402 - it must patch before anything is imported

from gevent import monkey

monkey.patch_all()

import contextvars
import json
import threading

import gevent

from tests.support.apps import Settings
from typed_waffle import NotBound, Waffle

waffle = Waffle(Settings)
shared = waffle.override(high=100)


def name() -> str:
    """The name that is shown, or nothing."""
    try:
        return waffle.current_settings.name
    except NotBound:
        return "nothing"


def work(number: int, leaks: list[str]) -> None:
    """Enter and leave, giving way to the others inside."""
    for turn in range(20):
        if name() != "nothing":
            leaks.append(f"{number} before {turn}: {name()}")
        with waffle.override(name=f"{number}.{turn}"), shared:
            gevent.sleep(0)
            if name() != f"{number}.{turn}":
                leaks.append(f"{number} in {turn}: {name()}")


def main() -> None:
    """Let greenlets and patched threads work, made outside; then look what one made inside sees."""
    leaks: list[str] = []
    threads = [threading.Thread(target=work, args=(n, leaks)) for n in range(8)]
    for thread in threads:
        thread.start()
    greenlets = [gevent.spawn(work, number, leaks) for number in range(8, 16)]
    gevent.joinall(greenlets, raise_error=True)
    for thread in threads:
        thread.join()
    with waffle.override(name="Cone"):
        spawned = gevent.spawn(name)
        carried = gevent.spawn(contextvars.copy_context().run, name)
        seen = [spawned.get(), carried.get()]
    print(json.dumps({"leaks": leaks, "seen": seen}))  # noqa: T201 - the test reads it


if __name__ == "__main__":
    main()
