"""The pages."""

from __future__ import annotations

from typed_waffle.admin.house import House
from typed_waffle.admin.pages import entry, failure, fleet, history, made, rollback, settings
from typed_waffle.model import M

__all__ = ["add_pages"]


def add_pages(house: House[M]) -> None:
    """Add their routes."""
    failure.add(house)
    entry.add(house)
    settings.add(house)
    history.add(house)
    made.add(house)
    rollback.add(house)
    fleet.add(house)
