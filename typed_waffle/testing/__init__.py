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
        """Import a public name, or a module, at its first use: every pytest loads the plugin."""
        from typed_waffle.lazily import submodule  # noqa: PLC0415 - as above

        if name not in _HOMES:
            return submodule(__name__, name)
        return getattr(submodule(__name__, _HOMES[name]), name)
