"""What type checkers see, with no plugin: in `tests/typing`, and in the examples of the pages."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import typed_waffle
from tests.support.pages import PAGES, ROOT, blocks

pytestmark = pytest.mark.slow

DECLARED = ROOT / "tests" / "typing"
STRICT: dict[str, object] = json.loads((DECLARED / "pyrightconfig.json").read_text("utf-8"))

WRONG = 'from settings import current_settings\n\ncurrent_settings.site_name = "x"\n'


SESSION = """\
# pyright: basic, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# pyright: reportOptionalSubscript=false
"""
"""What a person types may fail where the page knows that it does not."""


def checked(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a checker in a folder; it finds the package where this interpreter does."""
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=os.environ
        | {
            "MYPYPATH": str(ROOT),
            "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
            "PYTHONPATH": str(Path(typed_waffle.__file__).parent.parent),  # else pyright skips it
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def mypy(folder: Path, cache: Path, *names: str) -> subprocess.CompletedProcess[str]:
    options = ("--config-file=", "--strict", "--warn-unreachable", "--follow-imports=silent")
    return checked("mypy", *options, f"--cache-dir={cache}", *names, folder=folder)


def pyright(folder: Path) -> subprocess.CompletedProcess[str]:
    return checked("pyright", "--project", ".", "--pythonpath", sys.executable, folder=folder)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy_cache")


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    """The README's example as the files that it names, set up for pyright."""
    found = blocks(ROOT / "README.md")
    assert list(found.files) == ["settings.py", "views.py", "app.py"]
    for name, code in found.files.items():
        (tmp_path / name).write_text(code, encoding="utf-8")
    (tmp_path / "session.py").write_text("\n".join(found.session), encoding="utf-8")
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(STRICT | {"extraPaths": [str(ROOT)]}))
    return tmp_path


def test_mypy_sees_the_types(cache: Path) -> None:
    """Under `mypy --strict` every type is as asserted, and every misuse is refused as expected."""
    done = mypy(ROOT, cache, "--explicit-package-bases", str(DECLARED))
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_sees_the_types() -> None:
    """Pyright, strict, sees the same types and refuses the same misuses."""
    done = pyright(DECLARED)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_that_can_be_imported_is_typed() -> None:
    """No name of the package leaves anything to the inference of a checker; it says that it is."""
    package = Path(typed_waffle.__file__).parent
    assert (package / "py.typed").exists()
    options = ("--ignoreexternal", "--outputjson", "--pythonpath", sys.executable)
    done = checked("pyright", "--verifytypes", "typed_waffle", *options, folder=ROOT)
    found = json.loads(done.stdout)["typeCompleteness"]
    assert Path(found["pyTypedPath"]).resolve() == (package / "py.typed").resolve()
    unclear = [s for s in found["symbols"] if s["isExported"] and not s["isTypeKnown"]]
    assert {s["name"]: [said["message"] for said in s["diagnostics"]] for s in unclear} == {}
    assert found["completenessScore"] == 1
    assert found["missingFunctionDocStringCount"] == found["missingClassDocStringCount"] == 0


def test_the_examples_are_typed(tmp_path: Path) -> None:
    """Pyright has no word against the pages' files, strictly, nor against what is typed there."""
    folders: list[str] = []
    for page in PAGES:
        found = blocks(page)
        folder = tmp_path / page.stem.replace("-", "_")
        folder.mkdir()
        folders.append(folder.name)
        session = "\n".join([SESSION, *found.session])
        for name, code in {**found.files, "session.py": session}.items():
            (folder / name).write_text(code, encoding="utf-8")
    roots = [{"root": folder, "extraPaths": [str(ROOT)]} for folder in folders]
    config = STRICT | {
        "extraPaths": [],
        "executionEnvironments": roots,
        "stubPath": str(ROOT / "stubs"),
        "reportUnknownMemberType": False,
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")
    done = pyright(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_assignment_is_refused(readme: Path, cache: Path) -> None:
    """Both checkers refuse to assign to a setting; the README's example itself is clean."""
    (readme / "wrong.py").write_text(WRONG, encoding="utf-8")
    for done in (mypy(readme, cache, "."), pyright(readme)):
        errors = [
            line for line in done.stdout.splitlines() if ": error: " in line or " - error" in line
        ]
        assert done.returncode == 1
        assert len(errors) == 1, done.stdout + done.stderr
        assert "wrong.py:3" in errors[0]
        assert "site_name" in errors[0]
        assert "read-only" in done.stdout or "frozen" in done.stdout
