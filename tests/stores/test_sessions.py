"""The store and the application's own sessions: they never join, commit or disturb each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Column, Integer, String, Table, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from tests.support.apps import Settings
from tests.support.databases import Database
from typed_waffle import InvalidChange, StoreUnavailable, Waffle
from typed_waffle.stores import transactions


class Shop:
    """An application with orders, whose settings are in the same database."""

    def __init__(self, database: Database, **options: object) -> None:
        self._stack = ExitStack()
        self.app = Flask("shop")
        self.app.config["SQLALCHEMY_DATABASE_URI"] = database.url
        self.app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
        self.db = SQLAlchemy(self.app)
        self.orders = Table(
            "orders",
            self.db.metadata,
            Column("id", Integer, primary_key=True),
            Column("name", String(20)),
        )
        self.url = database.url
        self._elsewhere = database.engine(poolclass=NullPool)
        self.waffle = Waffle(Settings)
        self.waffle.init_app(self.app)
        self._stack.callback(self.waffle.close)
        self._stack.enter_context(self.app.app_context())
        database.kept(self.db.engine)
        self.db.create_all()

    def order(self, number: int = 1) -> None:
        """Add an order to the session's transaction."""
        self.db.session.execute(self.orders.insert().values(id=number, name="waffles"))

    def ordered(self) -> int | None:
        """How many orders the session sees."""
        return self.db.session.scalar(select(func.count()).select_from(self.orders))

    def ordered_elsewhere(self) -> int | None:
        """How many orders are committed."""
        with self._elsewhere.connect() as connection:
            return connection.scalar(select(func.count()).select_from(self.orders))

    def stored(self) -> str:
        """The name that another worker finds stored."""
        with Waffle(Settings).connect({"WAFFLE_DATABASE_URL": self.url}) as waffle:
            return waffle.current_settings.name

    def close(self) -> None:
        self.db.session.remove()
        self._stack.close()


@pytest.fixture
def shop(database: Database) -> Iterator[Shop]:
    # SQLite has one writer at a time: do not wait long for it here.
    options = {"connect_args": {"timeout": 0.05}} if database.kind == "sqlite" else {}
    shop = Shop(database, **options)
    yield shop
    shop.close()


servers = pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)


def test_a_change_commits_while_the_session_reads(shop: Shop) -> None:
    """A transaction that only reads stays open over a change; its end has no part in that."""
    assert shop.ordered() == 0
    begun = shop.db.session().get_transaction()
    shop.waffle.update(name="Noon")
    assert shop.db.session().get_transaction() is begun
    assert shop.stored() == "Noon"
    shop.db.session.rollback()
    assert shop.stored() == "Noon"


@servers
def test_a_change_commits_nothing_of_the_session(shop: Shop) -> None:
    """What the session has written is neither committed nor rolled back with a change."""
    shop.order(1)
    shop.waffle.update(name="Noon")
    with pytest.raises(InvalidChange):
        shop.waffle.update(low=11)
    assert shop.ordered() == 1
    assert shop.ordered_elsewhere() == 0
    shop.db.session.rollback()
    assert shop.ordered() == 0
    assert shop.stored() == "Noon"
    shop.order(2)
    with pytest.raises(InvalidChange):
        shop.waffle.update(low=11)
    shop.db.session.commit()
    assert shop.ordered_elsewhere() == 1


@servers
def test_a_change_outlives_the_savepoint_it_was_made_in(shop: Shop) -> None:
    """Rolling back a savepoint, or what is around it, takes no change back, here or elsewhere."""
    shop.order(1)
    with shop.db.session.begin_nested() as savepoint:
        shop.order(2)
        shop.waffle.update(name="Noon")
        savepoint.rollback()
    assert shop.ordered() == 1
    shop.db.session.rollback()
    assert shop.ordered() == 0
    assert (shop.waffle.current_settings.name, shop.stored()) == ("Noon", "Noon")
    assert [change.revision for change in shop.waffle.history()] == [1]


def test_a_session_that_failed_stops_no_change(shop: Shop) -> None:
    """A transaction that the database gave up is the application's affair."""
    shop.order(1)
    shop.db.session.commit()
    with pytest.raises(IntegrityError):
        shop.order(1)
    if shop.db.engine.dialect.name == "sqlite":
        shop.db.session.rollback()  # it holds the one write lock
    shop.waffle.update(name="Noon")
    assert shop.stored() == "Noon"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_on_sqlite_a_session_that_wrote_is_in_the_way(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has one writer: a change in the midst of the session's is refused, and harms none."""
    monkeypatch.setattr(transactions, "PATIENCE", 0.2)
    shop.order(1)
    with pytest.raises(StoreUnavailable, match="database is locked"):
        shop.waffle.update(name="Noon")
    shop.db.session.commit()
    assert shop.ordered_elsewhere() == 1
    shop.waffle.update(name="Noon")
    assert shop.stored() == "Noon"


@servers
def test_a_session_s_old_view_is_not_the_store_s(database: Database) -> None:
    """While the session goes on seeing one moment, the settings follow what others commit."""
    shop = Shop(database, isolation_level="REPEATABLE READ")
    assert shop.ordered() == 0
    with Waffle(Settings).connect({"WAFFLE_DATABASE_URL": shop.url}) as elsewhere:
        elsewhere.update(name="Noon")
    shop.waffle.refresh()
    assert shop.waffle.current_settings.name == "Noon"
    shop.close()


OPEN = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
    "mariadb": "SELECT count(*) FROM information_schema.innodb_trx",
}


@servers
def test_no_transaction_stays_open(shop: Shop, database: Database) -> None:
    """After reads, changes and refusals, the pooled connections are in no transaction."""
    for number in range(20):
        shop.waffle.update(name=f"number {number}")
        shop.waffle.refresh()
        shop.waffle.history()
        with pytest.raises(InvalidChange):
            shop.waffle.update(low=11)
    with database.engine(poolclass=NullPool).connect() as connection:
        assert connection.scalar(text(OPEN[database.kind])) == 0
