"""Roster: one worker's place in the fleet. It keeps the worker's record, and reads the others'."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

from typed_waffle.errand import Errand
from typed_waffle.errors import BusUnavailable
from typed_waffle.fleet import FleetReport, WorkerInfo, decoded, encoded, in_order, sorted_out
from typed_waffle.protocols import Bus, BusError

__all__ = ["Roster"]

logger: logging.Logger = logging.getLogger(__name__)

LASTS = 35.0
"""Seconds for which a record lasts: a worker that died is gone from the fleet after that."""

EVERY = (10.0, 12.0)
"""Seconds between two records when nothing changes, so that three may get lost."""

GAP = 0.5
"""Seconds between two records at least, whatever changes."""

FIRST_RETRY = 2.0
"""Seconds after a first failure until the next try; doubled with each, up to the usual time."""

FAREWELL_WITHIN = 0.5
"""Seconds that taking the record away may take."""

FIRST_LOOK, LAST_LOOK = 0.05, 0.5
"""The bounds of the time between two looks at the fleet while it is waited for."""


class Roster:
    """Reports in threads that nobody waits for. What goes wrong with a record is logged once.

    `me` describes the worker now; `well` tells whether the bus is, as far as is known. Who is no
    `member` only asks: a command that ends soon is no worker.
    """

    def __init__(
        self,
        bus: Bus | None,
        namespace: str,
        me: Callable[[], WorkerInfo],
        well: Callable[[], bool],
        *,
        member: bool = True,
    ) -> None:
        self._bus = bus
        self._shelf = f"fleet:{namespace}"
        self._me = me
        self._well = well
        self._member = member
        self._writing = threading.Lock()
        self._errand: Errand[None] | None = None
        self._told: WorkerInfo | None = None
        self._last = float("-inf")
        self._due = float("-inf")
        self._failures = 0
        self._complaint: str | None = None
        self._gone = False

    # --- report -------------------------------------------------------------------------------

    def wait(self) -> float:
        """Seconds until the record is due; infinite while it need not, or cannot, be written."""
        if self._bus is None or self._gone or not self._member:
            return float("inf")
        if self._errand and not self._errand.done:
            return float("inf")
        if not self._well():
            self._failures, self._due = 0, self._last + GAP
            return float("inf")
        due = self._due
        if not self._failures and self._me() != self._told:
            due = min(due, self._last + GAP)
        return max(0.0, due - time.monotonic())

    def tend(self) -> None:
        """Write the record if it is due. It returns at once."""
        bus = self._bus
        if bus is not None and self.wait() == 0:
            self._last = time.monotonic()
            self._errand = Errand("report", lambda: self._report(bus), others=True)

    def _report(self, bus: Bus) -> None:
        usual = random.uniform(*EVERY)  # noqa: S311 - only spreads
        with self._writing:
            if self._gone:
                return
            me = self._me()
            try:
                bus.leave(self._shelf, me.id, encoded(me), LASTS)
            except Exception as error:  # noqa: BLE001 - the worker goes on, whatever the bus does
                self._complain(str(error))
                self._due = time.monotonic() + min(usual, FIRST_RETRY * 2.0**self._failures)
                self._failures = min(self._failures + 1, 10)
            else:
                self._told, self._complaint, self._failures = me, None, 0
                self._due = time.monotonic() + usual

    def _complain(self, why: str) -> None:
        if why != self._complaint:
            self._complaint = why
            logger.warning("the fleet does not see this worker (%s): all else goes on", why)

    def leave(self, within: float = FAREWELL_WITHIN) -> None:
        """Take the record away, if the bus is well; nothing is reported after that."""
        gone, self._gone = self._gone, True
        reported = self._last > float("-inf")
        bus = self._bus
        if bus is not None and reported and not gone and not self._failures and self._well():
            farewell = Errand("farewell", lambda: self._withdraw(bus), others=True)
            farewell.wait(min(within, FAREWELL_WITHIN))

    def _withdraw(self, bus: Bus) -> None:
        with self._writing:
            try:
                bus.leave(self._shelf, self._me().id, None, LASTS)
            except Exception as error:  # noqa: BLE001 - it goes by itself
                logger.info("the fleet sees this worker a while longer (%s)", error)

    # --- ask ----------------------------------------------------------------------------------

    def workers(self) -> tuple[WorkerInfo, ...]:
        """The fleet. This worker is as it is now, whatever its record says.

        Raises:
            BusUnavailable: the others cannot be asked for.
        """
        me = self._me()
        others: list[WorkerInfo | None] = []
        if self._bus is not None:
            try:
                records = self._bus.left(self._shelf)
            except BusError as error:
                raise BusUnavailable("reading the fleet", str(error)) from error
            others = [decoded(name, record) for name, record in records.items() if name != me.id]
        mine = [me] if self._member else []
        return in_order([*mine, *(other for other in others if other is not None)])

    def wait_applied(
        self, revision: int, timeout: float, poke: Callable[[], object]
    ) -> FleetReport:
        """Look at the fleet until nobody is pending, or the time is over.

        `poke` is called before each look, for a worker that works only when it is told to.

        Raises:
            BusUnavailable: not one look succeeded.
        """
        end = time.monotonic() + timeout
        pause = FIRST_LOOK
        report: FleetReport | None = None
        while True:
            poke()
            try:
                report = sorted_out(self.workers(), revision)
            except BusUnavailable:
                if report is None and time.monotonic() >= end:
                    raise
            left = end - time.monotonic()
            if report is not None and (left <= 0 or not report.pending):
                return report
            time.sleep(max(0.0, min(pause, left)))
            pause = min(LAST_LOOK, pause * 2)
