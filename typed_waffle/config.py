"""The `WAFFLE_*` keys: one place that reads, checks and explains them."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from typed_waffle.errors import ConfigurationError
from typed_waffle.fieldtypes import has_secret
from typed_waffle.sealing import Cipher

__all__ = ["Config", "environment_keys"]

PREFIX = "WAFFLE_"

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Config(BaseModel):
    """The keys, without their prefix, and their defaults."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True
    )

    multiproc: bool | None = None
    """Whether changes travel over Redis. Unset, they do if a Redis client or URL is given."""
    redis_host: str = "localhost"
    redis_port: Annotated[int, Field(ge=1, le=65_535)] = 6379
    redis_channel: Annotated[str, Field(min_length=1)] = "waffleconf"
    redis_url: SecretStr | None = None
    """Wins over host and port: `redis://`, `rediss://` (TLS) or `unix://`."""
    database_url: SecretStr | None = None
    """Unset: Flask-SQLAlchemy's engine if it is there, else `waffle.db` in the instance folder."""
    listener: Literal["auto", "thread", "gevent", "inline"] = "auto"
    poll_interval: Seconds = 30.0
    fallback_poll_interval: Seconds = 2.0
    signing_key: SecretStr | None = None
    """Signs messages and copies; the app's `SECRET_KEY` unless set."""
    encryption_keys: tuple[SecretStr, ...] | None = None
    """Encrypt secrets in the database: the first one encrypts, every one decrypts."""
    env_prefix: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    on_invalid: Literal["default", "raise"] = "default"
    on_unavailable: Literal["last-good", "raise"] = "last-good"
    cache_dir: Path | None = None
    """Where copies are kept for a start without the database; from the instance folder on."""
    create_tables: bool = True
    table_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{0,40}$")] = "waffle_"
    history_keep: Annotated[int, Field(ge=1)] | None = None
    """How many changes the history keeps; unset, all."""
    actor: Callable[[], str | None] | None = None
    """Names who is writing, where a write does not say it."""
    admin_token: Annotated[SecretStr, Field(min_length=20)] | None = None
    """Opens the admin page and the JSON API to whoever has it."""

    @field_validator("encryption_keys", mode="before")
    @classmethod
    def _one_by_one(cls, given: object) -> object:
        """One text may hold several keys: an environment variable has no other way."""
        if isinstance(given, bytes):
            given = given.decode("latin-1")
        if isinstance(given, str):
            return given.replace(",", " ").split()
        if given is None or isinstance(given, (list, tuple)):
            return given
        raise ValueError("give a list of keys, or one text with commas between them")

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
            config = cls(**given)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
        else:
            config.cipher()  # a bad key is found here, not at the first use
            if config.cache_dir is not None and config.signs_with() is None:
                raise ConfigurationError(
                    "WAFFLE_CACHE_DIR",
                    "copies are signed, and there is no key to sign with. Set WAFFLE_SIGNING_KEY, "
                    "or the app's SECRET_KEY, to the same text in all workers",
                )
            return config
        name = str(first["loc"][0])
        # A URL may hold a password.
        hidden = has_secret(cls.model_fields[name].annotation)
        shown = "its value" if hidden else repr(first["input"])
        why = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(PREFIX + name.upper(), f"{shown} is refused: {why}")

    def cipher(self) -> Cipher | None:
        """What encrypts secrets in the database; `None` without keys.

        Raises:
            ConfigurationError: a key is bad, or the package that it takes is not installed.
        """
        if self.encryption_keys is None:
            return None
        return Cipher([key.get_secret_value() for key in self.encryption_keys])

    def signs_with(self) -> str | None:
        """What signs messages and copies; `None` without a key, or with an empty one."""
        return (self.signing_key.get_secret_value() if self.signing_key else None) or None

    def uses_bus(self, *, client_given: bool) -> bool:
        """Whether changes travel over Redis."""
        if self.multiproc is None:
            return client_given or self.redis_url is not None
        return self.multiproc


def environment_keys() -> dict[str, str]:
    """The `WAFFLE_*` keys that environment variables give, for use without Flask."""
    prefix = os.environ.get("WAFFLE_ENV_PREFIX", "").lower()
    return {
        key: value
        for key, value in os.environ.items()
        if key.startswith(PREFIX) and not (prefix and key.lower().startswith(prefix))
    }
