"""What a refusal may tell: Pydantic's details with every secret taken out, and one message."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from pydantic import BaseModel, Secret, SecretBytes, SecretStr, ValidationError

from typed_waffle.change import Overrides
from typed_waffle.model import WaffleModel, facts, known, own_words, reader, secret_names
from typed_waffle.values import MASK, brief, data

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = [
    "changed_by_json",
    "details",
    "fault",
    "lost",
    "no_json_form",
    "plaintexts",
    "reasons",
    "secrets_in",
    "secrets_of",
    "sentence",
    "summary",
]

NEXT = "Nothing was written: correct it and try again."
"""What to do about a write that was refused."""

_SHORT = 3
_MANY = 10
_LONG = 120
_HIDDEN = "its rule refuses it (the rule's own message is hidden, because a secret is in it)"


def details(
    model: type[WaffleModel], error: ValidationError, secrets: Collection[str]
) -> list[ErrorDetails]:
    """The details of a `ValidationError`, safe to show and log.

    A secret field shows no input and no message that its own validator wrote; a message anywhere
    that quotes one of `secrets` is hidden. Rules across fields carry no input, which would be all
    the settings.
    """
    fields = facts(model)
    return [_safe(fields, found, secrets) for found in error.errors(include_url=False)]


def _safe(
    fields: Mapping[str, object], found: ErrorDetails, secrets: Collection[str]
) -> ErrorDetails:
    field = fields.get(str(found["loc"][0])) if found["loc"] else None
    secret = getattr(field, "secret", False)
    msg = found["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    own = own_words(found["type"])
    context = found.get("ctx", {})
    if (secret and own) or _quotes(f"{msg} {context}", secrets):
        msg = _HIDDEN
    safe: ErrorDetails = {
        "type": found["type"],
        "loc": found["loc"],
        "msg": msg,
        "input": MASK if secret else None if not found["loc"] else found["input"],
    }
    if context and not own and not secret and msg is not _HIDDEN:
        safe["ctx"] = context
    return safe


def _quotes(text: str, secrets: Collection[str]) -> bool:
    # A very short secret must stand alone: a 0 is in many messages by chance.
    return any(
        plain in text
        and (len(plain) > _SHORT or re.search(rf"(?<!\w){re.escape(plain)}(?!\w)", text))
        for plain in secrets
    )


def fault(field: str, value: object, why: str, *, secret: bool) -> ErrorDetails:
    """One detail of our own, for what Pydantic does not check."""
    return {"type": "value_error", "loc": (field,), "msg": why, "input": MASK if secret else value}


def no_json_form(error: ValueError, *, secret: bool) -> str:
    """Why a value cannot be dumped; what it says may quote the value."""
    why = "it has no JSON form"
    said = " ".join(str(error).removeprefix("Error serializing to JSON: ").split())
    return why if secret else f"{why} ({said[:_LONG]})"


def changed_by_json(detail: ErrorDetails) -> ErrorDetails:
    """A detail of a value that was valid until it went through JSON."""
    if not detail["loc"]:
        return detail
    return {**detail, "msg": f"it does not survive JSON: {detail['msg']}"}


def lost(field: str, given: object, instead: object, *, secret: bool) -> ErrorDetails:
    """The detail of a value that would be loaded as another one."""
    why = "it does not survive JSON"
    if not secret:
        why += f": every worker would load {brief(instead)}"
        if type(given) is not type(instead):
            why += f" ({type(instead).__name__}, not {type(given).__name__})"
    return fault(field, given, why, secret=secret)


def summary(found: Iterable[ErrorDetails], then: str = NEXT) -> str:
    """One message for a refused change: each setting, its value, the rule, the next step."""
    found = list(found)
    parts = [sentence(detail) for detail in found[:_MANY]]
    if len(found) > _MANY:
        parts.append(f"and {len(found) - _MANY} more")
    return f"{'; '.join(parts)}. {then}"


def sentence(detail: ErrorDetails) -> str:
    """One detail as a message: the setting, its value, the rule."""
    if not detail["loc"]:
        return f"a rule across settings refuses the change: {detail['msg']}"
    where = ".".join(map(str, detail["loc"]))
    if len(where) > _LONG:
        where = f"{where[:_LONG]}..."
    return f"{where} = {brief(detail['input'])} is refused: {detail['msg']}"


def reasons(found: Iterable[ErrorDetails]) -> dict[str, str]:
    """The top-level fields at fault and why; the key "" stands for a rule across fields."""
    return {str(d["loc"][0]) if d["loc"] else "": d["msg"] for d in found}


def secrets_in(model: type[WaffleModel], texts: Overrides) -> frozenset[str]:
    """The plaintext of every secret in these texts and in the defaults, to keep out of messages."""
    names = secret_names(model) & texts.keys()
    return secrets_of(model, {n: (data(texts[n]), _typed(model, n, texts[n])) for n in names})


def secrets_of(model: type[WaffleModel], values: Mapping[str, object]) -> frozenset[str]:
    """The plaintext of every secret in these values and in the defaults."""
    defaults = [model.model_fields[n].default for n, fact in facts(model).items() if fact.secret]
    return plaintexts([*defaults, *(values[n] for n in secret_names(model) & values.keys())])


def _typed(model: type[WaffleModel], name: str, text: str) -> object:
    # The bytes of a secret, say, are base64 in the text.
    try:
        return reader(model, known(model, name, former=True).name)(text)
    except Exception:  # noqa: BLE001 - what cannot be read is not in the settings
        return None


def plaintexts(values: Iterable[object]) -> frozenset[str]:
    """Every text that stands in these values, to look for in messages."""
    return frozenset(text for value in values for text in _texts(value) if text)


def _texts(value: object) -> Iterator[str]:
    parts = _parts(value)
    if parts is not None:
        for part in parts:
            yield from _texts(part)
    elif isinstance(value, str):
        yield from (value, repr(value)[1:-1])
    elif isinstance(value, bytes):
        yield from (value.decode(errors="replace"), repr(value)[2:-1])
    elif value is not None and not isinstance(value, bool):
        yield _text(value)


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a huge int has no decimal text, and a class may raise anything
        return f"<{type(value).__name__}>"


def _parts(value: object) -> Iterable[object] | None:
    if isinstance(value, (Secret, SecretStr, SecretBytes)):
        return (value.get_secret_value(),)
    if isinstance(value, BaseModel):
        return [getattr(value, name) for name in type(value).model_fields]
    if dataclasses.is_dataclass(value):
        return [getattr(value, part.name) for part in dataclasses.fields(value)]
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, (list, tuple, set, frozenset)) else None
