"""Every way to come by a `Waffle`: subclasses, generic code, unions, aliases, other modules."""

from collections.abc import Callable
from typing import Any, ClassVar, Final, Self, TypeVar

import shop
from shop import Range, Settings, Smtp

from typed_waffle import Snapshot, Waffle, WaffleModel

M = TypeVar("M", bound=WaffleModel)
C = TypeVar("C", bound=Settings)
W = TypeVar("W", bound=Waffle[Settings])


class Numbers(Range[int]):
    """A generic model, told its type."""

    base: int = 10


class Named(Range[M]):
    """A generic model whose type stays open."""


class Shop(Waffle[Settings]):
    """A Waffle of one model."""

    def rename(self, name: str) -> Self:
        self.update(site_name=name)
        self.update(sitename=name)  # mypy asks no plugin about a `self` of type Self
        return self

    def renamed(self) -> "Shop":
        self.update(sitename="x")  # E: "Settings" has no setting "sitename"; did you mean "site_name"?  [waffle-unknown]
        return self.rename("x")


class Own(Waffle[M]):
    """A Waffle of any model."""

    def all(self, **fields: object) -> None:
        self.update(**fields)
        self.update(anything=1)
        self.reset("anything")


class Other(Waffle[Settings]):
    """A Waffle with an `update` of its own, which is none of our business."""

    def update(self, /, *, why: str = "", **fields: object) -> None:  # type: ignore[override]
        super().update(note=why)
        super().update(notes=why)  # nor about `super()`


class Child(Settings):
    """A subclass that gives another default, and one field more."""

    page_size: int = 30
    extra: float = 1.0


class Constants(WaffleModel):
    """Constants are no settings."""

    inferred: Final = 3
    declared: Final[int] = 3
    shared: ClassVar[int] = 3
    size: int = 1


class Inheriting(Constants):
    """Nor are they where they are inherited."""

    more: int = 1


Alias = Waffle[Settings]

Shop(Settings).rename("x").update(page_size=3)
Shop(Settings).update(pagesize=3)  # E: "Settings" has no setting "pagesize"; did you mean "page_size"?  [waffle-unknown]
Shop(Settings).rename("x").reset("x")  # E: "Settings" has no setting "x"  [waffle-unknown]
Own(Smtp).update(port=1)
Own(Smtp).update(port="1")  # E: Setting "port" of "Smtp" is "int", not "str"  [waffle-value]
Other(Settings).update(why="x", sitename=1)
shop.waffle.update(pagesize=1)  # E: "Settings" has no setting "pagesize"; did you mean "page_size"?  [waffle-unknown]

Waffle(Child).update(page_size=3, site_name="x", extra=2)
Waffle(Child).update(page_size="3")  # E: Setting "page_size" of "Child" is "int", not "str"  [waffle-value]
Waffle(Child).reset("extras")  # E: "Child" has no setting "extras"; did you mean "extra"?  [waffle-unknown]

Waffle(Constants).update(inferred=3)  # E: "Constants" has no setting "inferred"  [waffle-unknown]
Waffle(Constants).update(declared=3)  # E: "Constants" has no setting "declared"  [waffle-unknown]
Waffle(Constants).update(shared=3)  # E: "Constants" has no setting "shared"  [waffle-unknown]
Waffle(Inheriting).update(size=3, more=3)
Waffle(Inheriting).update(inferred=3)  # E: "Inheriting" has no setting "inferred"  [waffle-unknown]
Waffle(Inheriting).update(declared=3)  # E: "Inheriting" has no setting "declared"  [waffle-unknown]
Waffle(Inheriting).reset("shared")  # E: "Inheriting" has no setting "shared"  [waffle-unknown]

Waffle(Numbers).update(low=1, high=None, steps=(1, 2), base=2)
Waffle(Numbers).update(low="1")  # E: Setting "low" of "Numbers" is "int | None", not "str"  [waffle-value]
Waffle(Range[str]).update(low="1", steps=("a",))
Waffle(Range[str]).update(low=1)  # E: Setting "low" of "Range" is "str | None", not "int"  [waffle-value]
Waffle(Range[str]).update(lowest=1)  # E: "Range" has no setting "lowest"; did you mean "low"?  [waffle-unknown]


def aliased(waffle: Alias) -> None:
    waffle.update(pagesize=1)  # E: "Settings" has no setting "pagesize"; did you mean "page_size"?  [waffle-unknown]


def of_any(waffle: Waffle[Any], snapshot: Snapshot[Any]) -> None:  # Any: of any model
    waffle.update(anything=1)
    waffle.reset("anything")
    snapshot.origin("anything")


def of_base(waffle: Waffle[WaffleModel]) -> None:
    waffle.update(anything=1)
    waffle.history(field="anything")


def generic(waffle: Waffle[M], own: Own[M]) -> Waffle[M]:
    waffle.update(anything=1, **{"a": 1})
    own.reset("anything")
    return waffle


def bounded(waffle: Waffle[C]) -> None:
    waffle.update(anything=1, page_size="perhaps")
    with waffle.edit() as edit:
        edit.update(anything=1)


def typevar(waffle: W) -> W:
    waffle.update(page_size=1)
    return waffle


def union(waffle: Waffle[Settings] | Waffle[Numbers], maybe: Waffle[Settings] | None) -> None:
    waffle.update(low=1)  # E: "Settings" has no setting "low"  [waffle-unknown]
    waffle.reset("base")  # E: "Settings" has no setting "base"  [waffle-unknown]
    if maybe:
        maybe.update(pagesize=1)  # E: "Settings" has no setting "pagesize"; did you mean "page_size"?  [waffle-unknown]


def models(waffle: Waffle[Settings | Numbers]) -> None:
    waffle.update(low=1)


class Base(WaffleModel):
    """Its field is of the class of whoever inherits it."""

    size: int = 1

    @classmethod
    def waffle(cls) -> Waffle[Self]:
        made = Waffle(cls)
        made.update(size=3, anything=1)
        return made


Base.waffle().update(size="x")  # E: Setting "size" of "Base" is "int", not "str"  [waffle-value]


def called(waffle: Waffle[Settings]) -> None:
    Waffle.update(waffle, page_size=1)
    update: Callable[..., object] = waffle.update
    update(anything=1)
    getattr(waffle, "update")(anything=1)
    _ = [w.update(pagesize=1) for w in [waffle]]  # E: "Settings" has no setting "pagesize"; did you mean "page_size"?  [waffle-unknown]
    _ = lambda: waffle.reset("x")  # E: "Settings" has no setting "x"  [waffle-unknown]
