"""Health: how the worker is that answers."""

from __future__ import annotations

from flask import Response

from typed_waffle.admin.api.resource import add_resource, answer
from typed_waffle.admin.house import House
from typed_waffle.model import M

__all__ = ["add"]


def add(house: House[M]) -> None:
    """Add the resource."""

    def show() -> Response:
        return answer(*house.waffle.health())

    add_resource(house, "/healthz", "api_healthz", {"GET": show})
