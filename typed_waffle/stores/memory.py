"""A store in this process's memory: for tests, and for a database that only this process sees."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from typed_waffle.change import Delta, Head, Record, Stamp, State, stamps
from typed_waffle.protocols import Decide, Rewrite

__all__ = ["MemoryStore"]


@dataclass(slots=True)
class _Namespace:
    state: State = field(default_factory=State)
    records: list[Record] = field(default_factory=list)


class MemoryStore:
    """Keeps every promise of `Store` but one: it ends with the process."""

    def __init__(self, *, keep: int | None = None) -> None:
        self._keep = keep
        self._lock = threading.Lock()
        self._namespaces: dict[str, _Namespace] = {}

    def head(self, namespace: str) -> Head:
        """See `Store.head`."""
        return self.state(namespace).head

    def state(self, namespace: str) -> State:
        """See `Store.state`."""
        with self._lock:
            kept = self._namespaces.get(namespace)
            return kept.state if kept else State()

    def commit(self, namespace: str, decide: Decide) -> Record | None:
        """See `Store.commit`."""
        with self._lock:
            kept = self._namespaces.get(namespace) or _Namespace()
            proposal = decide(kept.state)
            if proposal is None:
                return None
            record = Record(
                kept.state.head.revision + 1,
                proposal.change_id,
                kept.state.head.change_id,
                datetime.now(UTC),
                proposal.actor,
                proposal.note,
                proposal.channel,
                proposal.fields,
            )
            kept.state = State(Head(record.revision, record.id), dict(proposal.overrides))
            kept.records.append(record)
            if self._keep is not None:
                _forget(kept, self._keep)
            self._namespaces[namespace] = kept
            return record

    def history(
        self,
        namespace: str,
        *,
        field: str | None = None,
        limit: int = 50,
        before: int | None = None,
    ) -> Sequence[Record]:
        """See `Store.history`."""
        with self._lock:
            kept = self._namespaces.get(namespace)
            records = list(kept.records) if kept else []
        wanted = [
            record
            for record in reversed(records)
            if (before is None or record.revision < before)
            and (field is None or any(f.field == field for f in record.fields))
        ]
        return wanted[:limit]

    def latest(self, namespace: str) -> Mapping[str, Stamp]:
        """See `Store.latest`."""
        with self._lock:
            kept = self._namespaces.get(namespace)
            records = list(kept.records) if kept else []
        return stamps(records)

    def prune(self, namespace: str, keep: int) -> int:
        """See `Store.prune`."""
        with self._lock:
            kept = self._namespaces.get(namespace)
            return _forget(kept, keep) if kept else 0

    def rewrite(self, namespace: str, again: Rewrite) -> int:
        """See `Store.rewrite`."""
        with self._lock:
            kept = self._namespaces.get(namespace) or _Namespace()
            before, after = kept.state.overrides, dict(again(kept.state.overrides))
            if after.keys() != before.keys():
                raise ValueError("a rewrite may neither add nor drop an override")
            kept.state = State(kept.state.head, after)
            return len(Delta.between(before, after).set)

    def close(self) -> None:
        """See `Store.close`: nothing is held."""


def _forget(kept: _Namespace, keep: int) -> int:
    """Drop all but the newest records; how many went."""
    gone = max(0, len(kept.records) - keep)
    del kept.records[:gone]
    return gone
