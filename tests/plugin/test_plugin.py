"""The mypy plugin: over the cases, beside Pydantic's, from a cache, and in the daemon."""

import functools
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.checker import (
    OURS,
    PYDANTICS,
    Errors,
    Folder,
    errors,
    expected,
    page_files,
)

pytestmark = pytest.mark.slow

CASES = sorted(Path(__file__).with_name("cases").glob("*.py"))

PLUGINS = {
    "alone": (OURS,),
    "before": (OURS, PYDANTICS),
    "after": (PYDANTICS, OURS),
}


class Checked(NamedTuple):
    """The cases in a folder of their own, what a first run reports, and what it should."""

    folder: Folder
    reported: Errors
    wanted: Errors


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Checked]:
    """Run mypy once over all cases, with each list of plugins."""

    @functools.cache
    def run(name: str) -> Checked:
        home = tmp_path_factory.mktemp(name)
        folder = Folder(home / "cases", home / "cache", PLUGINS[name])
        for case in CASES:
            shutil.copy(case, folder.path)
        for page, code in page_files().items():  # of which nothing is to be reported
            folder.write(page, code)
        markers = ("E", "A") if name == "alone" else ("E", "P")
        return Checked(folder, folder.mypy(), expected(CASES, *markers))

    return run


@pytest.fixture(params=list(PLUGINS))
def checked(request: pytest.FixtureRequest, cases: Callable[[str], Checked]) -> Checked:
    name: str = request.param
    return cases(name)


def test_every_case(checked: Checked) -> None:
    """Each line of the cases is reported as it says, and no other is, whatever plugin is beside."""
    _, reported, wanted = checked
    assert reported - wanted == Counter()
    assert wanted - reported == Counter()


def test_a_second_run(checked: Checked) -> None:
    """A run on a warm cache reports the same, and so does one that takes half from the cache."""
    folder, reported, _ = checked
    assert folder.mypy() == reported
    for name in ("values.py", "declarations.py", "names.py"):
        with (folder.path / name).open("a", encoding="utf-8") as file:
            file.write("\nonce_more = 1\n")
    assert folder.mypy() == reported


# --- models that change -------------------------------------------------------------------------

BASE = """
from typed_waffle import WaffleModel

class Base(WaffleModel):
    site_name: str = ""
"""
SETTINGS = """
from typing import Annotated
from base import Base
from typed_waffle.model import Setting

class Settings(Base):
    page_size: int = 20
    note: Annotated[str, Setting()] = ""
"""
APP = """
from settings import Settings
from typed_waffle import Waffle

waffle = Waffle(Settings)
"""
VIEWS = """
from app import waffle

def view() -> None:
    waffle.update(site_name="x")
    waffle.update(page_size=3)
    waffle.reset("page_size")
    waffle.history(field="old_note")
    waffle.update(colour="red")
"""
FILES = {"base.py": BASE, "settings.py": SETTINGS, "app.py": APP, "views.py": VIEWS}

NO_COLOUR = ("views.py", 9, '"Settings" has no setting "colour"  [waffle-unknown]')
NO_OLD_NOTE = (
    "views.py",
    8,
    '"Settings" has no setting "old_note"; did you mean "note"?  [waffle-unknown]',
)

MUTABLE = (
    "base.py",
    6,
    (
        'Setting "tags" of "Base": list[str] can be mutated in place. '
        "Write tuple[str, ...] or Sequence[str]  [waffle-declaration]"
    ),
)

Step = tuple[str, str, str, str, tuple[tuple[str, int, str], ...]]
"""What happens; the module, and in it what is replaced by what; the errors then."""

STEPS: tuple[Step, ...] = (
    (
        "a field is removed",
        "settings.py",
        "    page_size: int = 20\n",
        "",
        (
            ("views.py", 6, '"Settings" has no setting "page_size"  [waffle-unknown]'),
            ("views.py", 7, '"Settings" has no setting "page_size"  [waffle-unknown]'),
            NO_OLD_NOTE,
            NO_COLOUR,
        ),
    ),
    (
        "its type changes",
        "settings.py",
        "page_size: int = 20",
        'page_size: str = "20"',
        (
            (
                "views.py",
                6,
                'Setting "page_size" of "Settings" is "str", not "int"  [waffle-value]',
            ),
            NO_OLD_NOTE,
            NO_COLOUR,
        ),
    ),
    (
        "an inherited field's type changes",
        "base.py",
        'site_name: str = ""',
        "site_name: int = 1",
        (
            (
                "views.py",
                5,
                'Setting "site_name" of "Settings" is "int", not "str"  [waffle-value]',
            ),
            NO_OLD_NOTE,
            NO_COLOUR,
        ),
    ),
    (
        "a field that was missing is added below",
        "base.py",
        'site_name: str = ""',
        'site_name: str = ""\n    colour: str = ""',
        (NO_OLD_NOTE,),
    ),
    (
        "an old name is told",
        "settings.py",
        "Setting()",
        'Setting(renamed_from="old_note")',
        (NO_COLOUR,),
    ),
    (
        "a field becomes mutable",
        "base.py",
        'site_name: str = ""',
        'site_name: str = ""\n    tags: list[str] = []',
        (
            MUTABLE,
            NO_OLD_NOTE,
            NO_COLOUR,
        ),
    ),
    ("nothing is left of that", "app.py", "", "", (NO_OLD_NOTE, NO_COLOUR)),
)


def edited(step: Step) -> dict[str, str]:
    _, name, old, new, _ = step
    assert old in FILES[name]
    return FILES | {name: FILES[name].replace(old, new)}


@pytest.fixture
def folder(tmp_path: Path, cases: Callable[[str], Checked]) -> Folder:
    """A folder for a small application, with what mypy knows already of the packages."""
    shutil.copytree(cases("before").folder.cache, tmp_path / "cache")
    return Folder(tmp_path / "app", tmp_path / "cache", PLUGINS["before"])


def test_models_that_change_between_runs(folder: Folder) -> None:
    """What changes in a model is noticed where it is used, though only the model was edited."""
    for step in STEPS:
        for name, text in edited(step).items():
            folder.write(name, text)
        assert folder.mypy() == Counter(step[-1]), step[0]


class Daemon:
    """mypy's daemon on a folder."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.status = ("--status-file", "dmypy.json")

    def check(self) -> Errors:
        told = ("run", "--timeout", "100", "--", "--cache-dir", str(self.folder.cache), ".")
        return errors(self.folder.run("mypy.dmypy", *self.status, *told))

    def stop(self) -> None:
        self.folder.run("mypy.dmypy", *self.status, "kill")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    found = Daemon(Folder(tmp_path / "app", tmp_path / "cache", PLUGINS["before"]))
    yield found
    found.stop()


def test_models_that_change_under_the_daemon(daemon: Daemon) -> None:
    """The daemon notices the same, in the same process, as runs from the cache do."""
    for step in STEPS:
        for name, text in edited(step).items():
            daemon.folder.write(name, text)
        assert daemon.check() == Counter(step[-1]), step[0]
