"""`history`, `diff`, `rollback` and `watch`, as an operator uses them."""

from __future__ import annotations

import json
import re

import pytest
from flask import Flask
from pydantic import SecretStr

from tests.support.kiosk import Smtp, waffle
from tests.support.terminal import answered, run, shown

SECRET = "canary-4711"


@pytest.fixture
def changed(kiosk: Flask) -> Flask:
    """The kiosk after three changes, one of them of a secret."""
    with kiosk.app_context():
        with waffle.edit(actor="ada", note="summer") as edit:
            edit.update(low=1, site_name="Café\x1b[2J")
        with waffle.edit(actor="bob") as edit:
            edit.update(smtp=Smtp(host="mail", password=SecretStr(SECRET)))
        with waffle.edit(actor="ada") as edit:
            edit.update(low=2)
    return kiosk


def timeless(text: str) -> list[str]:
    """The lines, each time replaced."""
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\dZ", "TIME", text).splitlines()


def test_the_history(changed: Flask) -> None:
    """Newest first: who, when, how and why, and what became of what."""
    assert timeless(run(changed, "history").stdout) == [
        "revision 3  TIME  ada (python)",
        "    low: 1 -> 2",
        "revision 2  TIME  bob (python)",
        "    smtp.host: localhost -> mail",
        "revision 1  TIME  ada (python): summer",
        "    site_name: Waffle -> Café\\x1b[2J",
        "    low: 0 -> 1",
    ]


def test_a_part_of_the_history(changed: Flask) -> None:
    """By setting, by number, page by page."""
    revisions = [change["revision"] for change in answered(changed, "history", "low")["changes"]]
    assert revisions == [3, 1]
    assert len(answered(changed, "history", "--limit", "2")["changes"]) == 2
    older = answered(changed, "history", "--before", "2")["changes"]
    assert [change["note"] for change in older] == ["summer"]
    none = run(changed, "history", "high")
    assert (none.exit_code, none.stdout, none.stderr) == (0, "", "There is no change.\n")


def test_an_unknown_setting_has_no_history(changed: Flask) -> None:
    """It is told, with the nearest."""
    error = answered(changed, "history", "lows", code=1)["error"]
    assert (error["kind"], error["settings"]) == ("UnknownSetting", ["lows"])


def test_a_secret_that_changed_is_told_as_that(changed: Flask) -> None:
    """If only a secret changed, its setting is named; no value is."""
    with changed.app_context():
        waffle.update(
            smtp=Smtp(host="mail", password=SecretStr("other")), api_key=SecretStr(SECRET)
        )
    lines = timeless(run(changed, "history", "--limit", "1").stdout)
    assert lines[1].startswith('    smtp: {"host": "mail"')
    assert lines[2] == "    api_key: ********** -> **********"
    for arguments in (["history"], ["diff", "0"], ["history", "--json"], ["diff", "0", "--json"]):
        assert SECRET not in run(changed, *arguments).output


def test_what_differs(changed: Flask) -> None:
    """From one revision to another, till now, and back in time."""
    assert run(changed, "diff", "0").stdout.splitlines() == [
        "site_name: Waffle -> Café\\x1b[2J",
        "smtp.host: localhost -> mail",
        "low: 0 -> 2",
    ]
    assert answered(changed, "diff", "1", "3") == {
        "from": 1,
        "to": 3,
        "fields": answered(changed, "diff", "1")["fields"],
    }
    assert run(changed, "diff", "3", "2").stdout == "low: 2 -> 1\n"
    nothing = run(changed, "diff", "3")
    assert nothing.stderr == "Nothing differs between revision 3 and revision 3.\n"


@pytest.mark.parametrize(("arguments", "code"), [(["9"], 1), (["0", "9"], 1), (["x"], 2), ([], 2)])
def test_there_is_no_such_revision(arguments: list[str], code: int, changed: Flask) -> None:
    """A revision that is not there, or was pruned, is told."""
    result = run(changed, "diff", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    if code == 1:
        assert "there is no revision 9 to compare with: the store is at revision 3" in result.stderr


def test_a_pruned_revision_is_told(changed: Flask) -> None:
    """What lies before what was pruned cannot be compared."""
    with changed.app_context():
        waffle.prune(keep=1)
    assert "pruned up to revision 2" in run(changed, "diff", "0").stderr


def test_there_and_back(changed: Flask) -> None:
    """A rollback is a change, of its own channel."""
    result = run(changed, "rollback", "1", "--yes", "--note", "no", "--actor", "eve")
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        ["smtp.host: mail -> localhost", "low: 2 -> 1", "This is revision 4."],
    )
    with changed.app_context():
        newest = waffle.history(limit=1)[0]
        assert (newest.channel, newest.actor, newest.note) == ("rollback", "eve", "no")
    again = answered(changed, "rollback", "1", "--yes")
    assert (again["revision"], again["change"]) == (4, None)


def test_what_a_rollback_cannot_bring_back_is_told(changed: Flask) -> None:
    """What a secret is in stays as it is, and is named."""
    result = run(changed, "rollback", "2", "--yes")
    assert result.stderr == ""
    with changed.app_context():
        waffle.update(smtp=Smtp(host="other"))
    result = run(changed, "rollback", "2", "--yes")
    assert result.stderr.splitlines()[-1] == (
        "smtp stays as it is: the history keeps no secret's value."
    )


@pytest.mark.parametrize(("answer", "revisions"), [("y", 4), ("n", 3)])
def test_a_rollback_asks(
    answer: str, revisions: int, changed: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows what would change, and does nothing unless that is confirmed."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stdin", type("Keyboard", (), {"isatty": lambda _: True})())
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: answer)
    done = shown(changed, "rollback", "1")
    assert done.text.startswith("smtp.host: mail -> localhost\nlow: 2 -> 1\n")
    assert done.code == (0 if answer == "y" else 1)
    with changed.app_context():
        assert waffle.history(limit=1)[0].revision == revisions


def test_what_was_shown_is_what_is_agreed_to(
    changed: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If somebody changes something between the question and the answer, nothing is written."""

    def meanwhile(_: str) -> str:
        waffle.update(high=11)
        return "y"

    monkeypatch.setattr("sys.stdin", type("Keyboard", (), {"isatty": lambda _: True})())
    monkeypatch.setattr("click.termui.visible_prompt_func", meanwhile)
    done = shown(changed, "rollback", "1")
    assert (done.code, "expected revision 3, but the store is at 4" in done.text) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["1"], 2, "there is nobody to ask"),
        (["9", "--yes"], 1, "no way back to revision 9"),
        (["1", "--yes", "--expect-revision", "2"], 3, "expected revision 2"),
        (["1", "--yes", "--wait"], 1, "without Redis"),
        (["x"], 2, "Invalid value"),
    ],
)
def test_a_refused_rollback(arguments: list[str], code: int, told: str, changed: Flask) -> None:
    """Nothing is written, and the message says what to do."""
    result = run(changed, "rollback", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert told in result.stderr
    with changed.app_context():
        assert waffle.history(limit=1)[0].revision == 3


def test_changes_as_they_come(changed: Flask) -> None:
    """`watch` begins where it is told to, and ends when it saw as many as it should."""
    lines = timeless(run(changed, "watch", "--since", "1", "--count", "2").stdout)
    assert lines == [
        "revision 2  TIME  bob (python)",
        "    smtp.host: localhost -> mail",
        "revision 3  TIME  ada (python)",
        "    low: 1 -> 2",
    ]
    result = run(changed, "watch", "--since", "0", "--count", "3", "--json")
    documents = [json.loads(line) for line in result.stdout.splitlines()]
    assert [document["revision"] for document in documents] == [1, 2, 3]
    assert SECRET not in result.output
