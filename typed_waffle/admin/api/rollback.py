"""Rollback: going back to a revision, by a new change."""

from __future__ import annotations

from typing import Annotated, ClassVar

from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from typed_waffle.admin.api.body import read_object, validated
from typed_waffle.admin.api.conditional import expected, tag
from typed_waffle.admin.api.query import LARGEST
from typed_waffle.admin.api.resource import JSON, add_resource, answer
from typed_waffle.admin.counter import LONGEST_NOTE
from typed_waffle.admin.house import House
from typed_waffle.forms import change_form
from typed_waffle.model import M

__all__ = ["Rollback", "add"]


class Rollback(BaseModel):
    """Where to go back to."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, frozen=True)

    revision: Annotated[int, Field(ge=0, le=LARGEST)]
    """The revision whose values come back; 0 is before the first change."""
    note: Annotated[str | None, Field(max_length=LONGEST_NOTE)] = None
    """Why, for the history."""


def add(house: House[M]) -> None:
    """Add the resource."""

    def go_back() -> Response:
        counter = house.counter("api")
        wish = validated(Rollback, read_object("Accept-Post", (JSON,)))
        change = counter.rollback(
            wish.revision, note=wish.note, expected_revision=expected(counter)
        )
        seen = counter.seen(change).change if change else None
        made = answer({"change": change_form(seen)})
        made.headers["ETag"] = tag(change.revision if change else counter.revision())
        return made

    add_resource(house, "/api/rollback", "api_rollback", {"POST": go_back})
