"""The workers as seen from outside, over HTTP."""

import http.client
import json
import time
import urllib.parse
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from typed_waffle.demo.gunicorn_conf import workers
from typed_waffle.demo.interruption import rest

__all__ = ["Fleet", "Seen"]

AT_ONCE = 2 * workers
"""Requests at a time: a worker at work leaves the next one to another."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one worker answered."""

    pid: int
    revision: int
    state: str
    settings: Mapping[str, object]


class Fleet:
    """Asks the workers over fresh connections, so that any of them may answer."""

    def __init__(self, port: int) -> None:
        self._port = port

    def until(self, fits: Callable[[Seen], bool], within: float) -> tuple[list[Seen], float] | None:
        """Ask until every worker has given an answer that fits.

        Returns the answers and the seconds that it took; `None` if it takes longer than `within`.
        """
        start = time.monotonic()
        fitting: dict[int, Seen] = {}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while time.monotonic() - start < within:
                for seen in pool.map(lambda _: self._ask(), range(AT_ONCE)):
                    if seen is not None and fits(seen):
                        fitting[seen.pid] = seen
                if len(fitting) == workers:
                    took = time.monotonic() - start
                    return sorted(fitting.values(), key=lambda seen: seen.pid), took
                rest(0.01)
        return None

    def post(self, path: str, **form: str) -> Seen:
        """Let one of the workers make a change.

        Raises:
            OSError: It cannot be reached.
            ValueError: It refuses.
        """
        return self._request("POST", path, urllib.parse.urlencode(form))

    def _ask(self) -> Seen | None:
        try:
            return self._request("GET", "/worker")
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)
            return None

    def _request(self, method: str, path: str, body: str | None = None) -> Seen:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise ValueError(f"{method} {path} answered {response.status}: {text}")
        answer: dict[str, Any] = json.loads(text)  # Any: a JSON object
        return Seen(**answer)
