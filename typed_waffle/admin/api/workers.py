"""Workers: the fleet, and who has applied a revision."""

from __future__ import annotations

from flask import Response

from typed_waffle.admin.api import query
from typed_waffle.admin.api.resource import add_resource, answer
from typed_waffle.admin.house import House
from typed_waffle.fleet import sorted_out
from typed_waffle.forms import report_form, worker_form
from typed_waffle.model import M

__all__ = ["add"]


def add(house: House[M]) -> None:
    """Add the resource."""

    def show() -> Response:
        revision = query.number("revision")
        workers = house.counter("api").workers()
        form = {"workers": [worker_form(worker) for worker in workers]}
        report = None if revision is None else sorted_out(workers, revision)
        return answer({**form, **(report_form(report) or {})})

    add_resource(house, "/api/workers", "api_workers", {"GET": show})
