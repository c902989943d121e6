"""The `WAFFLE_*` keys: one place that reads, checks and explains them."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from typed_waffle.errors import ConfigurationError

__all__ = ["Config", "environment_keys"]

PREFIX = "WAFFLE_"

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Config(BaseModel):
    """The keys, without their prefix, and their defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    multiproc: bool | None = None
    """Whether changes travel over Redis. Unset, they do if a Redis client or URL is given."""
    redis_host: str = "localhost"
    redis_port: Annotated[int, Field(ge=1, le=65_535)] = 6379
    redis_channel: Annotated[str, Field(min_length=1)] = "waffleconf"
    redis_url: SecretStr | None = None
    """Wins over host and port: `redis://`, `rediss://` (TLS) or `unix://`."""
    database_url: SecretStr | None = None
    """Unset: Flask-SQLAlchemy's engine if it is there, else `waffle.db` in the instance folder."""
    listener: Literal["auto", "thread", "inline"] = "auto"
    poll_interval: Seconds = 30.0
    fallback_poll_interval: Seconds = 2.0
    signing_key: SecretStr | None = None
    """Signs messages; the app's `SECRET_KEY` unless set."""
    env_prefix: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    on_invalid: Literal["default", "raise"] = "default"
    create_tables: bool = True
    table_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{0,40}$")] = "waffle_"
    history_keep: Annotated[int, Field(ge=1)] | None = None
    """How many changes the history keeps; unset, all."""
    actor: Callable[[], str | None] | None = None
    """Names who is writing, where a write does not say it."""

    @classmethod
    def read(cls, mapping: Mapping[str, Any]) -> Config:  # Any: as in Flask's app.config
        """Read and check every `WAFFLE_*` key; others are left alone.

        Raises:
            ConfigurationError: a key is unknown, or its value is bad.
        """
        given = {
            key.removeprefix(PREFIX).lower(): value
            for key, value in mapping.items()
            if key.startswith(PREFIX)
        }
        for name in given:
            if name not in cls.model_fields:
                close = difflib.get_close_matches(name, cls.model_fields, n=1)
                nearest = PREFIX + close[0].upper() if close else None
                raise ConfigurationError(
                    PREFIX + name.upper(), "there is no such key", nearest=nearest
                )
        if not given.get("signing_key") and mapping.get("SECRET_KEY"):
            secret = mapping["SECRET_KEY"]
            given["signing_key"] = secret.decode("latin-1") if isinstance(secret, bytes) else secret
        try:
            return cls(**given)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        # A URL may hold a password.
        hidden = cls.model_fields[name].annotation == SecretStr | None
        shown = "its value" if hidden else repr(first["input"])
        raise ConfigurationError(PREFIX + name.upper(), f"{shown} is refused: {first['msg']}")

    def uses_bus(self, *, client_given: bool) -> bool:
        """Whether changes travel over Redis."""
        if self.multiproc is None:
            return client_given or self.redis_url is not None
        return self.multiproc


def environment_keys() -> dict[str, str]:
    """The `WAFFLE_*` keys that environment variables give, for use without Flask."""
    prefix = os.environ.get("WAFFLE_ENV_PREFIX")
    return {
        key: value
        for key, value in os.environ.items()
        if key.startswith("WAFFLE_") and not (prefix and key.startswith(prefix))
    }
