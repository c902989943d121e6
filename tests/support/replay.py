"""Replay: what the history alone says is stored."""

from __future__ import annotations

from collections.abc import Iterable

from typed_waffle.change import Record, State
from typed_waffle.protocols import Store

__all__ = ["records_until", "replayed"]


def replayed(records: Iterable[Record], start: State | None = None) -> list[dict[str, str]]:
    """The overrides after each of these records, oldest first; `start` is what they follow.

    It fails at a record that does not continue the one before it.
    """
    begin = start or State()
    revision, change_id, overrides = begin.head.revision, begin.head.change_id, begin.overrides
    states = []
    for record in records:
        assert (record.revision, record.follows) == (revision + 1, change_id)
        after = dict(overrides)
        for field in record.fields:
            if field.was_stored:
                assert after.pop(field.field) == field.before
            assert field.field not in after
            if field.is_stored:
                after[field.field] = field.after
        revision, change_id, overrides = record.revision, record.id, after
        states.append(after)
    return states


def records_until(store: Store, namespace: str, state: State, after: int = 0) -> list[Record]:
    """Every record up to a state's, from the one that follows revision `after`; oldest first."""
    records: list[Record] = []
    before = state.head.revision + 1
    while before > after + 1 and (
        page := store.history(namespace, limit=min(500, before - 1 - after), before=before)
    ):
        records += page
        before = page[-1].revision
    return records[::-1]
