"""Rendering: how a page is made of a template.

The templates have an environment of their own: they look the same in every application, whatever it
does to Jinja, and add nothing to what the application's templates see.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from flask import Response, make_response, request, url_for
from flask_wtf.csrf import generate_csrf
from jinja2 import Environment, PackageLoader, StrictUndefined

from typed_waffle.admin.guard import visitor_if_any
from typed_waffle.admin.house import House
from typed_waffle.admin.pages.excerpt import excerpts
from typed_waffle.change import FieldChange
from typed_waffle.differences import differences
from typed_waffle.model import M
from typed_waffle.serving import version

__all__ = ["environment", "page"]

_PLACES = {
    "settings": "settings",
    "review": "settings",
    "edit": "settings",
    "save": "settings",
    "history": "history",
    "change": "history",
    "compare": "history",
    "rollback": "history",
    "workers": "workers",
}
"""Which of the places in the navigation an endpoint belongs to."""


def page(house: House[M], template: str, status: int = 200, /, **context: object) -> Response:
    """The page that a template makes, with what every template is given.

    Args:
        house: Whose page it is.
        template: Its name, without folder and ending.
        status: The status of the answer.
        context: What else the template is given.
    """
    who = visitor_if_any()
    common = {
        "model": house.waffle.model.__name__,
        "namespace": house.waffle.namespace,
        "visitor": who,
        "place": _PLACES.get((request.endpoint or "").rpartition(".")[2]),
        "can_login": house.token.value is not None,
        "token_login": who is not None and house.token.logged_in,
        "version": version(),
    }
    html = environment().get_template(f"typed_waffle/{template}.html").render(**common | context)
    # A note may hold half a character, which no page can.
    return make_response(html.encode(errors="replace"), status)


@functools.cache
def environment() -> Environment:
    """The environment of all templates: everything is escaped, and no name may be missing."""
    made = Environment(
        loader=PackageLoader("typed_waffle.admin"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    helpers: dict[str, Any] = {  # Any: a template may use anything
        "csrf_token": generate_csrf,
        "differences": _excerpted,
        "url_for": url_for,
    }
    made.globals.update(helpers)
    made.filters.update({"iso": _iso, "minute": _minute})
    return made


def _excerpted(field: FieldChange) -> Iterator[tuple[str, str, str]]:
    """The parts of a setting that differ, each cut to what a table can show."""
    for path, before, after in differences(field):
        yield path, *excerpts(before, after)


def _iso(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _minute(at: datetime) -> str:
    """A time as people read it, to the minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
