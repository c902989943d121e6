"""Fleet: the page of the workers, live."""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from typed_waffle.admin.counter import Counter
from typed_waffle.admin.house import House
from typed_waffle.admin.pages.rendering import page
from typed_waffle.errors import BusUnavailable
from typed_waffle.fleet import WorkerInfo
from typed_waffle.model import M

__all__ = ["add"]


def add(house: House[M]) -> None:
    """Add its route."""

    def workers() -> ResponseReturnValue:
        """Show every worker, and what it shows."""
        counter = house.counter("admin")
        me = counter.me()
        known, trouble = _known(counter, me)
        return page(
            house,
            "workers",
            me=me,
            known=known,
            newest=max(worker.revision for worker in (me, *known)),
            trouble=trouble,
            shares=counter.desk.shares,
            live=url_for(".api_workers"),
        )

    house.blueprint.add_url_rule("/workers", "workers", workers)


def _known(counter: Counter[M], me: WorkerInfo) -> tuple[tuple[WorkerInfo, ...], str | None]:
    """The workers; or this one alone, and why."""
    try:
        return counter.workers(), None
    except BusUnavailable as error:
        return (me,), error.cause.rstrip(".")
