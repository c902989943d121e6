"""Body: the JSON that a request brings, read strictly and within bounds."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType

from typed_waffle.admin.api.pointer import pointer

__all__ = ["MERGE_PATCH", "Unfit", "read_object", "validated"]

B = TypeVar("B", bound=BaseModel)

MERGE_PATCH: Final = "application/merge-patch+json"


class Unsupported(UnsupportedMediaType):
    """A body that is of no type that is read here."""

    def __init__(self, header: str, types: tuple[str, ...]) -> None:
        super().__init__(f"Send {' or '.join(types)}. Nothing was written.")
        self._header = header, ", ".join(types)

    def get_headers(
        self,
        environ: dict[str, Any] | None = None,  # Any: WSGI's
        scope: dict[str, Any] | None = None,  # Any: as above
    ) -> list[tuple[str, str]]:
        """With the one that says which types are read."""
        return [*super().get_headers(environ, scope), self._header]


class Unfit(UnprocessableEntity):
    """A body that is JSON, and not what is asked for.

    Args:
        errors: What is wrong, as the problem document tells it.
    """

    def __init__(self, errors: list[dict[str, str]]) -> None:
        why = "; ".join(f"{error['pointer'] or 'the body'}: {error['detail']}" for error in errors)
        super().__init__(f"{why}. Nothing was written.")
        self.members: Mapping[str, object] = {"errors": errors}
        """What the problem document has besides."""


def read_object(header: str, types: tuple[str, ...]) -> dict[str, object]:
    """The object in the body.

    No name may stand in it twice, and all must be what every other program reads as well: no NaN,
    no half of a surrogate pair, no number beyond a float's range.

    Args:
        header: Names the types in the answer to a body of another.
        types: The types that are read.

    Raises:
        UnsupportedMediaType: the body is of another.
        BadRequest: it is not JSON, not an object, or nested more than 200 levels deep.
    """
    if request.mimetype not in types:
        raise Unsupported(header, types)
    raw = request.get_data(cache=False)
    try:
        from_json(raw, allow_inf_nan=False)  # of bounded depth, and says where it fails
        data: object = json.loads(raw.decode(), object_pairs_hook=_once, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body is not JSON: {error}. Nothing was written.") from None
    if not isinstance(data, dict):
        raise BadRequest("The body is not a JSON object. Nothing was written.")
    return data


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    data = dict(pairs)
    if len(data) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return data


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def validated(form: type[B], data: Mapping[str, object]) -> B:
    """The data in its form.

    Raises:
        UnprocessableEntity: it is not of that form.
    """
    try:
        return form.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    raise Unfit(
        [{"pointer": pointer(e["loc"]), "type": e["type"], "detail": e["msg"]} for e in found]
    )
