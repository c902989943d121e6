"""The module that is written: when it is written, when not, and what it is at run time."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.pages import ROOT
from tests.support.processes import imports_from
from tests.typing import everything, everything_typed
from typed_waffle import Snapshot, Waffle, WaffleModel
from typed_waffle.cli import waffle as group
from typed_waffle.edit import Edit
from typed_waffle.model import M
from typed_waffle.stubgen import generated

TARGET = "tests.typing.everything:everything"
TYPED = ROOT / "tests" / "typing" / "everything_typed.py"

SETTINGS = '''\
from collections.abc import Sequence

from pydantic import SecretStr

from typed_waffle import Waffle, WaffleModel


class Settings(WaffleModel):
    site_name: str = "Waffle"
    """Shown in the page header."""
    tags: Sequence[str] = ()
    token: SecretStr = SecretStr("plain text")


waffle = Waffle(Settings)
current_settings = waffle.current_settings
'''


class Local(WaffleModel):
    """Not what its module knows by this name, below."""


nobody = Waffle(Local)


class Nothing(WaffleModel):
    """No settings at all."""


class Own(Waffle[M]):
    """A Waffle of one's own, for any model."""


class OwnNothing(Own[Nothing]):
    """A Waffle of one's own, for one model."""


nothing = Waffle(Nothing)
own = Own(Nothing)
own_nothing = OwnNothing(Nothing)
Local = Nothing  # type: ignore[assignment,misc] # hidden on purpose


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an application's settings, as the working directory."""
    (tmp_path / "settings.py").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])  # the command adds to it
    sys.modules.pop("settings", None)
    yield tmp_path
    sys.modules.pop("settings", None)


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(group, ["stubgen", *arguments])


def test_the_module_that_is_type_checked_is_up_to_date() -> None:
    """What both type checkers look at is what is written today, byte for byte."""
    assert generated(TARGET) == TYPED.read_text(encoding="utf-8")
    assert ask(TARGET, "-o", str(TYPED), "--check").exit_code == 0


def test_it_is_the_same_object_at_run_time() -> None:
    """Whoever imports it has the application's own Waffle, and nothing else is imported."""
    assert everything_typed.everything is everything.everything
    assert {name for name in vars(everything_typed) if not name.startswith("_")} == {
        "everything",
        "typing",
    }


def test_it_is_written_once(shop: Path) -> None:
    """A second run finds nothing to do; the file keeps its mode, and nothing lies beside it."""
    typed = shop / "typed.py"
    first = ask("settings:waffle", "-o", "typed.py")
    assert (first.exit_code, first.output) == (0, "typed.py is written.\n")
    written = typed.stat()
    assert ask("settings:waffle", "-o", "typed.py").output == "typed.py is up to date.\n"
    assert typed.stat().st_mtime_ns == written.st_mtime_ns
    typed.write_text(typed.read_text("utf-8") + "# more\n", encoding="utf-8")
    typed.chmod(0o640)
    assert ask("settings:waffle", "-o", "typed.py").output == "typed.py is written.\n"
    assert typed.stat().st_mode & 0o777 == 0o640
    assert "# more" not in typed.read_text("utf-8")
    assert sorted(path.name for path in shop.glob("*.py")) == ["settings.py", "typed.py"]
    assert [path for path in shop.iterdir() if path.name.startswith(".")] == []


def test_it_says_types_and_descriptions(shop: Path) -> None:
    """The types are as declared, each with its description; no value is in it."""
    assert ask("settings:waffle", "-o", "typed.py").exit_code == 0
    text = (shop / "typed.py").read_text(encoding="utf-8")
    assert (
        "        site_name: str\n"
        '        """Shown in the page header."""\n'
        "        tags: collections.abc.Sequence[str]\n"
        "        token: pydantic.SecretStr\n"
    ) in text
    assert "plain text" not in text
    assert text.splitlines()[0] == (
        "# Written by `python -m typed_waffle.stubgen settings:waffle`: "
        "run that again, do not edit."
    )


def test_check_writes_nothing(shop: Path) -> None:
    """`--check` fails for a missing file, and for one that is out of date, with the difference."""
    missing = ask("settings:waffle", "-o", "typed.py", "--check")
    assert missing.exit_code == 1
    assert missing.output.endswith(
        "more lines\nError: typed.py is missing: run this without --check, "
        "and commit what it writes.\n"
    )
    assert not (shop / "typed.py").exists()
    old = generated("settings:waffle").replace("tags", "labels")
    (shop / "typed.py").write_text(old, encoding="utf-8")
    stale = ask("settings:waffle", "-o", "typed.py", "--check")
    assert stale.exit_code == 1
    assert "-        labels: collections.abc.Sequence[str]\n" in stale.output
    assert "+        tags: collections.abc.Sequence[str]\n" in stale.output
    assert "Error: typed.py is out of date: run this without --check" in stale.output
    assert (shop / "typed.py").read_text(encoding="utf-8") == old


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("settings", "TARGET: 'settings': is not of the form package.module:waffle."),
        ("setings:waffle", "there is no module setings. Run this where it can be imported."),
        ("settings:wafle", "wafle does not exist. Did you mean waffle?"),
        ("settings:Settings", "Settings is not a Waffle. Did you mean waffle?"),
        ("settings:current_settings", "current_settings is not a Waffle. Did you mean waffle?"),
        ("tests.support.models:CANARY", "CANARY is not a Waffle."),
        (
            "tests.stubgen.test_stubgen:nobody",
            (
                "Local: Local is local to tests.stubgen.test_stubgen, so that no other module "
                "can name it. Define it at the top level of a module, under its own name"
            ),
        ),
    ],
)
def test_what_is_no_target_is_refused(target: str, said: str) -> None:
    """The message says what is wrong, and what was probably meant."""
    for more in ([], ["--check"]):
        result = ask(target, "-o", "typed.py", *more)
        assert result.exit_code == 1
        assert result.output.endswith(f"{said}\n")
        assert not Path("typed.py").exists()


def test_what_the_module_lacks_is_not_hidden(shop: Path) -> None:
    """A module that the target itself cannot import shows the traceback as it is."""
    (shop / "settings.py").write_text("import nowhere_to_be_found\n", encoding="utf-8")
    result = ask("settings:waffle", "-o", "typed.py")
    assert isinstance(result.exception, ModuleNotFoundError)
    assert result.exception.name == "nowhere_to_be_found"


def test_another_file_is_left_alone(shop: Path) -> None:
    """A file that was not written by this is not overwritten, be it empty."""
    (shop / "empty.py").touch()
    (shop / "image.py").write_bytes(b"\xff\xfe")
    for name, said in (
        ("settings.py", "settings.py was not written by stubgen. Move it away, or name another"),
        ("empty.py", "empty.py was not written by stubgen."),
        ("image.py", "image.py cannot be read: it is not a text in UTF-8. Name another file."),
        ("missing/typed.py", "missing/typed.py cannot be written: No such file or directory."),
        ("empty.py/typed.py", "empty.py/typed.py cannot be read: Not a directory."),
    ):
        result = ask("settings:waffle", "-o", name)
        assert result.exit_code == 1
        assert f"Error: --output: {said}" in result.output
    assert (shop / "settings.py").read_text(encoding="utf-8") == SETTINGS
    assert (shop / "empty.py").read_text(encoding="utf-8") == ""


def test_usage() -> None:
    """A mistake in the options is exit code 2."""
    assert ask(TARGET).exit_code == 2
    assert ask("-o", "typed.py").exit_code == 2


@pytest.mark.parametrize(
    "command",
    [
        ("-m", "typed_waffle.stubgen"),
        ("-P", "-c", "from typed_waffle.cli import waffle; waffle()", "stubgen"),
    ],
    ids=["python", "flask"],
)
def test_both_commands_import_from_where_they_run(shop: Path, command: tuple[str, ...]) -> None:
    """`python -m` and `flask waffle`, with no application, find the modules that are there."""
    done = subprocess.run(
        [sys.executable, *command, "settings:waffle", "-o", "typed.py"],
        env=os.environ | imports_from(ROOT),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "typed.py is written.\n"), done.stderr
    assert (shop / "typed.py").exists()


def test_a_model_without_settings() -> None:
    """It takes nothing, and there is no name to give."""
    text = generated("tests.stubgen.test_stubgen:nothing")
    assert "NothingField: typing.TypeAlias = typing.Never\n" in text
    assert '"""What `update` and `override` take."""\n\n        pass\n' in text


def test_a_waffle_of_ones_own_stays_one() -> None:
    """What an application's own class adds is still there."""
    here = "tests.stubgen.test_stubgen"
    text = generated(f"{here}:own")
    assert f"class NothingWaffle({here}.Own[{here}.Nothing]):\n" in text
    assert f"class NothingWaffle({here}.OwnNothing):\n" in generated(f"{here}:own_nothing")


def test_the_narrowed_methods_are_those_that_there_are() -> None:
    """Each has the parameters, and the defaults, of the method that it stands for."""
    text = TYPED.read_text(encoding="utf-8").replace("typing.TYPE_CHECKING", "True")
    names: dict[str, type] = {}
    exec(f"from __future__ import annotations\n{text[text.index('import typing') :]}", names)  # noqa: S102 - a module of ours
    for name, base in (("Waffle", Waffle), ("Edit", Edit), ("Snapshot", Snapshot)):
        narrowed = names[f"Settings{name}"]
        methods = [name for name in vars(narrowed) if not name.startswith("__")]
        assert methods
        for method in methods:
            ours, theirs = (
                {(p.name, p.kind, p.default) for p in inspect.signature(m).parameters.values()}
                for m in (getattr(narrowed, method), getattr(base, method))
            )
            assert ours == theirs, method
