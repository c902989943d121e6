"""`typed-waffle`: the same commands without Flask."""

from __future__ import annotations

import json
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.pages import ROOT
from typed_waffle.cli import waffle as group
from typed_waffle.cli.console import console, main

MODULE = """
from typed_waffle import Waffle, WaffleModel

class Settings(WaffleModel):
    name: str = "x"
    on: bool = False

waffle = Waffle(Settings, namespace="jobs")
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module in the working directory that no path leads to."""
    name = f"declared_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [entry for entry in __import__("sys").path if entry])
    monkeypatch.setenv("WAFFLE_DATABASE_URL", f"sqlite:///{tmp_path / 'jobs.db'}")
    return name


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(console, arguments)


def test_the_script_is_installed() -> None:
    """The wheel has a script of that name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entry = EntryPoint("typed-waffle", project["scripts"]["typed-waffle"], "console_scripts")
    assert entry.load() is main


def test_it_has_the_same_commands() -> None:
    """What `flask waffle` can do, it can."""
    assert console.commands == group.commands


def test_settings_are_named_by_their_module(module: str) -> None:
    """They are changed and shown, on what the environment variables name."""
    model = ["--model", f"{module}:waffle"]
    assert ask(*model, "set", "name=y", "--actor", "ada").output == (
        "name: x -> y\nThis is revision 1.\n"
    )
    assert ask(*model, "get", "name").output == "y\n"
    told = json.loads(ask(*model, "list", "--json").output)
    assert (told["namespace"], told["revision"]) == ("jobs", 1)
    assert ask(*model, "get", "name", "--namespace", "jobs").output == "y\n"


def test_a_variable_names_them_as_well(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`TYPED_WAFFLE_MODEL` is no key of the settings' configuration."""
    monkeypatch.setenv("TYPED_WAFFLE_MODEL", f"{module}:waffle")
    assert ask("get", "name").output == "x\n"
    assert ask("doctor").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["list"], 2, "which settings? Say --model"),
        (["--model", "nowhere:waffle", "list"], 1, "--model: 'nowhere:waffle': there is no module"),
        (["--model", "MODULE:wafle", "list"], 1, "Did you mean waffle?"),
        (["--model", "MODULE", "list"], 1, "is not of the form package.module:waffle"),
        (["--model", "MODULE:waffle", "list", "--namespace", "job"], 1, "Did you mean jobs?"),
        (["--model", "MODULE:waffle", "get", "nam"], 1, "did you mean 'name'?"),
    ],
)
def test_what_is_not_found_is_told(arguments: list[str], code: int, told: str, module: str) -> None:
    """The message says what there is, or what to do."""
    result = ask(*(argument.replace("MODULE", module) for argument in arguments))
    assert (result.exit_code, told in result.stderr) == (code, True), result.output


def test_a_command_of_the_console_is_no_worker(module: str) -> None:
    """It starts no listener, though `connect` would start one elsewhere."""
    import threading  # noqa: PLC0415 - here alone

    before = threading.active_count()
    assert ask("--model", f"{module}:waffle", "set", "on=true").exit_code == 0
    assert threading.active_count() == before
