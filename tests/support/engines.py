"""Engines as applications make them: with every isolation level, with autocommit, with events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, event

from tests.support.databases import Database

__all__ = ["ENGINES", "LEVELS", "Make", "autocommit", "beginning", "own", "plain"]

Make = Callable[[Database], Engine]


def own(database: Database) -> Engine:
    """The library's own, as WAFFLE_DATABASE_URL makes it."""
    return database.own()


def plain(database: Database) -> Engine:
    """An application's, with SQLAlchemy's defaults."""
    return database.engine()


def autocommit(database: Database) -> Engine:
    """An application's that commits each statement by itself."""
    return database.engine(isolation_level="AUTOCOMMIT")


def flask_sqlalchemy(database: Database) -> Engine:
    """Flask-SQLAlchemy's."""
    app = Flask("shop")
    app.config["SQLALCHEMY_DATABASE_URI"] = database.url
    extension = SQLAlchemy(app)
    with app.app_context():
        return database.kept(extension.engine)


def beginning(database: Database) -> Engine:
    """An application's with SQLAlchemy's recipe for SQLite: an event that emits BEGIN."""
    engine = database.engine()

    @event.listens_for(engine, "connect")
    def _(connection: Any, _: object) -> None:  # noqa: ANN401 - a DBAPI connection
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _(connection: Any) -> None:  # noqa: ANN401 - a SQLAlchemy connection
        connection.exec_driver_sql("BEGIN")

    return engine


def at(level: str) -> Make:
    """An application's that is set to an isolation level."""
    return lambda database: database.engine(isolation_level=level)


def later(level: str) -> Make:
    """An application's that is set to an isolation level after it was made."""
    return lambda database: database.engine().execution_options(isolation_level=level)


def renamed(database: Database) -> Engine:
    """An application's with SQLAlchemy's other name for MariaDB."""
    url = database.url.replace("mysql+", "mariadb+")
    return database.kept(Database(database.kind, url, database.folder).engine())


def mariadb(level: str, *, snapshot: bool) -> Make:
    """One on MariaDB that is told whether to refuse rows that changed since the snapshot."""
    command = f"SET SESSION innodb_snapshot_isolation = {'ON' if snapshot else 'OFF'}"
    return lambda database: database.engine(
        isolation_level=level, connect_args={"init_command": command}
    )


ENGINES: Mapping[str, Make] = {
    "own": own,
    "plain": plain,
    "autocommit": autocommit,
    "flask-sqlalchemy": flask_sqlalchemy,
}
"""What the store must work on, on every database."""

LEVELS: Mapping[str, Mapping[str, Make]] = {
    "sqlite": {
        "begin": beginning,
        "read-uncommitted": at("READ UNCOMMITTED"),
        "serializable": at("SERIALIZABLE"),
        "autocommit-later": later("AUTOCOMMIT"),
    },
    "postgresql": {
        "read-uncommitted": at("READ UNCOMMITTED"),
        "read-committed": at("READ COMMITTED"),
        "repeatable-read": at("REPEATABLE READ"),
        "serializable": at("SERIALIZABLE"),
        "serializable-later": later("SERIALIZABLE"),
        "autocommit-later": later("AUTOCOMMIT"),
    },
    "mariadb": {
        "renamed": renamed,
        "read-uncommitted": at("READ UNCOMMITTED"),
        "read-committed": at("READ COMMITTED"),
        "repeatable-read": mariadb("REPEATABLE READ", snapshot=False),
        "repeatable-read-snapshot": mariadb("REPEATABLE READ", snapshot=True),
        "serializable": mariadb("SERIALIZABLE", snapshot=False),
        "serializable-snapshot": mariadb("SERIALIZABLE", snapshot=True),
        "serializable-later": later("SERIALIZABLE"),
        "autocommit-later": later("AUTOCOMMIT"),
    },
}
"""Every isolation level that each database offers."""
