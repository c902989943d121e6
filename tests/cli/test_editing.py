"""`edit`: what an operator sees in the editor, and what becomes of it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
import pytest
from click.testing import Result
from flask import Flask
from pydantic import SecretStr

from tests.support.editor import Editor, Step
from tests.support.kiosk import Smtp, waffle
from tests.support.terminal import answered, run, shown

SECRET = "canary-4711"

SMTP = """smtp:

  # str; default "localhost"
  host: mail

  # int: 1 to 65535; default 25
  port: 25
"""


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Editor(tmp_path / "editor", monkeypatch)


@pytest.fixture
def changed(kiosk: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The kiosk, with some of it changed and some of it locked."""
    monkeypatch.setenv("KIOSK_LOW", "1")
    with kiosk.app_context(), waffle.edit(actor="ada", note="summer\x1b[2J") as edit:
        edit.update(
            site_name="Café\x1b[2J",
            api_key=SecretStr(SECRET),
            smtp=Smtp(host="mail", password=SecretStr(SECRET)),
            menu={"no": 1, "1": 2, "a.b": 3},
        )
    return kiosk


def edited(app: Flask, editor: Editor, *steps: Step, words: tuple[str, ...] = ()) -> Result:
    """What comes of these steps; no secret is seen on the way, unless it was typed."""
    editor.will(*steps)
    result = run(app, "edit", *words)
    assert SECRET not in result.output
    assert not list(Path(tempfile.gettempdir()).glob("typed-waffle-*"))
    return result


def test_yaml_is_what_is_shown(changed: Flask, editor: Editor) -> None:
    """In the model's order, with what there is to know of each setting; private, and removed."""
    result = edited(changed, editor)
    assert result.stdout == "Nothing was to be changed: this is still revision 1.\n"
    (seen,) = editor.seen
    assert seen.modes == ["0o600", "0o700"]
    assert SECRET not in seen.text
    head, body = seen.text.split("\n\n", 1)
    assert head.splitlines()[0] == "# Kiosk (default), revision 1."
    first, *_ = body.split("\n\n")
    said, *rest = first.splitlines()
    assert said == "# Shown in the page header."
    assert rest[0] == '# str: 1 to 40 characters; default "Waffle"'
    assert rest[1].endswith("Z by ada: summer\\x1b[2J")
    assert rest[2] == 'site_name: "Café\\e[2J"'
    for text in (
        "\n# float | None: at least 0, less than 1 or null; default null\ndiscount: null\n",
        "\nmenu:\n  'no': 1\n  '1': 2\n  a.b: 3\n",
        "\n  # int: 1 to 65535; default 25\n  port: 25\n",
        "\n  # A secret, and not shown. To set it, remove the # and write it.\n  # password:\n",
        "\n# A secret, and not shown. To set it, remove the # and write it.\n# api_key:\n",
        "\n# Locked by KIOSK_LOW: it cannot be changed here.\n# low: 1\n",
        "\ntags:\n  - new\n",
    ):
        assert text in seen.text


def test_toml_is_what_is_shown(
    changed: Flask, editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables come last, and what TOML has no form for after them; unless it is locked."""
    edited(changed, editor, words=("--format", "toml"))
    text = editor.seen[0].text
    assert SECRET not in text
    assert text.endswith(
        "[json-texts]\n"
        "  # float | None: at least 0, less than 1 or null; default null\n"
        '  discount = "null"\n'
    )
    assert text.index("# low = 1") < text.index("high = 10") < text.index("[menu]")
    assert '[smtp]\n\n# str; default "localhost"\nhost = "mail"\n' in text
    assert '\n# password = ""\n' in text
    waffle.close()
    monkeypatch.setenv("KIOSK_DISCOUNT", "null")
    edited(changed, editor, words=("--format", "toml"))
    assert '\n# discount = ""\n' in editor.seen[0].text


def test_what_was_changed_is_one_change(changed: Flask, editor: Editor) -> None:
    """Only that; what is removed or commented out stays as it is, and so does a secret."""
    in_yaml = [
        *(("maintenance: false", "maintenance: true"), ("port: 25", "port: 26")),
        *(
            ("  a.b: 3\n", ""),
            ("high: 10", "# high: 11"),
            ("theme: light", ""),
            ("discount: null", "discount: 0.5"),
        ),
    ]
    in_toml = [
        *(("maintenance = true", "maintenance = false"), ("port = 26", "port = 27")),
        *(("1 = 2\n", ""), ("high = 10", "# high = 11"), ("discount = 0.5", "discount = 0.25")),
    ]
    yaml_lines = [
        *("maintenance: false -> true", 'menu."a.b": 3 -> (nothing)', "discount: null -> 0.5"),
        *("smtp.port: 25 -> 26", "This is revision 2."),
    ]
    toml_lines = [
        *("maintenance: true -> false", "menu.1: 2 -> (nothing)", "discount: 0.5 -> 0.25"),
        *("smtp.port: 26 -> 27", "This is revision 3."),
    ]
    for made, step, lines in (("yaml", in_yaml, yaml_lines), ("toml", in_toml, toml_lines)):
        words = ("--format", made, "--actor", "bob", "--note", "autumn")
        result = edited(changed, editor, step, words=words)
        assert (result.exit_code, result.stdout.splitlines()) == (0, lines), result.output
    with changed.app_context():
        waffle.refresh()
        settings, latest = waffle.current_settings, waffle.history()[0]
        assert (latest.actor, latest.note, latest.channel) == ("bob", "autumn", "cli")
        assert settings.smtp == Smtp(host="mail", port=27, password=SecretStr(SECRET))
        assert settings.high == 10


def test_null_in_toml(kiosk: Flask, editor: Editor) -> None:
    """It stands among the JSON texts, and may be moved from there, but not stand twice."""
    words = ("--format", "toml", "discount", "high")
    twice: Step = [
        ("high = 10", "high = 10\ndiscount = 0.5"),
        ('discount = "null"', 'discount = "0.1"'),
    ]
    result = edited(kiosk, editor, twice, [('  discount = "0.1"\n', "")], words=words)
    assert result.exit_code == 0, result.output
    assert "stands twice" in editor.seen[1].above("discount")
    with kiosk.app_context():
        assert waffle.current_settings.discount == 0.5
    null = [("discount = 0.5\n", ""), ("high = 10\n", 'high = 10\n[json-texts]\ndiscount = "null"')]
    assert edited(kiosk, editor, null, words=words).exit_code == 0
    with kiosk.app_context():
        waffle.refresh()
        assert waffle.current_settings.discount is None


def test_lines_in_toml(kiosk: Flask, editor: Editor) -> None:
    """What is wrong stands above what it is about, in tables and among JSON texts as well."""
    words = ("--format", "toml")
    for step, line, says in (
        (("high = 10", "high = 1.5"), "high = 1.5", "high = 1.5 is refused"),
        (("port = 25", "port = 0"), "port = 0", "is refused"),
        (("waffle = 5", 'waffle = "x"'), 'waffle = "x"', "menu.waffle = 'x' is refused"),
        (('"null"', '"7"'), '  discount = "7"', "discount = 7 is refused"),
        (('"null"', '"{"'), '  discount = "{"', "must be a text that is JSON"),
    ):
        result = edited(kiosk, editor, [step], words=words)
        assert result.exit_code == 1
        assert says in editor.seen[1].above(line)


def test_some_of_the_settings(changed: Flask, editor: Editor) -> None:
    """Those that are named, or below which something is named."""
    edited(changed, editor, words=("smtp.port", "menu.no", "tone"))
    lines = [line for line in editor.seen[0].text.splitlines() if line and "#" not in line]
    assert lines == [
        *("tone: formal", "menu:", "  'no': 1", "  '1': 2", "  a.b: 3", "smtp:", "  port: 25")
    ]
    assert run(changed, "edit", "smtp.hots").exit_code == 1


def test_a_secret_may_be_written(changed: Flask, editor: Editor) -> None:
    """It is taken from the buffer, and shown nowhere; its asterisks are refused."""
    typed: Step = [
        ("# api_key:", f"api_key: {SECRET}-2"),
        ("# password:", "password: '**********'"),
    ]
    result = edited(changed, editor, typed, [("password: '**********'", f"password: {SECRET}-3")])
    assert result.exit_code == 0, result.output
    again = editor.seen[1]
    assert "the asterisks that stand for a secret" in again.above("  password:")
    assert f"api_key: {SECRET}-2" in again.text  # nothing that was typed is lost
    with changed.app_context():
        waffle.refresh()
        settings = waffle.current_settings
        assert settings.api_key.get_secret_value() == f"{SECRET}-2"
        assert settings.smtp == Smtp(host="mail", password=SecretStr(f"{SECRET}-3"))


@pytest.mark.parametrize(
    ("step", "line", "says"),
    [
        ([("high: 10", "high: ten")], "high: ten", "high = 'ten' is refused: Input should be"),
        ([("port: 25", "port: 0")], "  port: 0", "smtp.port = ********** is refused"),
        ([("'no': 1", "'no': x")], "  'no': x", "menu.no = 'x' is refused"),
        ([("high: 10", "hihg: 5")], "hihg: 5", "did you mean 'high'?"),
        ([("host: mail", "hots: mail")], "  hots: mail", "did you mean 'smtp.host'?"),
        ([("# low: 1", "low: 2")], "low: 2", "locked by the environment variable KIOSK_LOW"),
        ([("high: 10", "high: [1")], "high: [1", "while parsing a flow sequence"),
        ([("high: 10", "high: 5\nhigh: 6")], "high: 6", "'high' stands twice"),
        ([(SMTP, "smtp: 5\n")], "smtp: 5", "smtp = ********** is refused"),
        ([("high: 10", "high: 0")], "# Kiosk", "low 1 is above high 0"),
    ],
)
def test_what_is_refused_comes_back(
    step: list[tuple[str, str]], line: str, says: str, changed: Flask, editor: Editor
) -> None:
    """With the message above its line, and all that was written; nothing is stored."""
    also = [*step, ("tone: formal", "tone: friendly")]
    result = edited(changed, editor, also)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert says in result.stderr
    assert "settings.yaml" in result.stderr
    seen = editor.seen[1]
    mark = seen.above(line) if line != "# Kiosk" else seen.text.splitlines()[0]
    assert mark.lstrip().startswith("# ERROR: ")
    assert says in mark
    assert "tone: friendly" in seen.text
    assert seen.text.replace(f"{mark}\n", "") == _after(editor.seen[0].text, also)
    with changed.app_context():
        assert len(waffle.history()) == 1


def _after(text: str, step: list[tuple[str, str]]) -> str:
    for old, new in step:
        text = text.replace(old, new, 1)
    return text


def test_what_was_refused_can_be_mended(changed: Flask, editor: Editor) -> None:
    """The message goes by itself."""
    bad: Step = [("high: 10", "high: ten\nbad: 1"), ("theme: light", "theme: |\n  dark\n  # x")]
    worse: Step = [("high: ten", "high: [")]
    good: Step = [("high: [\nbad: 1", "high: 11"), ("theme: |\n  dark\n  # x", "theme: dark")]
    bad_marks = [("# ERROR: Kiosk has no setting 'bad': it declares", "# ERROR:")]
    result = edited(changed, editor, bad, worse, good)
    assert result.exit_code == 0, result.output
    assert bad_marks[0][0] in editor.seen[1].text
    assert editor.seen[2].text.count("# ERROR: ") == 1
    assert result.stdout.splitlines() == [
        *("theme: light -> dark", "high: 10 -> 11", "This is revision 2.")
    ]


@pytest.mark.parametrize("answer", ["y", "n"])
def test_on_a_terminal_it_asks(
    answer: str, changed: Flask, editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong is told there as well; whoever says no gives up."""
    monkeypatch.setattr("sys.stdin", type("Keyboard", (), {"isatty": lambda _: True})())
    monkeypatch.setattr(click.termui, "visible_prompt_func", lambda _: answer)
    editor.will([("high: 10", "high: ten")], [("high: ten", "high: 11")])
    done = shown(changed, "edit")
    assert "high = 'ten' is refused" in done.text
    assert (done.code, len(editor.seen)) == ((0, 2) if answer == "y" else (1, 1))


@pytest.mark.parametrize("left", ["", "\n \n"])
def test_an_empty_buffer_gives_up(left: str, changed: Flask, editor: Editor) -> None:
    """At once, that is no error; after a refusal, it is told again."""
    result = edited(changed, editor, left)
    assert (result.exit_code, result.stdout.split(":")[0]) == (0, "Nothing was to be changed")
    result = edited(changed, editor, [("# int; default 10", "# a number")])
    assert (result.exit_code, result.stdout.split(":")[0]) == (0, "Nothing was to be changed")
    result = edited(changed, editor, [("high: 10", "high: ten")], left)
    assert (result.exit_code, "high = 'ten' is refused" in result.stderr) == (1, True)


def test_an_editor_that_fails(changed: Flask, editor: Editor) -> None:
    """Nothing is written, and the message says what chooses the editor."""
    result = edited(changed, editor, "fail")
    assert result.exit_code == 1
    assert "VISUAL or EDITOR" in result.stderr


def test_the_change_as_json(changed: Flask, editor: Editor) -> None:
    """As that of `set`; a refusal names the settings."""
    editor.will([("high: 10", "high: 11")])
    assert answered(changed, "edit")["change"]["fields"] == [
        {"field": "high", "before": 10, "after": 11}
    ]
    editor.will([("high: 11", "high: x")])
    assert answered(changed, "edit", code=1)["error"]["settings"] == ["high"]


# --- others -----------------------------------------------------------------------------------


class Busy(Editor):
    """While it is open, somebody else saves."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, app: Flask) -> None:
        super().__init__(folder, monkeypatch)
        edit = click.edit
        self.meanwhile: list[dict[str, object]] = []

        def opened(*, filename: str) -> None:
            if self.meanwhile:
                with app.app_context(), waffle.edit(actor="eve") as other:
                    other.update(**self.meanwhile.pop(0))
            edit(filename=filename)

        monkeypatch.setattr(click, "edit", opened)


@pytest.fixture
def busy(changed: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Busy:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Busy(tmp_path / "editor", monkeypatch, changed)


def test_what_others_changed_elsewhere_stays(changed: Flask, busy: Busy) -> None:
    """The buffer shows the old value of it, and that is not taken for a wish."""
    busy.meanwhile = [{"tone": "friendly", "smtp": Smtp(host="new")}]
    result = edited(changed, busy, [("port: 25", "port: 26"), ("high: 10", "high: 11")])
    assert (result.exit_code, len(busy.seen)) == (0, 1), result.output
    with changed.app_context():
        waffle.refresh()
        settings = waffle.current_settings
        assert (settings.tone.value, settings.high) == ("friendly", 11)
        assert (settings.smtp.host, settings.smtp.port) == ("new", 26)


def test_what_others_changed_as_well_is_told(changed: Flask, busy: Busy) -> None:
    """The newer value stands at the line; to delete that line is to insist."""
    busy.meanwhile = [{"high": 12, "tone": "friendly"}]
    result = edited(changed, busy, [("high: 10", "high: 11")])
    assert result.exit_code == 3
    assert "high was changed by somebody else meanwhile: it is 12 now" in result.stderr
    with changed.app_context():
        assert waffle.history()[0].actor == "eve"

    mark = busy.seen[1].above("high: 11")
    assert mark.startswith("# ERROR: high was changed")
    busy.meanwhile = [{"high": 13, "tone": "formal"}]
    steps: list[Step] = [[("high: 12", "high: 11")], [(mark.replace("12", "13") + "\n", "")]]
    result = edited(changed, busy, *steps)
    assert result.exit_code == 0, result.output
    assert "high: 13 -> 11" in result.stdout
    assert "tone" not in result.stdout


def test_a_secret_that_others_changed_as_well_is_told(changed: Flask, busy: Busy) -> None:
    """Nobody sees what it is."""
    busy.meanwhile = [{"api_key": f"{SECRET}-eve"}]
    result = edited(changed, busy, [("# api_key:", f"api_key: {SECRET}-2")])
    assert result.exit_code == 3
    assert "api_key was changed by somebody else meanwhile. Delete" in result.stderr


def test_whoever_expects_a_revision_is_told_of_any_change(changed: Flask, busy: Busy) -> None:
    """Also of one of other settings; at once, if it is not the revision before that."""
    busy.meanwhile = [{"tone": "friendly"}]
    words = ("--expect-revision", "1")
    result = edited(changed, busy, [("high: 10", "high: 11")], words=words)
    assert result.exit_code == 3
    assert "the store is at 2" in result.stderr
    result = edited(changed, busy, words=words)
    assert (result.exit_code, busy.seen) == (3, [])
