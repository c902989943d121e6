"""Made: the page of one change, where it travels from worker to worker."""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from typed_waffle.admin.counter import Counter
from typed_waffle.admin.house import House
from typed_waffle.admin.pages.rendering import page
from typed_waffle.errors import BusUnavailable
from typed_waffle.fleet import FleetReport
from typed_waffle.model import M

__all__ = ["add"]


def add(house: House[M]) -> None:
    """Add its route."""

    def change(revision: int) -> ResponseReturnValue:
        """Show a change, and which workers have applied it by now."""
        counter = house.counter("admin")
        seen = counter.made(revision)
        newest = counter.desk.revision
        report, trouble = _travelled(counter, revision)
        return page(
            house,
            "change",
            seen=seen,
            change=seen.change,
            newest=newest,
            may_undo=newest == revision and counter.may_undo(seen),
            shares=counter.desk.shares,
            every=f"{counter.desk.binding.config.fallback_poll_interval:g}",
            report=report,
            trouble=trouble,
            live=url_for(".api_workers", revision=revision),
        )

    house.blueprint.add_url_rule("/changes/<int:revision>", "change", change)


def _travelled(counter: Counter[M], revision: int) -> tuple[FleetReport | None, str | None]:
    """Who has applied it; or why nobody knows."""
    if not counter.desk.shares:
        return None, None
    try:
        return counter.applied(revision), None
    except BusUnavailable as error:
        return None, error.cause.rstrip(".")
