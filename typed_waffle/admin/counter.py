"""Counter: the desk as one visitor may use it. Pages and API see settings through it alone."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Generic

from werkzeug.exceptions import Forbidden, NotFound

from typed_waffle.admin.visitor import Visitor
from typed_waffle.catalog import Entry, told
from typed_waffle.change import Change, Channel, FieldChange
from typed_waffle.desk import Desk, Signature
from typed_waffle.errors import InvalidChange, RevisionConflict, UnknownSetting
from typed_waffle.fleet import FleetReport, WorkerInfo, sorted_out
from typed_waffle.model import M, facts
from typed_waffle.paths import Assignment, Path
from typed_waffle.refusal import summary

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["LONGEST_NOTE", "Back", "Barred", "Counter", "Seen"]


_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

LONGEST_NOTE = 2000
"""The most characters of a note. The store takes any; the history has to be read."""

PAGE = 500
"""How many changes are read at a time."""

LONGEST = 100
"""The most characters of an unknown name that is repeated."""


class Barred(Forbidden):
    """Settings that this visitor may not change, and how many more that they may not even see."""

    def __init__(self, names: Iterable[str], hidden: int = 0) -> None:
        self.names: tuple[str, ...] = tuple(names)
        self.hidden: int = hidden
        unseen = f"{hidden} setting{'s' if hidden > 1 else ''} that you may not see"
        what = [", ".join(self.names)] if self.names else []
        told = " and ".join([*what, unseen] if hidden else what)
        super().__init__(f"You may not change {told}. Nothing was written.")


@dataclass(frozen=True, slots=True)
class Back:
    """What going back to a revision would do."""

    revision: int
    """The revision now: what is foreseen holds on top of this one."""
    fields: tuple[FieldChange, ...]
    kept: tuple[str, ...]
    """Secrets that were set since, and stay: the history keeps none."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A change as a visitor may see it."""

    change: Change
    """With the settings that they may see."""
    hidden: int
    """How many more settings it changed."""


class Counter(Generic[M]):
    """What one visitor may do at the desk.

    Args:
        desk: Does it.
        visitor: Who asks.
        channel: How they came: by the page or by the API.
    """

    def __init__(self, desk: Desk[M], visitor: Visitor, channel: Channel) -> None:
        self.desk: Desk[M] = desk
        self.model: type[M] = desk.model
        self.visitor: Visitor = visitor
        self._channel: Channel = channel

    # --- settings -----------------------------------------------------------------------------

    def entries(self) -> tuple[int, tuple[Entry, ...]]:
        """The revision, and every setting that they may see. It reads the store.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        catalog = self.desk.catalog()
        return catalog.revision, catalog.entries(frozenset(self.readable()))

    def revision(self) -> int:
        """The revision of the store, which is read.

        Raises:
            StoreUnavailable: it does not answer.
        """
        return self.desk.fresh().live.revision

    def named(self, name: str) -> None:
        """See to it that there is a setting of that name, an old one included.

        Raises:
            UnknownSetting: there is none; it names those only that they may see.
        """
        if self._today(name) not in facts(self.model):
            raise self._unknown(name)

    def check(self, names: Iterable[str]) -> None:
        """See to it that there are settings of these names, and that they may change them.

        Raises:
            UnknownSetting: as `named`; here an old name is none.
            Barred: they may not change one of them.
        """
        names, declared = list(names), facts(self.model)
        for name in names:
            if name not in declared:
                raise self._unknown(name)
        self._check_names(names)

    def _unknown(self, name: str) -> UnknownSetting:
        readable = [known for known in facts(self.model) if self.visitor.may_read(known)]
        short = name if len(name) <= LONGEST else f"{name[:LONGEST]}..."
        today = self._today(name)
        close = [today] if today in readable else difflib.get_close_matches(short, readable, n=1)
        there = readable or ["none that you may see"]
        return UnknownSetting(self.model.__qualname__, short, close[0] if close else None, there)

    def writable(self) -> frozenset[str]:
        """The settings that they may change, if nothing else prevents it."""
        return frozenset(name for name in facts(self.model) if self.visitor.may_write(name))

    def signature(self, note: str | None, expected_revision: int | None) -> Signature:
        """Who makes a change, why, and on top of what."""
        # PostgreSQL takes no NUL, and a history full of such characters cannot be read.
        said = _CONTROL.sub(" ", (note or "").replace("\r\n", "\n")).strip()
        return Signature(self._channel, self.visitor.actor, said or None, expected_revision)

    def change(
        self,
        assignments: Sequence[Assignment],
        resets: Sequence[Path],
        *,
        note: str | None,
        expected_revision: int | None,
    ) -> Change | None:
        """Make one change, as `Desk.change` does.

        Raises:
            Barred: they may not change one of the settings.
            RevisionConflict, SettingLocked, InvalidChange, StoreUnavailable: as `Desk.change`;
                what they may not see is left out.
        """
        self._check(assignments, resets)
        try:
            return self.desk.change(self.signature(note, expected_revision), assignments, resets)
        except InvalidChange as error:
            invalid = self._fit(error)
        except RevisionConflict as error:
            raise self._told(error) from None
        raise invalid

    def foreseen(
        self, assignments: Sequence[Assignment], resets: Sequence[Path]
    ) -> tuple[int, tuple[FieldChange, ...]]:
        """What `change` would do now, and on top of which revision; raises as it does."""
        self._check(assignments, resets)
        try:
            return self.desk.foreseen(assignments, resets)
        except InvalidChange as error:
            invalid = self._fit(error)
        raise invalid

    def _check(self, assignments: Sequence[Assignment], resets: Sequence[Path]) -> None:
        names = dict.fromkeys([*(a.path.field for a in assignments), *(p.field for p in resets)])
        self._check_names(names)

    def _check_names(self, names: Iterable[str]) -> None:
        barred = [name for name in names if not self.visitor.may_write(name)]
        if barred:
            raise Barred(barred)

    def _fit(self, error: InvalidChange) -> InvalidChange:
        """A refusal without the values of settings that they may not see."""
        details = [self._without_input(detail) for detail in error.errors()]
        if details == error.errors():
            return error
        return InvalidChange(summary(details), details)

    def _without_input(self, detail: ErrorDetails) -> ErrorDetails:
        if not detail["loc"] or self.visitor.may_read(str(detail["loc"][0])):
            return detail
        return {**detail, "input": None, "msg": "its value, which you may not see, is refused"}

    def _told(self, error: RevisionConflict) -> RevisionConflict:
        changes = [self.seen(told(self.model, change)).change for change in error.changes]
        return RevisionConflict(error.expected, error.actual, changes)

    # --- history ------------------------------------------------------------------------------

    def history(self, *, field: str | None, limit: int, before: int | None) -> tuple[Seen, ...]:
        """Changes, newest first, their values as plain data.

        Raises:
            Forbidden: they may not see that setting.
            UnknownSetting: as `named`.
            StoreUnavailable: the store does not answer.
        """
        if field is not None:
            self.named(field)
            if not self.visitor.may_read(self._today(field)):
                raise Forbidden(f"You may not see {field}.")
        changes = self.desk.history(field=field, limit=limit, before=before)
        return tuple(self.seen(change) for change in changes)

    @property
    def sees_all(self) -> bool:
        """Whether they may see every setting."""
        return all(self.visitor.may_read(name) for name in facts(self.model))

    def readable(self) -> tuple[str, ...]:
        """The settings that they may see."""
        return tuple(name for name in facts(self.model) if self.visitor.may_read(name))

    def may_undo(self, seen: Seen) -> bool:
        """Whether they may change everything that a change did."""
        names = [self._today(field.field) for field in seen.change.fields]
        return not seen.hidden and all(self.visitor.may_write(name) for name in names)

    def made(self, revision: int) -> Seen:
        """The change that made a revision.

        Raises:
            NotFound: there is none, or it was pruned.
            StoreUnavailable: the store does not answer.
        """
        for seen in self.history(field=None, limit=1, before=revision + 1):
            if seen.change.revision == revision:
                return seen
        raise NotFound(f"The history has no revision {revision}.")

    def seen(self, change: Change) -> Seen:
        """A change, as far as they may see it. Its values are plain data."""
        fields = self._visible(change.fields)
        return Seen(replace(change, fields=fields), len(change.fields) - len(fields))

    def differences(
        self, older: int, newer: int | None = None
    ) -> tuple[int, tuple[FieldChange, ...]]:
        """As `Desk.differences`, of the settings that they may see."""
        revision, fields = self.desk.differences(older, newer)
        return revision, self._visible(fields)

    def _visible(self, fields: Iterable[FieldChange]) -> tuple[FieldChange, ...]:
        """A name that the model does not have now may be of a setting that was closed to them."""
        return tuple(f for f in fields if self.visitor.may_read(self._today(f.field)))

    def _today(self, name: str) -> str:
        named = (fact.name for fact in facts(self.model).values() if name in fact.names)
        return next(named, name)

    def rollback(
        self, revision: int, *, note: str | None, expected_revision: int | None
    ) -> Change | None:
        """Go back to a revision, as `Desk.rollback` does.

        Raises:
            Barred: they may not change one of the settings that it would change.
            InvalidChange, RevisionConflict, SettingLocked, StoreUnavailable: as `Desk.rollback`.
        """
        now = self.desk.fresh().live.revision
        if expected_revision is None or expected_revision == now:
            self._check_way_back(revision, now)
            expected_revision = now  # what was checked is what is done
        try:
            return self.desk.rollback(revision, self.signature(note, expected_revision))
        except InvalidChange as error:
            invalid = self._fit(error)
        except RevisionConflict as error:
            raise self._told(error) from None
        raise invalid

    def foreseen_rollback(self, revision: int) -> Back:
        """What `rollback` would do now; nothing is written.

        Raises:
            Barred, InvalidChange, SettingLocked, StoreUnavailable: as `rollback`.
        """
        self._check_way_back(revision, self.desk.fresh().live.revision)
        try:
            now, fields, kept = self.desk.foreseen_rollback(revision)
        except InvalidChange as error:
            invalid = self._fit(error)
        else:
            return Back(now, self._visible(fields), tuple(filter(self.visitor.may_read, kept)))
        raise invalid

    def _check_way_back(self, revision: int, now: int) -> None:
        barred = [n for n in self._touched(revision, now) if not self.visitor.may_write(n)]
        if barred:
            named = [name for name in barred if self.visitor.may_read(name)]
            raise Barred(named, len(barred) - len(named))

    def _touched(self, revision: int, now: int) -> tuple[str, ...]:
        """The settings that were changed since a revision."""
        names: set[str] = set()
        before = now + 1
        while before > revision + 1:
            limit = min(PAGE, before - 1 - revision)
            changes = self.desk.history(field=None, limit=limit, before=before)
            names |= {self._today(field.field) for c in changes for field in c.fields}
            if not changes:
                break
            before = changes[-1].revision
        return tuple(name for name in facts(self.model) if name in names)

    # --- fleet --------------------------------------------------------------------------------

    def workers(self) -> tuple[WorkerInfo, ...]:
        """The fleet.

        Why a worker rejects a revision may quote values: who may not see all of them is not told.

        Raises:
            BusUnavailable: Redis cannot be asked.
        """
        return tuple(map(self._fit_to_see, self.desk.waffle.workers()))

    def me(self) -> WorkerInfo:
        """The worker that answers."""
        return self._fit_to_see(self.desk.binding.started().runtime.info())

    def _fit_to_see(self, worker: WorkerInfo) -> WorkerInfo:
        if self.sees_all:
            return worker
        return replace(worker, reason=worker.reason and "You may not see every setting.")

    def applied(self, revision: int) -> FleetReport:
        """Which workers have applied a revision by now; raises as `workers`."""
        return sorted_out(self.workers(), revision)
