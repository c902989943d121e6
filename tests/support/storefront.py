"""Storefront: settings of a shop as it might be, for pictures of its pages."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import time, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import ByteSize, Field, SecretStr

from typed_waffle import WaffleModel

__all__ = ["HISTORY", "Shop"]

Euros = Annotated[Decimal, Field(ge=0, decimal_places=2, json_schema_extra={"unit": "EUR"})]


class Shipping(enum.Enum):
    """How parcels are sent."""

    POST = "post"
    COURIER = "courier"
    PICKUP = "pickup"


class Checkout(WaffleModel):
    """What happens between the basket and the receipt."""

    min_order: Euros = Decimal("5.00")
    """Below this, the basket cannot be paid."""
    free_shipping_from: Euros = Decimal("50.00")
    shipping: Shipping = Shipping.POST
    """Chosen if the customer does not."""
    basket_lifetime: timedelta = timedelta(hours=2)


class Mail(WaffleModel):
    """Where confirmations are sent from."""

    host: Annotated[str, Field(max_length=100)] = "mail.example.org"
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    password: SecretStr = SecretStr("")


class Shop(WaffleModel):
    """What the shop's staff may change while it is open."""

    name: Annotated[str, Field(min_length=1, max_length=40)] = "Waffle House"
    """Shown in the header of every page."""
    maintenance: bool = False
    """Shows a friendly notice instead of the shop."""
    theme: Literal["light", "dark", "auto"] = "auto"
    page_size: Annotated[int, Field(ge=5, le=100)] = 20
    """Products on one page."""
    upload_limit: ByteSize = ByteSize(2 * 1024 * 1024)
    """The largest picture in a review."""
    support_opens: time = time(8, 30)
    banners: tuple[str, ...] = ("Fresh waffles, baked daily",)
    """Shown one after another."""
    vat: Mapping[str, Decimal] = {"BE": Decimal("0.21"), "DE": Decimal("0.19")}
    checkout: Checkout = Checkout()
    mail: Mail = Mail()


HISTORY: tuple[tuple[str, str, Mapping[str, object]], ...] = (
    (
        "bob",
        "Summer campaign",
        {
            "banners": ("Fresh waffles, baked daily", "Free shipping until Sunday"),
            "checkout": {"free_shipping_from": "30.00"},
        },
    ),
    ("ada", "The new provider wants another port", {"mail": {"port": 465, "password": "secret"}}),
    ("release 4.2", "", {"upload_limit": 4 * 1024 * 1024}),
)
"""Who changed what, and why."""
