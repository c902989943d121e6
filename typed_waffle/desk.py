"""Desk: what people do with settings, for the surfaces they do it on: the terminal, a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic

from typed_waffle.binding import Binding
from typed_waffle.catalog import Catalog, plain_fields, told
from typed_waffle.change import Change, Channel, FieldChange
from typed_waffle.edit import Draft, Planned, planned
from typed_waffle.errors import ConfigurationError, RevisionConflict
from typed_waffle.extension import Waffle
from typed_waffle.fleet import WorkerInfo
from typed_waffle.following import Following
from typed_waffle.insides import binding_of, writer_of
from typed_waffle.model import M
from typed_waffle.parts import Parts
from typed_waffle.paths import Assignment, Path, merged
from typed_waffle.runtime import Runtime
from typed_waffle.values import data

__all__ = ["Desk", "Signature"]

ATTEMPTS = 10
"""How often a change of a part is made anew because somebody else wrote meanwhile."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who changes, why, how, and on top of what."""

    channel: Channel
    actor: str | None = None
    note: str | None = None
    expected_revision: int | None = None
    """The revision that was looked at; if the store is at another, nothing is written."""


class Desk(Generic[M]):
    """One `Waffle`, in the context that says which application is meant."""

    def __init__(self, waffle: Waffle[M]) -> None:
        self.waffle = waffle
        self.model = waffle.model
        self.namespace: str = waffle.namespace

    @property
    def binding(self) -> Binding[M]:
        """The binding that is meant."""
        return binding_of(self.waffle)

    def fresh(self) -> Runtime[M]:
        """The worker of this process, once it has read the store.

        Raises:
            StoreUnavailable: the store does not answer; no copy of it will do here.
        """
        began = self.binding.worker is None
        runtime = self.binding.started().runtime
        if not began or not runtime.board.store_ok:
            runtime.refresh()
        return runtime

    @property
    def revision(self) -> int:
        """The revision that this process knows."""
        return self.binding.started().runtime.live.revision

    @property
    def shares(self) -> bool:
        """Whether there is a bus, over which the workers are known."""
        return self.binding.started().bus is not None

    def workers(self) -> tuple[WorkerInfo, ...]:
        """The fleet.

        Raises:
            ConfigurationError: without Redis, nobody knows the other workers.
            BusUnavailable: Redis cannot be asked.
        """
        if not self.shares:
            raise ConfigurationError(
                "WAFFLE_REDIS_URL",
                "it is not set, and without Redis no worker knows of the others. Set it to the "
                "Redis of the application's workers",
            )
        return self.waffle.workers()

    def catalog(self) -> Catalog[M]:
        """What is known of every setting now. Two queries, however many there are.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        runtime = self.fresh()
        return Catalog(runtime.live, runtime.ledger.latest())

    def change(
        self,
        signature: Signature,
        assignments: Sequence[Assignment] = (),
        resets: Iterable[Path] = (),
        *,
        exact: bool = False,
    ) -> Change | None:
        """Make one change of several paths; `None` if nothing would differ.

        Its values are plain data. A part, or some `Parts`, is put into its setting as it is now. If
        somebody else changes that meanwhile, it is done again, unless the caller expects a
        revision. With `exact`, a value is stored even if it is in force as the default.

        Raises:
            RevisionConflict: the store is not at the expected revision, or others kept writing.
            SettingLocked, InvalidChange, StoreUnavailable: as in `Waffle.update`.
        """
        resets = tuple(resets)
        expected = signature.expected_revision
        partial = any(path.keys for path in (*resets, *(a.path for a in assignments)))
        partial = partial or any(isinstance(a.value, Parts) for a in assignments)
        attempt = 0
        while True:
            attempt += 1
            seen = self.fresh().live
            updates, whole = merged(seen.settings, assignments, resets)
            based_on = seen.revision if partial and expected is None else expected
            try:
                with writer_of(self.waffle).edit(
                    signature.channel,
                    actor=signature.actor,
                    note=signature.note,
                    expected_revision=based_on,
                    exact=exact,
                ) as edit:
                    edit.update(**updates)
                    edit.reset(*whole)
            except RevisionConflict:
                if expected is not None or not partial or attempt == ATTEMPTS:
                    raise
            else:
                return self.told(edit.change)

    def foreseen(
        self,
        assignments: Sequence[Assignment] = (),
        resets: Iterable[Path] = (),
        *,
        exact: bool = False,
    ) -> tuple[int, tuple[FieldChange, ...]]:
        """What `change` would do now, and on top of which revision; nothing is written.

        Raises:
            SettingLocked, InvalidChange, StoreUnavailable: as `change` does.
        """
        seen = self.fresh().live
        updates, whole = merged(seen.settings, assignments, resets)
        plan = planned(Draft("", updates=updates, resets=whole, exact=exact), seen)
        return seen.revision, _records(plan)

    def rollback(self, revision: int, signature: Signature) -> Change | None:
        """Bring the overrides of a revision back; raises as `Waffle.rollback` does."""
        change = self.waffle.rollback(
            revision,
            actor=signature.actor,
            note=signature.note,
            expected_revision=signature.expected_revision,
        )
        return self.told(change)

    def foreseen_rollback(
        self, revision: int
    ) -> tuple[int, tuple[FieldChange, ...], tuple[str, ...]]:
        """What `rollback` would do now: on top of which revision, and which secrets would stay.

        Raises:
            InvalidChange, SettingLocked, StoreUnavailable: as `rollback` does.
        """
        runtime = self.fresh()
        seen, draft = runtime.live, Draft("")
        kept = runtime.ledger.restore(draft, revision)
        return seen.revision, _records(planned(draft, seen)), kept

    def history(self, *, field: str | None, limit: int, before: int | None) -> tuple[Change, ...]:
        """Changes, newest first, their values as plain data; raises as `Waffle.history` does."""
        page = self.fresh().ledger.page(field=field, limit=limit, before=before)
        return tuple(told(self.model, change) for change in page)

    def differences(
        self, older: int, newer: int | None = None
    ) -> tuple[int, tuple[FieldChange, ...]]:
        """As `Ledger.differences`, the values as plain data."""
        revision, found = self.fresh().ledger.differences(older, newer)
        return revision, plain_fields(self.model, found)

    def follow(self, after: int, trouble: Callable[[str | None], None]) -> Iterator[Change]:
        """Every change after a revision, as it comes, without end; its values are plain data."""
        worker = self.binding.started()
        ledger = worker.runtime.ledger
        following = Following(ledger, worker.store, worker.bus, self.namespace, trouble)
        for change in following.changes(after):
            yield told(self.model, change)

    def check(self, signature: Signature) -> None:
        """See to it that the store is at the expected revision, if one is.

        Raises:
            RevisionConflict: it is not.
            StoreUnavailable: it does not answer.
        """
        runtime, expected = self.fresh(), signature.expected_revision
        actual = runtime.live.revision
        if expected is not None and expected != actual:
            raise RevisionConflict(expected, actual, runtime.ledger.between(expected, actual))

    def told(self, change: Change | None) -> Change | None:
        """The same change, with its values as plain data."""
        return None if change is None else told(self.model, change)


def _records(plan: Planned[M] | None) -> tuple[FieldChange, ...]:
    records = plan.proposal.fields if plan else ()
    return tuple(FieldChange(r.field, data(r.before), data(r.after)) for r in records)
