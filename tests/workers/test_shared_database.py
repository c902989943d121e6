"""What workers hold of a database that others use as well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text
from sqlalchemy.pool import NullPool

from tests.support.databases import Database
from tests.support.live import connected
from tests.support.shop import Limits
from tests.support.waiting import eventually
from typed_waffle import InvalidChange, Waffle

pytestmark = pytest.mark.slow

SERVERS = pytest.mark.parametrize("shared_database", ["postgresql", "mariadb"], indirect=True)
WORKERS = 20

CONNECTIONS = {
    "postgresql": "SELECT state FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    # A transaction that is open and does nothing is in no other list.
    "mariadb": "SELECT coalesce(concat('in transaction, ', trx_state), 'idle')"
    " FROM information_schema.processlist"
    " LEFT JOIN information_schema.innodb_trx ON trx_mysql_thread_id = id"
    " WHERE db = database() AND id <> connection_id()",
}


class Watch:
    """Sees every other connection of a database."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine(poolclass=NullPool)
        self._query = text(CONNECTIONS[database.kind])

    def states(self) -> list[str]:
        with self._engine.connect() as connection:
            return list(connection.scalars(self._query))


@pytest.fixture
def stack(shared_database: Database) -> Iterator[ExitStack]:
    """What must end before the database is given back."""
    with ExitStack() as stack:
        yield stack


@SERVERS
def test_workers_hold_no_connection(
    stack: ExitStack, config: dict[str, Any], shared_database: Database
) -> None:
    """Twenty live workers that have read, written and looked hold none at all."""
    keys = {**config, "WAFFLE_DATABASE_URL": shared_database.url, "WAFFLE_POLL_INTERVAL": 3600}
    workers = [connected(stack, keys) for _ in range(WORKERS)]
    workers[0].update(name="changed")
    for worker in workers:
        worker.refresh()
        worker.history()
    watch = Watch(shared_database)
    eventually(lambda: watch.states() == [])


@SERVERS
def test_no_transaction_stays_open_in_an_application_s_pool(
    stack: ExitStack, config: dict[str, Any], shared_database: Database
) -> None:
    """Whatever was done, refused ones included; and reads show what is committed since."""
    engine = shared_database.engine()
    keys = {**config, "WAFFLE_POLL_INTERVAL": 3600}
    ours = connected(stack, keys, engine=engine)
    other = Waffle(Limits)
    watch = Watch(shared_database)
    with other.connect({"WAFFLE_DATABASE_URL": shared_database.url}):
        for number in range(1, 21):
            other.update(low=number, high=number + 7)
            ours.refresh()
            assert ours.snapshot().settings.low == number
            ours.update(name=f"{number}")
            with pytest.raises(InvalidChange):
                ours.update(low=-1)
            ours.update(name=f"{number}")  # nothing differs
            ours.history(field="low")
            eventually(lambda: set(watch.states()) == {"idle"})


@SERVERS
def test_the_application_s_transaction_is_not_ours(
    stack: ExitStack, config: dict[str, Any], shared_database: Database
) -> None:
    """A change made within it stays when that is rolled back, for every worker alike."""
    app = Flask(__name__)
    app.config.update(
        config,
        SQLALCHEMY_DATABASE_URI=shared_database.url,
        WAFFLE_DATABASE_URL=None,
        SECRET_KEY="x",
    )
    shop = SQLAlchemy(app)
    waffle = Waffle(Limits)
    waffle.init_app(app)
    stack.callback(waffle.close)
    elsewhere = connected(stack, {**config, "WAFFLE_DATABASE_URL": shared_database.url})
    with app.app_context():
        stack.callback(shop.engine.dispose)
        shop.session.execute(text("DROP TABLE IF EXISTS basket"))
        shop.session.execute(text("CREATE TABLE basket (item INTEGER)"))
        shop.session.commit()
        shop.session.execute(text("INSERT INTO basket VALUES (1)"))
        with shop.session.begin_nested():
            shop.session.execute(text("INSERT INTO basket VALUES (2)"))
            waffle.update(name="kept")
        shop.session.rollback()
        assert shop.session.execute(text("SELECT count(*) FROM basket")).scalar_one() == 0
        shop.session.rollback()
        assert waffle.current_settings.name == "kept"
        assert [c.revision for c in waffle.history()] == [1]
    eventually(lambda: elsewhere.snapshot().settings.name == "kept")
