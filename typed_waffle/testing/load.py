"""What the contracts load stores and buses with: awkward texts, and many calls at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

__all__ = ["AWKWARD", "PATIENCE", "together"]

PATIENCE = 30.0
"""Seconds after which something that must happen counts as never happening."""

AWKWARD = (
    "null",
    "1.0",
    "1180591620717411303424",
    "1e400",
    '""',
    '" trailing "',
    '"%s %(name)s {0} :name ? \'; drop table x; --"',
    r'"\u0000 \ud800 \ud83e\uddc7 \r\n \\ \" \/"',
    '{"b":1,"a":[true,{"b":1}],"b":2}',
    json.dumps("x" * 200_000),
)
"""JSON texts that character sets, collations, JSON columns and string building have spoilt."""


def together(*calls: Callable[[], object]) -> None:
    """Make the calls at the same moment, each in a thread; raise the first error of any."""
    errors: list[Exception] = []
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        try:
            gate.wait(PATIENCE)
            call()
        except Exception as error:  # noqa: BLE001 - raised below, in the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(call,), daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * PATIENCE)
        assert not thread.is_alive(), "a call did not come back"
    if errors:
        raise errors[0]
