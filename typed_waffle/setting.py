"""Setting: what a settings model says of a field in `Annotated`, beside its type and rules."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic.fields import FieldInfo

from typed_waffle.fieldtypes import Refused

__all__ = ["Setting", "former_name", "refuse_within"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A marker: `site_title: Annotated[str, Setting(renamed_from="site_name")] = "Waffle"`.

    Pydantic takes no notice of it.
    """

    renamed_from: str | None = None
    """The name that the field had before. What is stored under it counts as this field's, until
    something is stored under the new name."""


def former_name(name: str, fields: Mapping[str, FieldInfo]) -> str | None:
    """The old name of a field, if its marker tells one.

    Raises:
        Refused: it cannot be a field's old name, or is not this field's alone.
    """
    told = _told(fields[name])
    if not told:
        return None
    old = told[0]
    if len(told) > 1:
        raise Refused("it says renamed_from more than once", "Give one old name")
    if not isinstance(old, str) or not old.isidentifier() or keyword.iskeyword(old):
        raise Refused(
            f"renamed_from={old!r} is not a Python name", "Give the name that it had before"
        )
    if old in fields:
        raise Refused(
            f"renamed_from={old!r} is a field of this model", "Give the name that it had before"
        )
    others = [other for other, field in fields.items() if other != name and old in _told(field)]
    if others:
        raise Refused(f"renamed_from={old!r} is said of {others[0]} too", "Say it of one of them")
    return old


def refuse_within(annotation: Any) -> None:  # noqa: ANN401 - annotations have no common type
    """Refuse a marker inside of a field's type: nothing would read it.

    Raises:
        Refused: one stands in the type, or renames a field of a model in it.
    """
    if isinstance(annotation, Setting):
        raise Refused("a Setting(...) inside of its type says nothing", "Put it on the field")
    if hasattr(annotation, "__waffle_facts__"):
        for name, field in annotation.model_fields.items():
            if _told(field):
                raise Refused(
                    f"{annotation.__qualname__}.{name} says renamed_from, and is nested here",
                    "Leave it out there: only a whole setting can be renamed",
                )
    for part in get_args(annotation):
        refuse_within(part)


def _told(field: FieldInfo) -> list[object]:
    # Not a list of str: nothing has checked what was written.
    markers = [meta for meta in field.metadata if isinstance(meta, Setting)]
    return [marker.renamed_from for marker in markers if marker.renamed_from is not None]
