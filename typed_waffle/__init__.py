"""Typed settings that operators change while the application runs."""

import typed_waffle.interpreter  # noqa: F401 # pyright: ignore[reportUnusedImport] # it speaks first

# isort: split
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
