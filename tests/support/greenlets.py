"""A process under gevent: `python -m tests.support.greenlets early '{...}' give_way`.

`early` patches before anything is imported, as gevent wants it; `late` after, as a server does that
loads the application first; `threads` patches nothing but threads; `none` nothing.
"""

import sys

from gevent import monkey

if sys.argv[1] == "early":
    monkey.patch_all()

import json
import logging
import os
import subprocess
from contextlib import suppress
from typing import Any

import gevent
import psycopg  # noqa: F401 - it decides how to wait when it is imported
from redis import Redis

from tests.support.shop import Limits, change, waffle
from tests.support.waiting import PATIENCE, eventually
from typed_waffle.loop import Loop

if sys.argv[1] == "late":
    monkey.patch_all()
if sys.argv[1] == "threads":
    monkey.patch_thread()

TICKS, BURST, PROGRAMS = 20, 100, 30


def told(**facts: object) -> None:
    """Tell the test."""
    os.write(1, f"{json.dumps(facts)}\n".encode())


def live() -> None:
    """Wait until the listener hears the bus."""
    eventually(lambda: waffle.status().state == "live")


def follow() -> None:
    """Wait for somebody else's change."""
    live()
    told(ready=True)
    eventually(lambda: waffle.snapshot().revision == 1)
    told(revision=1)


def give_way() -> None:
    """Write while somebody else holds the lock, and tell whether other greenlets go on."""
    live()
    writer = gevent.spawn(change, 1)
    for _ in range(TICKS):
        gevent.sleep(0.01)
    told(ticked=True, written=writer.ready())
    told(revision=writer.get())


def give_up() -> None:
    """Write while somebody else holds the lock, and leave it; then write something else."""
    live()
    with suppress(gevent.Timeout), gevent.Timeout(0.2):
        change(99)
    told(left=True)
    change(1)
    hub = waffle._bindings.meant().started().store._transactions._hub  # type: ignore[attr-defined] # of this driver
    eventually(lambda: len(hub._pool) == 0)
    waffle.refresh()
    told(revision=waffle.snapshot().revision, low=waffle.snapshot().settings.low)


def fork() -> None:
    """Fork while messages come: the child hears its own, and takes none of the parent's."""
    heard: list[int] = []
    waffle.on_change()(lambda _, new: heard.append(new.low))
    live()
    pid = os.fork()
    if pid == 0:
        eventually(lambda: waffle.snapshot().settings.low == BURST)
        os._exit(0)
    told(ready=True)
    eventually(lambda: waffle.snapshot().settings.low == BURST)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    told(code=code, looks=len(heard), state=waffle.status().state)


def run_others(keys: dict[str, Any]) -> None:
    """Start programs: each is a fork in which Python's hooks run."""
    live()
    client = Redis.from_url(keys["WAFFLE_REDIS_URL"])
    before = client.info("stats")["total_connections_received"]
    for _ in range(PROGRAMS):
        subprocess.run([sys.executable, "--version"], check=True)
    after = client.info("stats")["total_connections_received"]
    client.close()
    told(connections=after - before, state=waffle.status().state)


def let_out() -> None:
    """Let the end of a timeout out of a callback, and wait for another change."""

    def late(_: object, new: Limits) -> None:
        if new.low == 1:
            raise gevent.Timeout

    waffle.on_change()(late)
    live()
    told(ready=True)
    eventually(lambda: waffle.snapshot().revision == 1)
    told(late=True)
    eventually(lambda: waffle.snapshot().revision == 2)
    told(revision=2)


def end() -> None:
    """End loops as gevent does: one is killed, one runs when the user interrupts."""
    live()
    gevent.get_hub().exception_stream = None
    told(interrupted=[ended(gevent.GreenletExit), ended(KeyboardInterrupt)])


def ended(error: type[BaseException]) -> bool:
    """Have this end a loop; whether the process was interrupted."""
    worker = waffle._bindings.meant().started()
    loop = Loop(worker.runtime, worker.bus)
    strand = gevent.spawn(loop.run)
    eventually(lambda: loop._subscription)
    try:
        strand.kill(error, timeout=PATIENCE)
    except KeyboardInterrupt:
        return True
    finally:
        eventually(lambda: strand.dead)
    return False


def follow_inline() -> None:
    """Wait for somebody else's change, without a listener."""
    told(ready=True, detail=waffle.status().bus.detail)

    def looked() -> bool:
        waffle.refresh()
        return waffle.snapshot().revision == 1

    eventually(looked)
    told(revision=1)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    given: dict[str, Any] = json.loads(sys.argv[2])
    with waffle.connect(given):
        doing = sys.argv[3]
        if doing == "run_others":
            run_others(given)
        else:
            {
                "follow": follow,
                "give_way": give_way,
                "give_up": give_up,
                "fork": fork,
                "let_out": let_out,
                "end": end,
                "follow_inline": follow_inline,
            }[doing]()
