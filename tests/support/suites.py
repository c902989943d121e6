"""Test suites of users, run by pytest in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

from tests.support.processes import ROOT, imports_from

__all__ = ["pytest_in"]

PLUGIN = "typed_waffle.testing.plugin"

OTHERS = ("anyio", "hypothesispytest", "schemathesis")
"""Plugins that are here for our own tests, and take a second and a half to load."""


def pytest_in(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the tests in a folder, with our plugin even where the package was not reinstalled."""
    installed = any(point.value == PLUGIN for point in entry_points(group="pytest11"))
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=."),
            *(() if installed else ("-p", PLUGIN)),
            *(word for name in OTHERS for word in ("-p", f"no:{name}")),
            *options,
        ],
        cwd=folder,
        env=os.environ | imports_from(ROOT),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
