"""Our tables beside an application's own, under Alembic and Flask-Migrate."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import produce_migrations
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations.ops import DropTableOp, MigrationScript
from sqlalchemy import Column, Engine, Integer, MetaData, Table, inspect

from tests.support.databases import Database
from tests.support.processes import ROOT, imports_from
from typed_waffle.change import FieldRecord, State
from typed_waffle.protocols import Proposal
from typed_waffle.stores.sql import SqlStore
from typed_waffle.stores.tables import include_object, tables


def wanted(_: State) -> Proposal:
    """A change that sets `a`."""
    field = FieldRecord("a", "0", "1", was_stored=False, is_stored=True)
    return Proposal("1" * 32, {"a": "1"}, (field,), None, None, "python")


@pytest.fixture
def theirs() -> MetaData:
    """An application's own tables."""
    metadata = MetaData()
    Table("orders", metadata, Column("id", Integer, primary_key=True))
    return metadata


def compared(
    engine: Engine, target: MetaData | list[MetaData], **options: object
) -> MigrationScript:
    """What autogenerate would write."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        return produce_migrations(context, target)  # type: ignore[arg-type] # a list will do, as in env.py


def dropped(script: MigrationScript) -> set[str]:
    assert script.upgrade_ops is not None
    return {op.table_name for op in script.upgrade_ops.ops if isinstance(op, DropTableOp)}


def empty(script: MigrationScript) -> bool:
    """Whether there is nothing to do, in either direction."""
    assert script.upgrade_ops is not None
    assert script.downgrade_ops is not None
    return script.upgrade_ops.is_empty() and script.downgrade_ops.is_empty()


def test_tables_that_we_made_are_as_our_metadata_says(database: Database, theirs: MetaData) -> None:
    """Beside the application's metadata, autogenerate finds no difference (FAULTS O3)."""
    engine = database.own()
    theirs.create_all(engine)
    SqlStore(engine).commit("shop", wanted)

    assert empty(compared(engine, [theirs, tables().metadata]))


def test_tables_that_the_application_does_not_know_are_left_alone(
    database: Database, theirs: MetaData
) -> None:
    """With `include_object`; without it they would be dropped (FAULTS O3)."""
    engine = database.own()
    theirs.create_all(engine)
    SqlStore(engine).commit("shop", wanted)

    assert dropped(compared(engine, theirs)) == set(tables().metadata.tables)
    assert empty(compared(engine, theirs, include_object=include_object))


def test_only_our_tables_are_left_alone(database: Database, theirs: MetaData) -> None:
    """Of the prefix that is used; what else the database has too much is still dropped."""
    engine = database.own()
    theirs.create_all(engine)
    SqlStore(engine, prefix="shop_").commit("shop", wanted)
    ours = partial(include_object, prefix="shop_")

    assert dropped(compared(engine, MetaData(), include_object=ours)) == {"orders"}
    assert dropped(compared(engine, theirs, include_object=include_object)) == set(
        tables("shop_").metadata.tables
    )


# --- the tools ----------------------------------------------------------------------------------


def scripts(folder: Path, url: str, target: str) -> Config:
    """A folder of migrations with this `target_metadata`."""
    ini = Config(folder / "alembic.ini", stdout=StringIO())
    command.init(ini, str(folder / "migrations"))
    env = folder / "migrations" / "env.py"
    written = env.read_text()
    assert "target_metadata = None" in written
    env.write_text(written.replace("target_metadata = None", target))
    config = Config(stdout=StringIO())  # without the file, which would set up logging
    config.set_main_option("script_location", str(folder / "migrations"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def test_a_migration_by_alembic_makes_tables_that_the_store_can_use(
    database: Database, tmp_path: Path
) -> None:
    """From an empty database, with `create_tables=False`; the way back leaves nothing."""
    target = (
        "from typed_waffle.stores.tables import tables\ntarget_metadata = [tables().metadata]\n"
    )
    config = scripts(tmp_path, database.url, target)
    command.revision(config, "settings", autogenerate=True)
    command.upgrade(config, "head")
    command.check(config)  # raises if anything differs

    store = SqlStore(database.own(), create_tables=False)
    for namespace in ("shop", "Shop"):
        assert store.commit(namespace, wanted) is not None
        assert store.state(namespace).overrides == {"a": "1"}
        assert [record.revision for record in store.history(namespace, field="a")] == [1]

    command.downgrade(config, "base")
    assert inspect(database.own()).get_table_names() == ["alembic_version"]


APP = """
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

from typed_waffle import Waffle, WaffleModel
from typed_waffle.stores.tables import include_object


class Settings(WaffleModel):
    site_name: str = "Waffle"


app = Flask(__name__)
app.config.from_prefixed_env()
db = SQLAlchemy(app)


class Order(db.Model):
    id = db.Column(db.Integer, primary_key=True)


Migrate(app, db, include_object=include_object)
waffle = Waffle(Settings)
waffle.init_app(app)


@app.cli.command("rename")
def rename():
    waffle.update(site_name="Renamed")


@app.cli.command("name")
def name():
    print(waffle.current_settings.site_name)
"""


def flask(folder: Path, *arguments: str, **environment: str) -> str:
    """Run a command of the application; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "shop.py", *arguments],
        cwd=folder,
        env=os.environ
        | {
            "FLASK_SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'shop.db'}",
        }
        | imports_from(ROOT)
        | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The folder of an application with Flask-SQLAlchemy and Flask-Migrate."""
    (tmp_path / "shop.py").write_text(APP)
    flask(tmp_path, "db", "init")
    return tmp_path


def test_flask_migrate_leaves_our_tables_alone(shop: Path) -> None:
    """They are there before its first migration, and are not in it."""
    flask(shop, "rename")

    flask(shop, "db", "migrate")
    flask(shop, "db", "upgrade")
    flask(shop, "db", "check")

    (script,) = (shop / "migrations" / "versions").glob("*.py")
    assert "waffle" not in script.read_text()
    assert "order" in script.read_text()
    assert flask(shop, "name") == "Renamed\n"


def test_flask_migrate_makes_our_tables(shop: Path) -> None:
    """If `env.py` gives it our metadata as well."""
    env = shop / "migrations" / "env.py"
    written = env.read_text()
    before, after = "target_db.metadatas[None]", "[target_db.metadatas[None], tables().metadata]"
    assert before in written
    env.write_text(
        f"from typed_waffle.stores.tables import tables\n{written.replace(before, after)}"
    )

    flask(shop, "db", "migrate")
    flask(shop, "db", "upgrade")
    flask(shop, "db", "check")

    flask(shop, "rename", FLASK_WAFFLE_CREATE_TABLES="false")
    assert flask(shop, "name", FLASK_WAFFLE_CREATE_TABLES="false") == "Renamed\n"
