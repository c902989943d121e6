"""Leaf: one control's place in the model, and what is known of it without any value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from types import NoneType
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from typed_waffle.admin.pages.control import Control, json_text
from typed_waffle.admin.pages.fit import controls_for, item_of, optional
from typed_waffle.constraints import Schema, shape, words
from typed_waffle.model import WaffleModel, holding
from typed_waffle.parts import bare, members
from typed_waffle.paths import Assignment, Path, assigned
from typed_waffle.texts import read
from typed_waffle.values import data, masked

__all__ = ["NOTHING", "Leaf", "Shown", "leaf_of", "unit_of"]

NOTHING: Final = object()
"""No data: `None` is some."""

_FLAGGED: Final = frozenset({"line", "area", "lines", "password", "block", "sealed"})
"""Controls in which an empty text is a value, so that it takes a box to say that there is none."""

_SPELLED: Final = frozenset({"switch", "select", "json"})
"""Controls that say `null` if there is none."""

_STRICT: Final = frozenset({"json", "sealed"})
"""Controls in which names are typed, none of which may be dropped without a word."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands in a control."""

    control: Control
    text: str
    none: bool = False
    """Whether there is no value."""

    @property
    def digest(self) -> str:
        """Short for what stands there, and in which kind of control."""
        sign = "-" if self.none else "+"
        made = blake2b(f"{sign}{self.text}".encode("utf-8", "replace"), digest_size=8)
        return f"{self.control.kind}:{made.hexdigest()}"


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A setting, or a part of one that is no further taken apart."""

    path: Path
    name: str
    """Its path."""
    spelling: str
    """Its type, as the developer wrote it."""
    constraint: str | None
    description: str | None
    unit: str | None
    controls: tuple[Control, ...]
    optional: bool
    flagged: bool
    """Whether a box says that there is no value."""
    item: FieldInfo | None = field(repr=False)
    """What stands on each line, if it is shown so."""

    @property
    def secret(self) -> bool:
        """Whether it is only ever written."""
        return self.controls[0].secret

    @property
    def label(self) -> str:
        """The last name of its path."""
        return self.path.keys[-1] if self.path.keys else self.path.field

    def control(self, kind: str) -> Control | None:
        """One of its controls."""
        return next((control for control in self.controls if control.kind == kind), None)

    def control_of(self, digest: str) -> Control:
        """The control of what has a digest; the first one if nobody knows."""
        return self.control(digest.partition(":")[0]) or self.controls[0]

    def shown(self, value: object) -> Shown:
        """Plain data, in the first control that can show it."""
        first = self.controls[0]
        if value is None and self.optional and not first.secret and first.kind not in _SPELLED:
            return Shown(first, "", none=True)
        for control in self.controls:
            text = control.shows(value)
            if text is not None:
                return Shown(control, text)
        return Shown(self.controls[-1], json_text(value))

    def assigned(self, model: type[WaffleModel], typed: Shown) -> Assignment:
        """The value that was typed.

        Raises:
            InvalidChange: the text can be no value of the type; or it is the mask of a secret.
        """
        control, text = typed.control, typed.text
        if typed.none and self.optional:
            return assigned(model, self.path, "null", as_json=True)
        if control.kind == "lines" and self.item is not None:
            lines = (line.strip() for line in text.split("\n"))
            values = [read(self.item, line) for line in lines if line]
            return Assignment(self.path, self._gathered(values))
        strict = control.kind in _STRICT
        return assigned(
            model, self.path, control.meant(text), as_json=control.as_json, strict=strict
        )

    def _gathered(self, values: list[object]) -> object:
        kinds = (getattr(m, "__origin__", None) for m in members(self.path.info.annotation))
        return frozenset(values) if frozenset in kinds else tuple(values)

    def plain(self, value: object) -> object:
        """A value as plain data; `NOTHING` if there is no way to write it."""
        try:
            holder = holding(bare(self.path.info)).model_construct(value=value)
            return data(masked(holder, ["value"])["value"])
        except Exception:  # noqa: BLE001 - it may be anything, and a serializer may raise anything
            # A type may need the configuration of its model, as for expressions of Python's own.
            return value if type(value) in {str, int, bool, NoneType} else NOTHING


def leaf_of(
    path: Path, told: tuple[str | None, str], unit: str | None, schema: Schema | None = None
) -> Leaf:
    """A leaf.

    Args:
        path: Where it is.
        told: Its description, and its type as the developer wrote it.
        unit: What it counts.
        schema: The shape of what it takes, if that is known.
    """
    schema = shape(path.info) if schema is None else schema
    description, kind = told
    controls = controls_for(path.info, schema)
    leaf = Leaf(
        path=path,
        name=str(path),
        spelling=kind,
        constraint=words(path.info, schema),
        description=description,
        unit=unit,
        controls=controls,
        optional=optional(path.info),
        flagged=optional(path.info) and controls[0].kind in _FLAGGED,
        item=item_of(path.info) if any(c.kind == "lines" for c in controls) else None,
    )
    if leaf.optional and controls[0].kind == "text":
        # An empty pattern is a value; an empty path is another one, so that it can say none.
        return replace(leaf, flagged=leaf.plain(read(path.info, "")) == "")
    return leaf


def unit_of(owner: Any, name: str) -> str | None:  # noqa: ANN401 - an annotation
    """What a number counts, as `Field(json_schema_extra={"unit": ...})` says it."""
    for cls in _models(owner):
        extra = cls.model_fields[name].json_schema_extra if name in cls.model_fields else None
        unit = extra.get("unit") if isinstance(extra, dict) else None
        if isinstance(unit, str):
            return unit
    return None


def _models(owner: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - an annotation
    for member in members(owner):
        if isinstance(member, type) and issubclass(member, BaseModel):
            yield member
