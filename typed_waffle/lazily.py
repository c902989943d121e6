"""Modules of a package as its attributes, whether or not anything imported them before."""

from importlib import import_module
from types import ModuleType

__all__ = ["submodule"]


def submodule(package: str, name: str) -> ModuleType:
    """Import a module for the `__getattr__` of its package.

    Raises:
        AttributeError: the package has no such module that is public.
        ImportError: it has, and what that module imports is missing.
    """
    path = f"{package}.{name}"
    try:
        if name.isidentifier() and not name.startswith("_"):
            return import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
    raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
