"""LastGood: copies of what a worker shows, kept for a start without the database."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from typed_waffle.chain import compare
from typed_waffle.change import Head, State
from typed_waffle.copies import Copies, Copy
from typed_waffle.journal import Journal, logger_of

__all__ = ["LastGood", "Shelf", "ShelfError"]

logger: logging.Logger = logger_of(__name__)

LOOK_AFTER = 3600.0
"""Seconds after which it is checked that a copy is still there, and still right."""

LOOK_SOON = 5.0
"""Seconds after which a copy is looked at again that may have been overtaken, or is ahead."""

RESTORED_AFTER = 5.0
"""A copy that is ahead of the store for this many seconds is of before the store was restored."""

PAUSE_AFTER_FAILURE = 60.0
"""Seconds for which a shelf that failed is left alone."""

RENEW_AFTER = timedelta(days=1)
"""The age at which a copy is made anew, so that it does not expire while it is right."""


class ShelfError(Exception):
    """A shelf cannot be read or written; the text is for people, and names the next step."""


class Shelf(Protocol):
    """A place for the copy of one namespace.

    Promises:

    - `write` replaces the copy as a whole: nobody reads a part of one.
    - Neither takes longer than about a second. Whatever goes wrong is a `ShelfError`.
    """

    label: str
    """What it is, for people."""
    distant: bool
    """Whether it takes a connection: then it is used after a write and after polls only."""
    limit: int
    """The longest copy that it takes, in characters."""

    def read(self) -> str | None:
        """The copy; `None` if there is none."""
        ...

    def write(self, text: str) -> None:
        """Put a copy there, in place of the one before."""
        ...


@dataclass(frozen=True, slots=True)
class _Wanted:
    state: State
    confirmed: bool
    """Whether the store was just read and shows this state."""
    made: bool = False
    """Whether this worker just made it: then it is the newest there is, as far as we know."""


class _Keeper:
    """Keeps one shelf up to date. It never raises, and logs each trouble once."""

    def __init__(self, shelf: Shelf, copies: Copies) -> None:
        self.shelf = shelf
        self._copies = copies
        self._journal = Journal(logger)
        self._complaint: str | None = None
        self._lock = threading.Lock()
        self._wanted: deque[_Wanted] = deque(maxlen=1)
        self._kept: Head | None = None
        self._look_at = 0.0
        self._pause_until = 0.0
        self._ahead: tuple[Head, float] | None = None

    def again(self) -> None:
        """The copy may be gone, or the shelf be back: look when there is occasion."""
        self._look_at = self._pause_until = 0.0

    def keep(self, wanted: _Wanted) -> None:
        """See that a copy of this state is there, or a newer one."""
        if self._due(wanted):
            self._wanted.append(wanted)
            # One at a time, and the one who is at it does for all.
            while self._wanted and self._lock.acquire(blocking=False):
                try:
                    if self._wanted:
                        self._try(self._wanted.pop())
                finally:
                    self._lock.release()

    def found(self) -> Copy | None:
        """The copy, if there is a good one."""
        try:
            text = self.shelf.read()
        except ShelfError as error:
            self._complain(f"{self.shelf.label} cannot be read: {error}")
            return None
        try:
            return self._copies.read(text) if text is not None else None
        except ValueError as error:
            self._complain(
                f"the copy of the settings in {self.shelf.label} is ignored: {error}. Give all "
                "workers the same WAFFLE_SIGNING_KEY; it is replaced when the database answers"
            )
            return None

    def _due(self, wanted: _Wanted) -> bool:
        now = time.monotonic()
        if now < self._pause_until:
            return False
        anew = wanted.state.head != self._kept and (wanted.made or not self.shelf.distant)
        return anew or now >= self._look_at

    def _try(self, wanted: _Wanted) -> None:
        try:
            if (self.shelf.distant and wanted.made) or self._lacks(wanted):
                self._write(wanted.state)
        except ShelfError as error:
            self._pause_until = time.monotonic() + PAUSE_AFTER_FAILURE
            self._complain(f"no copy of the settings is kept in {self.shelf.label}: {error}")
        else:
            self._complaint = None
            # Another worker's older copy may come a moment after ours: then we put that right.
            soon = self._ahead is not None or wanted.made
            self._look_at = time.monotonic() + (LOOK_SOON if soon else LOOK_AFTER)
            self._kept = wanted.state.head

    def _lacks(self, wanted: _Wanted) -> bool:
        """Whether the shelf has nothing as good."""
        ahead, self._ahead = self._ahead, None
        text = self.shelf.read()
        try:
            copy = self._copies.read(text) if text is not None else None
        except ValueError:
            copy = None
        if copy is None:
            return True
        relation = compare(copy.state.head, wanted.state.head)
        if relation == "same":
            old = abs(datetime.now(UTC) - copy.at) > RENEW_AFTER
            return old or not self._copies.agrees(copy, wanted.state)
        if relation != "behind":
            return True
        # It is ahead of us. So we lag, or the store was restored: then it stays ahead for ever.
        now = time.monotonic()
        if ahead is not None and ahead[0] == copy.state.head:
            if wanted.confirmed and now - ahead[1] >= RESTORED_AFTER:
                return True
            self._ahead = ahead
        else:
            self._ahead = (copy.state.head, now)
        return False

    def _write(self, state: State) -> None:
        text = self._copies.text(state)
        if len(text) > self.shelf.limit:
            raise ShelfError(
                f"it would have more than {self.shelf.limit} characters. Keep large values "
                "elsewhere, and a reference to them in the settings"
            )
        self.shelf.write(text)

    def _complain(self, text: str) -> None:
        if text != self._complaint and self._journal.log(logging.WARNING, "%s", text):
            self._complaint = text


class LastGood:
    """The shelves of one worker. What goes wrong here never fails a read, a write or a start.

    Nothing here is called under a lock of the worker's, and nothing on the path of a read.
    """

    def __init__(self, copies: Copies | None = None, shelves: Sequence[Shelf] = ()) -> None:
        self._near: list[_Keeper] = []
        self._distant: list[_Keeper] = []
        if copies is not None:
            for shelf in shelves:
                (self._distant if shelf.distant else self._near).append(_Keeper(shelf, copies))

    def shown(self, state: State, *, confirmed: bool = False) -> None:
        """This worker shows this stored state; `confirmed`: the store, just asked, shows it too."""
        for keeper in self._near:
            keeper.keep(_Wanted(state, confirmed))

    def made(self, state: State, *, reachable: bool) -> None:
        """This worker committed this state; `reachable`: distant shelves can be used now."""
        self.shown(state)
        for keeper in self._distant:
            if reachable:
                keeper.keep(_Wanted(state, confirmed=False, made=True))
            else:
                keeper.again()

    def polled(self, state: State, *, confirmed: bool = True) -> None:
        """As `shown`, where distant shelves can be used, and no request waits."""
        for keeper in self._distant:
            keeper.keep(_Wanted(state, confirmed))

    def reconnected(self) -> None:
        """What distant shelves held may be gone."""
        for keeper in self._distant:
            keeper.again()

    def found(self) -> Copy | None:
        """The newest good copy; the log says where it was and how old it is."""
        best: Copy | None = None
        where = ""
        for keeper in (*self._near, *self._distant):
            copy = keeper.found()
            if copy is not None and (
                best is None or copy.state.head.revision > best.state.head.revision
            ):
                best, where = copy, keeper.shelf.label
        if best is not None:
            logger.warning(
                "the settings store is away: showing a copy of revision %s, kept %s ago in %s%s",
                best.state.head.revision,
                _age(best),
                where,
                f", without {', '.join(best.lacks)}" if best.lacks else "",
            )
        return best


def _age(copy: Copy) -> str:
    seconds = max(0, round((datetime.now(UTC) - copy.at).total_seconds()))
    return str(timedelta(seconds=seconds))
