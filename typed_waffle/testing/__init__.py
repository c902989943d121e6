"""For tests: of an application, of its behaviour in trouble, and of stores and buses.

`memory` gives a `Waffle` a store and a bus without any server; `FaultyStore` and `FaultyBus` make
trouble on command. `StoreContract` and `BusContract` are for people who write their own: subclass a
contract in a test module and give it the fixtures that it names; pytest then collects its tests,
one for each promise of `typed_waffle.protocols`. A broken promise shows the values it was broken
with.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typed_waffle.testing.buses import BusContract
    from typed_waffle.testing.faults import FaultyBus, FaultyStore
    from typed_waffle.testing.inmemory import Memory, memory
    from typed_waffle.testing.plugin import WaffleOverride
    from typed_waffle.testing.stores import StoreContract

__all__ = [
    "BusContract",
    "FaultyBus",
    "FaultyStore",
    "Memory",
    "StoreContract",
    "WaffleOverride",
    "memory",
]

_HOMES = {
    "BusContract": "buses",
    "FaultyBus": "faults",
    "FaultyStore": "faults",
    "Memory": "inmemory",
    "StoreContract": "stores",
    "WaffleOverride": "plugin",
    "memory": "inmemory",
}

if not TYPE_CHECKING:  # else a checker would take every name for one of ours

    def __getattr__(name):  # noqa: ANN001, ANN202 - hidden from checkers
        """Import a public name at its first use: pytest loads the plugin into every suite."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415 - as above

        return getattr(import_module(f"typed_waffle.testing.{_HOMES[name]}"), name)
