"""Writes a small typed module from a settings model, for type checkers that have no plugins."""

from typed_waffle.stubgen.module import generated
from typed_waffle.stubgen.output import difference, written

__all__ = ["difference", "generated", "written"]
