from typing import Any

class AsyncResult:
    def __init__(
        self,
        id: str,  # noqa: A002 - its name
        backend: object = None,
        task_name: str | None = None,
        app: object = None,
        parent: object = None,
    ) -> None: ...
    def get(
        self,
        timeout: float | None = None,
        propagate: bool = True,
        interval: float = 0.5,
        no_ack: bool = True,
        follow_parents: bool = True,
        callback: object = None,
        on_message: object = None,
        on_interval: object = None,
        disable_sync_subtasks: bool = True,
        EXCEPTION_STATES: frozenset[str] = ...,  # noqa: N803 - its name
        PROPAGATE_STATES: frozenset[str] = ...,  # noqa: N803 - its name
    ) -> Any: ...  # noqa: ANN401 - whatever the task gave
