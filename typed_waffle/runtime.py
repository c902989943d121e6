"""Runtime: one worker at work. It writes, hears, heals, and shows what is stored."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic

from typed_waffle.agenda import Agenda
from typed_waffle.announcer import Announcer
from typed_waffle.chain import compare
from typed_waffle.change import Change, Head, State
from typed_waffle.display import Display, Observer
from typed_waffle.edit import Draft, Planned, change_of, planned
from typed_waffle.environment import Locks
from typed_waffle.errors import RevisionConflict, StoreUnavailable
from typed_waffle.fleet import WorkerInfo, newcomer
from typed_waffle.forking import gate
from typed_waffle.lastgood import LastGood
from typed_waffle.ledger import Allow, Ledger
from typed_waffle.model import M, secret_names
from typed_waffle.protocols import Announcement, Bus, Event, Hint, Proposal, Store, Subscribed
from typed_waffle.roster import Roster
from typed_waffle.snapshot import Snapshot
from typed_waffle.status import Board, Status

__all__ = ["Rules", "Runtime"]

logger: logging.Logger = logging.getLogger(__name__)

ROLLBACK_ATTEMPTS = 10
"""How often a rollback begins anew because somebody else wrote meanwhile."""

UNHURRIED = 0.5
"""Seconds that announcing may take, if a copy is to be left on the bus by the same write."""


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
    raise_on_unavailable: bool = False
    """Whether a store that is away stops the boot."""
    listens: bool = True
    """Whether a listener hears the bus. Without one, polling is all there is."""
    works: bool = True
    """Whether this is a worker of the fleet. A command of ours is none."""


class _Conflict(Exception):  # noqa: N818 - internal: it leaves the store's transaction
    """The store is not at the revision that the writer expected."""


class Runtime(Generic[M]):
    """One worker: the store and the bus it uses, and the snapshot it shows."""

    def __init__(
        self,
        model: type[M],
        rules: Rules,
        store: Store,
        bus: Bus | None,
        observer: Observer[M],
        locks: Locks,
    ) -> None:
        self.id: str = uuid.uuid4().hex
        self.model = model
        self.board: Board = Board(listens=bus is not None and rules.listens)
        self.ledger: Ledger[M] = Ledger(model, store, rules.namespace)
        self.agenda: Agenda = Agenda(rules.poll_interval, rules.fallback_poll_interval)
        self._rules = rules
        self._store = store
        self._bus = bus
        self._display = Display(model, locks, observer, self.board, self.agenda)
        self._announcer = Announcer(bus, rules.namespace, self.id)
        self.roster: Roster = Roster(
            bus, rules.namespace, self.info, self._bus_well, member=rules.works
        )
        self._last_good = LastGood()
        self._newcomer: WorkerInfo | None = None
        self._alone = False
        self.deliver: Callable[[], None] = self._display.deliver
        self.show_again: Callable[[], None] = self._display.show_again

    @property
    def works(self) -> bool:
        """Whether this is a worker of the fleet."""
        return self._rules.works

    @property
    def live(self) -> Snapshot[M]:
        """The snapshot shown now."""
        return self._display.live

    @property
    def newest(self) -> int:
        """The newest revision that is known: after a rejection, newer than what is shown."""
        return self._display.known.head.revision if self._display.loaded else self.live.revision

    def stored(self) -> Snapshot[M]:
        """What is stored, as far as it is known: as this worker would show it if it had to."""
        return self._display.view(self._display.known) if self._display.loaded else self.live

    def boot(self, last_good: LastGood | None = None) -> None:
        """Read the store once, before anything is served; if it is away, a copy of it will do.

        Args:
            last_good: Where copies are; nowhere if left out.

        Raises:
            ConfigurationError: the environment breaks a rule, or (if so configured) what is stored
                does not fit.
            StoreUnavailable: the store is away, and it is configured that this is fatal.
        """
        self._last_good = last_good or self._last_good
        self.agenda.begun()
        state = self.board.asked(lambda: self._store.state(self._rules.namespace))
        if self._bus is not None:
            with gate.passed():  # the fingerprint may import something
                self._newcomer = newcomer(self.id, self.model)
        if state is not None:
            self._display.begin(state, strict=self._rules.raise_on_invalid)
        elif self._rules.raise_on_unavailable:
            raise self._away()
        else:
            self._display.borrow(self._last_good.found())
        self.agenda.done(self._display.known.head.revision, pushed=False)
        self._keep(confirmed=True)

    # --- write --------------------------------------------------------------------------------

    def write(self, draft: Draft) -> Change | None:
        """Commit one change, show it here, tell the others. `None` if nothing would differ.

        Raises:
            UnknownSetting, SettingLocked, InvalidChange: the draft is refused.
            RevisionConflict: the store is not at the revision that the draft expects.
            StoreUnavailable: the database cannot be reached.
        """
        plan: Planned[M] | None = None
        deciding = False

        def decide(state: State) -> Proposal | None:
            nonlocal plan, deciding
            deciding = True
            if draft.expected_revision not in (None, state.head.revision):
                raise _Conflict(state.head.revision)
            plan = planned(draft, self._display.view(state))
            deciding = False
            return plan.proposal if plan else None

        known_before, debts = self._display.known, self._announcer.debts
        try:
            record = self._store.commit(self._rules.namespace, decide)
        except _Conflict as conflict:
            actual: int = conflict.args[0]
        except StoreUnavailable as error:
            self.agenda.hint()  # so that the status says it, too
            if error.in_doubt:
                self._unsure()
            raise
        except BaseException:
            if not deciding:  # else it was refused: of anything else, nobody knows
                self._unsure()
            raise
        else:
            if record is None or plan is None:
                return None
            self._follow_own(plan, known_before, debts)
            return change_of(self.model, record)
        expected = draft.expected_revision or 0
        raise RevisionConflict(expected, actual, self.ledger.between(expected, actual))

    def rollback(self, revision: int, draft: Draft, allow: Allow | None = None) -> Change | None:
        """Commit a change that brings back the overrides of a revision; raises as `write` does.

        `allow` is told which settings that would touch, of the very draft that is then written.
        """
        attempt, expected = 0, draft.expected_revision

        def look(names: Sequence[str]) -> None:
            now = draft.expected_revision or 0
            if expected not in (None, now):
                raise RevisionConflict(expected or 0, now, self.ledger.between(expected or 0, now))
            if allow is not None:
                allow(names)

        while True:
            attempt += 1
            kept = self.ledger.restore(draft, revision, look)
            if kept and attempt == 1:
                logger.warning(
                    "a rollback to revision %s leaves %s as it is: the history keeps no secret's "
                    "value",
                    revision,
                    ", ".join(kept),
                )
            try:
                return self.write(draft)
            except RevisionConflict:  # somebody wrote since the history was read
                if attempt == ROLLBACK_ATTEMPTS or expected is not None:
                    raise

    def prune(self, keep: int) -> int:
        """Delete all but the newest changes from the history; how many went."""
        return self._store.prune(self._rules.namespace, keep)

    def _follow_own(self, plan: Planned[M], known_before: State, debts: int) -> None:
        try:
            self._display.take_own(plan.before.state, plan.after, known_before.head)
            began = time.monotonic()
            self._announce(plan, known_before, debts)
        except BaseException:  # the change is committed, and others know nothing of it
            self._unsure()
            raise
        quick = not self._announcer.owed and time.monotonic() - began < UNHURRIED
        self._keep_own(plan.after.state, reachable=quick)
        self._display.deliver()

    def _unsure(self) -> None:
        """A change may be stored that is not shown here, or not known elsewhere."""
        self.board.doubt()
        self.agenda.hint()
        self._announcer.debts += 1

    def _announce(self, plan: Planned[M], known_before: State, debts: int) -> None:
        # Without values if one is secret, or if rows were edited by hand: then all must read them.
        before = plan.before.state
        edited = before.head == known_before.head and before != known_before
        secret = not secret_names(self.model).isdisjoint(r.field for r in plan.proposal.fields)
        bare = edited or secret
        self._heed(self._announcer.tell(before, plan.after.state, debts, bare=bare))

    def _heed(self, silence: str | None) -> None:
        if silence is not None:
            self.agenda.deaf()
            self.board.note(silence)

    # --- hear ---------------------------------------------------------------------------------

    def receive(self, events: Iterable[Event]) -> None:
        """Take in what the bus said: apply what follows, and note when the store must be read."""
        self._display.take_said([e for event in events if (e := self._heard(event)) is not None])
        self._display.deliver()
        self._keep()

    def alone(self, why: str) -> None:
        """No listener can run: the application looks at the store when it works."""
        self._alone = True
        if self._bus is not None:
            self.deaf(why)

    def deaf(self, why: str) -> None:
        """The subscription is gone: until it is back, look at the store more often."""
        self.board.bus_down(why)
        self.agenda.deaf()

    def _heard(self, event: Event) -> Announcement | None:
        """What an event announces, if anything, and if somebody else made it."""
        if isinstance(event, Subscribed):
            self.board.doubt()
            self.board.bus_up()
            self.agenda.now()
            self._last_good.reconnected()
        elif event.namespace == self._rules.namespace:
            if isinstance(event, Hint):
                self.board.doubt()
                self.agenda.hint()
            elif event.origin != self.id:
                return event
        return None

    # --- heal ---------------------------------------------------------------------------------

    def tick(self) -> float:
        """Read the store, leave a copy, and report to the fleet, if that is due; then `wait`."""
        if self.agenda.wait() == 0 and self.check():
            state = self._display.shown
            if state is not None and self._bus_well():
                self._last_good.polled(state, confirmed=self._newest_known(state))
        self.roster.tend()
        return self.wait()

    def wait(self) -> float:
        """Seconds until there is something to do again."""
        return min(self.agenda.wait(), self.roster.wait())

    def check(self) -> bool:
        """Look at the store, and follow it. `False` if it did not answer."""
        self.agenda.begun()
        answered, debts = False, self._announcer.debts
        try:
            answered = self.board.asked(self._look) is not None
            # Without an answer nobody knows what there is to tell: a change may be in doubt.
            if answered and self._announcer.owed and self._bus_well():
                self._heed(self._announcer.repeat(self._display.known.head, debts))
        finally:
            well = answered and self.board.bus_ok and not self._announcer.owed
            self.agenda.done(self._display.known.head.revision, pushed=well)
        self._display.deliver()
        if answered:
            self._keep(confirmed=True)
        return answered

    def _look(self) -> Head:
        """Follow the store, whose head is given back."""
        # Known before the read: a write or a message may overtake it, which makes nobody go back.
        known_before = self._display.known.head
        if not self._display.loaded:
            return self._sync(restored=False)
        head = self._store.head(self._rules.namespace)
        relation = compare(known_before, head)
        if relation != "behind":
            self.agenda.level()
        elif not self.agenda.behind():
            return head
        if head != self._display.known.head:
            self._sync(restored=relation in {"behind", "replaced"})
        return head

    def _sync(self, *, restored: bool) -> Head:
        known_before = self._display.known.head
        state = self._store.state(self._rules.namespace)
        self._display.take_stored(state, known_before if restored else None)
        return state.head

    def refresh(self) -> None:
        """Read the store now.

        Raises:
            StoreUnavailable: it does not answer.
        """
        if not self.check():
            raise self._away()

    def _away(self) -> StoreUnavailable:
        return StoreUnavailable("reading the settings", self.status().store.detail)

    # --- keep ---------------------------------------------------------------------------------

    def _keep(self, *, confirmed: bool = False) -> None:
        """See that there is a copy of what is shown."""
        state = self._display.shown
        if state is not None:
            confirmed = confirmed and self._newest_known(state)
            self._last_good.shown(state, confirmed=confirmed)

    def _newest_known(self, state: State) -> bool:
        """Whether nothing newer is known: after a rejection, more is stored than is shown."""
        return state.head == self._display.known.head

    def _keep_own(self, made: State, *, reachable: bool) -> None:
        state = self._display.shown
        if state is not None and state.head == made.head:
            self._last_good.made(state, reachable=reachable)

    # --- tell ---------------------------------------------------------------------------------

    def status(self) -> Status:
        """The status of this worker."""
        return self.board.status(self.live.revision)

    def info(self) -> WorkerInfo:
        """This worker, as the fleet should see it."""
        revision, refused, why = self._display.position
        status = self.board.status(revision)
        self._newcomer = self._newcomer or newcomer(self.id, self.model)
        return replace(
            self._newcomer,
            revision=revision,
            state=status.state,
            since=status.since,
            rejected_revision=refused,
            reason=why,
        )

    def _bus_well(self) -> bool:
        """Whether the bus can be used, as far as is known: without a listener, nobody knows."""
        unheard = self._alone or not self._rules.listens or self.board.silent > 0
        return self.board.bus_ok or unheard

    def close(self) -> None:
        """Give back what the store and the bus hold; the last snapshot stays readable."""
        self.board.closed()
        if self._bus is not None:
            self._bus.close()
        self._store.close()
