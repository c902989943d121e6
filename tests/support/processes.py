"""Real processes: started with a log, waited for, ended by pid."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.waiting import PATIENCE, eventually

ROOT = Path(__file__).parents[2]

Variables = Mapping[str, str | None]


def imports_from(*folders: Path) -> dict[str, str]:
    """The variable with which a process imports from these folders, before where it else does."""
    paths = [*map(str, folders), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths)}


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def children(pid: int) -> set[int]:
    """The processes that a process started, in any of its threads."""
    with suppress(OSError):
        lists = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/children")]
        return {int(child) for child in " ".join(lists).split()}
    return set()


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    with suppress(OSError):
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    return False


def stopped(pid: int) -> bool:
    """Whether every thread of a process is stopped; a signal to stop takes a moment."""
    states = Path(f"/proc/{pid}/task").glob("*/stat")
    with suppress(OSError):
        return all(re.search(r"\) [TZX]", state.read_text()) for state in states)
    return True


class Program:
    """A command in the checkout, with its output in a file; ended when the block ends.

    It leads a session of its own, so that whatever it started and left behind ends with it.
    `environment` adds variables to ours, or with `None` takes them away.
    """

    def __init__(
        self, command: Sequence[str], log: Path, environment: Variables | None = None
    ) -> None:
        self._log = log
        self._command = command
        whole = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={name: value for name, value in whole.items() if value is not None},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def output(self) -> str:
        """What it has printed so far."""
        return self._log.read_text(errors="replace")

    def says(self, text: str) -> str:
        """Wait until it has printed this; gives the whole output."""
        eventually(lambda: text in self.output() or self.process.poll() is not None)
        output = self.output()
        assert text in output, f"it ended without {text!r}:\n{output}"
        return output

    def tell(self, line: str = "") -> None:
        """Write a line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def ended(self, within: float = 30.0) -> int:
        """Wait for it; gives the exit code."""
        return self.process.wait(within)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()
        if kind is not None:
            sys.stdout.write(f"--- {' '.join(self._command[:4])}\n{self.output()}\n")


class Python(Program):
    """`python ...`, as `Program`."""

    def __init__(
        self, arguments: Sequence[str], log: Path, environment: Variables | None = None
    ) -> None:
        super().__init__([sys.executable, *arguments], log, environment)


def get(port: int, path: str, method: str = "GET") -> dict[str, Any]:  # Any: a JSON object
    """A JSON answer over a fresh connection, so that any worker may give it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, path)
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()


def posted(port: int, path: str) -> dict[str, Any]:  # Any: as above
    """The JSON answer to a POST."""
    return get(port, path, "POST")


def asked(port: int, path: str, times: int = 8) -> list[dict[str, Any]]:
    """Many answers, asked for at once, so that several workers give them; failures left out."""

    def ask(_: int) -> dict[str, Any] | None:
        with suppress(OSError, http.client.HTTPException):
            return get(port, path)
        return None

    with ThreadPoolExecutor(times) as pool:
        return [answer for answer in pool.map(ask, range(times)) if answer is not None]
