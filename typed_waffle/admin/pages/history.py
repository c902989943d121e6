"""History: the pages of what was changed, and of what differs between two revisions."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from typed_waffle.admin.house import House
from typed_waffle.admin.pages.numbers import number
from typed_waffle.admin.pages.rendering import page
from typed_waffle.change import FieldChange
from typed_waffle.errors import InvalidChange
from typed_waffle.model import M

__all__ = ["add"]

SHOWN = 20
"""How many changes a page shows."""


def add(house: House[M]) -> None:
    """Add its routes."""

    def history() -> ResponseReturnValue:
        """Show who changed what, when and why, newest first."""
        counter = house.counter("admin")
        field, before = request.args.get("field") or None, _before()
        found = counter.history(field=field, limit=SHOWN + 1, before=before)
        shown = found[:SHOWN]
        return page(
            house,
            "history",
            revision=counter.desk.revision,
            changes=shown,
            field=field,
            names=counter.readable(),
            first=before is None,
            onward=shown[-1].change.revision if len(found) > SHOWN else None,
        )

    def compare() -> ResponseReturnValue:
        """Show what differs between two revisions, or between one and now."""
        counter = house.counter("admin")
        given = {name: request.args.get(name, "").strip() for name in ("older", "newer")}
        older, newer = number(given["older"]), number(given["newer"])
        wrong = {name: _asked(text, name == "newer") for name, text in given.items()}
        compared: tuple[int, tuple[FieldChange, ...]] | None = None
        trouble: str | None = None
        if request.args and older is not None and not any(wrong.values()):
            try:
                compared = counter.differences(older, newer)
            except InvalidChange as error:
                trouble = str(error)
        asked = bool(request.args)
        return page(
            house,
            "compare",
            400 if asked and compared is None else 200,
            revision=counter.desk.fresh().live.revision,
            given=given,
            wrong=wrong if asked else {},
            trouble=trouble,
            compared=compared,
            sees_all=counter.sees_all,
        )

    house.blueprint.add_url_rule("/history", "history", history)
    house.blueprint.add_url_rule("/compare", "compare", compare)


def _before() -> int | None:
    """Whatever is no revision is taken for no bound."""
    return number(request.args.get("before", ""))


def _asked(text: str, optional: bool) -> str | None:  # noqa: FBT001 - private, and clear where it is called
    """What is wrong with a revision that somebody typed."""
    if number(text) is not None or (optional and not text):
        return None
    return f"{text} is no revision: type a number." if text else "Type the number of a revision."
