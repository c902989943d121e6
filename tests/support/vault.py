"""Workers on one database, with secrets and the keys that encrypt them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import create_engine, text

from tests.support.models import Shop
from typed_waffle import Waffle

__all__ = ["KEYS", "Connect", "stored", "token", "workers"]

KEYS = "WAFFLE_ENCRYPTION_KEYS"

Connect = Callable[..., Waffle[Shop]]


@contextmanager
def workers(url: str) -> Iterator[Connect]:
    """Make workers on a database, each with its encryption keys; they end with the block."""
    with ExitStack() as stack:

        def connected(*keys: str, model: Any = Shop, **more: Any) -> Any:  # noqa: ANN401 - of any model
            config = {"WAFFLE_DATABASE_URL": url, KEYS: keys or None, **more}
            return stack.enter_context(Waffle(model).connect(config))

        yield connected


def stored(url: str) -> dict[str, str]:
    """The rows of the overrides, as they are in the database."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT field, value FROM waffle_override")).all()
    engine.dispose()
    return {row.field: row.value for row in rows}


def token(of: Waffle[Shop]) -> str:
    """The secret that a worker shows."""
    return of.snapshot().settings.token.get_secret_value()
