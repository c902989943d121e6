"""The JSON API."""

from __future__ import annotations

from functools import partial

from typed_waffle.admin.api import health, history, nothing, openapi, rollback, schema, settings
from typed_waffle.admin.api import workers as fleet
from typed_waffle.admin.api.problem import problem
from typed_waffle.admin.house import House
from typed_waffle.model import M

__all__ = ["add_api"]


def add_api(house: House[M]) -> None:
    """Add its routes."""
    house.answer_errors(partial(problem, house.waffle.model), of_api=True)
    for noun in (settings, history, rollback, fleet, schema, openapi, health, nothing):
        noun.add(house)
