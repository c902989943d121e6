"""`list`, `get` and `explain`, as an operator sees them."""

from __future__ import annotations

import pytest
from flask import Flask
from pydantic import SecretStr

from tests.support.kiosk import Smtp, waffle
from tests.support.terminal import answered, run, shown

SECRET = "canary-4711"


@pytest.fixture
def changed(kiosk: Flask) -> Flask:
    """The kiosk, with some of it changed."""
    with kiosk.app_context(), waffle.edit(actor="ada", note="summer") as edit:
        edit.update(
            site_name="Café\x1b[2J",
            api_key=SecretStr(SECRET),
            smtp=Smtp(password=SecretStr(SECRET)),
        )
    return kiosk


def test_a_pipe_gets_plain_columns(changed: Flask) -> None:
    """Each setting is a line, with tabs between what there is to tell, uncut and uncoloured."""
    result = run(changed, "list")
    assert result.exit_code == 0
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert {len(row) for row in rows} == {8}
    assert rows[0][:-2] == [
        "site_name",
        "Café\\x1b[2J",
        "stored",
        "str",
        "1 to 40 characters",
        "Shown in the page header.",
    ]
    assert rows[0][-1] == "ada"
    assert rows[1] == [
        *("maintenance", "false", "default", "bool", "true or false", "Closes the shop.", "", "")
    ]


def test_a_terminal_gets_a_table(changed: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is aligned below its heads, in the width of the terminal."""
    monkeypatch.setenv("NO_COLOR", "1")
    lines = shown(changed, "list").text.splitlines()
    assert lines[0].split() == ["SETTING", "VALUE", "ORIGIN", "CHANGED"]
    assert all(len(line) <= 80 for line in lines)
    assert lines[1].index("stored") == lines[0].index("ORIGIN")
    assert "by ada" in lines[1]
    smtp = next(line for line in lines if line.startswith("smtp"))
    assert "..." in smtp


def test_colours_are_for_terminals(changed: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are there unless NO_COLOR or a dumb terminal forbids them; a pipe has none."""
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[1msite_name\x1b[0m" in shown(changed, "list").text
    assert "\x1b" not in run(changed, "list").output
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in shown(changed, "list").text
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in shown(changed, "list").text


def test_a_long_list(changed: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """With -l, types and descriptions stand below each setting."""
    monkeypatch.setenv("NO_COLOR", "1")
    lines = shown(changed, "list", "-l", "site_name").text.splitlines()
    assert lines[:3] == [
        "site_name = Café\\x1b[2J  stored",
        "    str: 1 to 40 characters",
        "    Shown in the page header.",
    ]
    assert lines[3].endswith("Z by ada")


def test_some_of_the_settings(changed: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a pattern, by whether they were changed, by whether they are locked."""

    def fields(*arguments: str) -> list[str]:
        return [
            line.split("\t")[0] for line in run(changed, "list", *arguments).stdout.splitlines()
        ]

    assert fields("s*") == ["site_name", "smtp"]
    assert fields("--changed") == ["site_name", "smtp", "api_key"]
    assert fields("--changed", "a*") == ["api_key"]
    assert fields("x*") == fields("--locked") == []
    waffle.close()
    monkeypatch.setenv("KIOSK_LOW", "1")
    assert fields("--locked") == ["low"]
    assert shown(changed, "list", "x*").text == "No setting fits.\n"


def test_a_list_as_json(changed: Flask) -> None:
    """It has all that is known."""
    told = answered(changed, "list", "--changed")
    assert (told["namespace"], told["revision"]) == ("default", 1)
    first = told["settings"][0]
    assert (first["field"], first["value"], first["latest"]["actor"]) == (
        "site_name",
        "Café\x1b[2J",
        "ada",
    )


def test_a_value(changed: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text is shown as it is to a program, and escaped on a terminal; all else is JSON."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert run(changed, "get", "site_name").stdout == "Café\x1b[2J\n"
    assert shown(changed, "get", "site_name").text == "Café\\x1b[2J\n"
    assert run(changed, "get", "maintenance").stdout == "false\n"
    assert run(changed, "get", "menu").stdout == '{"waffle": 5}\n'
    assert run(changed, "get", "menu.waffle").stdout == "5\n"
    assert answered(changed, "get", "smtp.port") == {
        "path": "smtp.port",
        "value": 25,
        "origin": "stored",
        "revision": 1,
    }


def test_where_a_value_comes_from(changed: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """`explain` tells every place that has one, and which of them wins."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("KIOSK_SITE_NAME", "Pinned")
    waffle.close()
    lines = shown(changed, "explain", "site_name").text.splitlines()
    assert lines[:7] == [
        "setting      site_name",
        "value        Pinned",
        "origin       environment",
        "type         str",
        "takes        1 to 40 characters",
        "description  Shown in the page header.",
        "locked by    KIOSK_SITE_NAME",
    ]
    assert lines[7].endswith("by ada, revision 1: summer")
    assert lines[9:] == [
        "* environment Pinned (KIOSK_SITE_NAME)",
        "  stored      Café\\x1b[2J",
        "  default     Waffle",
    ]
    told = answered(changed, "explain", "site_name")
    assert [(layer["origin"], layer["wins"]) for layer in told["layers"]] == [
        ("environment", True),
        ("stored", False),
        ("default", False),
    ]


def test_where_a_part_comes_from(changed: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part has its own type and rule; of the places, those count that have it."""
    monkeypatch.setenv("NO_COLOR", "1")
    lines = shown(changed, "explain", "smtp.port").text.splitlines()
    assert lines[:5] == [
        "setting  smtp.port",
        "value    25",
        "origin   stored",
        "type     int",
        "takes    1 to 65535",
    ]
    assert lines[-2:] == ["* stored      25", "  default     25"]
    run(changed, "set", "menu.tea=3")
    told = answered(changed, "explain", "menu.tea")
    assert [(layer["origin"], layer["value"]) for layer in told["layers"]] == [("stored", 3)]
    assert (told["setting"]["value"], told["setting"]["default"]) == (3, None)
    assert answered(changed, "explain", "smtp.password")["setting"]["secret"]
    assert not answered(changed, "explain", "smtp.host")["setting"]["secret"]


def test_no_secret_is_shown(changed: Flask) -> None:
    """Not whole, not as a part, not as JSON."""
    for arguments in (
        ["list"],
        ["list", "-l"],
        ["get", "api_key"],
        ["get", "smtp"],
        ["get", "smtp.password"],
        ["explain", "smtp"],
        ["explain", "api_key"],
    ):
        for more in ([], ["--json"]):
            result = run(changed, *arguments, *more)
            assert (result.exit_code, SECRET in result.output) == (0, False)
            assert "**********" in result.output
        assert SECRET not in shown(changed, *arguments).text


@pytest.mark.parametrize("command", ["get", "explain"])
def test_an_unknown_path_is_told(command: str, kiosk: Flask) -> None:
    """The message names the nearest; so does the JSON document, on the same stream as any other."""
    result = run(kiosk, command, "smtp.hots")
    told = "Kiosk has no setting 'smtp.hots': did you mean 'smtp.host'?"
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"Error: {told}\n")
    assert answered(kiosk, command, "smtp.hots", code=1) == {
        "error": {"kind": "UnknownSetting", "message": told, "settings": ["smtp.hots"]}
    }


def test_a_database_that_is_away_is_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither defaults nor a copy are shown for what is stored; the exit code is its own."""
    from tests.support.kiosk import create_app  # noqa: PLC0415 - here alone

    gone = tmp_path_factory.mktemp("gone") / "missing" / "kiosk.db"
    app = create_app(WAFFLE_DATABASE_URL=f"sqlite:///{gone}")
    try:
        result = run(app, "list")
        assert (result.exit_code, result.stdout) == (4, "")
        assert "the settings store cannot be reached" in result.stderr
    finally:
        waffle.close()
