"""`stubs/`: there for each untyped package that we import and for no other, and true."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import typed_waffle
from tests.support.pages import PAGES, ROOT, blocks

STUBS = ROOT / "stubs"
SOURCES = (Path(typed_waffle.__file__).parent, ROOT / "tests", ROOT / "docs")
CASES = ROOT / "tests" / "plugin" / "cases"  # they import one another, and are never run
OWN = {"tests", "typed_waffle"}


def imported() -> set[str]:
    """The packages, Python's own and ours left out, that are imported anywhere."""
    files = [ROOT / "noxfile.py", *(file for folder in SOURCES for file in folder.rglob("*.py"))]
    codes = [file.read_text(encoding="utf-8") for file in files if not file.is_relative_to(CASES)]
    pages = [blocks(page).files for page in PAGES]
    codes += [code for files in pages for code in files.values()]
    shown = {name.removesuffix(".py") for files in pages for name in files}
    return {n for code in codes for n in imports(code)} - sys.stdlib_module_names - OWN - shown


def imports(code: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def typed(package: str) -> bool:
    """Whether the installed package says its types, or another distribution says them for it."""
    if find_spec(f"{package}-stubs") is not None:
        return True
    spec = find_spec(package)
    assert spec is not None, f"{package} is not installed"
    if spec.submodule_search_locations is None:  # one module, which cannot have a `py.typed`
        return package == "typing_extensions"
    return any((Path(folder) / "py.typed").exists() for folder in spec.submodule_search_locations)


def test_there_are_stubs_for_what_has_no_types_and_only_for_that() -> None:
    """A package that starts to ship its types, or has types published for it, loses its stubs."""
    assert {name for name in imported() if not typed(name)} == {f.name for f in STUBS.iterdir()}


@pytest.mark.slow
def test_the_stubs_are_true() -> None:
    """Stubtest finds all that they say in the installed packages; they need not say all."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy.stubtest", "--concise", "--ignore-missing-stub"),
            *sorted(folder.name for folder in STUBS.iterdir()),
        ],
        env=os.environ | {"MYPYPATH": str(STUBS)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
