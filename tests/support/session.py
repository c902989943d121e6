"""A session of an operator: what stands in the docs, and what the commands show today."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from flask import Flask

from tests.support.kiosk import waffle
from tests.support.pages import ROOT
from tests.support.terminal import shown

__all__ = ["PAGE", "told"]

PAGE = ROOT / "docs" / "cli-session.md"

SESSION = """
# What is there?
list
# One change of three settings. It waits until every worker shows it.
set site_name='Summer Waffle' smtp.host=mail tags='[]' --note summer --wait
# A rule across settings refuses the next, as a whole; so does a name that is not there.
set low=12 high=11
set max_filesise=1
# A secret does not belong on the command line.
set api_key=hunter2
# Where does a value come from?
explain site_name
list --changed
# Who changed what, and what would it be to go back?
set maintenance=yes smtp.port=587 --note 'moving house'
history
diff 1
rollback 1 --yes --wait
# How are the workers?
workers
status
doctor
"""

HEAD = """# A session

What an operator sees on a terminal of 80 columns, without its colours.
Four workers of gunicorn serve the application meanwhile.
A test runs these commands and compares. This writes the page anew:

```console
$ WRITE_SESSION=1 python -m pytest tests/cli/test_commands.py -k session
```
"""

_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\dZ")


def told(keys: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> str:
    """The page, as the commands make it today; in a namespace of its own."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    app = Flask("kiosk")
    app.config.update(keys)
    waffle.init_app(app)
    try:
        return HEAD + "".join(_blocks(app))
    finally:
        waffle.close()


def _blocks(app: Flask) -> Iterator[str]:
    lines: list[str] = []
    for line in SESSION.strip().splitlines():
        if line.startswith("# "):
            yield _block(lines)
            yield f"\n{line[2:]}\n\n"
            lines = []
        else:
            result = shown(app, *shlex.split(line))
            lines += [f"$ flask waffle {line}", *_timeless(result.text)]
    yield _block(lines)


def _block(lines: list[str]) -> str:
    return "```console\n" + "\n".join(lines) + "\n```\n" if lines else ""


def _timeless(text: str) -> list[str]:
    """The lines without what differs from day to day and host to host."""
    text = _TIME.sub("2026-01-31 12:00Z", text)
    text = re.sub(r"answers in \d+ ms", "answers in 2 ms", text)
    text = re.sub(r"\x1b\[K", "", text)
    lines = [line.split("\r")[-1] for line in text.split("\n")]
    if lines and lines[0].startswith("HOST"):
        lines = _renamed(lines)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _renamed(lines: list[str]) -> list[str]:
    """A table of workers, on hosts and with processes of the docs."""
    rows = [re.split(r" {2,}", line) for line in lines if line]
    pids = count(4711)
    rows = [rows[0], *(["web1", str(next(pids)), *row[2:]] for row in rows[1:])]
    rows = [[*row, *[""] * (len(rows[0]) - len(row))] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
