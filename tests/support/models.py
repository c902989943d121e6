"""Settings models that several tests of the pure floor share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    create_model,
    field_validator,
    model_validator,
)

from typed_waffle import WaffleModel
from typed_waffle.change import Head, State
from typed_waffle.edit import Draft, Planned, planned
from typed_waffle.environment import Locks, locks
from typed_waffle.model import completed
from typed_waffle.snapshot import Snapshot, assembled
from typed_waffle.values import loaded

CANARY = "hunter2-canary"
"""A secret that must never be seen."""


class Smtp(WaffleModel):
    """Where mail goes."""

    host: str = "localhost"
    port: Annotated[int, Field(ge=1, le=65535)] = 25
    password: SecretStr = SecretStr("")


class Shop(WaffleModel):
    """One field of most kinds, two rules across fields, and rules of a field's own."""

    name: Annotated[str, Field(min_length=1, max_length=300_000)] = "Waffle"
    """Shown in the page header."""
    low: int = 0
    high: int = 10
    ratio: float = 0.5
    tags: Sequence[str] = ["a", "b"]
    limits: Mapping[str, Sequence[int]] = {"x": [1, 2]}
    admins: AbstractSet[str] = {"root"}
    smtp: Smtp = Smtp()
    token: SecretStr = SecretStr("")
    divisor: int = 1

    @field_validator("divisor")
    @classmethod
    def divides(cls, value: int) -> int:
        """Raise ZeroDivisionError for 0: a validator may raise anything."""
        assert 1 // value or value
        return value

    @model_validator(mode="after")
    def in_order(self) -> Self:
        """Low is at most high."""
        if self.low > self.high:
            raise ValueError("low is above high")
        return self

    @model_validator(mode="after")
    def token_differs(self) -> Self:
        """Quotes the secret in its message, as careless rules do."""
        if self.name == self.token.get_secret_value():
            raise ValueError(f"the name must not be {self.token.get_secret_value()}")
        return self


class Foreign(BaseModel):
    """A frozen Pydantic model that is no WaffleModel."""

    model_config = ConfigDict(frozen=True)

    sizes: tuple[int, ...] = (1,)


def one(annotation: Any, default: Any, **config: Any) -> Any:  # noqa: ANN401 - a model of any one field
    """A settings model with one field, `value`."""
    made = create_model(
        "One", __base__=WaffleModel, __cls_kwargs__=config, value=(annotation, default)
    )
    return completed(made)


def pinned(annotation: Any, default: Any, **environ: str) -> Any:  # noqa: ANN401 - of any type
    """The value of a field that the environment pins."""
    model = one(annotation, default)
    found = locks(model, "SHOP_", {f"SHOP_{name}": raw for name, raw in environ.items()})
    assert found.keys() == {"value"}
    return loaded(model, {name: lock.text for name, lock in found.items()}).value


def shown(
    *, overrides: Mapping[str, str] | None = None, locks: Locks | None = None, revision: int = 0
) -> Snapshot[Shop]:
    """A snapshot of `Shop` with these overrides."""
    state = State(Head(revision, f"id-{revision}" if revision else ""), dict(overrides or {}))
    return assembled(Shop, state, dict(locks or {}))


def plan(before: Snapshot[Shop], *resets: str, **updates: object) -> Planned[Shop]:
    """A change that does differ."""
    draft = Draft("new-id", updates=dict(updates), resets=set(resets))
    made = planned(draft, before)
    assert made is not None, "nothing differed"
    return made
