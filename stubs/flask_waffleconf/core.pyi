from collections.abc import Mapping, Sequence

from flask import Flask

from .store import WaffleStore

class _WaffleState:
    def __init__(self, app: Flask, configstore: WaffleStore) -> None: ...
    def parse_conf(self, keys: Sequence[str] = ...) -> dict[str, object]: ...
    def update_db(self, new_values: Mapping[str, object]) -> None: ...

class WaffleConf:
    state: _WaffleState
    def __init__(self, app: Flask | None = ..., configstore: WaffleStore | None = ...) -> None: ...
