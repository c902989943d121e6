"""Insides: what our own surfaces may reach of a `Waffle` besides what everybody may."""

from __future__ import annotations

from typing import Any

from flask import Flask

from typed_waffle.binding import Binding
from typed_waffle.extension import WAFFLES, Waffle
from typed_waffle.model import M
from typed_waffle.writer import Writer

__all__ = ["binding_of", "waffles_of", "writer_of"]


def waffles_of(app: Flask) -> dict[str, Waffle[Any]]:  # Any: of any model
    """Every `Waffle` that an application is bound to, by namespace."""
    return dict(app.extensions.get(WAFFLES, {}))


def binding_of(waffle: Waffle[M]) -> Binding[M]:
    """The binding that the current context means."""
    return waffle._bindings.meant()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # ours


def writer_of(waffle: Waffle[M]) -> Writer[M]:
    """What makes changes, through a channel that is said."""
    return waffle._writer  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # ours
