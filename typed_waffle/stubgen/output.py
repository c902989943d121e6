"""The written file: what differs in it, and putting it in place as a whole."""

from __future__ import annotations

import difflib
import os
import shutil
from pathlib import Path

from typed_waffle.errors import ConfigurationError
from typed_waffle.stubgen.module import SIGNATURE

__all__ = ["difference", "written"]

LONGEST = 40
"""The most lines of a difference that are shown."""


def difference(text: str, path: Path) -> str:
    """What is to change in the file, as a unified diff, cut short; empty if it is up to date.

    Raises:
        ConfigurationError: the file is there, and cannot be read, or is not one of ours.
    """
    old = _present(path)
    if old == text:
        return ""
    lines = list(
        difflib.unified_diff(
            (old or "").splitlines(keepends=True),
            text.splitlines(keepends=True),
            f"{path} (as it is)",
            f"{path} (as it should be)",
            n=1,
        )
    )
    more = len(lines) - LONGEST
    return "".join([*lines[:LONGEST], *([f"... and {more} more lines\n"] if more > 0 else [])])


def written(text: str, path: Path) -> bool:
    """Write the file, as a whole or not at all; whether there was anything to write.

    Raises:
        ConfigurationError: it cannot be written; or another file is there, which is left alone.
    """
    if _present(path) == text:
        return False
    place = path.resolve()  # a link stays one
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        try:
            draft.write_text(text, encoding="utf-8", newline="\n")
            if place.exists():
                shutil.copymode(place, draft)
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise _refused(path, f"cannot be written: {error.strerror}. Name a file that can") from None
    return True


def _present(path: Path) -> str | None:
    """What is in the file; `None` if there is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not a text in UTF-8"
        raise _refused(path, f"cannot be read: {why}. Name another file") from None
    if not text.startswith(SIGNATURE):
        raise _refused(path, "was not written by stubgen. Move it away, or name another file")
    return text


def _refused(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError("--output", f"{path} {why}")
