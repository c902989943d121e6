"""The store in a SQL database, through SQLAlchemy Core and transactions of our own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import (
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

from typed_waffle.change import Delta, Head, Overrides, Record, State
from typed_waffle.protocols import Decide, Proposal, Rewrite
from typed_waffle.stores.rows import columns, record_of
from typed_waffle.stores.tables import Tables, tables
from typed_waffle.stores.transactions import Overtaken, Transactions

__all__ = ["SqlStore"]


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
            stored = {row.field: row.value for row in rows if row.field is not None}
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

    # --- write --------------------------------------------------------------------------------

    def commit(self, namespace: str, decide: Decide) -> Record | None:
        """See `Store.commit`."""
        offered: list[str] = []

        def write(connection: Connection) -> Record:
            if offered:
                # A connection that broke at COMMIT does not say whether the commit happened.
                done = self._found(connection, namespace, offered[-1])
                if done is not None:
                    return done
            state = self._locked(connection, namespace)
            proposal = decide(state)
            if proposal is None:
                raise _Unwanted
            offered.append(proposal.change_id)
            return self._put(connection, namespace, state, proposal)

        try:
            return self._transactions.run("writing a change", write, writing=True)
        except _Unwanted:
            return None  # rolled back: the row that is the lock may have been new

    def _found(self, connection: Connection, namespace: str, change_id: str) -> Record | None:
        history = self._tables.history
        query = select(history).where(
            history.c.namespace == namespace, history.c.change_id == change_id
        )
        row = connection.execute(query).mappings().first()
        return record_of(row) if row else None

    def _locked(self, connection: Connection, namespace: str) -> State:
        head, override = self._tables.head, self._tables.override
        query = (
            select(head.c.revision, head.c.change_id)
            .where(head.c.namespace == namespace)
            .with_for_update()
        )
        row = connection.execute(query).first()
        if row is None:
            connection.execute(insert(head).values(namespace=namespace, revision=0, change_id=""))
            return State()
        stored = connection.execute(
            select(override.c.field, override.c.value).where(override.c.namespace == namespace)
        )
        return State(Head(row.revision, row.change_id), {r.field: r.value for r in stored})

    def _put(
        self, connection: Connection, namespace: str, state: State, proposal: Proposal
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
            self._now(connection),
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
        head = self._tables.head
        query = select(head.c.revision).where(head.c.namespace == namespace).with_for_update()

        def forget(connection: Connection) -> int:
            newest: int = connection.scalar(query) or 0
            return self._forget(connection, namespace, newest - keep)

        return self._transactions.run("pruning the history", forget, writing=True)

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
            state = self._locked(connection, namespace)
            texts = again(state.overrides)
            if texts.keys() != state.overrides.keys():
                raise ValueError("a rewrite may neither add nor drop an override")
            self._put_overrides(connection, namespace, state.overrides, texts)
            return len(Delta.between(state.overrides, texts).set)

        return self._transactions.run("rewriting the overrides", write, writing=True)

    def _now(self, connection: Connection) -> datetime:
        """The database's own clock, in UTC: hosts disagree, one database does not."""
        match connection.dialect.name:
            case "sqlite":
                text = connection.scalar(select(func.strftime("%Y-%m-%dT%H:%M:%f", "now")))
                return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)
            case "mysql" | "mariadb":
                now = connection.scalar(select(literal_column("UTC_TIMESTAMP(6)")))
            case _:
                now = connection.scalar(select(func.current_timestamp()))
        if not isinstance(now, datetime):
            return datetime.now(UTC)
        return now.astimezone(UTC) if now.tzinfo else now.replace(tzinfo=UTC)

    def close(self) -> None:
        """See `Store.close`. An engine that was handed in stays open."""
        if self._owned:
            self._engine.dispose()


class _Unwanted(Exception):  # noqa: N818 - internal
    """`decide` wants nothing: roll back."""
