"""Where Pydantic's core cannot be imported, the error says what to do."""

import importlib.util
import subprocess
import sys

import pytest

INTERPRETERS = next(
    (n for n in ("_interpreters", "_xxsubinterpreters") if importlib.util.find_spec(n)), None
)

SECOND = f"""
import pydantic_core
import {INTERPRETERS} as interpreters
second = interpreters.create(*{("legacy",) if INTERPRETERS == "_interpreters" else ()!r})
failed = None
try:
    failed = interpreters.run_string(second, "from typed_waffle import Waffle")
except Exception as error:
    failed = error
interpreters.destroy(second)
print(failed)
"""


@pytest.mark.skipif(INTERPRETERS is None, reason="this Python has no sub-interpreters to test with")
def test_a_sub_interpreter_is_told_the_remedy() -> None:
    """mod_wsgi's default is one, and so is the second application of one uWSGI."""
    told = subprocess.run(
        [sys.executable, "-c", SECOND], capture_output=True, text=True, check=True
    ).stdout
    assert "WSGIApplicationGroup %{GLOBAL}" in told
