"""An editor that does what a test tells it to."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["Editor", "Step"]

Step = list[tuple[str, str]] | str
"""What is replaced by what at one opening; or the whole text that is left."""

SCRIPT = """
import json, os, sys
file, folder = sys.argv[2], sys.argv[1]
text = open(file, encoding="utf-8").read()
with open(os.path.join(folder, "steps.json")) as opened:
    steps = json.load(opened)
seen = [n for n in os.listdir(folder) if n.startswith("seen-")]
with open(os.path.join(folder, f"seen-{len(seen)}"), "w", encoding="utf-8") as opened:
    modes = [oct(os.stat(path).st_mode & 0o777) for path in (file, os.path.dirname(file))]
    json.dump({"text": text, "modes": modes, "file": file}, opened)
step = steps[len(seen)] if len(seen) < len(steps) else []
if step == "fail":
    sys.exit(1)
if isinstance(step, str):
    text = step
else:
    for old, new in step:
        if old not in text:
            sys.exit(f"the editor does not see {old!r} in:\\n{text}")
        text = text.replace(old, new, 1)
with open(file, "w", encoding="utf-8") as opened:
    opened.write(text)
"""


@dataclass(frozen=True)
class Seen:
    """What the editor was given."""

    text: str
    modes: list[str]
    file: str

    def above(self, line: str) -> str:
        """The line above one that begins so."""
        lines = self.text.split("\n")
        return lines[next(n for n, text in enumerate(lines) if text.startswith(line)) - 1]


class Editor:
    """Named by `VISUAL`; each time it is opened it does the next step."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        folder.mkdir()
        (folder / "editor.py").write_text(SCRIPT)
        words = [sys.executable, "-S", "-E", str(folder / "editor.py"), str(folder)]
        monkeypatch.setenv("VISUAL", shlex.join(words))

    def will(self, *steps: Step) -> None:
        """Do these from now on, and then nothing."""
        for file in self._folder.glob("seen-*"):
            file.unlink()
        (self._folder / "steps.json").write_text(json.dumps(steps))

    @property
    def seen(self) -> list[Seen]:
        """What it was given, each time."""
        files = sorted(self._folder.glob("seen-*"), key=lambda file: int(file.name[5:]))
        return [Seen(**json.loads(file.read_text("utf-8"))) for file in files]
