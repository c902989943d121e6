from collections.abc import Callable
from typing import TypeVar

_F = TypeVar("_F", bound=Callable[..., object])

class Signal:
    def connect(self, receiver: _F) -> _F: ...

worker_process_init: Signal
worker_process_shutdown: Signal
