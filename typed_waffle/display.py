"""Display: the live snapshot of one worker, and what the worker knows to be stored. No I/O."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic

from typed_waffle.agenda import Agenda
from typed_waffle.chain import Chain, compare
from typed_waffle.change import Head, Overrides, State
from typed_waffle.copies import Copy
from typed_waffle.deliveries import Deliveries
from typed_waffle.environment import Locks
from typed_waffle.errors import ConfigurationError
from typed_waffle.journal import logger_of
from typed_waffle.model import M, named
from typed_waffle.protocols import Announcement
from typed_waffle.snapshot import Rejected, Snapshot, Unfit, assembled, begun, salvaged
from typed_waffle.status import Board

__all__ = ["Display", "Observer"]

logger: logging.Logger = logger_of(__name__)


Position = tuple[int, int | None, str | None]


@dataclass(frozen=True, slots=True)
class Observer(Generic[M]):
    """Who is told what a worker does."""

    shown: Callable[[Snapshot[M]], None]
    """The live snapshot was replaced; called under the lock, so it must be quick."""
    changed: Callable[[Snapshot[M], Snapshot[M]], None]
    """A swap is done: old and new, in order, one at a time, never under a lock."""
    rejected: Callable[[int, Mapping[str, str]], None]
    """A revision does not fit the model: the revision, and why."""


class Display(Generic[M]):
    """Readers take `live`, one reference. Everything else runs under a lock that no reader takes.

    What is queued for the observer is delivered by `deliver`, which is never under that lock.
    """

    live: Snapshot[M]
    """The snapshot shown now."""
    position: Position
    """The revision that is shown; the one that does not fit, if one does not, and why."""

    def __init__(
        self, model: type[M], locks: Locks, observer: Observer[M], board: Board, agenda: Agenda
    ) -> None:
        self._model = model
        self._locks = locks
        self._observer = observer
        self._board = board
        self._agenda = agenda
        self._lock = threading.Lock()
        self._chain = Chain(State())
        self._deliveries = Deliveries()
        self._loaded = False
        self._borrowed: Copy | None = None
        self._viewed: tuple[Snapshot[M], Snapshot[M]] | None = None
        self.live = self._salvaged(State())
        self.position = (0, None, None)
        self.deliver: Callable[[], None] = self._deliveries.run

    @property
    def known(self) -> State:
        """The newest stored state that is known: newer than what is shown, after a rejection."""
        return self._chain.state

    @property
    def loaded(self) -> bool:
        """Whether anything was taken in from the store. Until then, nothing is known of it."""
        return self._loaded

    @property
    def shown(self) -> State | None:
        """The stored state that is shown; `None` if it is a copy, or nothing was read yet."""
        with self._lock:
            return self.live.state if self._loaded and self._borrowed is None else None

    def show_again(self) -> None:
        """Show what is live once more, to an observer who may have shown something else."""
        with self._lock:
            self._observer.shown(self.live)

    # --- begin --------------------------------------------------------------------------------

    def begin(self, state: State, *, strict: bool) -> None:
        """Show what is stored, each field that does not fit by its default.

        Raises:
            ConfigurationError: the environment breaks a rule, or (if `strict`) a field does not
                fit.
        """
        self.live = self._salvaged(state)
        if self.live.unfit and strict:
            why = "; ".join(f"{name}: {found.why}" for name, found in self.live.unfit.items())
            raise ConfigurationError(
                "WAFFLE_ON_INVALID", f"it says 'raise', and what is stored does not fit: {why}"
            )
        self._loaded = True
        self._chain.become(state)
        self.position = (self.live.revision, None, None)
        if self.live.unfit:
            refused = {name: found.why for name, found in self.live.unfit.items()}
            self._reject(state.head.revision, refused)
        self._observer.shown(self.live)

    def borrow(self, copy: Copy | None) -> None:
        """Show a copy until the store is read, which then counts whatever it says.

        A field of it that does not fit shows its default, as all do without a copy.
        """
        if copy is not None:
            self.live = self._salvaged(copy.state)
            self._borrowed = copy
            if self._good():  # else it does not show all of that revision
                self.position = (self.live.revision, None, None)
            for name, found in self.live.unfit.items():
                logger.error(
                    "the copy of revision %s does not fit %s, which shows the default of %s: %s",
                    self.live.revision,
                    self._model.__qualname__,
                    name,
                    found.why,
                )
        self._observer.shown(self.live)

    def _salvaged(self, state: State, last_good: Overrides | None = None) -> Snapshot[M]:
        return begun(self._model, state, self._locks, last_good)

    def view(self, state: State) -> Snapshot[M]:
        """A state, as this worker would show it if it had to."""
        live = self.live
        # Not by the head alone: a rewrite, or a hand, may have changed texts without a revision.
        if live.state == state:
            return live
        shown, view = self._viewed or (None, live)
        if shown is not live or view.state != state:  # else it is what was made before
            try:
                view = assembled(self._model, state, self._locks, self._still_unfit(state))
            except Rejected:
                view = salvaged(self._model, state, self._locks, live.texts())
            self._viewed = (live, view)
        return view

    # --- follow -------------------------------------------------------------------------------

    def take_own(self, before: State, after: Snapshot[M], known_before: Head) -> None:
        """Show the change that this worker just made from the state `before`."""
        with self._lock:
            here = self._chain.state.head
            # What a writer sees under the store's lock is the truth, even if it is older.
            relation = compare(known_before, before.head)
            restored = here == known_before and relation in {"behind", "replaced"}
            if restored:
                self._warn_restored(before.head)
            if restored or after.revision > here.revision:
                self._loaded = True
                self._swap(after)
                self._chain.become(after.state)
                self._catch_up()

    def take_said(self, announcements: Iterable[Announcement]) -> None:
        """Take in what others announced: show what follows, and note when the store is needed."""
        with self._lock:
            if not self._loaded:  # there is nothing that a message could follow
                for said in announcements:
                    self._agenda.expect(said.revision)
                    self._board.doubt()
                    self._agenda.hint()
                return
            kept = [said for said in announcements if self._sorted(said)]
            self._catch_up()
            if any(self._chain.waits(said) for said in kept):
                self._board.gap()
                self._agenda.gap()

    def take_stored(self, state: State, restored_from: Head | None) -> None:
        """Show what was read, if it is newer, or the first that was read.

        Older, or another change of the same number, is shown as well if the store was restored, and
        this worker still knows what it knew before the read: `restored_from`.
        """
        with self._lock:
            here = self._chain.state.head if self._loaded else self.live.state.head
            relation = compare(here, state.head)
            back = here == restored_from or not self._loaded
            back = back and relation in {"behind", "replaced"}
            if back:
                self._warn_restored(state.head)
            if back or relation == "newer" or not self._loaded:
                self._adopt(state)
                self._catch_up()

    def _sorted(self, said: Announcement) -> bool:
        """Sort one message in; whether it was kept."""
        verdict = self._chain.take(said)
        if verdict == "next":
            self._agenda.expect(said.revision)
        if verdict in {"next", "odd"}:
            self._board.doubt()
            self._agenda.hint()
        return verdict == "kept"

    def _catch_up(self) -> None:
        """Apply the messages that waited and now follow."""
        merged = self._chain.merged()
        if merged is not None:
            self._adopt(merged)
        if not self._chain.gap:
            self._board.filled()
            self._agenda.filled()

    def _adopt(self, state: State) -> None:
        """Make a stored state ours: show it if it fits, else keep showing the last good one.

        It is known only then: whoever is interrupted in a validator reads it again.
        """
        first = not self._loaded
        # What of a copy does not fit was told as that of a copy only.
        unfit = {} if first else self._still_unfit(state)
        try:
            self._swap(assembled(self._model, state, self._locks, unfit))
        except Rejected as rejected:
            if first and not self._good():
                self._swap(self._salvaged(state, self.live.texts()))
            try:
                self._reject(state.head.revision, rejected.reasons)
            except Exception:  # a handler of the log's: it would fail each time
                self._know(state)
                raise
        self._know(state)

    def _know(self, state: State) -> None:
        self._loaded = True
        self._chain.become(state)

    def _good(self) -> bool:
        """Whether what is shown, the store not having been read, is a good snapshot to keep."""
        copy = self._borrowed
        return copy is not None and not copy.lacks and not self.live.unfit

    def _still_unfit(self, state: State) -> dict[str, Unfit]:
        then = named(self._model, self.live.state.overrides)
        now = named(self._model, state.overrides)
        return {n: found for n, found in self.live.unfit.items() if now.get(n) == then.get(n)}

    def _swap(self, snapshot: Snapshot[M]) -> None:
        old, self.live = self.live, snapshot
        self._borrowed = None
        self._observer.shown(snapshot)
        self._board.misfits({name: found.why for name, found in snapshot.unfit.items()})
        refused = snapshot.revision if snapshot.unfit else None
        self.position = (snapshot.revision, refused, self._board.misfit)
        self._deliveries.add(lambda: self._observer.changed(old, snapshot))

    def _reject(self, revision: int, reasons: Mapping[str, str]) -> None:
        self._deliveries.add(lambda: self._observer.rejected(revision, reasons))
        try:
            self._board.misfits(reasons)
        finally:
            self.position = (self.live.revision, revision, self._board.misfit)
        logger.error(
            "revision %s does not fit %s: %s",
            revision,
            self._model.__qualname__,
            "; ".join(f"{name}: {why}" if name else why for name, why in reasons.items()),
        )

    def _warn_restored(self, found: Head) -> None:
        logger.warning(
            "the store was restored: this worker knew revision %s, and the store shows "
            "another change as revision %s; following the store",
            (self._chain.state.head if self._loaded else self.live.state.head).revision,
            found.revision,
        )
