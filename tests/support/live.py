"""Live workers of one process, each with a thread of its own, so that none is another's context."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from tests.support.shop import GAP, Limits
from tests.support.waiting import PATIENCE, eventually
from typed_waffle import Waffle

__all__ = ["Pair", "connected", "pair"]


def connected(
    stack: ExitStack,
    keys: dict[str, Any],
    *,
    namespace: str = "default",
    **sources: Any,  # noqa: ANN401 - of connect
) -> Waffle[Limits]:
    """A live worker; it ends with the stack."""
    waffle = Waffle(Limits, namespace=namespace)
    ready, over = threading.Event(), threading.Event()

    def run() -> None:
        with waffle.connect(keys, **sources):
            ready.set()
            over.wait()

    thread = threading.Thread(target=run)
    thread.start()
    stack.callback(thread.join)
    stack.callback(over.set)
    assert ready.wait(PATIENCE)
    eventually(lambda: waffle.status().state == "live")
    return waffle


@dataclass
class Pair:
    """Two workers of one namespace."""

    writer: Waffle[Limits]
    reader: Waffle[Limits]

    def write(self, number: int) -> None:
        """Let one of them make a change."""
        self.writer.update(low=number, high=number + GAP)

    def show(self, settings: Limits) -> float:
        """Wait until both show these settings; how long that took."""
        return eventually(lambda: settings == self.reader.snapshot().settings) + eventually(
            lambda: settings == self.writer.snapshot().settings
        )

    def at(self, number: int) -> float:
        """Wait until both show what `write` wrote; how long that took."""
        return self.show(Limits(low=number, high=number + GAP))


def pair(stack: ExitStack, keys: dict[str, Any], *, namespace: str = "default") -> Pair:
    """Two live workers."""
    return Pair(*(connected(stack, keys, namespace=namespace) for _ in range(2)))
