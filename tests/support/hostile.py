"""Hostile: settings whose every text wants to be a script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from typed_waffle import WaffleModel

__all__ = ["EVIL", "PAYLOADS", "Hostile"]

PAYLOADS: Mapping[str, str] = {
    "element": "<x-evil>element</x-evil><img src=x onerror=evil()>",
    "attribute": "\"><x-evil onfocus=evil() autofocus tabindex=1 x='",
    "apostrophe": "' onmouseover='evil()' autofocus onfocus='evil()' x='",
    "script": "</script><script>evil()</script>",
    "textarea": "</textarea></title></style><script>evil()</script>",
    "svg": "<svg/onload=evil()><x-evil>",
    "comment": "--><x-evil><!--",
    "address": "javascript:evil()",
    "template": "{{7*7}}{% raw %}${7*7}%(evil)s{0.__class__}",
    "backwards": "\u202e<x-evil>\u2028\x00",
}
"""What is tried, by what it breaks out of."""

EVIL = "".join(PAYLOADS.values())


class Inner(WaffleModel):
    __doc__ = EVIL

    text: Annotated[str, Field(description=EVIL)] = "inner"


class Hostile(WaffleModel):
    __doc__ = EVIL

    short: Annotated[
        str, Field(max_length=2000, description=EVIL, json_schema_extra={"unit": EVIL})
    ] = EVIL.replace("\x00", "")
    long: str = EVIL
    choice: Literal["plain", "<x-evil>", '"><script>evil()</script>'] = "plain"
    items: tuple[str, ...] = tuple(PAYLOADS.values())
    table: Mapping[str, str] = PAYLOADS
    picky: str = "good"
    low: int = 0
    inner: Inner = Inner()

    @field_validator("picky")
    @classmethod
    def _good(cls, value: str) -> str:
        if value != "good":
            raise ValueError(f"{value} is not good {EVIL}")
        return value

    @model_validator(mode="after")
    def _ruled(self) -> Self:
        if self.low > 10:
            raise ValueError(f"low is {self.low} {EVIL}")
        return self
