"""What `--help` says, in 80 columns."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from typed_waffle.cli import waffle
from typed_waffle.cli.console import console


def said(*arguments: str) -> str:
    result = CliRunner().invoke(waffle, [*arguments, "--help"], terminal_width=80)
    assert result.exit_code == 0
    return result.output


def test_the_group_tells_its_commands() -> None:
    """Each has a line, which is not cut."""
    for text in (said(), CliRunner().invoke(console, ["--help"], terminal_width=80).output):
        commands = text.split("Commands:\n")[1]
        assert [line.split()[0] for line in commands.splitlines()] == sorted(waffle.commands)
        assert "..." not in commands
        assert all(len(line) <= 80 for line in text.splitlines())


@pytest.mark.parametrize("name", sorted(waffle.commands))
def test_a_command_tells_its_options(name: str) -> None:
    """Every option is explained, in whole sentences, within 80 columns."""
    text = said(name)
    assert all(len(line) <= 80 for line in text.splitlines()), text
    options = [p for p in waffle.commands[name].params if isinstance(p, click.Option)]
    assert [option.name for option in options if not option.help] == []
    assert "--json" in text
    assert waffle.commands[name].help
