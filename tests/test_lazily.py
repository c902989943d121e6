"""The modules of the package as its attributes."""

import subprocess
import sys

import pytest

import typed_waffle
from typed_waffle import testing

SUBMODULES = """
import typed_waffle

assert typed_waffle.errors.NotBound is typed_waffle.NotBound
assert typed_waffle.config.__name__ == "typed_waffle.config"
assert typed_waffle.testing.faults.FaultyBus is typed_waffle.testing.FaultyBus
"""
WITHOUT_MYPY = """
import sys
sys.modules["mypy"] = None
import typed_waffle

typed_waffle.mypy
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process that has imported nothing of ours."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_modules_are_attributes() -> None:
    """`typed_waffle.errors` is there as checkers say it is, though nothing imported it."""
    done = run(SUBMODULES)
    assert done.returncode == 0, done.stderr


def test_a_module_that_lacks_an_extra_says_so() -> None:
    """What it cannot import is named, and not taken for a module of ours that does not exist."""
    done = run(WITHOUT_MYPY)
    assert done.stderr.splitlines()[-1].startswith("ModuleNotFoundError: import of mypy")


@pytest.mark.parametrize("name", ["nonsense", "_errors", "errors.nonsense", "", "é", "\0"])
def test_nothing_else_is_an_attribute(name: str) -> None:
    """Any other name is answered as Python answers, in a package within as well."""
    assert not hasattr(typed_waffle, name)
    assert not hasattr(testing, name)
    with pytest.raises(AttributeError, match=r"^module 'typed_waffle' has no attribute ") as caught:
        getattr(typed_waffle, name)
    assert caught.value.name == name
