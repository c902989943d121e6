"""Runtime: the live snapshot of one worker. It writes, applies, heals, and calls back."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic

from typed_waffle.agenda import Agenda
from typed_waffle.announcer import Announcer
from typed_waffle.chain import Chain, compare
from typed_waffle.change import Change, Head, State
from typed_waffle.deliveries import Deliveries
from typed_waffle.edit import Draft, Planned, change_of, planned
from typed_waffle.environment import Locks
from typed_waffle.errors import ConfigurationError, RevisionConflict, StoreUnavailable
from typed_waffle.ledger import Ledger
from typed_waffle.model import M, named, secret_names
from typed_waffle.protocols import (
    Announcement,
    Bus,
    Event,
    Hint,
    Proposal,
    Store,
    Subscribed,
)
from typed_waffle.snapshot import Rejected, Snapshot, Unfit, assembled, salvaged
from typed_waffle.status import Board, Status

__all__ = ["Observer", "Rules", "Runtime"]

logger = logging.getLogger(__name__)

ROLLBACK_ATTEMPTS = 10
"""How often a rollback begins anew because somebody else wrote meanwhile."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a runtime behaves."""

    namespace: str = "default"
    poll_interval: float = 30.0
    """Seconds between looks at the store while the bus is healthy."""
    fallback_poll_interval: float = 2.0
    """Seconds between looks at the store without a healthy bus."""
    raise_on_invalid: bool = False
    """Whether a stored value that does not fit stops the boot."""
    listens: bool = True
    """Whether a listener hears the bus. Without one, polling is all there is."""


@dataclass(frozen=True, slots=True)
class Observer(Generic[M]):
    """Who is told what a runtime does."""

    shown: Callable[[Snapshot[M]], None]
    """The live snapshot was replaced; called under the lock, so it must be quick."""
    changed: Callable[[Snapshot[M], Snapshot[M]], None]
    """A swap is done: old and new, in order, one at a time, never under a lock."""
    rejected: Callable[[int, Mapping[str, str]], None]
    """A revision does not fit the model: the revision, and why."""


class _Conflict(Exception):  # noqa: N818 - internal: it leaves the store's transaction
    """The store is not at the revision that the writer expected."""


class Runtime(Generic[M]):
    """One worker: the store and the bus it uses, and the snapshot it shows.

    Readers take `live`, one reference. Everything else runs under a lock that no reader takes.
    """

    live: Snapshot[M]
    """The snapshot shown now."""

    def __init__(
        self,
        model: type[M],
        rules: Rules,
        store: Store,
        bus: Bus | None,
        observer: Observer[M],
        locks: Locks,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.model = model
        self.board = Board(listens=bus is not None and rules.listens)
        self.ledger: Ledger[M] = Ledger(model, store, rules.namespace)
        self.agenda = Agenda(rules.poll_interval, rules.fallback_poll_interval)
        self._rules = rules
        self._store = store
        self._bus = bus
        self._observer = observer
        self._locks = locks
        self._lock = threading.Lock()
        self._chain = Chain(State())
        self._deliveries = Deliveries()
        self._announcer = Announcer(bus, rules.namespace, self.id)
        self._loaded = False
        self.live = self._salvaged(State())

    # --- boot ---------------------------------------------------------------------------------

    def boot(self) -> None:
        """Read the store once, before anything is served. A store that is away is not fatal.

        Raises:
            ConfigurationError: the environment breaks a rule, or (if so configured) what is stored
                does not fit.
        """
        self.agenda.begun()
        state = self.board.asked(lambda: self._store.state(self._rules.namespace))
        if state is not None:
            self.live = self._salvaged(state)
            if self.live.unfit and self._rules.raise_on_invalid:
                why = "; ".join(f"{name}: {found.why}" for name, found in self.live.unfit.items())
                raise ConfigurationError(
                    "WAFFLE_ON_INVALID", f"it says 'raise', and what is stored does not fit: {why}"
                )
            self._loaded = True
            self._chain.become(state)
            if self.live.unfit:
                self._reject({name: found.why for name, found in self.live.unfit.items()})
        self._observer.shown(self.live)
        self.agenda.done(self.live.revision, pushed=False)
        self._deliveries.run()

    def _salvaged(self, state: State) -> Snapshot[M]:
        try:
            return salvaged(self.model, state, self._locks)
        except Rejected as rejected:
            variables = ", ".join(pinned.variable for pinned in self._locks.values())
            raise ConfigurationError(variables, f"together they break a rule: {rejected}") from None

    # --- write --------------------------------------------------------------------------------

    def write(self, draft: Draft) -> Change | None:
        """Commit one change, show it here, tell the others. `None` if nothing would differ.

        Raises:
            UnknownSetting, SettingLocked, InvalidChange: the draft is refused.
            RevisionConflict: the store is not at the revision that the draft expects.
            StoreUnavailable: the database cannot be reached.
        """
        plan: Planned[M] | None = None

        def decide(state: State) -> Proposal | None:
            nonlocal plan
            if draft.expected_revision not in (None, state.head.revision):
                raise _Conflict(state.head.revision)
            plan = planned(draft, self._view(state))
            return plan.proposal if plan else None

        known_before = self._chain.state
        try:
            record = self._store.commit(self._rules.namespace, decide)
        except _Conflict as conflict:
            actual: int = conflict.args[0]
        except StoreUnavailable as error:
            self.agenda.hint()  # so that the status says it, too
            self._announcer.owed |= error.in_doubt
            raise
        else:
            if record is None or plan is None:
                return None
            self._show_own(plan, known_before.head)
            self._announce(plan, known_before)
            self._deliveries.run()
            return change_of(self.model, record)
        expected = draft.expected_revision or 0
        raise RevisionConflict(expected, actual, self.ledger.between(expected, actual))

    def rollback(self, revision: int, draft: Draft) -> Change | None:
        """Commit a change that brings back the overrides of a revision; raises as `write` does."""
        attempt = 0
        while True:
            attempt += 1
            self.ledger.restore(draft, revision)
            try:
                return self.write(draft)
            except RevisionConflict:  # somebody wrote since the history was read
                if attempt == ROLLBACK_ATTEMPTS:
                    raise

    def prune(self, keep: int) -> int:
        """Delete all but the newest changes from the history; how many went."""
        return self._store.prune(self._rules.namespace, keep)

    def _view(self, state: State) -> Snapshot[M]:
        """What is stored now, as this worker would show it."""
        live = self.live
        # Not by the head alone: a rewrite, or a hand, may have changed texts without a revision.
        if live.state == state:
            return live
        try:
            return assembled(self.model, state, self._locks, self._still_unfit(state))
        except Rejected:
            return salvaged(self.model, state, self._locks, live.texts())

    def _show_own(self, plan: Planned[M], known_before: Head) -> None:
        with self._lock:
            here = self._chain.state.head
            # What a writer sees under the store's lock is the truth, even if it is older.
            relation = compare(known_before, plan.before.state.head)
            restored = here == known_before and relation in {"behind", "replaced"}
            if restored:
                self._warn_restored(plan.before.state.head)
            if restored or plan.after.revision > here.revision:
                self._loaded = True
                self._chain.become(plan.after.state)
                self._swap(plan.after)
                self._catch_up()

    def _announce(self, plan: Planned[M], known_before: State) -> None:
        # Without values if one is secret, or if rows were edited by hand: then all must read them.
        before = plan.before.state
        edited = before.head == known_before.head and before != known_before
        secret = not secret_names(self.model).isdisjoint(r.field for r in plan.proposal.fields)
        self._heed(self._announcer.tell(before, plan.after.state, bare=edited or secret))

    def _heed(self, silence: str | None) -> None:
        if silence is not None:
            self.agenda.deaf()
            self.board.note(silence)

    # --- apply --------------------------------------------------------------------------------

    def receive(self, events: Iterable[Event]) -> None:
        """Take in what the bus said: apply what follows, and note when the store must be read."""
        with self._lock:
            kept = [said for event in events if (said := self._heard(event)) is not None]
            self._catch_up()
            if any(self._chain.waits(said) for said in kept):
                self.agenda.gap()
        self._deliveries.run()

    def deaf(self, why: str) -> None:
        """The subscription is gone: until it is back, look at the store more often."""
        self.board.bus_down(why)
        self.agenda.deaf()

    def _heard(self, event: Event) -> Announcement | None:
        """Sort one event in; the message, if it was kept."""
        if isinstance(event, Subscribed):
            self.board.bus_up()
            self.agenda.now()
        elif event.namespace != self._rules.namespace:
            return None
        elif isinstance(event, Hint):
            self.agenda.hint()
        elif event.origin != self.id:
            verdict = self._chain.take(event)
            if verdict == "kept":
                return event
            if verdict == "next":
                self.agenda.expect(event.revision)
            if verdict != "known":
                self.agenda.hint()
        return None

    def _catch_up(self) -> None:
        """Apply the messages that waited and now follow."""
        merged = self._chain.merged()
        if merged is not None:
            self._adopt(merged)
        if not self._chain.gap:
            self.agenda.filled()

    def _adopt(self, state: State) -> None:
        """Make a stored state ours: show it if it fits, else keep showing the last good one."""
        self._chain.become(state)
        first, self._loaded = not self._loaded, True
        try:
            snapshot = assembled(self.model, state, self._locks, self._still_unfit(state))
        except Rejected as rejected:
            if first:  # the store was away at boot: there is no last good snapshot to keep
                self._swap(self._salvaged(state))
            self._reject(rejected.reasons)
        else:
            self._swap(snapshot)

    def _still_unfit(self, state: State) -> dict[str, Unfit]:
        then = named(self.model, self.live.state.overrides)
        now = named(self.model, state.overrides)
        return {n: found for n, found in self.live.unfit.items() if now.get(n) == then.get(n)}

    def _swap(self, snapshot: Snapshot[M]) -> None:
        old, self.live = self.live, snapshot
        self._observer.shown(snapshot)
        self.board.misfits({name: found.why for name, found in snapshot.unfit.items()})
        self._deliveries.add(lambda: self._observer.changed(old, snapshot))

    def _reject(self, reasons: Mapping[str, str]) -> None:
        self.board.misfits(reasons)
        revision = self._chain.state.head.revision
        logger.error(
            "revision %s does not fit %s: %s",
            revision,
            self.model.__qualname__,
            "; ".join(f"{name}: {why}" if name else why for name, why in reasons.items()),
        )
        self._deliveries.add(lambda: self._observer.rejected(revision, reasons))

    # --- heal ---------------------------------------------------------------------------------

    def tick(self) -> float:
        """Read the store if that is due. Returns the seconds until it is due again."""
        if self.agenda.wait() == 0:
            self.check()
        return self.agenda.wait()

    def check(self) -> bool:
        """Look at the store, and follow it. `False` if it did not answer."""
        self.agenda.begun()
        answered = False
        try:
            answered = self.board.asked(self._look) is not None
            if self._announcer.owed and self.board.bus_ok:
                self._heed(self._announcer.repeat(self._chain.state.head))
        finally:
            well = answered and self.board.bus_ok and not self._announcer.owed
            self.agenda.done(self._chain.state.head.revision, pushed=well)
        self._deliveries.run()
        return answered

    def _look(self) -> Head:
        """Follow the store, whose head is given back."""
        # Known before the read: a write or a message may overtake it, which makes nobody go back.
        known_before = self._chain.state.head
        head = self._store.head(self._rules.namespace)
        relation = compare(known_before, head)
        if relation != "behind":
            self.agenda.level()
        elif not self.agenda.behind():
            return head
        if head != self._chain.state.head:
            self._sync(restored=relation in {"behind", "replaced"})
        return head

    def _sync(self, *, restored: bool) -> None:
        known_before = self._chain.state.head
        state = self._store.state(self._rules.namespace)
        with self._lock:
            here = self._chain.state.head
            relation = compare(here, state.head)
            back = restored and here == known_before and relation in {"behind", "replaced"}
            if back:
                self._warn_restored(state.head)
            if back or relation == "newer":
                self._adopt(state)
                self._catch_up()

    def _warn_restored(self, found: Head) -> None:
        logger.warning(
            "the store was restored: this worker knew revision %s, and the store shows "
            "another change as revision %s; following the store",
            self._chain.state.head.revision,
            found.revision,
        )

    def refresh(self) -> None:
        """Read the store now.

        Raises:
            StoreUnavailable: it does not answer.
        """
        if not self.check():
            raise StoreUnavailable("reading the settings", self.status().store.detail)

    # --- tell ---------------------------------------------------------------------------------

    def status(self) -> Status:
        """The status of this worker."""
        return self.board.status(self.live.revision)

    def close(self) -> None:
        """Give back what the store and the bus hold; the last snapshot stays readable."""
        self.board.closed()
        if self._bus is not None:
            self._bus.close()
        self._store.close()
