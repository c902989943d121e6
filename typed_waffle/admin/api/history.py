"""History: who changed what, when and why."""

from __future__ import annotations

from flask import Response

from typed_waffle.admin.api import query
from typed_waffle.admin.api.resource import add_resource, answer
from typed_waffle.admin.house import House
from typed_waffle.errors import UnknownSetting
from typed_waffle.forms import change_form
from typed_waffle.model import M

__all__ = ["MOST", "USUAL", "add"]

USUAL = 50
MOST = 500
"""How many changes one answer has, unless the client says; and at most."""


def add(house: House[M]) -> None:
    """Add the resource."""

    def show() -> Response:
        field = query.text("field")
        limit = query.number("limit", 1, MOST) or USUAL
        before = query.number("before")
        try:
            found = house.counter("api").history(field=field, limit=limit, before=before)
        except UnknownSetting as error:
            near = f": did you mean {error.nearest!r}?" if error.nearest else "."
            raise query.BadQuery("field", f"names no setting{near}", error.nearest) from None
        forms = [{**(change_form(seen.change) or {}), "hidden": seen.hidden} for seen in found]
        return answer({"changes": forms})

    add_resource(house, "/api/history", "api_history", {"GET": show})
