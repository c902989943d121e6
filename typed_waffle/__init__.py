"""Typed settings that operators change while the application runs.

What is public is imported at its first use: pytest and mypy load plugins of this package into every
process that they run, and these must not cost them Flask and SQLAlchemy.
"""

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

_HOMES = ("change", "errors", "extension", "fleet", "model", "signals", "snapshot", "status")

if not TYPE_CHECKING:  # else a checker would take every name for one of ours

    def __getattr__(name):  # noqa: ANN001, ANN202 - hidden from checkers
        """Import a public name, or a module."""
        from importlib import import_module  # noqa: PLC0415 - as above

        from typed_waffle.lazily import submodule  # noqa: PLC0415 - as above

        if name not in __all__:
            return submodule(__name__, name)
        import_module("typed_waffle.interpreter")  # it speaks first
        for home in _HOMES:
            module = import_module(f"typed_waffle.{home}")
            globals().update({n: getattr(module, n) for n in module.__all__ if n in __all__})
        return globals()[name]

    def __dir__():  # noqa: ANN202 - as above
        """Show the public names before they are imported."""
        return sorted({*globals(), *__all__})
