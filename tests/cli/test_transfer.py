"""`export`, `import` and `schema`, as an operator and a deploy script use them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask import Flask
from jsonschema import Draft202012Validator
from pydantic import SecretStr

from tests.support.kiosk import Smtp, waffle
from tests.support.terminal import answered, run, shown

SECRET = "canary-4711"


@pytest.fixture
def changed(kiosk: Flask) -> Flask:
    """The kiosk, with some of it changed."""
    with kiosk.app_context(), waffle.edit(actor="ada") as edit:
        edit.update(
            site_name="Café\x1b[2J",
            api_key=SecretStr(SECRET),
            smtp=Smtp(host="mail", password=SecretStr(SECRET)),
            menu={"tea": 3},
        )
    return kiosk


def written(folder: Path, settings: dict[str, object], name: str = "in.json") -> str:
    file = folder / name
    file.write_text(json.dumps({"settings": settings}, indent=1))
    return str(file)


# --- export -----------------------------------------------------------------------------------


def test_what_is_set_is_exported(changed: Flask) -> None:
    """With a head that says whence and when, without secrets, which are named."""
    result = run(changed, "export")
    document = json.loads(result.stdout)
    head = document["typed-waffle"]
    assert (head["model"], head["namespace"], head["revision"]) == (
        *("tests.support.kiosk.Kiosk", "default", 1),
    )
    assert head["left_out"] == {"smtp.password": "a secret", "api_key": "a secret"}
    assert document["settings"] == {
        "site_name": "Café\x1b[2J",
        "menu": {"tea": 3},
        "smtp": {"host": "mail", "port": 25},
    }
    assert result.stderr == "Left out: smtp.password (a secret), api_key (a secret).\n"
    assert answered(changed, "export")["settings"] == document["settings"]
    assert "\x1b" not in shown(changed, "export", "--format", "toml").text


def test_an_export_to_a_file(changed: Flask, tmp_path: Path) -> None:
    """The end of its name says the format; with secrets, only its owner can read it."""
    for name, begin in (("a.toml", "[typed-waffle]"), ("a.yml", "typed-waffle:"), ("a", "{")):
        file = tmp_path / name
        result = run(changed, "export", "-o", str(file))
        assert (result.exit_code, result.stdout) == (0, f"3 settings of revision 1 in {file}.\n")
        assert file.read_text("utf-8").startswith(begin)
        assert SECRET not in file.read_text("utf-8")
    file = tmp_path / "a"
    result = run(changed, "export", "-o", str(file), "--secrets", "--format", "yaml")
    assert (result.stdout, result.stderr) == (f"4 settings of revision 1 in {file}.\n", "")
    assert file.read_text("utf-8").count(SECRET) == 2
    assert file.stat().st_mode & 0o777 == 0o600
    told = answered(changed, "export", "-o", str(file))
    assert (told["file"], told["left_out"]) == (
        *(str(file), {"smtp.password": "a secret", "api_key": "a secret"}),
    )


def test_an_export_that_cannot_be(changed: Flask, tmp_path: Path) -> None:
    """A mistake in the options."""
    for words, why in (
        (["-o", str(tmp_path / "no" / "x.json")], "cannot be written"),
        (["--json", "--format", "toml"], "leave out --format"),
    ):
        result = run(changed, "export", *words)
        assert (result.exit_code, why in result.stderr) == (2, True)


# --- import -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.json", "a.toml", "a.yaml"])
def test_what_was_exported_is_imported(name: str, changed: Flask, tmp_path: Path) -> None:
    """As one change; secrets and what is not in the file stay as they are."""
    file = str(tmp_path / name)
    assert run(changed, "export", "-o", file).exit_code == 0
    assert run(changed, "import", file).stdout.startswith("Nothing was to be changed")
    with changed.app_context():
        waffle.update(site_name="x", smtp=Smtp(password=SecretStr(SECRET)), high=11)
        waffle.reset("menu")
    result = run(changed, "import", file, "--actor", "ci", "--note", "deploy")
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            *("site_name: x -> Café\\x1b[2J", "menu.waffle: 5 -> (nothing)"),
            *("menu.tea: (nothing) -> 3", "smtp.host: localhost -> mail", "This is revision 4."),
        ],
    )
    with changed.app_context():
        waffle.refresh()
        assert waffle.current_settings.smtp.password.get_secret_value() == SECRET
        assert waffle.current_settings.high == 11
        latest = waffle.history()[0]
        assert (latest.channel, latest.actor, latest.note) == ("import", "ci", "deploy")


def test_an_import_from_standard_input(changed: Flask) -> None:
    """It is JSON, unless said."""
    text = "settings:\n  low: 2\n"
    assert run(changed, "import", "-", input='{"settings": {"low": 1}}').exit_code == 0
    assert run(changed, "import", "-", "--format", "yaml", input=text).exit_code == 0
    result = run(changed, "import", "-", input=text)
    assert (result.exit_code, "standard input:1: Expecting value" in result.stderr) == (1, True)


def test_secrets_are_imported(changed: Flask, tmp_path: Path) -> None:
    """If they are in the file; they are shown nowhere."""
    result = run(changed, "import", written(tmp_path, {"api_key": f"{SECRET}-2"}))
    assert (result.exit_code, SECRET in result.output) == (0, False)
    with changed.app_context():
        waffle.refresh()
        assert waffle.current_settings.api_key.get_secret_value() == f"{SECRET}-2"


def test_a_part_of_a_setting(changed: Flask, tmp_path: Path) -> None:
    """The parts of a model that are not in the file stay; a mapping is as the file says."""
    file = written(tmp_path, {"smtp": {"port": 26}, "menu": {"cake": 4}})
    assert run(changed, "import", file).exit_code == 0
    with changed.app_context():
        waffle.refresh()
        settings = waffle.current_settings
        assert settings.smtp == Smtp(host="mail", port=26, password=SecretStr(SECRET))
        assert dict(settings.menu) == {"cake": 4}


def test_a_dry_run(changed: Flask, tmp_path: Path) -> None:
    """It shows what would change, and fails where the import would."""
    file = written(tmp_path, {"low": 1})
    result = run(changed, "import", file, "--dry-run")
    assert (result.exit_code, result.stdout) == (0, "low: 0 -> 1\nNothing was written.\n")
    told = answered(changed, "import", file, "--dry-run")
    assert told == {
        "revision": 1,
        "change": None,
        "fleet": None,
        "foreseen": [{"field": "low", "before": 0, "after": 1}],
    }
    assert run(changed, "import", file, "--dry-run", "--expect-revision", "7").exit_code == 3
    assert run(changed, "import", written(tmp_path, {"low": 11}), "--dry-run").exit_code == 1
    nothing = run(changed, "import", written(tmp_path, {}), "--dry-run")
    assert nothing.stdout == "Nothing would change: revision 1.\n"
    with changed.app_context():
        assert len(waffle.history()) == 1


def test_what_is_not_in_the_file_is_reset(changed: Flask, tmp_path: Path) -> None:
    """With --reset-others: settings and parts, but no secret."""
    with changed.app_context():
        waffle.update(smtp=Smtp(host="mail", port=26, password=SecretStr(SECRET)), low=1)
    file = written(tmp_path, {"low": 2, "smtp": {"host": "post"}})
    result = run(changed, "import", file, "--reset-others")
    assert result.stdout.splitlines() == [
        "site_name: Café\\x1b[2J -> Waffle",
        *("menu.tea: 3 -> (nothing)", "menu.waffle: (nothing) -> 5"),
        *("smtp.host: mail -> post", "smtp.port: 26 -> 25"),
        *("low: 1 -> 2", "This is revision 3."),
    ]
    with changed.app_context():
        waffle.refresh()
        settings = waffle.current_settings
        assert settings.smtp.password.get_secret_value() == SECRET
        assert settings.api_key.get_secret_value() == SECRET


def test_a_hot_fix_is_not_written_over(changed: Flask, tmp_path: Path) -> None:
    """Only what the import would change counts; who fixed it is told, and nothing is written."""
    guard = ("--only-if-unchanged-since", "1")
    with changed.app_context(), waffle.edit(actor="ada", note="hot") as edit:
        edit.update(low=1, high=9)
    file = written(tmp_path, {"low": 1, "high": 10, "theme": "dark"})
    result = run(changed, "import", file, *guard)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "somebody changed what the file would change: high by ada, revision 2" in result.stderr
    told = answered(changed, "import", file, *guard, "--dry-run", code=1)
    assert (told["error"]["kind"], told["error"]["settings"]) == ("Drift", ["high"])
    assert told["drift"][0]["latest"]["actor"] == "ada"
    with changed.app_context():
        assert len(waffle.history()) == 2
    fine = run(changed, "import", written(tmp_path, {"low": 1, "theme": "dark"}), *guard)
    assert fine.stdout == "theme: light -> dark\nThis is revision 3.\n"
    ahead = run(changed, "import", file, "--only-if-unchanged-since", "99")
    assert (ahead.exit_code, "no revision 99" in ahead.stderr) == (1, True)


def test_what_is_refused_is_told_with_its_line(
    changed: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it that can be found at once; nothing is written."""
    monkeypatch.setenv("KIOSK_TONE", "formal")
    waffle.close()
    file = tmp_path / "in.yaml"
    for text, told in (
        ("settings:\n  lwo: 1\n  smtp:\n    hots: x", [":2: Kiosk has no", ":4: Kiosk has no"]),
        ("settings:\n  low: x\n  high: y", [":2: low = 'x' is refused", ":3: high = 'y' is"]),
        ("settings:\n  low: 11", ["in.yaml: a rule across settings", "low 11 is above high"]),
        ("settings:\n  tone: friendly", [":2: tone is locked", "KIOSK_TONE"]),
        ("settings:\n  api_key: '**********'", [":2: api_key = **********", "asterisks"]),
        ("settings:\n  low: [", [":2: "]),
        ("low: 1", ["it has no 'settings'", "'low' is none of"]),
        ("settings: {}\njson-texts: {low: 1, high: x}", [":2: low must be", ":2: high must be"]),
        ("settings: {}\njson-texts: {lwo: '1'}", [":2: Kiosk has no setting 'lwo'"]),
        ("settings: {low: 1}\njson-texts: {low: '1'}", ["low stands twice"]),
        ("settings: {}\njson-texts: 1", ["'json-texts' must hold texts"]),
    ):
        file.write_text(text)
        result = run(changed, "import", str(file))
        assert (result.exit_code, result.stdout) == (1, ""), text
        assert [part for part in told if part not in result.stderr] == [], result.stderr
        assert "Nothing was written" in result.stderr
    with changed.app_context():
        assert len(waffle.history()) == 1


def test_an_import_that_cannot_be(changed: Flask, tmp_path: Path) -> None:
    """A mistake in the options, or in what is expected."""
    odd = tmp_path / "odd.json"
    odd.write_bytes(b"\xff")
    fine = written(tmp_path, {"low": 1})
    for words, code, why in (
        ([str(tmp_path / "none.json")], 2, "cannot be read"),
        ([str(odd)], 2, "not UTF-8"),
        ([], 2, "Missing argument"),
        ([fine, "--expect-revision", "7"], 3, "expected revision 7"),
        ([fine, "--wait"], 1, "without Redis"),
    ):
        result = run(changed, "import", *words)
        assert (result.exit_code, why in result.stderr) == (code, True), result.output
    assert run(changed, "import", fine, "--expect-revision", "1").exit_code == 0


# --- schema -----------------------------------------------------------------------------------


def test_the_schema_fits_what_is_exported(changed: Flask) -> None:
    """It is a JSON Schema, the same each time; no secret is in it."""
    schema = answered(changed, "schema")
    Draft202012Validator.check_schema(schema)
    settings = answered(changed, "export", "--secrets")["settings"]
    check = Draft202012Validator(schema)
    assert check.is_valid(settings)
    assert not check.is_valid({**settings, "low": "x"})
    assert not check.is_valid({**settings, "lwo": 1})
    assert schema["properties"]["low"]["default"] == 0
    assert "default" not in schema["properties"]["api_key"]
    assert run(changed, "schema").stdout == run(changed, "schema", "--json").stdout
