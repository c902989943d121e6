"""Applications of Flask-WaffleConf 0.3.1, which write tables as theirs did.

Its own `WaffleConf`, stores and pickles are at work. Only one thing in it does not run today: its
store for peewee asks for `get_autocommit`, which peewee 3 dropped, so the database has it here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_waffleconf import AlchemyWaffleStore, PeeweeWaffleStore, WaffleConf, WaffleMixin

__all__ = ["ANCESTORS", "TABLE", "with_sqlalchemy"]

TABLE = "confs"

Values = Mapping[str, object]


def with_sqlalchemy(path: Path, defaults: Values, changed: Values) -> Flask:
    """Its example application, on Flask-SQLAlchemy."""
    app = Flask("ancestor")
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{path}"
    db = SQLAlchemy(app)
    columns = {
        "__tablename__": TABLE,
        "id": db.Column(db.Integer, primary_key=True),
        "key": db.Column(db.String(255), unique=True),
        "value": db.Column(db.Text),
    }
    model = type("Confs", (db.Model, WaffleMixin), columns)
    with app.app_context():
        db.create_all()
        _use(app, AlchemyWaffleStore(db=db, model=model), defaults, changed)
        db.engine.dispose()
    return app


def with_peewee(path: Path, defaults: Values, changed: Values) -> Flask:
    """The same on peewee, which has no types to check."""
    peewee: Any = importlib.import_module("peewee")
    old = {"get_autocommit": lambda _: False}  # each save commits by itself
    db: Any = type("Database", (peewee.SqliteDatabase,), old)(str(path))
    meta = type("Meta", (), {"database": db, "table_name": TABLE})
    columns = {
        "Meta": meta,
        "key": peewee.CharField(unique=True),
        "value": peewee.TextField(),
    }
    model: Any = type("Confs", (peewee.Model, WaffleMixin), columns)
    db.create_tables([model])
    app = Flask("ancestor")
    _use(app, PeeweeWaffleStore(db=db, model=model), defaults, changed)
    db.close()
    return app


def _use(app: Flask, store: Any, defaults: Values, changed: Values) -> None:  # noqa: ANN401 - either
    app.config["WAFFLE_CONFS"] = {
        key: {"desc": "", "default": value} for key, value in defaults.items()
    }
    state = WaffleConf(app, store).state
    assert state.parse_conf() == defaults  # it stores each default when it is first read
    state.update_db(changed)


ANCESTORS: dict[str, Callable[[Path, Values, Values], Flask]] = {
    "sqlalchemy": with_sqlalchemy,
    "peewee": with_peewee,
}
