"""The Markdown pages, and their code blocks, which run.

A Python block whose first line is a comment with a file's name is saved under that name and
imported. Any other runs in the page's own namespace. A `text` block that comes right after one is
what it prints. An `ini` block whose first line names a file is saved before all else.
"""

import importlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from sybil import Example
from sybil.document import Document
from sybil.parsers.markdown import CodeBlockParser

from tests.support.suites import pytest_in
from typed_waffle import Waffle

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_FILE = re.compile(r"# (\w+)\.py\n")
_INI = re.compile(r"^```ini\n# (\w+\.ini)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Blocks:
    """The Python blocks of one page: files, and what is typed in a session."""

    files: dict[str, str] = field(default_factory=dict)
    session: list[str] = field(default_factory=list)


@dataclass
class _Run:
    """One page while its blocks run."""

    folder: Path
    namespace: dict[str, object] = field(default_factory=lambda: {"__name__": "__main__"})
    printed: str = ""
    end: int = -1
    """Where the last Python block ended."""

    def python(self, example: Example) -> None:
        """Run one block."""
        self.end, self.printed = example.region.end, ""
        code = str(example.parsed)
        name = _FILE.match(code)
        if name:
            (self.folder / f"{name[1]}.py").write_text(code, encoding="utf-8")
            importlib.invalidate_caches()
            if not name[1].startswith(("test_", "conftest")):
                importlib.import_module(name[1])
            return
        lines = "\n" * example.line  # so that a traceback points into the page
        with redirect_stdout(StringIO()) as printed:
            exec(compile(lines + code, example.path, "exec"), self.namespace)  # noqa: S102 - that is what it is for
        self.printed = printed.getvalue()

    def text(self, example: Example) -> None:
        """Compare a block with what the one before printed."""
        between = example.document.text[self.end : example.region.start]
        if self.end >= 0 and between.strip("`\n ") == "":
            assert self.printed.rstrip() == str(example.parsed).rstrip()

    def tests(self) -> None:
        """Run the tests that the page wrote."""
        if list(self.folder.glob("test_*.py")):
            done = pytest_in(self.folder)
            assert done.returncode == 0, done.stdout + done.stderr


def blocks(page: Path) -> Blocks:
    """Return the Python blocks of a page."""
    found = Blocks()

    def take(example: Example) -> None:
        code = str(example.parsed)
        name = _FILE.match(code)
        if name:
            found.files[f"{name[1]}.py"] = code
        else:
            found.session.append(code)

    for example in Document.parse(str(page), CodeBlockParser("python", take)).examples():
        example.evaluate()
    return found


def run(page: Path, folder: Path) -> int:
    """Run a page's blocks in order, in an empty folder; return how many there are."""
    this = _Run(folder)
    for name, text in _INI.findall(page.read_text(encoding="utf-8")):
        (folder / name).write_text(text, encoding="utf-8")
    parsers = (CodeBlockParser("python", this.python), CodeBlockParser("text", this.text))
    examples = list(Document.parse(str(page), *parsers).examples())
    with _house(folder):
        try:
            for example in examples:
                example.evaluate()
            this.tests()
        finally:
            _close(this.namespace)
    return len(examples)


@contextmanager
def _house(folder: Path) -> Iterator[None]:
    """Work in a folder and import from it; forget its modules afterwards."""
    before, loaded, environment = Path.cwd(), set(sys.modules), dict(os.environ)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        os.chdir(before)
        os.environ.clear()
        os.environ.update(environment)
        for name in set(sys.modules) - loaded:
            source = getattr(sys.modules[name], "__file__", None)
            if source and Path(source).is_relative_to(folder):
                _close(vars(sys.modules[name]))
                del sys.modules[name]


def _close(names: dict[str, object]) -> None:
    for value in names.values():
        if isinstance(value, Waffle):
            value.close()
