"""Interruption: an ending signal is noted at once, and obeyed where it is safe.

Python's own way, a `KeyboardInterrupt` between any two bytecodes, can leave a thread pool's lock
held for ever, and the demo's servers running.
"""

import signal
import time
from types import FrameType

__all__ = ["Interruption", "interruptible", "obey", "rest"]

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_noted: list[int] = []


class Interruption(Exception):  # noqa: N818 - it is no error
    """Somebody asked the demo to end."""


def interruptible() -> None:
    """Note ending signals from now on, but for those that are ignored (nohup ignores one)."""
    for ending in _ENDINGS:
        if signal.getsignal(ending) != signal.SIG_IGN:
            signal.signal(ending, _note)


def _note(number: int, _: FrameType | None) -> None:
    _noted.append(number)


def obey() -> None:
    """Go on, unless an ending signal was noted.

    Raises:
        Interruption: One was.
    """
    if _noted:
        raise Interruption


def rest(seconds: float) -> None:
    """Sleep a moment, and obey."""
    time.sleep(seconds)
    obey()
