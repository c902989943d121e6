"""The models that the cases change: everything in here is right."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Annotated, ClassVar, Generic, Literal, TypeVar

from pydantic import ByteSize, Field, SecretStr, computed_field
from typing_extensions import TypeAliasType

from typed_waffle import Waffle, WaffleModel
from typed_waffle.model import Setting

T = TypeVar("T")

Percent = Annotated[int, Field(ge=0, le=100)]
Names = TypeAliasType("Names", tuple[str, ...])


class Smtp(WaffleModel):
    host: str = "localhost"
    port: int = 25


class Common(WaffleModel):
    site_name: Annotated[str, Field(min_length=1)] = "Waffle"
    maintenance: bool = False


class Range(WaffleModel, Generic[T]):
    low: T | None = None
    high: T | None = None
    steps: tuple[T, ...] = ()


class Settings(Common):
    limit: ClassVar[int] = 3

    page_size: Annotated[int, Setting(renamed_from="per_page")] = 20
    max_filesize: ByteSize = ByteSize(1_000)
    smtp_password: SecretStr = SecretStr("")
    smtp: Smtp = Smtp()
    prices: Mapping[str, int] = {}
    tags: Sequence[str] = ()
    flags: AbstractSet[str] = frozenset()
    note: str | None = None
    theme: Literal["light", "dark"] = "light"
    discount: Percent = 0
    names: Names = ()
    ratio: float = Field(default=0.5, alias="rate")
    later: "Later | None" = None
    self: int = 0
    fields: str = ""

    @property
    def title(self) -> str:
        return self.site_name.title()

    @computed_field  # type: ignore[prop-decorator]
    @cached_property
    def heading(self) -> str:
        return self.title

    def greeting(self) -> str:
        return self.title


class Later(WaffleModel):
    when: str = ""


waffle = Waffle(Settings)
