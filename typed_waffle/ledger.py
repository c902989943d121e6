"""Ledger: the history of a namespace, as people read it and as a rollback follows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Generic

from typed_waffle.change import Change, FieldChange, Record, Stamp, State
from typed_waffle.edit import Draft, change_of
from typed_waffle.errors import InvalidChange
from typed_waffle.model import M, facts, known, named, reader, secret_names
from typed_waffle.protocols import Store
from typed_waffle.refusal import fault, summary
from typed_waffle.values import data, same

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["Ledger"]

PAGE = 500
"""How many records a rollback reads at a time."""

LAST = 2**63 - 1
"""No store counts further, and most take no larger number, be it as a bound."""

BETWEEN = 100
"""The most changes that a `RevisionConflict` tells."""


class Ledger(Generic[M]):
    """Reads the history; writes nothing."""

    def __init__(self, model: type[M], store: Store, namespace: str) -> None:
        self._model = model
        self._store = store
        self._namespace = namespace

    def page(self, *, field: str | None, limit: int, before: int | None) -> tuple[Change, ...]:
        """Changes, newest first.

        Raises:
            UnknownSetting: the model has no such field.
            StoreUnavailable: the database does not answer.
        """
        if field is not None:
            known(self._model, field, former=True)
        limit, before = min(limit, LAST), None if before is None else min(before, LAST)
        records = self._store.history(self._namespace, field=field, limit=limit, before=before)
        return tuple(change_of(self._model, record) for record in records)

    def latest(self) -> Mapping[str, Stamp]:
        """The newest change of each field.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        return self._store.latest(self._namespace)

    def between(self, older: int, newer: int) -> tuple[Change, ...]:
        """The changes after one revision, up to another, oldest first."""
        newest = self.page(field=None, limit=max(1, min(newer - older, BETWEEN)), before=newer + 1)
        return tuple(change for change in newest if change.revision > older)[::-1]

    def differences(self, older: int, newer: int | None = None) -> tuple[int, list[FieldChange]]:
        """What became of each setting from one revision to another, or till now; and to which.

        A secret is among them if it was set, be it to what it was. It may go back in time.

        Raises:
            InvalidChange: there is no such revision, or its history was pruned.
            StoreUnavailable: the database does not answer.
        """
        head = self._store.head(self._namespace).revision
        end = head if newer is None else newer
        low, high = sorted((older, end))
        if low < 0 or high > head:
            why = f"the store is at revision {head}"
            raise _missing(high if high > head else low, why, comparing=True)
        before: dict[str, object] = {}
        after: dict[str, object] = {}
        due = high
        for record in self._records(low, high):
            if record.revision != due:
                break
            due -= 1
            for field in change_of(self._model, record).fields:
                before[field.field] = field.before
                after.setdefault(field.field, field.after)
        if due != low:
            why = f"the history was pruned up to revision {due}"
            raise _missing(low, why, comparing=True)
        secret = secret_names(self._model)
        found = [
            FieldChange(name, before[name], after[name])
            for name in before
            if name in secret or not same(before[name], after[name])
        ]
        if older > end:
            found = [FieldChange(f.field, f.after, f.before) for f in found]
        order = {name: position for position, name in enumerate(facts(self._model))}
        return end, sorted(found, key=lambda f: order.get(f.field, len(order)))

    def restore(self, draft: Draft, revision: int) -> tuple[str, ...]:
        """Make a draft that brings back the overrides of a revision, on top of what is stored now.

        Only fields that the model declares are touched. A secret's former value is nowhere: if it
        was set to another since, it stays as it is, and is given back.

        Raises:
            InvalidChange: there is no such revision, its history was pruned, or today's model has
                another type for what a field held.
            StoreUnavailable: the database does not answer.
        """
        state = self._store.state(self._namespace)
        then = self._then(state, revision)
        draft.expected_revision, draft.exact = state.head.revision, True
        draft.updates, draft.resets = {}, set()
        lost: list[str] = []
        wrong: list[ErrorDetails] = []
        kept = {n: text for n, text in {**state.overrides, **then}.items() if text is not None}
        texts = named(self._model, kept)
        for name, fact in facts(self._model).items():
            if then.keys().isdisjoint(fact.names):
                continue
            text = texts.get(name)
            if text is None:
                draft.resets.add(name)
            elif fact.secret:
                lost.append(name)
            else:
                try:
                    draft.updates[name] = reader(self._model, name)(text)
                except Exception:  # noqa: BLE001 - a validator of the user's may raise anything
                    why = f"today's type refuses what revision {revision} held"
                    wrong.append(fault(name, data(text), why, secret=False))
        if wrong:
            raise InvalidChange(summary(wrong), wrong)
        return tuple(lost)

    def _then(self, state: State, revision: int) -> dict[str, str | None]:
        """What each field that changed since a revision held then: a text, or no override."""
        if not 0 <= revision <= state.head.revision:
            raise _missing(revision, f"the store is at revision {state.head.revision}")
        then: dict[str, str | None] = {}
        due = state.head.revision
        for record in self._records(revision, state.head.revision):
            if record.revision != due:
                break
            due -= 1
            for field in record.fields:
                then[field.field] = field.before if field.was_stored else None
        if due != revision:
            raise _missing(revision, f"the history was pruned up to revision {due}")
        return then

    def _records(self, revision: int, last: int) -> Iterator[Record]:
        """The records after a revision up to another, newest first."""
        before = last + 1
        while before > revision + 1:
            limit = min(PAGE, before - 1 - revision)
            records = self._store.history(self._namespace, limit=limit, before=before)
            yield from records
            if not records:
                return
            before = records[-1].revision


def _missing(revision: int, why: str, *, comparing: bool = False) -> InvalidChange:
    if comparing:
        text = f"there is no revision {revision} to compare with: {why}. The history lists others."
        return InvalidChange(text, [])
    return InvalidChange(
        f"there is no way back to revision {revision}: {why}. Nothing was written: "
        "The history lists the revisions that can be restored.",
        [],
    )
