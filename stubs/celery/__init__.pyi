from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from celery.result import AsyncResult

_F = TypeVar("_F", bound=Callable[..., object])

class Task:
    def run(self, *args: object, **kwargs: object) -> object: ...

# What we never hand in is an object.
class Celery:
    def __init__(
        self,
        main: str | None = None,
        loader: object = None,
        backend: object = None,
        amqp: object = None,
        events: object = None,
        log: object = None,
        control: object = None,
        set_as_current: bool = True,
        tasks: object = None,
        broker: object = None,
        include: object = None,
        changes: object = None,
        config_source: object = None,
        fixups: object = None,
        task_cls: type[Task] | None = None,
        autofinalize: bool = True,
        namespace: str | None = None,
        strict_typing: bool = True,
        config_source_silent: bool = False,
        **kwargs: object,
    ) -> None: ...
    def config_from_object(
        self, obj: object, silent: bool = False, force: bool = False, namespace: str | None = None
    ) -> None: ...
    def set_default(self) -> None: ...
    def task(self, *args: object, name: str = ..., **opts: object) -> Callable[[_F], _F]: ...
    def send_task(
        self,
        name: str,
        args: Sequence[object] | None = None,
        kwargs: Mapping[str, object] | None = None,
        countdown: float | None = None,
        eta: object = None,
        task_id: str | None = None,
        producer: object = None,
        connection: object = None,
        router: object = None,
        result_cls: object = None,
        expires: float | None = ...,
        publisher: object = None,
        link: object = None,
        link_error: object = None,
        add_to_parent: bool = True,
        group_id: object = None,
        group_index: object = None,
        retries: int = 0,
        chord: object = None,
        reply_to: object = None,
        time_limit: float | None = ...,
        soft_time_limit: float | None = ...,
        root_id: object = None,
        parent_id: object = None,
        route_name: object = None,
        shadow: object = None,
        chain: object = None,
        task_type: object = None,
        replaced_task_nesting: int = 0,
        **options: object,
    ) -> AsyncResult: ...
    def close(self) -> None: ...
