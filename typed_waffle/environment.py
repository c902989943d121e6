"""Fields that environment variables pin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from typed_waffle.errors import ConfigurationError
from typed_waffle.model import WaffleModel, facts
from typed_waffle.refusal import details, secrets_in
from typed_waffle.values import loaded, malformed

__all__ = ["Locks", "Pinned", "locks"]


@dataclass(frozen=True, slots=True)
class Pinned:
    """One field that an environment variable decides."""

    variable: str
    text: str = field(repr=False)
    """The value as JSON text."""


Locks = Mapping[str, Pinned]
"""Field name to what pins it."""


def locks(model: type[WaffleModel], prefix: str, environ: Mapping[str, str]) -> dict[str, Pinned]:
    """The fields that `environ` pins: prefix plus the field's name in capitals.

    A variable is taken as text if its field takes a text, and as JSON otherwise (for a tuple, a
    mapping, a nested model).

    Raises:
        ConfigurationError: the field refuses the value of its variable.
    """
    found: dict[str, Pinned] = {}
    for name in facts(model):
        variable = f"{prefix}{name.upper()}"
        if variable in environ:
            found[name] = Pinned(variable, _text(model, name, variable, environ[variable]))
    return found


def _text(model: type[WaffleModel], field: str, variable: str, raw: str) -> str:
    as_text = json.dumps(raw)
    refused = _refusal(model, field, as_text)
    if refused is None:
        return as_text
    if malformed(raw) is None:
        # What the JSON form has to say is of use only if JSON was meant.
        refused = _refusal(model, field, raw)
        if refused is None:
            return raw
    raise ConfigurationError(variable, f"{field} refuses its value: {refused}")


def _refusal(model: type[WaffleModel], field: str, text: str) -> str | None:
    if malformed(text):
        return "it is not UTF-8"
    try:
        loaded(model, {field: text})
    except ValidationError as error:
        found = details(model, error, secrets_in(model, {field: text}))
        # A rule across fields is judged later, when all values are known.
        return next((d["msg"] for d in found if d["loc"]), None)
    return None
