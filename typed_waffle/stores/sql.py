"""The store in a SQL database, through SQLAlchemy Core and transactions of our own."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import (
    Connection,
    Engine,
    and_,
    delete,
    func,
    insert,
    inspect,
    literal_column,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from typed_waffle.change import Delta, Head, Record, State
from typed_waffle.errors import StoreUnavailable
from typed_waffle.protocols import Decide, Proposal
from typed_waffle.stores.rows import columns, record_of, storable
from typed_waffle.stores.tables import Tables, tables

__all__ = ["SqlStore"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 8
"""How often a transaction is tried when the database says that another one was in the way."""

PATIENCE = 10.0
"""Seconds after which no further try begins: SQLite alone waits 5 s for a lock in each."""

FIRST_PAUSE, LAST_PAUSE = 0.02, 0.5
"""The bounds of the pause between two tries, in seconds; each is drawn at random."""

# SQLSTATE of serialization failure and deadlock; MySQL's deadlock, lock timeout, changed row.
_IN_THE_WAY = frozenset({"40001", "40P01", 1213, 1205, 1020})
_SQLITE_BUSY = ("database is locked", "database table is locked", "database schema is locked")


class SqlStore:
    """One change is one transaction under the lock of the namespace's head row.

    On SQLite that is `BEGIN IMMEDIATE`, elsewhere `SELECT ... FOR UPDATE`. Each try is a new
    transaction on its own connection, never the application's session.

    Departure from `Store`: a NUL or a lone surrogate in an actor or a note is kept as an escape,
    because most databases refuse it.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        prefix: str = "waffle_",
        create_tables: bool = True,
        owned: bool = False,
    ) -> None:
        self._engine = engine
        self._tables: Tables = tables(prefix)
        self._create = create_tables
        self._owned = owned
        self._ready = False
        self._making = threading.Lock()

    # --- read ---------------------------------------------------------------------------------

    def head(self, namespace: str) -> Head:
        """See `Store.head`."""
        head = self._tables.head
        query = select(head.c.revision, head.c.change_id).where(head.c.namespace == namespace)

        def read(connection: Connection) -> Head:
            row = connection.execute(query).first()
            return Head(row.revision, row.change_id) if row else Head()

        return self._tried("reading the revision", read)

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

        return self._tried("reading the settings", read)

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

        return self._tried("reading the history", read)

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
            return self._tried("writing a change", write, writing=True)
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
        self._put_overrides(connection, namespace, state, proposal)
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
            # Only an engine that ignores locks (autocommit, a statement pooler) comes here.
            raise _Overtaken
        record = Record(
            state.head.revision + 1,
            proposal.change_id,
            state.head.change_id,
            self._now(connection),
            storable(proposal.actor),
            storable(proposal.note),
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
        return record

    def _put_overrides(
        self, connection: Connection, namespace: str, state: State, proposal: Proposal
    ) -> None:
        override = self._tables.override
        delta = Delta.between(state.overrides, proposal.overrides)
        gone = [name for name in delta.fields if name in state.overrides]
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

    # --- transactions -------------------------------------------------------------------------

    def _tried(self, doing: str, work: Callable[[Connection], T], *, writing: bool = False) -> T:
        """Run `work` in a transaction of its own; again, if the database asks for that."""
        began = time.monotonic()
        attempt = 0
        while True:
            attempt += 1
            try:
                self._prepare()
                with self._transaction(writing=writing) as connection:
                    return work(connection)
            except (SQLAlchemyError, _Overtaken) as error:
                failure = error
            out_of_tries = attempt == ATTEMPTS or time.monotonic() - began > PATIENCE
            if out_of_tries or not _worth_another_try(failure, attempt):
                break
            _pause(attempt)
        lost = isinstance(failure, DBAPIError) and failure.connection_invalidated
        outcome = "Whether the change was committed is not known." if writing and lost else ""
        # Not chained: the driver's error may quote a value, or the statement's parameters.
        raise StoreUnavailable(doing, _cause(failure), outcome)

    def _transaction(self, *, writing: bool) -> AbstractContextManager[Connection]:
        if writing and self._engine.dialect.name == "sqlite":
            return _immediate(self._engine)
        return self._engine.begin()

    def _prepare(self) -> None:
        """Make the tables, once; many workers may do so at the same moment."""
        if self._ready:
            return
        with self._making:
            if self._create and not self._ready:
                self._make()
            self._ready = True

    def _make(self) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._tables.metadata.create_all(self._engine)
                break
            except SQLAlchemyError:
                # Another worker may have made them between our look and our CREATE.
                there = set(inspect(self._engine).get_table_names())
                if there.issuperset(self._tables.metadata.tables):
                    break
                if attempt == ATTEMPTS:
                    raise
            _pause(attempt)

    def close(self) -> None:
        """See `Store.close`. An engine that was handed in stays open."""
        if self._owned:
            self._engine.dispose()


class _Overtaken(Exception):  # noqa: N818 - internal
    """The head moved although it was locked."""


class _Unwanted(Exception):  # noqa: N818 - internal
    """`decide` wants nothing: roll back."""


@contextmanager
def _immediate(engine: Engine) -> Generator[Connection, None, None]:
    """A SQLite transaction that takes the write lock at its start, so that it cannot fail later.

    It leaves the connection's isolation level alone: the connection may be the application's.
    """
    with engine.connect() as connection:
        connection.begin()  # here, so that an engine event which begins does it before we do
        dbapi = connection.connection.dbapi_connection
        if getattr(dbapi, "in_transaction", False):
            connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            # Not the pool's reset: sqlite3 ignores a rollback() in its autocommit mode.
            with suppress(SQLAlchemyError):
                connection.exec_driver_sql("ROLLBACK")
            raise


def _pause(attempt: int) -> None:
    bound = min(LAST_PAUSE, FIRST_PAUSE * 2**attempt)
    time.sleep(random.uniform(0, bound))  # noqa: S311 - no secret depends on it


def _worth_another_try(error: Exception, attempt: int) -> bool:
    if isinstance(error, (_Overtaken, IntegrityError)):
        return True  # another writer made the first row, or moved the head
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return attempt <= 2  # noqa: PLR2004 - the pool's old connections, then the real state
    orig = error.orig
    code = getattr(orig, "sqlstate", None) or getattr(orig, "pgcode", None)
    args: tuple[object, ...] = getattr(orig, "args", ())
    return (
        code in _IN_THE_WAY
        or (bool(args) and args[0] in _IN_THE_WAY)
        or any(text in str(orig) for text in _SQLITE_BUSY)
    )


def _cause(error: Exception) -> str:
    orig = getattr(error, "orig", None) or error
    lines = str(orig).strip().splitlines()
    return f"{type(orig).__name__}: {lines[0][:200]}" if lines else type(orig).__name__
