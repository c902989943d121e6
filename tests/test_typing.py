"""What type checkers see, with no plugin: run over `tests/typing` and the README's example."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.pages import ROOT, blocks

pytestmark = pytest.mark.slow

DECLARED = ROOT / "tests" / "typing"
STRICT: dict[str, object] = json.loads((DECLARED / "pyrightconfig.json").read_text("utf-8"))

WRONG = 'from settings import current_settings\n\ncurrent_settings.site_name = "x"\n'


def checked(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a checker in a folder; it finds the package where this interpreter does."""
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=os.environ | {"MYPYPATH": str(ROOT), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
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
    done = mypy(DECLARED, cache, "declared.py", "overriding.py")
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_sees_the_types() -> None:
    """Pyright, strict, sees the same types and refuses the same misuses."""
    done = pyright(DECLARED)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_is_typed(readme: Path, cache: Path) -> None:
    """The README's example is clean under both checkers."""
    for done in (mypy(readme, cache, "."), pyright(readme)):
        assert done.returncode == 0, done.stdout + done.stderr


def test_an_assignment_is_refused(readme: Path, cache: Path) -> None:
    """Both checkers refuse to assign to a setting, and complain of nothing else."""
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
