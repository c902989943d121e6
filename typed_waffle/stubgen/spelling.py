"""The spelling of a type in a module that is written: its source, and the imports it needs.

Every class is spelled with its module, `shop.plans.Plan`, so that no two names can clash. The
module goes by another name only where its own is taken.
"""

from __future__ import annotations

import builtins
import enum
import importlib
import types
from collections.abc import Iterable
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin

__all__ = ["Speller", "Unnameable"]


class Unnameable(Exception):  # noqa: N818 - internal: module.py turns it into a DeclarationError
    """A type that no other module can name."""


class Speller:
    """Spells types, and collects the modules they are from.

    Args:
        taken: Names that mean something else in the module, or in a class in it.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._modules: dict[str, str] = {}

    def imports(self) -> list[str]:
        """The import statements, in order."""
        return [
            f"import {module}" if module == name else f"import {module} as {name}"
            for module, name in sorted(self._modules.items())
        ]

    def module(self, module: str) -> str:
        """The expression for a module."""
        if module not in self._modules:
            name = module
            if module.partition(".")[0] in self._taken:
                name = "_" + module.replace(".", "_")  # no setting begins with an underscore
                while name in self._taken:
                    name += "_"
                self._taken.add(name)
            self._modules[module] = name
        return self._modules[module]

    def spelled(self, annotation: Any) -> str:  # noqa: ANN401 - annotations have no common type
        """The source of a type.

        Raises:
            Unnameable: it cannot be reached from another module.
        """
        origin, args = get_origin(annotation), get_args(annotation)
        if annotation is None or annotation is types.NoneType:
            return "None"
        if annotation is Ellipsis:
            return "..."
        if origin is Annotated:
            return self.spelled(args[0])
        if origin is Literal:
            return f"{self.module('typing')}.Literal[{', '.join(map(self._literal, args))}]"
        if origin in (Union, types.UnionType):
            return " | ".join(self.spelled(arg) for arg in args)
        if isinstance(annotation, type) and not origin:
            told = getattr(annotation, "__pydantic_generic_metadata__", {})
            origin, args = told.get("origin"), told.get("args", ())
        if origin is None:
            return self._named(annotation)
        inside = ", ".join(map(self.spelled, args)) or "()"
        return f"{self.spelled(origin)}[{inside}]"

    def _literal(self, value: object) -> str:
        if isinstance(value, enum.Enum):
            return f"{self.spelled(type(value))}.{value.name}"
        text = ascii(value)
        plain = isinstance(value, str) and not set("\"'\\") & set(text[1:-1])
        return f'"{text[1:-1]}"' if plain else text

    def _named(self, thing: Any) -> str:  # noqa: ANN401 - a class, an alias, a NewType
        if not isinstance(thing, (type, NewType)) and not hasattr(thing, "__value__"):
            raise Unnameable(f"{thing!r} is not a type that can be written down")
        name = getattr(thing, "__qualname__", thing.__name__)
        module = _home(thing, name)
        if module is None:
            value = getattr(thing, "__value__", None)
            if value is not None:  # an alias is another word for its value
                return self.spelled(value)
            where = "a function" if "<locals>" in name else f"{thing.__module__}"
            raise Unnameable(f"{name.rpartition('.')[2]} is local to {where}")
        if module == "builtins" and name not in self._taken:
            return str(name)
        return f"{self.module(module)}.{name}"


def _home(thing: Any, name: str) -> str | None:  # noqa: ANN401 - as above
    """The module to import it from: a public one, if the one it is defined in is not."""
    parts = thing.__module__.split(".")
    for length in range(1, len(parts) + 1):
        module = ".".join(parts[:length])
        hidden = any(part.startswith("_") for part in parts[length:])
        offered = hidden or name in getattr(importlib.import_module(module), "__all__", ())
        if (offered or length == len(parts)) and _reached(module, name) is thing:
            return module
    return None


def _reached(module: str, name: str) -> object:
    found: object = builtins if module == "builtins" else importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found
