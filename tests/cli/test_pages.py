"""The page of the commands: it names every command and every option."""

import re

import click

from tests.support.pages import ROOT
from typed_waffle.cli import waffle

PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def test_every_command_has_a_heading() -> None:
    """The page has a heading for each command, and for no other."""
    assert sorted(re.findall(r"^## `([\w-]+)`$", PAGE, re.MULTILINE)) == sorted(waffle.commands)


def test_every_option_is_named() -> None:
    """Under a command's heading stands each of its options."""
    for name, command in waffle.commands.items():
        section = PAGE.split(f"## `{name}`")[1].split("\n## ")[0]
        options = [p.opts[0] for p in command.params if isinstance(p, click.Option)]
        assert [option for option in options if option not in section] == []
