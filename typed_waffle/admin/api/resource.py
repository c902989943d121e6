"""Resource: a URL of the API, and what each method does there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from flask import Response, request
from werkzeug.exceptions import MethodNotAllowed

from typed_waffle.admin.house import House
from typed_waffle.model import M

__all__ = ["JSON", "View", "add_resource", "answer"]

JSON: Final = "application/json"

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")
"""All of them are registered, so that nobody learns what is allowed before the guard has looked."""

View = Callable[[], Response]


def add_resource(house: House[M], path: str, endpoint: str, views: Mapping[str, View]) -> None:
    """Add a URL whose methods are those of `views`, and those that need no view."""
    allowed = [*views, *(["HEAD"] if "GET" in views else []), "OPTIONS"]

    def view() -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        if method == "OPTIONS":
            nothing = Response(status=204, headers={"Allow": ", ".join(allowed)})
            del nothing.headers["Content-Type"]
            return nothing
        if method not in views:
            raise MethodNotAllowed(valid_methods=allowed)
        return views[method]()

    house.blueprint.add_url_rule(
        path, endpoint, view, methods=METHODS, provide_automatic_options=False
    )


def answer(document: object, status: int = 200, content_type: str = JSON) -> Response:
    """A JSON document, its members in the order in which they are given."""
    return Response(json.dumps(document) + "\n", status, content_type=content_type)
