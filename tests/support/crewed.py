"""An office that shares its settings over Redis, and workers beside it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Annotated, Any

from pydantic import Field

from tests.support.office import Bakery, Browser, Office
from tests.support.redis import RedisServer
from tests.support.waiting import eventually
from typed_waffle import Waffle

__all__ = ["Crewed", "Smaller"]


class Smaller(Bakery):
    """Older code, which takes fewer seats."""

    seats: Annotated[int, Field(ge=1, le=50)] = 20


class Crewed:
    """An office, a browser in it, and workers.

    Args:
        redis: What they share.
        offices: Makes the office.
        options: Of the office.
    """

    def __init__(
        self,
        redis: RedisServer,
        offices: Callable[..., Office],
        **options: Any,  # noqa: ANN401 - of Office
    ) -> None:
        self._redis = redis
        self.office: Office = offices(keys={"WAFFLE_REDIS_URL": redis.url}, **options)
        self.browser: Browser = self.office.browser()
        self._stack = ExitStack()

    def worker(self, model: type[Any] = Bakery) -> Waffle[Any]:
        """Another worker, as another process would be."""
        config = {
            "WAFFLE_DATABASE_URL": self.office.apps.url,
            "WAFFLE_REDIS_URL": self._redis.url,
            "SECRET_KEY": self.office.app.config["SECRET_KEY"],
        }
        waffle = Waffle(model)
        self._stack.enter_context(waffle.connect(config))
        waffle.start()
        return waffle

    def shown(self, text: str) -> None:
        """Wait until the last page, loaded again and again, says something."""
        path = self.browser.response.request.path

        def there() -> bool:
            self.browser.get(path)
            return text in self.browser.text

        eventually(there, pause=0.1)

    def close(self) -> None:
        self._stack.close()
