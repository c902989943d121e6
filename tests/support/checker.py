"""Runs of mypy over a folder, with one list of plugins or another."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.support.pages import PAGES, ROOT, blocks

OURS, PYDANTICS = "typed_waffle.mypy", "pydantic.mypy"

SETTINGS = """
[mypy]
strict = True
warn_unreachable = True
show_error_context = False
plugins = {plugins}

[mypy-typed_waffle.*]
ignore_errors = True
"""

FOREIGN = (
    *("cryptography", "flask", "flask_httpauth", "flask_login"),
    *("gevent", "redis", "sqlalchemy", "werkzeug"),
)
"""What the package imports beside Pydantic. Hollow stubs stand for it: to look into it takes mypy
many seconds, and no case is about it. (`follow_imports = skip` would hang the daemon.)"""
HOLLOW = "from typing import Any\n\ndef __getattr__(name: str) -> Any: ...\n"

LOOSENED = "# mypy: allow-untyped-decorators, allow-subclassing-any, no-warn-return-any\n"
"""For what uses decorators and classes of hollow packages."""

_REPORT = re.compile(r"(?P<file>[\w/]+\.py):(?P<line>\d+): error: (?P<message>.*)")

Errors = Counter[tuple[str, int, str]]
"""File, line and message, with the code in brackets, of each error."""


@dataclass(frozen=True)
class Folder:
    """A folder with modules and a configuration, and the cache of mypy's runs over it."""

    path: Path
    cache: Path
    plugins: tuple[str, ...]

    def __post_init__(self) -> None:
        """Write the configuration, and the hollow stubs."""
        self.path.mkdir(exist_ok=True)
        for name in FOREIGN:
            package = self.stubs / name
            package.mkdir(parents=True, exist_ok=True)
            (package / "__init__.pyi").write_text(HOLLOW, encoding="utf-8")
        written = SETTINGS.format(plugins=", ".join(self.plugins))
        (self.path / "mypy.ini").write_text(written, encoding="utf-8")

    @property
    def stubs(self) -> Path:
        """The folder of the stubs."""
        return self.path.parent / "stubs"

    def write(self, name: str, text: str) -> None:
        """Write a module."""
        (self.path / name).write_text(text, encoding="utf-8")

    def mypy(self, *options: str) -> Errors:
        """The errors that a run reports."""
        return errors(self.run("mypy", *options, "--cache-dir", str(self.cache), "."))

    def run(self, module: str, *arguments: str) -> str:
        """What mypy, or its daemon, prints; it must not crash."""
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=self.path,
            env=os.environ | {"MYPYPATH": f"{self.stubs}{os.pathsep}{ROOT}"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode in {0, 1}, done.stdout + done.stderr
        assert done.stderr == "", done.stderr
        return done.stdout


def page_files() -> dict[str, str]:
    """The files that the README and the docs show, each page's under names of their own."""
    files: dict[str, str] = {}
    for page in PAGES:
        shown = blocks(page).files
        prefix = f"page_{page.stem.lower().replace('-', '_')}_"
        names = "|".join(name.removesuffix(".py") for name in shown)
        imports = re.compile(rf"^(\s*(?:from|import) )({names})\b", re.MULTILINE)
        for name, code in shown.items():
            files[prefix + name] = LOOSENED + imports.sub(rf"\1{prefix}\2", code)
    return files


def errors(printed: str) -> Errors:
    """The errors in what mypy printed."""
    found = (_REPORT.fullmatch(line) for line in printed.splitlines())
    return Counter((one["file"], int(one["line"]), one["message"]) for one in found if one)


def expected(paths: Iterable[Path], *markers: str) -> Errors:
    """The errors that comments at the ends of lines announce: `# E: message  [code]`."""
    marked = re.compile(rf"  # (?:{'|'.join(markers)}): (.*?)(?=  # \w: |$)")
    return Counter(
        (path.name, number, message)
        for path in paths
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        for message in marked.findall(line)
    )
