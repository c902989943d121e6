"""Nothing: what is at every other URL of the API."""

from __future__ import annotations

from typing import Final

from flask import Response, request
from werkzeug.exceptions import NotFound

from typed_waffle.admin.api.resource import METHODS
from typed_waffle.admin.house import House
from typed_waffle.model import M

__all__ = ["add"]

PLACES: Final = ("/api", "/api/", "/api/<path:rest>")


def add(house: House[M]) -> None:
    """Add the resource."""

    def nothing(rest: str = "") -> Response:  # noqa: ARG001 - the URL says it
        raise NotFound(f"There is nothing at {request.path}. See /api/openapi.json.")

    for place in PLACES:
        house.blueprint.add_url_rule(
            place, "api_nothing", nothing, methods=METHODS, provide_automatic_options=False
        )
