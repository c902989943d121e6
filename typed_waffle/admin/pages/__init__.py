"""The pages."""

from __future__ import annotations

from typed_waffle.admin.house import House
from typed_waffle.admin.pages import entry, failure, settings
from typed_waffle.model import M

__all__ = ["add_pages"]


def add_pages(house: House[M]) -> None:
    """Add their routes."""
    failure.add(house)
    entry.add(house)
    settings.add(house)
