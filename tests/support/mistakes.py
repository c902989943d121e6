"""What type checkers say of `tests/mistakes`: `python -m tests.support.mistakes`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.support.checker import FOREIGN, HOLLOW
from tests.support.pages import ROOT

__all__ = ["CHECKERS", "MISTAKES", "PAGE", "caught", "table", "unlooked_for"]

HOME = ROOT / "tests" / "mistakes"
PAGE = ROOT / "docs" / "mypy.md"

CHECKERS = ("mypy", "pyright", "mypy with the plugin", "pyright with `stubgen`")

_LINES = (HOME / "mistakes.py").read_text(encoding="utf-8").splitlines()

MISTAKES: dict[int, str] = {
    number: found[1]
    for number, line in enumerate(_LINES, 1)
    if (found := re.search(r"# mistake: (.*)$", line))
}
"""What is wrong with which line."""

BEGIN, END = "<!-- mistakes: written by tests.support.mistakes -->", "<!-- mistakes end -->"


def caught(folder: Path) -> dict[str, set[int]]:
    """The lines of which each checker complains."""
    shutil.copy(HOME / "mistakes.py", folder)
    plain, with_plugin = _mypy(folder), _mypy(folder, "typed_waffle.mypy")
    code = (folder / "mistakes.py").read_text(encoding="utf-8")
    declared = "from tests.mistakes.shop import Settings, waffle\n"
    generated = "from tests.mistakes.shop import Settings; from typed import waffle\n"
    assert declared in code
    (folder / "stubbed.py").write_text(code.replace(declared, generated), encoding="utf-8")
    _run(folder, "typed_waffle.stubgen", "tests.mistakes.shop:waffle", "-o", "typed.py")
    without_module, with_module = _pyright(folder, "mistakes.py", "stubbed.py")
    found = (plain, without_module, with_plugin, with_module)
    return dict(zip(CHECKERS, found, strict=True))


def _stubs(folder: Path) -> Path:
    """A folder of hollow stubs for mypy; no mistake is about those packages."""
    stubs = folder / "stubs"
    for name in FOREIGN:
        (stubs / name).mkdir(parents=True, exist_ok=True)
        (stubs / name / "__init__.pyi").write_text(HOLLOW, encoding="utf-8")
    return stubs


def _run(folder: Path, *command: str) -> str:
    stubbed = f"{_stubs(folder)}{os.pathsep}{ROOT}"
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=os.environ | {"MYPYPATH": stubbed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.stdout


def _mypy(folder: Path, *plugins: str) -> set[int]:
    options = ("--strict", "--warn-unreachable", "--follow-imports=silent", "--no-error-summary")
    config = folder / "mypy.ini"
    config.write_text(f"[mypy]\nplugins = {', '.join(plugins)}\n", encoding="utf-8")
    cache = f"--cache-dir={folder / 'cache'}"
    said = _run(folder, "mypy", f"--config-file={config}", cache, *options, "mistakes.py")
    return {
        int(number) for number in re.findall(r"^mistakes\.py:(\d+): error:", said, re.MULTILINE)
    }


def _pyright(folder: Path, *names: str) -> list[set[int]]:
    config = {
        "include": [*names, "typed.py"],
        "extraPaths": [str(ROOT)],
        "pythonVersion": "3.11",
        "typeCheckingMode": "strict",
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")
    options = ("--project", ".", "--pythonpath", sys.executable, "--outputjson")
    errors = json.loads(_run(folder, "pyright", *options))["generalDiagnostics"]
    found = [
        (Path(error["file"]).name, error["range"]["start"]["line"] + 1)
        for error in errors
        if error["severity"] == "error"
    ]
    return [{line for file, line in found if file == name} for name in names]


def unlooked_for(lines: set[int]) -> dict[int, str]:
    """The lines among these that have no mistake."""
    return {number: _LINES[number - 1] for number in sorted(lines - MISTAKES.keys())}


def table(found: Mapping[str, set[int]]) -> str:
    """The table, as it stands in the page."""
    rows = [
        "| mistake | " + " | ".join(CHECKERS) + " |",
        "| --- |" + " :---: |" * len(CHECKERS),
    ]
    for number, mistake in MISTAKES.items():
        cells = " | ".join("caught" if number in found[name] else "" for name in CHECKERS)
        rows.append(f"| {mistake} | {cells} |")
    return "\n".join((BEGIN, "", *rows, "", END))


def main() -> None:
    """Write the table into the page."""
    with tempfile.TemporaryDirectory() as folder:
        written = table(caught(Path(folder)))
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    PAGE.write_text(before + written + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
