"""`set` and `reset`, as an operator uses them."""

from __future__ import annotations

import getpass
from pathlib import Path

import click
import pytest
from flask import Flask

from tests.support.kiosk import Smtp, waffle
from tests.support.terminal import answered, run, shown

SECRET = "canary-4711"


def test_several_settings_are_one_change(kiosk: Flask) -> None:
    """Each is read by its type; what became of them is shown, part by part."""
    result = run(
        kiosk,
        *("set", "site_name=Café Waffle", "max_filesize=2 MB", "tags=[]", "smtp.host=mail"),
        *("menu.tea=3", "discount:=null", "--actor", "ada", "--note", "summer"),
    )
    assert (result.exit_code, result.output.splitlines()) == (
        0,
        [
            "site_name: Waffle -> Café Waffle",
            "max_filesize: 1000 -> 2000000",
            'tags: ["new"] -> []',
            "menu.tea: (nothing) -> 3",
            "smtp.host: localhost -> mail",
            "This is revision 1.",
        ],
    )
    with kiosk.app_context():
        (change,) = waffle.history()
        assert (change.channel, change.actor, change.note) == ("cli", "ada", "summer")


def test_a_key_may_hold_anything(kiosk: Flask) -> None:
    """A key that is no plain word stands in quotes, with a sign in it, too."""
    word = 'menu."a=b. c"=4'
    assert run(kiosk, "set", word, "site_name=a=b").output.splitlines()[:2] == [
        "site_name: Waffle -> a=b",
        'menu."a=b. c": (nothing) -> 4',
    ]
    assert run(kiosk, "get", 'menu."a=b. c"').output == "4\n"


def test_the_change_as_json(kiosk: Flask) -> None:
    """A script is told the revision and what changed; `null` if nothing did."""
    told = answered(kiosk, "set", "maintenance=on")
    assert (told["revision"], told["fleet"]) == (1, None)
    assert told["change"]["actor"] == getpass.getuser()
    assert told["change"]["fields"] == [{"field": "maintenance", "before": False, "after": True}]
    assert answered(kiosk, "set", "maintenance=true") == {
        "revision": 1,
        "change": None,
        "fleet": None,
    }
    again = run(kiosk, "set", "maintenance=yes")
    assert again.output == "Nothing was to be changed: this is still revision 1.\n"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["low=11"], 1, "low 11 is above high 10"),
        (["max_filesize=big"], 1, "max_filesize = 'big' is refused"),
        (["tags=a,b"], 1, "tags = 'a,b' is refused: it is not JSON"),
        (["menu.tea=x"], 1, "menu.tea = 'x' is refused"),
        (["tone=rude", "low=1"], 1, "tone = 'rude' is refused"),
        (["sitename=x"], 1, "did you mean 'site_name'?"),
        (["low:=x"], 1, "low = 'x' is refused: it is not JSON"),
        (["high=5", "--expect-revision", "7"], 3, "expected revision 7, but the store is at 0"),
        (["low"], 2, "low has no value, and there is nobody to ask"),
        (["site_name=@missing.txt"], 2, "missing.txt cannot be read"),
        (["low=-", "high=-"], 2, "standard input has one value"),
        ([], 2, "Missing argument"),
        (["low=1", "--wait"], 1, "without Redis no worker knows of the others"),
        (["low=1", "--wait=x"], 2, "not a valid float"),
        (["low=1", "--expect-revision", "-1"], 2, "--expect-revision"),
    ],
)
def test_a_refusal_writes_nothing(words: list[str], code: int, told: str, kiosk: Flask) -> None:
    """It names the setting and the cause, and the exit code says of which kind it is."""
    result = run(kiosk, "set", *words)
    assert (result.exit_code, result.stdout) == (code, "")
    assert told in result.stderr
    with kiosk.app_context():
        assert waffle.history() == ()


def test_a_locked_setting_is_told(kiosk: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable."""
    monkeypatch.setenv("KIOSK_LOW", "1")
    told = answered(kiosk, "set", "low=2", code=1)["error"]
    assert (told["kind"], told["settings"]) == ("SettingLocked", ["low"])
    assert "KIOSK_LOW" in told["message"]


def test_a_value_from_a_file(kiosk: Flask, tmp_path: Path) -> None:
    """A file is read whole, but for the end of its last line; JSON may stand in one, too."""
    text, menu, odd = (tmp_path / name for name in ("text", "menu", "odd"))
    text.write_text("first\nsecond\n")
    menu.write_text('{"tea": 1}')
    odd.write_bytes(b"\xff")
    assert run(kiosk, "set", f"site_name=@{text}", f"menu:=@{menu}").exit_code == 0
    with kiosk.app_context():
        assert waffle.current_settings.site_name == "first\nsecond"
        assert dict(waffle.current_settings.menu) == {"tea": 1}
    result = run(kiosk, "set", f"site_name=@{odd}")
    assert (result.exit_code, "is not UTF-8" in result.stderr) == (2, True)


def test_a_value_from_standard_input(kiosk: Flask) -> None:
    """The value need not stand on the command line."""
    assert run(kiosk, "set", "site_name=-", input="piped\n").exit_code == 0
    with kiosk.app_context():
        assert waffle.current_settings.site_name == "piped"


@pytest.mark.parametrize(
    "word", [f"api_key={SECRET}", f"smtp.password={SECRET}", f'smtp={{"password": "{SECRET}"}}']
)
def test_a_secret_stays_off_the_command_line(word: str, kiosk: Flask) -> None:
    """Other users see it there: it is refused, unless that is asked for."""
    result = run(kiosk, "set", word)
    assert result.exit_code == 2
    assert "is a secret" in result.stderr
    assert SECRET not in result.output
    result = run(kiosk, "set", word, "--secret-in-argv")
    assert (result.exit_code, SECRET in result.output) == (0, False)


def test_a_secret_is_asked_for(kiosk: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal it is typed twice, and seen by nobody."""
    asked: list[str] = []

    def hidden(prompt: str) -> str:
        asked.append(prompt)
        return SECRET

    monkeypatch.setattr("sys.stdin", type("Keyboard", (), {"isatty": lambda _: True})())
    monkeypatch.setattr(click.termui, "hidden_prompt_func", hidden)
    done = shown(kiosk, "set", "smtp.password")
    assert (done.code, SECRET in done.text, len(asked)) == (0, False, 2)
    with kiosk.app_context():
        assert waffle.current_settings.smtp.password.get_secret_value() == SECRET


def test_a_secret_from_elsewhere(kiosk: Flask, tmp_path: Path) -> None:
    """A file or standard input will do; it is shown nowhere."""
    file = tmp_path / "secret"
    file.write_text(SECRET)
    for word, given in ((f"api_key=@{file}", None), ("smtp.password=-", f"{SECRET}\n")):
        result = run(kiosk, "set", word, input=given)
        assert (result.exit_code, SECRET in result.output) == (0, False)
    with kiosk.app_context():
        assert waffle.current_settings.api_key.get_secret_value() == SECRET
        assert waffle.current_settings.smtp.password.get_secret_value() == SECRET


def test_back_to_the_defaults(kiosk: Flask) -> None:
    """Settings, parts and entries go back, as one change."""
    with kiosk.app_context():
        waffle.update(low=3, smtp=Smtp(host="mail", port=26), menu={"waffle": 5, "tea": 3})
    result = run(kiosk, "reset", "low", "smtp.port", "menu.tea", "--note", "quiet")
    assert (result.exit_code, result.output.splitlines()) == (
        0,
        [
            "menu.tea: 3 -> (nothing)",
            "smtp.port: 26 -> 25",
            "low: 3 -> 0",
            "This is revision 2.",
        ],
    )
    assert run(kiosk, "reset", "low").output.startswith("Nothing was to be changed")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["lows"], 1, "did you mean 'low'?"),
        (["low", "--expect-revision", "5"], 3, "expected revision 5"),
        ([], 2, "Missing argument"),
        (["high", "--wait"], 1, "without Redis"),
    ],
)
def test_a_refused_reset(words: list[str], code: int, told: str, kiosk: Flask) -> None:
    """As with `set`."""
    with kiosk.app_context():
        waffle.update(low=3)
    result = run(kiosk, "reset", *words)
    assert (result.exit_code, result.stdout) == (code, "")
    assert told in result.stderr
    with kiosk.app_context():
        assert len(waffle.history()) == 1
