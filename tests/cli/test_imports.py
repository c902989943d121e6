"""`flask waffle import-legacy`: shows first, and makes one change when told to."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Column, Engine, MetaData, Table, Text, create_engine, insert

from tests.support.ancestor import TABLE, with_peewee
from tests.support.apps import Apps, Settings
from tests.support.plain import stored
from typed_waffle import Waffle
from typed_waffle.cli import waffle as commands


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[Apps]:
    apps = Apps(tmp_path)
    yield apps
    apps.close()


@pytest.fixture
def app(apps: Apps) -> Flask:
    return apps.app()


@pytest.fixture
def waffle(apps: Apps, app: Flask) -> Waffle[Settings]:
    return apps.bound(app)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database of the ancestor's."""
    values = {"NAME": "Waffle", "LOW": 0, "HIGHEST": 10, "TOKEN": ""}
    with_peewee(tmp_path / "old.db", values, {"NAME": "Caf\xe9", "LOW": 3, "TOKEN": "hunter2"})
    return f"sqlite:///{tmp_path / 'old.db'}"


def run(app: Flask, *options: str, url: str | None = None) -> Result:
    where = ["--database-url", url] if url else []
    return app.test_cli_runner().invoke(
        commands, ["import-legacy", "--table", TABLE, *where, *options]
    )


def store(engine: Engine, rows: dict[str, object], key: str = "key", value: str = "value") -> None:
    table = Table(TABLE, MetaData(), Column(key, Text), Column(value, Text))
    table.create(engine)
    with engine.begin() as connection:
        for name, held in rows.items():
            connection.execute(insert(table).values({key: name, value: held}))


def test_it_shows_what_it_would_do(waffle: Waffle[Settings], app: Flask, url: str) -> None:
    """Without --apply the plan is shown, secrets masked, and nothing is written."""
    result = run(app, url=url)
    assert result.output.splitlines() == [
        "set      name: 'Waffle' -> 'Caf\xe9' (from NAME)",
        "set      low: 0 -> 3 (from LOW)",
        "set      token: ********** -> ********** (from TOKEN)",
        "ignored  HIGHEST: there is no such setting (the nearest is high)",
        "Nothing was written. Add --apply to make this change.",
    ]
    assert (result.exit_code, waffle.history()) == (0, ())


def test_it_makes_one_change(waffle: Waffle[Settings], app: Flask, url: str) -> None:
    """With --apply it makes one change, and the history says who, why and how."""
    options = ("--map", "HIGHEST=high", "--skip", "TOKEN", "--actor", "ada", "--note", "moved")
    result = run(app, "--apply", *options, url=url)
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "This is revision 1.")
    (change,) = waffle.history()
    assert (change.channel, change.actor, change.note) == ("import", "ada", "moved")
    assert [field.field for field in change.fields] == ["name", "low"]
    again = run(app, "--apply", *options, url=url)
    assert again.output.endswith("Nothing was to be changed: this is still revision 1.\n")


def test_it_refuses_as_a_whole(waffle: Waffle[Settings], app: Flask, url: str) -> None:
    """What is refused is shown with its reason; nothing is written, and the exit code is 1."""
    engine = create_engine(url)
    evil = stored(b"cposix\nsystem\n(S'true'\ntR.")
    with engine.begin() as connection:
        table = Table(TABLE, MetaData(), autoload_with=engine)
        connection.execute(insert(table).values(key="HIGH", value=evil))
    engine.dispose()
    for options in ([], ["--apply"]):
        result = run(app, *options, url=url)
        assert result.exit_code == 1
        assert (
            "refused  HIGH: it names 'posix.system', and only plain data is read" in result.output
        )
        assert "Error: nothing was written." in result.output
        assert "hunter2" not in result.output
    assert waffle.history() == ()
    assert run(app, "--apply", "--skip", "HIGH", url=url).exit_code == 0
    assert waffle.current_settings.low == 3


def test_a_rule_across_settings_is_told(waffle: Waffle[Settings], app: Flask, url: str) -> None:
    """A rule that the values break together is about all of them."""
    waffle.update(high=2)
    result = run(app, url=url)
    assert result.exit_code == 1
    assert "refused  all: a rule across settings refuses the change: low 3" in result.output


def test_the_settings_own_database_is_the_default(
    apps: Apps, app: Flask, waffle: Waffle[Settings]
) -> None:
    """Without --database-url the table is looked for where the settings are."""
    engine = create_engine(apps.url)
    store(engine, {"LOW": stored(pickle.dumps(3))}, "name", "setting")
    engine.dispose()
    result = run(app, "--key-column", "name", "--value-column", "setting", "--apply")
    assert result.exit_code == 0, result.output
    assert waffle.current_settings.low == 3
    assert "only 'name', 'setting'" in run(app).output


def test_flask_sqlalchemys_database_is_the_default(apps: Apps, tmp_path: Path) -> None:
    """An application on Flask-SQLAlchemy has both in one database, and its engine stays open."""
    app = apps.app(WAFFLE_DATABASE_URL=None, SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/app.db")
    database = SQLAlchemy(app)
    waffle = apps.bound(app)
    with app.app_context():
        store(database.engine, {"LOW": stored(pickle.dumps(3))})
        assert run(app, "--apply").exit_code == 0
        waffle.refresh()
        assert waffle.current_settings.low == 3
        waffle.close()
        database.engine.dispose()


def test_names_cannot_command_a_terminal(apps: Apps, app: Flask, waffle: Waffle[Settings]) -> None:
    """What a terminal would obey is shown escaped."""
    engine = create_engine(apps.url)
    store(engine, {"\x1b[2J": stored(pickle.dumps(1)), "NAME": stored(pickle.dumps("\x1b[2J"))})
    engine.dispose()
    result = run(app)
    assert "ignored  \\x1b[2J: there is no such setting" in result.output
    assert "'Waffle' -> '\\x1b[2J'" in result.output
    assert "\x1b" not in result.output
    assert waffle.history() == ()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--map", "NAME"], "'NAME' is not OLD=field"),
        (["--map", "=name"], "'=name' is not OLD=field"),
        (["--map", "A=low", "--map", "A=high"], "'A' is mapped twice"),
    ],
)
@pytest.mark.usefixtures("waffle")
def test_a_bad_mapping_is_refused(options: list[str], told: str, app: Flask, url: str) -> None:
    """A mapping that cannot be read is a usage error."""
    result = run(app, *options, url=url)
    assert result.exit_code == 2
    assert told in result.output


@pytest.mark.usefixtures("waffle")
def test_a_missing_database_is_told(app: Flask, tmp_path: Path) -> None:
    """A database that is not there is an error message, not a traceback."""
    result = run(app, url=f"sqlite:///{tmp_path}/typo.db")
    assert result.exit_code == 1
    assert "there is no file" in result.output
