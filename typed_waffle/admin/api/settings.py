"""Settings: the values in force, and a change of several of them."""

from __future__ import annotations

from flask import Response

from typed_waffle.admin.api import query
from typed_waffle.admin.api.body import MERGE_PATCH, read_object
from typed_waffle.admin.api.conditional import expected, known_already, tag
from typed_waffle.admin.api.patch import patched
from typed_waffle.admin.api.resource import JSON, add_resource, answer
from typed_waffle.admin.counter import Counter
from typed_waffle.admin.house import House
from typed_waffle.errors import StoreUnavailable
from typed_waffle.model import M

__all__ = ["add"]


def add(house: House[M]) -> None:
    """Add the resource."""

    def show() -> Response:
        counter = house.counter("api")
        revision = counter.revision()
        if known_already(revision):
            return _tagged(Response(status=304), revision)
        return _values(counter)

    def change() -> Response:
        counter = house.counter("api")
        body = read_object("Accept-Patch", (MERGE_PATCH, JSON))
        note, seen = query.note(), expected(counter)
        counter.check(body)
        assignments, resets = patched(counter.model, body)
        written = counter.change(assignments, resets, note=note, expected_revision=seen)
        try:
            return _values(counter)
        except StoreUnavailable as error:
            if written is None:
                raise
            # It is written: who took it for a failure would do it again.
            doing = f"reading the settings after revision {written.revision} was written"
            raise StoreUnavailable(doing, error.cause, in_doubt=True) from None

    add_resource(house, "/api/settings", "api_settings", {"GET": show, "PATCH": change})


def _values(counter: Counter[M]) -> Response:
    revision, entries = counter.entries()
    return _tagged(answer({entry.field: entry.value for entry in entries}), revision)


def _tagged(made: Response, revision: int) -> Response:
    made.headers["ETag"] = tag(revision)
    return made
