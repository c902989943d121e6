"""The `flask waffle` group: found by Flask, choosing the settings, ending on an error."""

from __future__ import annotations

import gc
import getpass
import pickle
import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import Column, MetaData, Table, Text, create_engine, insert

from tests.support.apps import Apps, Settings
from tests.support.pages import ROOT
from tests.support.plain import stored
from tests.support.processes import Python, imports_from
from typed_waffle import NotBound, Waffle
from typed_waffle.cli import group, options, waffle
from typed_waffle.cli.output import Output
from typed_waffle.desk import Desk


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[Apps]:
    apps = Apps(tmp_path)
    yield apps
    apps.close()


@pytest.fixture
def probe() -> Iterator[None]:
    """A command that tells which settings it was given, and who acts."""

    @waffle.command("probe")
    @click.option("--fail", is_flag=True)
    @options.as_actor
    @group.on_settings
    def probe(
        given: Desk[Any], _: Output, *, fail: bool, actor: str | None, note: str | None
    ) -> None:
        if fail:
            raise NotBound("why, and what to do")
        click.echo(f"{given.namespace} {actor} {note}")

    yield
    del waffle.commands["probe"]


def ask(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(waffle, ["probe", *arguments])


def entry_point() -> str:
    """What `pyproject.toml` tells Flask of."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    value: str = project["entry-points"]["flask.commands"]["waffle"]
    return value


def test_the_entry_point_is_the_group() -> None:
    """What Flask is told of is the group itself."""
    assert EntryPoint("waffle", entry_point(), "flask.commands").load() is waffle


def test_flask_finds_the_group_by_its_entry_point(apps: Apps, tmp_path: Path) -> None:
    """`flask waffle` is there for every application, and works like any of its commands."""
    installed = tmp_path / "site" / "shown-1.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: shown\nVersion: 1\n")
    (installed / "entry_points.txt").write_text(f"[flask.commands]\nwaffle = {entry_point()}\n")
    variables = imports_from(installed.parent) | {"FLASK_WAFFLE_DATABASE_URL": apps.url}
    engine = create_engine(apps.url)
    table = Table("confs", MetaData(), Column("key", Text), Column("value", Text))
    table.create(engine)
    with engine.begin() as connection:
        for key, value in (("LOW", 3), ("HIGH", 10)):
            held = stored(pickle.dumps(value))
            connection.execute(insert(table).values(key=key, value=held))
    engine.dispose()
    command = ["-m", "flask", "--app", "tests.support.shop:create_app", "waffle"]
    command += ["import-legacy", "--table", "confs", "--apply"]
    with Python(command, tmp_path / "flask.log", variables) as flask:
        assert flask.ended() == 0, flask.output()
        assert flask.output().splitlines() == [
            "set      low: 0 -> 3 (from LOW)",
            "set      high: 7 -> 10 (from HIGH)",
            "This is revision 1.",
        ]


@pytest.mark.usefixtures("probe")
def test_the_only_settings_need_no_namespace(apps: Apps) -> None:
    """An application with one `Waffle` need not name it, but may."""
    app = apps.app()
    apps.bound(app, namespace="shop")
    for arguments in ([], ["--namespace", "shop"]):
        assert ask(app, *arguments, "--actor", "ada").output == "shop ada None\n"


@pytest.mark.usefixtures("probe")
def test_one_of_several_is_chosen_by_its_namespace(apps: Apps) -> None:
    """With several, the command asks which, and names the nearest to a wrong one."""
    app = apps.app()
    apps.bound(app, namespace="shop")
    apps.bound(app, namespace="blog")
    assert ask(app, "--namespace", "blog", "--actor", "ada").output == "blog ada None\n"
    for arguments, told in (
        ([], "Error: --namespace: the application has several. Say which: blog, shop.\n"),
        (
            ["--namespace", "blogs"],
            (
                "Error: --namespace: the application has no 'blogs', only blog, shop. "
                "Did you mean blog?\n"
            ),
        ),
    ):
        result = ask(app, *arguments)
        assert (result.exit_code, result.output) == (1, told)


@pytest.mark.usefixtures("probe")
def test_an_application_without_settings_is_told(apps: Apps) -> None:
    """The message says what is missing."""
    result = ask(apps.app())
    assert result.exit_code == 1
    assert "call waffle.init_app(app)" in result.output


@pytest.mark.usefixtures("probe")
def test_an_error_ends_with_its_message(apps: Apps) -> None:
    """An error of the library is one line and exit code 1, not a traceback."""
    app = apps.app()
    apps.bound(app)
    result = ask(app, "--fail")
    assert (result.exit_code, result.output) == (1, "Error: why, and what to do\n")


@pytest.mark.usefixtures("probe")
def test_the_systems_user_is_the_actor(apps: Apps, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who runs a command is in the history, unless another is named; a user may have no name."""
    app = apps.app()
    apps.bound(app)
    assert ask(app, "--note", "why").output == f"default {getpass.getuser()} why\n"
    assert ask(app, "--actor", "ada").output == "default ada None\n"

    def nameless() -> str:
        raise KeyError("uid 12345")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert ask(app).output == "default None None\n"


def test_an_application_keeps_its_waffle(apps: Apps) -> None:
    """A `Waffle` that only its application knows is there for the commands."""
    app = apps.app()
    Waffle(Settings).init_app(app)
    gc.collect()
    with app.app_context():
        kept = group.chosen(None)
    assert kept.model is Settings
    kept.close()
