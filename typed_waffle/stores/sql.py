"""The store in a SQL database, through SQLAlchemy Core and transactions of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    and_,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)

from typed_waffle.change import Delta, Head, Overrides, Record, Stamp, State
from typed_waffle.protocols import Decide, Proposal, Rewrite
from typed_waffle.stores.migrations import MIGRATIONS
from typed_waffle.stores.rows import columns, record_of, stamp_of, text_of
from typed_waffle.stores.tables import Tables, tables
from typed_waffle.stores.transactions import Overtaken, Refused, Transactions, Undecided, asked

__all__ = ["Facts", "SqlStore"]


PRUNED_AT_ONCE = 1_000
"""How many changes one transaction deletes, so that no writer waits long for its end."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What can be told of a database itself."""

    version: int | None
    """What the tables say they are of; `None` if they do not say."""
    newest: int
    """What this release makes."""
    now: datetime
    """The time there."""


class SqlStore:
    """One change is one transaction under the lock of the namespace's head row.

    On SQLite that is `BEGIN IMMEDIATE`, elsewhere `SELECT ... FOR UPDATE`. Each try is a new
    transaction on its own connection, never the application's session.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        prefix: str = "waffle_",
        create_tables: bool = True,
        owned: bool = False,
        keep: int | None = None,
    ) -> None:
        self._engine = engine
        self._tables: Tables = tables(prefix)
        self._transactions = Transactions(engine, self._tables, create_tables=create_tables)
        self._owned = owned
        self._keep = keep

    # --- read ---------------------------------------------------------------------------------

    def head(self, namespace: str) -> Head:
        """See `Store.head`."""
        head = self._tables.head
        query = select(head.c.revision, head.c.change_id).where(head.c.namespace == namespace)

        def read(connection: Connection) -> Head:
            row = connection.execute(query).first()
            return Head(row.revision, row.change_id) if row else Head()

        return self._transactions.run("reading the revision", read)

    def state(self, namespace: str) -> State:
        """See `Store.state`. One statement, so that it is of one moment at any isolation level."""
        head, override = self._tables.head, self._tables.override
        query = (
            select(head.c.revision, head.c.change_id, override.c.field, override.c.value)
            .select_from(head.outerjoin(override, override.c.namespace == head.c.namespace))
            .where(head.c.namespace == namespace)
        )

        def read(connection: Connection) -> State:
            rows = connection.execute(query).all()
            if not rows:
                return State()
            stored = {row.field: text_of(row.value) for row in rows if row.field is not None}
            return State(Head(rows[0].revision, rows[0].change_id), stored)

        return self._transactions.run("reading the settings", read)

    def history(
        self,
        namespace: str,
        *,
        field: str | None = None,
        limit: int = 50,
        before: int | None = None,
    ) -> Sequence[Record]:
        """See `Store.history`."""
        history, touched = self._tables.history, self._tables.touched
        query = select(history).where(history.c.namespace == namespace)
        if field is not None:
            query = query.join(
                touched,
                and_(
                    touched.c.namespace == history.c.namespace,
                    touched.c.revision == history.c.revision,
                    touched.c.field == field,
                ),
            )
        if before is not None:
            query = query.where(history.c.revision < before)
        query = query.order_by(history.c.revision.desc()).limit(limit)

        def read(connection: Connection) -> list[Record]:
            return [record_of(row) for row in connection.execute(query).mappings()]

        return self._transactions.run("reading the history", read)

    def latest(self, namespace: str) -> Mapping[str, Stamp]:
        """See `Store.latest`. What the changes held is not read: it may be long."""
        history, touched = self._tables.history, self._tables.touched
        newest = (
            select(touched.c.field, func.max(touched.c.revision).label("revision"))
            .where(touched.c.namespace == namespace)
            .group_by(touched.c.field)
            .subquery()
        )
        query = select(
            newest.c.field,
            *(history.c[name] for name in ("revision", "at", "actor", "note", "channel")),
        ).join_from(
            newest,
            history,
            and_(history.c.namespace == namespace, history.c.revision == newest.c.revision),
        )

        def read(connection: Connection) -> dict[str, Stamp]:
            return {row["field"]: stamp_of(row) for row in connection.execute(query).mappings()}

        return self._transactions.run("reading the latest changes", read)

    # --- write --------------------------------------------------------------------------------

    def commit(self, namespace: str, decide: Decide) -> Record | None:
        """See `Store.commit`."""
        offered: list[tuple[int, str]] = []

        def write(connection: Connection) -> Record:
            state, now = self._locked(connection, namespace)
            # A connection that broke at COMMIT does not say whether the commit happened. It is
            # looked up under the lock, which waits for a commit that is still under way.
            for revision, change_id in offered[-1:]:
                if state.head.revision >= revision:
                    done = self._at(connection, namespace, revision)
                    if done.id == change_id:
                        return done
            proposal = asked(decide, state)
            if proposal is None:
                raise Refused(_Unwanted())
            offered.append((state.head.revision + 1, proposal.change_id))
            return self._put(connection, namespace, state, proposal, now)

        try:
            return self._transactions.run("writing a change", write, writing=True)
        except _Unwanted:
            return None  # rolled back: the row that is the lock may have been new

    def _at(self, connection: Connection, namespace: str, revision: int) -> Record:
        """The change that made a revision."""
        history = self._tables.history
        query = select(history).where(
            history.c.namespace == namespace, history.c.revision == revision
        )
        row = connection.execute(query).mappings().first()
        if row is None:
            raise Undecided
        return record_of(row)

    def _locked(self, connection: Connection, namespace: str) -> tuple[State, datetime]:
        """Take the write lock; what is stored then, and the time. Two queries."""
        head, override = self._tables.head, self._tables.override
        query = (
            select(head.c.revision, head.c.change_id)
            .where(head.c.namespace == namespace)
            .with_for_update()
        )
        row = connection.execute(query).first()
        if row is None:
            connection.execute(insert(head).values(namespace=namespace, revision=0, change_id=""))
        # Joined to the head, so that there is a row with the time even without any override.
        rows = connection.execute(
            select(_now(connection.dialect.name), override.c.field, override.c.value)
            .select_from(head.outerjoin(override, override.c.namespace == head.c.namespace))
            .where(head.c.namespace == namespace)
        ).all()
        stored = {r.field: text_of(r.value) for r in rows if r.field is not None}
        known = Head(row.revision, row.change_id) if row else Head()
        return State(known, stored), _utc(rows[0][0])

    def _put(
        self,
        connection: Connection,
        namespace: str,
        state: State,
        proposal: Proposal,
        now: datetime,
    ) -> Record:
        head, history = self._tables.head, self._tables.history
        self._put_overrides(connection, namespace, state.overrides, proposal.overrides)
        moved = connection.execute(
            update(head)
            .where(
                head.c.namespace == namespace,
                head.c.revision == state.head.revision,
                head.c.change_id == state.head.change_id,
            )
            .values(revision=state.head.revision + 1, change_id=proposal.change_id)
        )
        if moved.rowcount != 1:
            # Only a database that ignores the lock (a pooler of statements, say) comes here.
            raise Overtaken
        record = Record(
            state.head.revision + 1,
            proposal.change_id,
            state.head.change_id,
            now,
            proposal.actor,
            proposal.note,
            proposal.channel,
            proposal.fields,
        )
        connection.execute(insert(history).values(namespace=namespace, **columns(record)))
        touched = [
            {"namespace": namespace, "field": f.field, "revision": record.revision}
            for f in proposal.fields
        ]
        if touched:
            connection.execute(insert(self._tables.touched), touched)
        if self._keep is not None:
            self._forget(connection, namespace, record.revision - self._keep)
        return record

    def _put_overrides(
        self, connection: Connection, namespace: str, before: Overrides, after: Overrides
    ) -> None:
        override = self._tables.override
        delta = Delta.between(before, after)
        gone = [name for name in delta.fields if name in before]
        if gone:
            connection.execute(
                delete(override).where(
                    override.c.namespace == namespace, override.c.field.in_(gone)
                )
            )
        if delta.set:
            connection.execute(
                insert(override),
                [{"namespace": namespace, "field": n, "value": t} for n, t in delta.set.items()],
            )

    # --- keep house ---------------------------------------------------------------------------

    def prune(self, namespace: str, keep: int) -> int:
        """See `Store.prune`."""
        head, history = self._tables.head, self._tables.history
        query = select(head.c.revision).where(head.c.namespace == namespace).with_for_update()
        oldest = select(func.min(history.c.revision)).where(history.c.namespace == namespace)

        def forget(connection: Connection) -> tuple[int, bool]:
            last = (connection.scalar(query) or 0) - keep
            first = connection.scalar(oldest)
            part = last if first is None else min(last, first + PRUNED_AT_ONCE - 1)
            return self._forget(connection, namespace, part), part < last

        gone, more = 0, True
        while more:
            part, more = self._transactions.run("pruning the history", forget, writing=True)
            gone += part
        return gone

    def _forget(self, connection: Connection, namespace: str, last: int) -> int:
        """Delete the history up to this revision; how many changes it held."""
        if last <= 0:
            return 0
        gone = 0
        for table in (self._tables.touched, self._tables.history):
            gone = connection.execute(
                delete(table).where(table.c.namespace == namespace, table.c.revision <= last)
            ).rowcount
        return gone

    def rewrite(self, namespace: str, again: Rewrite) -> int:
        """See `Store.rewrite`."""

        def write(connection: Connection) -> int:
            state, _ = self._locked(connection, namespace)
            texts = asked(again, state.overrides)
            if texts.keys() != state.overrides.keys():
                raise Refused(ValueError("a rewrite may neither add nor drop an override"))
            self._put_overrides(connection, namespace, state.overrides, texts)
            return len(Delta.between(state.overrides, texts).set)

        return self._transactions.run("rewriting the overrides", write, writing=True)

    def facts(self) -> Facts:
        """What can be told of the database itself."""
        said = select(self._tables.schema.c.version)
        now = select(_now(self._engine.dialect.name))

        def read(connection: Connection) -> Facts:
            version = connection.scalar(said)
            return Facts(version, MIGRATIONS[-1].version, _utc(connection.scalar(now)))

        return self._transactions.run("looking at its tables", read)

    def close(self) -> None:
        """See `Store.close`. An engine that was handed in stays open."""
        self._transactions.close()
        if self._owned:
            self._engine.dispose()


class _Unwanted(Exception):  # noqa: N818 - internal
    """`decide` wants nothing: roll back."""


def _now(dialect: str) -> ColumnElement[Any]:  # Any: a time, or SQLite's text of one
    """The database's own clock, in UTC: hosts disagree, one database does not.

    Of the statement, not of the transaction, which may have waited for the lock.
    """
    match dialect:
        case "sqlite":
            return func.strftime("%Y-%m-%dT%H:%M:%f", "now")
        case "mysql" | "mariadb":
            return literal_column("UTC_TIMESTAMP(6)")
        case "postgresql":
            return func.statement_timestamp()
        case _:
            return func.current_timestamp()


def _utc(now: object) -> datetime:
    if isinstance(now, str):
        now = datetime.fromisoformat(now)
    if not isinstance(now, datetime):
        return datetime.now(UTC)
    return now.astimezone(UTC) if now.tzinfo else now.replace(tzinfo=UTC)
