"""The settings of the page on mistakes."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from typed_waffle import Waffle, WaffleModel


class Smtp(WaffleModel):
    """A nested model."""

    host: str = "localhost"
    port: int = 25


class Settings(WaffleModel):
    """A field of each kind that can be misused in its own way."""

    site_name: Annotated[str, Field(min_length=1)] = "Waffle"
    page_size: int = 20
    maintenance: bool = False
    theme: Literal["light", "dark"] = "light"
    note: str | None = None
    smtp: Smtp = Smtp()
    prices: Mapping[str, int] = {}
    tags: tuple[str, ...] = ()
    smtp_password: SecretStr = SecretStr("")


waffle = Waffle(Settings)
