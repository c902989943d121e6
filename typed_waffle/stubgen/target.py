"""The target: which `Waffle` is meant by `package.module:attribute`."""

from __future__ import annotations

import difflib
import importlib
import re
from dataclasses import dataclass
from typing import Any

from typed_waffle.errors import ConfigurationError
from typed_waffle.extension import Waffle

__all__ = ["Target", "found"]

_FORM = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*):([^\W\d]\w*)")


@dataclass(frozen=True, slots=True)
class Target:
    """A `Waffle`, and where it is."""

    module: str
    attribute: str
    waffle: Waffle[Any]  # Any: of any model

    def __str__(self) -> str:
        return f"{self.module}:{self.attribute}"


def found(target: str) -> Target:
    """Import the module that has the `Waffle`.

    Raises:
        ConfigurationError: the target has another form; there is no such module, or nothing of
            that name in it, or something else.
    """
    form = _FORM.fullmatch(target)
    if form is None:
        raise _refused(target, "is not of the form package.module:waffle")
    module, attribute = form.groups()
    try:
        imported = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # something that the module imports
        raise _refused(
            target, f"there is no module {error.name}. Run this where it can be imported"
        ) from None
    names = [name for name, value in vars(imported).items() if isinstance(value, Waffle)]
    waffle = getattr(imported, attribute, None)
    if not isinstance(waffle, Waffle):
        what = "is not a Waffle" if hasattr(imported, attribute) else "does not exist"
        near = difflib.get_close_matches(attribute, names, n=1) or names[:1]
        raise _refused(target, f"{attribute} {what}", near[0] if near else None)
    return Target(module, attribute, waffle)


def _refused(target: str, why: str, nearest: str | None = None) -> ConfigurationError:
    return ConfigurationError("TARGET", f"{target!r}: {why}", nearest=nearest)
