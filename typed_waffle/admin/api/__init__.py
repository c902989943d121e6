"""The JSON API."""

from __future__ import annotations

from typed_waffle.admin.api.problem import problem
from typed_waffle.admin.house import House
from typed_waffle.model import M

__all__ = ["add_api"]


def add_api(house: House[M]) -> None:
    """Add its routes."""
    house.answer_errors(problem, of_api=True)
