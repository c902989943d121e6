from collections.abc import Callable
from typing import TypeVar

_F = TypeVar("_F", bound=Callable[..., object])

class Signal:
    def __init__(
        self, providing_args: object = None, use_caching: bool = False, name: str | None = None
    ) -> None: ...
    def connect(self, receiver: _F) -> _F: ...

worker_process_init: Signal
worker_process_shutdown: Signal
