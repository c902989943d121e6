"""What operators may change while the shop runs."""

from typing import Annotated

from pydantic import ByteSize, Field, SecretStr, model_validator

from typed_waffle import Waffle, WaffleModel

__all__ = ["Settings", "current_settings", "waffle"]


class Settings(WaffleModel):
    """What operators may change while the shop runs."""

    site_name: Annotated[str, Field(min_length=1, max_length=40)] = "Waffle"
    """Shown in the page header."""
    max_filesize: ByteSize = ByteSize(1_000)
    """The largest picture that a customer may upload."""
    maintenance: bool = False
    """Shows a closed door instead of the shop."""
    smtp_password: SecretStr = SecretStr("")
    """For the mails that confirm an order."""
    min_order: Annotated[int, Field(ge=0)] = 5
    """The smallest order that is delivered, in euros."""
    max_order: Annotated[int, Field(ge=0)] = 500
    """The largest order that is taken without a call, in euros."""

    @model_validator(mode="after")
    def _orders_are_possible(self) -> "Settings":
        if self.min_order > self.max_order:
            raise ValueError(f"min_order {self.min_order} is above max_order {self.max_order}")
        return self


waffle: Waffle[Settings] = Waffle(Settings)
current_settings: Settings = waffle.current_settings
