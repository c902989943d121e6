"""Pointer: where something stands in a JSON document, as RFC 6901 has it."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic.fields import FieldInfo

from typed_waffle.model import WaffleModel
from typed_waffle.parts import bare, found_part

__all__ = ["pointer", "pointer_in"]


def pointer(keys: Iterable[int | str]) -> str:
    """The pointer that these keys make; empty for all of the document."""
    return "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in keys)


def pointer_in(model: type[WaffleModel], loc: tuple[int | str, ...]) -> str:
    """The pointer to where Pydantic says that something is wrong.

    What Pydantic adds to tell the members of a union apart is left out: no document has it.
    """
    first, *rest = loc or ("",)
    declared = model.model_fields.get(str(first))
    if declared is None:
        return pointer(loc)
    info: FieldInfo | None = FieldInfo.from_annotation(bare(declared))
    kept: list[int | str] = [first]
    for key in rest:
        part = found_part(info, key, exact=True) if info and isinstance(key, str) else None
        if part is not None:
            info = part[1]
        elif isinstance(key, int):
            info = None  # what stands in a list has no path
        elif info is not None:
            continue
        kept.append(key)
    return pointer(kept)
