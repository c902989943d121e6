"""What the shell's key completes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from flask import Flask
from flask.cli import ScriptInfo

from tests.support.kiosk import create_app
from typed_waffle.cli import waffle as group
from typed_waffle.cli.console import console


def completed(make: Callable[[], Flask], *arguments: str) -> list[str]:
    """What the last word may go on with."""
    *before, last = arguments
    given = {"obj": ScriptInfo(create_app=make)}
    completion = ShellComplete(group, given, "waffle", "_WAFFLE_COMPLETE")
    return [item.value for item in completion.get_completions(before, last)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["se"], ["set"]),
        (["get", "s"], ["site_name", "smtp"]),
        (["get", "smtp."], ["smtp.host", "smtp.port", "smtp.password"]),
        (["get", "smtp.p"], ["smtp.port", "smtp.password"]),
        (["get", "smtp.nix."], []),
        (["explain", "to"], ["tone"]),
        (["list", "to"], ["tone"]),
        (["history", "lo"], ["low"]),
        (["reset", "low", "hi"], ["high"]),
        (["set", "lo"], ["low"]),
        (["set", "low=1", "hi"], ["high"]),
        (["set", "maintenance="], ["maintenance=true", "maintenance=false"]),
        (["set", "tone=fo"], ["tone=formal"]),
        (["set", "theme=d"], ["theme=dark"]),
        (["set", "site_name="], []),
        (["set", "nix="], []),
        (["set", "maintenance", "=", "t"], ["true"]),  # as Bash takes words apart
        (["set", "--wa"], ["--wait"]),
    ],
)
def test_names_and_values(words: list[str], expected: list[str], kiosk: Flask) -> None:
    """Commands, settings, parts of them, and values where there are few."""
    assert completed(lambda: kiosk, *words) == expected


def test_bash_takes_the_sign_for_a_word(kiosk: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right behind the sign, values are completed, and not names."""
    monkeypatch.setenv("COMP_WORDS", "flask waffle set maintenance =")
    assert completed(lambda: kiosk, "set", "maintenance", "=") == ["true", "false"]


def test_nothing_connects(tmp_path: Path) -> None:
    """The names are in the code: no database is asked."""
    file = tmp_path / "kiosk.db"
    app = create_app(WAFFLE_DATABASE_URL=f"sqlite:///{file}")
    assert completed(lambda: app, "get", "lo") == ["low"]
    assert not file.exists()


def test_it_never_fails(capfd: pytest.CaptureFixture[str]) -> None:
    """An application that cannot be made completes nothing, and says nothing."""

    def broken() -> Flask:
        click.echo("starting")
        raise RuntimeError("no")

    assert completed(broken, "get", "lo") == []
    assert completed(lambda: Flask("bare"), "get", "lo") == []
    assert capfd.readouterr() == ("", "")


def test_without_flask() -> None:
    """`typed-waffle --model` completes as well."""
    completion = ShellComplete(console, {}, "typed-waffle", "_TYPED_WAFFLE_COMPLETE")
    model = ["--model", "tests.support.kiosk:waffle"]
    found = completion.get_completions([*model, "set"], "tone=")
    assert [item.value for item in found] == ["tone=formal", "tone=friendly"]
    assert completion.get_completions(["set"], "tone=") == []
