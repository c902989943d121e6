"""Real servers that run the shop, all with one interface."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Program, Python, asked, children, free_port
from tests.support.waiting import PATIENCE, allowed, eventually

__all__ = [
    "OLD_UWSGI",
    "REACHED_WITHIN",
    "STOPPED_WITHIN",
    "WORKERS",
    "Server",
    "flask_run",
    "gunicorn",
    "old_uwsgi",
    "patched_gunicorn",
    "uwsgi",
    "variables",
    "without_old_uwsgi",
]

WORKERS = 4
REACHED_WITHIN = 5.0  # 2 s is the promise; a busy machine needs patience
STOPPED_WITHIN = 8.0  # 3 s is the promise; a worker that hangs takes 30 s or more

OLD_UWSGI = shutil.which("uwsgi_python311", path=f"{os.environ.get('PATH', '')}:/usr/bin")
"""Debian 12's, from before threads were on by default. Its name is not that of the new one."""

SHOP = "tests.support.shop:create_app()"

Answer = dict[str, Any]
Keys = dict[str, Any]


class Server:
    """A running server: a master, and the workers that it forks."""

    def __init__(self, master: Program, port: int, size: int) -> None:
        self.master = master
        self.port = port
        self.size = size

    def workers(self) -> set[int]:
        """The pids of the workers, as the kernel tells them."""
        return children(self.master.pid)

    def answers(self) -> list[Answer]:
        """Many answers at once, so that several workers give them."""
        return asked(self.port, "/worker", 2 * self.size)

    def all_answer(self, fits: Callable[[Answer], bool], within: float = PATIENCE) -> list[Answer]:
        """Ask until each worker has given an answer that fits; those answers."""
        found: dict[int, Answer] = {}

        def reached() -> bool:
            found.update({a["pid"]: a for a in self.answers() if fits(a)})
            workers = self.workers()
            return len(workers) == self.size and workers <= found.keys()

        try:
            eventually(reached, within, 0.1)  # the workers need the processor, too
        except AssertionError as error:
            end = self.master.output()[-4000:]
            fault = f"{error}: of {self.workers()} only {found} fit; the log:\n{end}"
            raise AssertionError(fault) from None
        workers = self.workers()
        return [answer for pid, answer in found.items() if pid in workers]

    def all_at(self, revision: int) -> list[Answer]:
        """Ask until each worker has answered with this revision."""
        within = allowed(REACHED_WITHIN)
        return self.all_answer(lambda answer: answer["revision"] == revision, within)

    def live(self) -> None:
        """Ask until each worker is live."""
        self.all_answer(lambda answer: answer["state"] == "live")

    def firsts(self, replaced: set[int]) -> list[Answer]:
        """The first answer of each worker, once these have been replaced."""
        first: dict[int, Answer] = {}

        def fits(answer: Answer) -> bool:
            if answer["served"] == 1:
                first[answer["pid"]] = answer
            return answer["pid"] not in replaced

        current = {answer["pid"] for answer in self.all_answer(fits)}
        return [answer for pid, answer in first.items() if pid in current - replaced]

    def kill_one(self) -> int:
        """Kill a worker with no good-bye; its pid."""
        pid = min(self.workers())
        os.kill(pid, signal.SIGKILL)
        return pid

    def tell(self, number: signal.Signals) -> None:
        """Send the master a signal."""
        self.master.process.send_signal(number)

    def idle(self) -> None:
        """Wait until no worker has an answer to finish: gunicorn may raise its exit in one."""
        before: list[list[str]] = []

        def rest() -> bool:
            spent = [Path(f"/proc/{pid}/stat").read_text().split() for pid in self.workers()]
            before.append([text for numbers in spent for text in numbers[13:15]])
            return before[-1:] == before[-2:-1]

        eventually(rest, pause=0.03)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """End it; the seconds that it took."""
        self.idle()
        begin = time.monotonic()
        self.tell(number)
        self.master.ended()
        return time.monotonic() - begin


def variables(keys: Keys) -> dict[str, str | None]:
    """The environment that configures the shop.

    Its servers are not measured: that would change how they fork and end, and most of what they do
    is to import.
    """
    measured = [name for name in os.environ if name.startswith("COVERAGE_PROCESS")]
    return {
        **dict.fromkeys(measured),
        **{f"FLASK_{key}": str(value) for key, value in keys.items()},
    }


@contextmanager
def gunicorn(
    keys: Keys,
    folder: Path,
    options: tuple[str, ...] = (),
    *,
    size: int = WORKERS,
    head: str = "",
    app: str = SHOP,
) -> Generator[Server, None, None]:
    """Gunicorn; `head` begins its configuration file."""
    port = free_port()
    settings = folder / "gunicorn.conf.py"
    # The control socket would be shared by all tests.
    settings.write_text(f"{head}\ncontrol_socket_disable = True\n")
    command = [
        *("-m", "gunicorn", "-c", str(settings), "--workers", str(size), *options),
        *("--bind", f"127.0.0.1:{port}", app),
    ]
    with Python(command, folder / "gunicorn.log", variables(keys)) as master:
        yield Server(master, port, size)


patched_gunicorn = partial(gunicorn, head="from gevent import monkey\n\nmonkey.patch_all()")
"""Gunicorn that is patched before anything is imported or forked."""


@contextmanager
def _uwsgi(
    keys: Keys, folder: Path, command: list[str], size: int, more: dict[str, str]
) -> Generator[Server, None, None]:
    port = free_port()
    command = [
        *command,
        *("--master", "--processes", str(size), "--http-socket", f"127.0.0.1:{port}"),
        *("--module", SHOP, "--need-app", "--die-on-term", "--disable-logging"),
    ]
    with Program(command, folder / "uwsgi.log", {**variables(keys), **more}) as master:
        yield Server(master, port, size)


@contextmanager
def uwsgi(
    keys: Keys, folder: Path, options: tuple[str, ...] = (), *, size: int = WORKERS
) -> Generator[Server, None, None]:
    """The uWSGI that is installed beside this Python."""
    script = str(Path(sys.executable).with_name("pyuwsgi"))
    # To reload it runs itself again, by the file that this environment's Python is a link to.
    command = [script, "--binary-path", sys.executable, "--home", sys.prefix, *options]
    with _uwsgi(keys, folder, command, size, {}) as server:
        yield server


def without_old_uwsgi() -> str | None:
    """What is missing for the old uWSGI, if anything is; it is for Python 3.11 only."""
    if sys.version_info[:2] != (3, 11):
        pytest.skip("Debian's uWSGI is for Python 3.11")
    # Its Python is 3.11.2, and redis-py needs a backport below 3.11.3.
    if OLD_UWSGI is None or not Path("/usr/lib/python3/dist-packages/async_timeout").exists():
        packages = "uwsgi-core uwsgi-plugin-python3 python3-async-timeout"
        return f"the old uWSGI is not installed: `apt-get install {packages}`"
    return None


@contextmanager
def old_uwsgi(
    keys: Keys, folder: Path, options: tuple[str, ...] = (), *, size: int = WORKERS
) -> Generator[Server, None, None]:
    """Debian's uWSGI, which has a Python of its own, with the packages of this one."""
    assert OLD_UWSGI is not None
    path = os.pathsep.join(entry for entry in sys.path if "site-packages" in entry)
    with _uwsgi(keys, folder, [OLD_UWSGI, *options], size, {"PYTHONPATH": path}) as server:
        yield server


@contextmanager
def flask_run(
    keys: Keys, folder: Path, options: tuple[str, ...] = (), *, size: int = 1
) -> Generator[Server, None, None]:
    """`flask run`; with `--debug` it is a monitor, and one worker that the monitor starts anew."""
    port = free_port()
    command = ["-m", "flask", "--app", SHOP, "run", "--port", str(port), *options]
    with Python(command, folder / "run.log", variables(keys)) as master:
        yield Server(master, port, size)
