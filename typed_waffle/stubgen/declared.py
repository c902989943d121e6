"""The declared types: each field's annotation as the developer wrote it.

A model's own annotations were given an immutable form when its class was made; what a caller may
hand in is what was written, in the module of the class that declares the field.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from inspect import get_annotations
from typing import Any, TypeVar, get_type_hints

from typed_waffle.errors import DeclarationError
from typed_waffle.model import WaffleModel

__all__ = ["declared"]


def declared(model: type[WaffleModel]) -> dict[str, Any]:  # Any: annotations have no common type
    """The annotation of every field, in the order of declaration.

    Raises:
        DeclarationError: an annotation names what its module does not have.
    """
    return {name: _annotation(model, name) for name in model.model_fields}


def _annotation(model: type[WaffleModel], name: str) -> Any:  # noqa: ANN401 - annotations have no common type
    owner = next(cls for cls in model.__mro__ if name in get_annotations(cls))
    try:
        annotation = _resolved(owner, get_annotations(owner)[name])
    except NameError as error:
        raise DeclarationError(
            model.__qualname__,
            name,
            f"its type cannot be found in {owner.__module__}: {error}",
            "Define what it names at the top level of a module, and import it there",
        ) from None
    below = model.__mro__[: model.__mro__.index(owner)]
    for cls in reversed(below):  # `class Settings(Shop[Plan])`: what was T in Shop is Plan
        told = getattr(cls, "__pydantic_generic_metadata__", {})
        if told.get("origin"):
            free = told["origin"].__pydantic_generic_metadata__["parameters"]
            annotation = _filled(annotation, dict(zip(free, told["args"], strict=True)))
    return annotation


def _resolved(owner: type, annotation: object) -> Any:  # noqa: ANN401 - see above
    one = type("One", (), {"__annotations__": {"it": annotation}})
    parameters = {p.__name__: p for p in getattr(owner, "__type_params__", ())}
    names = {**vars(sys.modules[owner.__module__]), **parameters}
    within = {**vars(owner), owner.__name__: owner}  # what Pydantic looks into
    return get_type_hints(one, names, within, include_extras=True)["it"]


def _filled(annotation: Any, values: Mapping[TypeVar, Any]) -> Any:  # noqa: ANN401 - see above
    if isinstance(annotation, TypeVar):
        return values.get(annotation, annotation)
    free = getattr(annotation, "__parameters__", ())
    if not free or not values.keys() & set(free) or annotation in free:
        return annotation
    return annotation[tuple(values.get(parameter, parameter) for parameter in free)]
