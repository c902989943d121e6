"""The admin page and the JSON API: a blueprint that is closed unless it is opened."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint

from typed_waffle.admin.visitor import Rights
from typed_waffle.errors import ConfigurationError
from typed_waffle.extension import Waffle
from typed_waffle.model import M

__all__ = ["admin"]


def admin(
    waffle: Waffle[M],
    url_prefix: str,
    authorize: Callable[[], str | None] | None,
    may_read: Callable[[str, str], bool] | None,
    may_write: Callable[[str, str], bool] | None,
) -> Blueprint:
    """As `Waffle.admin`.

    Raises:
        ConfigurationError: the extra `admin` is not installed.
    """
    try:
        from typed_waffle.admin.api import add_api  # noqa: PLC0415 - they need the extra
        from typed_waffle.admin.house import House  # noqa: PLC0415 - as above
        from typed_waffle.admin.pages import add_pages  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in {"cryptography", "flask_wtf", "wtforms"}:
            raise
        raise ConfigurationError(
            "admin", f"it needs {error.name}: pip install 'typed-waffle[admin]'"
        ) from None
    house = House(waffle, url_prefix, authorize, Rights(may_read, may_write))
    add_pages(house)
    add_api(house)
    return house.blueprint
