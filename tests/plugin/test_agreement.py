"""What the plugin takes from the rest of the package, which it cannot import."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Hashable, Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ImportString

import typed_waffle
from typed_waffle import fieldtypes, mypy
from typed_waffle.fieldtypes import Refused, held

DECLARATIONS = Path(__file__).parent / "cases" / "declarations.py"
PACKAGE = Path(typed_waffle.__file__).parent


def resolved(fullname: str) -> object:
    """What a name of mypy's stands for at run time."""
    module, *path = fullname.split(".")
    found: object = import_module(module)
    for index, name in enumerate(path, 2):
        if not hasattr(found, name):
            import_module(".".join(fullname.split(".")[:index]))
        found = getattr(found, name)
    return getattr(found, "__origin__", found)


def refusals() -> Iterator[Any]:
    """Each annotation among the cases that the plugin refuses, and what it says of it."""
    text = DECLARATIONS.read_text("utf-8")
    names: dict[str, object] = {}
    exec(text[: text.index("class Right(")], names)  # noqa: S102 - our own text
    line = re.compile(
        r'^    \w+: ([^"\n]+?) = .*# E: Setting "\w+" of "\w+": (.*)  \[', re.MULTILINE
    )
    for annotation, said in line.findall(text):
        if "has no default" in said:
            continue
        try:
            found = eval(annotation, names)  # noqa: S307 - our own text
        except NameError:
            continue  # it names a class further below
        yield pytest.param(found, said, id=annotation)


@pytest.mark.parametrize(
    "fullname", sorted([*mypy.WRITTEN, *mypy.NAMED, mypy.MODEL, mypy.BASE_MODEL])
)
def test_every_name_that_the_plugin_waits_for(fullname: str) -> None:
    """A function or class that was renamed or moved would go unchecked without a sound."""
    found = resolved(fullname)
    assert f"{found.__module__}.{found.__qualname__}" == fullname  # type: ignore[attr-defined] # a function or class


def test_parameters_for_names() -> None:
    """The parameters that hold names of settings are called as the plugin thinks."""
    for fullname, parameter in mypy.NAMED.items():
        function: Any = resolved(fullname)  # Any: a function
        assert parameter in function.__code__.co_varnames
    assert "before" in typed_waffle.Waffle.history.__code__.co_varnames


def test_mutable_types_are_the_same() -> None:
    """The plugin refuses the same mutable types as `WaffleModel` does, with the same hints."""
    assert {resolved(name): hint for name, hint in mypy.MUTABLE.items()} == fieldtypes._MUTABLE


def test_types_that_hold_anything_are_the_same() -> None:
    """It refuses the same types that may hold anything; some of them are no classes to mypy."""
    no_classes = {Any, Callable, ImportString}
    assert {*map(resolved, mypy.UNIVERSAL)} == {object, type, Hashable, BaseModel, Enum}
    told = {getattr(one, "__origin__", one) for one in fieldtypes._UNIVERSAL}
    assert told == {*map(resolved, mypy.UNIVERSAL), *no_classes}
    assert mypy._GUIDE == fieldtypes._GUIDE


@pytest.mark.parametrize(("annotation", "said"), list(refusals()))
def test_messages_are_the_same(annotation: object, said: str) -> None:
    """What the plugin says of a type is what `WaffleModel` says of it, cause and next step."""
    with pytest.raises(Refused) as refused:
        held(annotation)
    # Names are spelled in their own ways: t.List, ~T, and where in a class a fault is.
    told = f"{refused.value.reason}. {refused.value.hint}"
    told = re.sub(r"^Row.cells: |~|\b(\w+\.)+(?=\w)", "", told)
    assert told.lower() == re.sub(r"\b(\w+\.)+(?=\w)", "", said).lower()


def test_nothing_needs_mypy() -> None:
    """Only the plugin imports mypy, and nothing imports the plugin."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            told = [n for n in names if n.partition(".")[0] == "mypy" or "typed_waffle.mypy" in n]
            assert path == PACKAGE / "mypy.py" or not told, path
    code = "import sys, typed_waffle; sys.exit('mypy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_plugin_imports_mypy_only() -> None:
    """mypy throws its cache away when the plugin's file changes, and looks at that file alone."""
    tree = ast.parse((PACKAGE / "mypy.py").read_text("utf-8"))
    froms = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    plain = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    tops = {str(name).partition(".")[0] for name in froms | plain}
    assert tops - sys.stdlib_module_names == {"mypy"}
