"""Typed settings that operators change while the application runs."""

import typed_waffle.interpreter  # noqa: F401 # pyright: ignore[reportUnusedImport] # it speaks first

# isort: split
import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typed_waffle.change import Change, FieldChange
    from typed_waffle.errors import (
        BusUnavailable,
        ConfigurationError,
        DeclarationError,
        InvalidChange,
        NotBound,
        RevisionConflict,
        SettingLocked,
        StoreUnavailable,
        UnknownSetting,
        WaffleError,
    )
    from typed_waffle.extension import Waffle
    from typed_waffle.fleet import FleetReport, WorkerInfo
    from typed_waffle.model import WaffleModel
    from typed_waffle.signals import settings_changed, settings_rejected
    from typed_waffle.snapshot import Snapshot
    from typed_waffle.status import Status

__all__ = [
    "BusUnavailable",
    "Change",
    "ConfigurationError",
    "DeclarationError",
    "FieldChange",
    "FleetReport",
    "InvalidChange",
    "NotBound",
    "RevisionConflict",
    "SettingLocked",
    "Snapshot",
    "Status",
    "StoreUnavailable",
    "UnknownSetting",
    "Waffle",
    "WaffleError",
    "WaffleModel",
    "WorkerInfo",
    "settings_changed",
    "settings_rejected",
]

_HOMES = {
    "change": ("Change", "FieldChange"),
    "errors": (
        "BusUnavailable",
        "ConfigurationError",
        "DeclarationError",
        "InvalidChange",
        "NotBound",
        "RevisionConflict",
        "SettingLocked",
        "StoreUnavailable",
        "UnknownSetting",
        "WaffleError",
    ),
    "extension": ("Waffle",),
    "fleet": ("FleetReport", "WorkerInfo"),
    "model": ("WaffleModel",),
    "signals": ("settings_changed", "settings_rejected"),
    "snapshot": ("Snapshot",),
    "status": ("Status",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a public name at its first use: mypy's plugin lives here, and needs none."""
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = found
        return found
