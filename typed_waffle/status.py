"""Status: what a worker says of itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeVar

from typed_waffle.errors import StoreUnavailable
from typed_waffle.journal import Journal, logger_of

__all__ = ["Board", "Health", "Status", "WorkerState"]

logger: logging.Logger = logger_of(__name__)

T = TypeVar("T")

WorkerState = Literal["starting", "live", "degraded", "stale", "rejected", "closed"]

STUCK_AFTER = 5.0
"""Seconds after which a read of the store that has not come back counts as failed."""

SILENT_AFTER = 20.0
"""Seconds without a sign of life from the listener, after which it counts as gone: whatever a round
of its loop waits for takes less, but for what the application makes it wait for."""


@dataclass(frozen=True, slots=True)
class Health:
    """One connection of a worker."""

    ok: bool
    detail: str
    """What is wrong, or what is well, in a few words."""
    last_ok: datetime | None
    """When it last answered."""


@dataclass(frozen=True, slots=True)
class Status:
    """The state of one worker, as `Waffle.status()` gives it."""

    state: WorkerState
    """`live`: current, and told of changes at once. `degraded`: current, but one of bus and store
    is away, so that changes arrive by polling or cannot be made. `stale`: nobody can say whether
    the values are current. `rejected`: what is stored does not fit this worker's model. `starting`
    and `closed`: before the first use, and after `close()`."""
    since: datetime
    revision: int
    last_error: str | None
    """The latest thing that went wrong; it stays after it is mended."""
    bus: Health
    store: Health

    @property
    def current(self) -> bool:
        """Whether the worker shows what is stored."""
        return self.state in {"live", "degraded"}

    def told(self) -> dict[str, str | int | bool]:
        """The facts for monitoring, without the details, which may name hosts."""
        return {
            "state": self.state,
            "since": self.since.isoformat(),
            "revision": self.revision,
            "bus": self.bus.ok,
            "store": self.store.ok,
        }


@dataclass(slots=True)
class _Wire:
    detail: str
    ok: bool = False
    needed: bool = True
    last_ok: datetime | None = None
    busy_since: float | None = None

    def stuck(self) -> float:
        return time.monotonic() - self.busy_since if self.busy_since is not None else 0.0

    def health(self) -> Health:
        if self.stuck() > STUCK_AFTER:
            return Health(
                ok=False, detail=f"no answer for {self.stuck():.0f} s", last_ok=self.last_ok
            )
        return Health(ok=self.ok, detail=self.detail, last_ok=self.last_ok)


class Board:
    """Collects the facts from which the status follows, and logs each change of state.

    A state that goes to and fro is logged once a minute, and in the end as it is.
    """

    def __init__(self, *, listens: bool) -> None:
        self._lock = threading.RLock()  # the collector may end a worker within
        self._journal = Journal(logger)
        self._logged: WorkerState = "starting"
        self._store = _Wire("not read yet")
        self._bus = _Wire("not connected yet")
        if not listens:
            self._bus = _Wire(
                "not listened to: changes are found by polling", ok=True, needed=False
            )
        self.missed_at: float = float("inf")
        """When the listener is missed, in monotonic seconds, if it does not beat again."""
        self._answered = float("-inf")
        self._proven = self._doubted = self._gap_since = float("-inf")
        self._loaded = False
        self._closed = False
        self._misfits: str | None = None
        self._last_error: str | None = None
        self._shown: tuple[WorkerState, datetime] = ("starting", datetime.now(UTC))

    def asked(self, read: Callable[[], T]) -> T | None:
        """What the store answers; `None` if it does not."""
        began = time.monotonic()
        self.store_asked()
        try:
            answer = read()
        except StoreUnavailable as error:
            self.store_failed(error.cause)
            return None
        except Exception as error:  # of a store of somebody else's, say
            self.store_failed(type(error).__name__)  # its text may hold anything
            raise
        self._proven = max(self._proven, began)
        self.store_answered()
        return answer

    def store_asked(self) -> None:
        """A read of the store begins."""
        self._store.busy_since = time.monotonic()

    def store_answered(self) -> None:
        """The store was read."""
        self._settle(self._store, None)
        self._answered = time.monotonic()
        self._loaded = True
        self._review()

    def store_failed(self, why: str) -> None:
        """The store could not be read."""
        self._settle(self._store, why)
        self._review()

    def beat(self) -> None:
        """The listener is at work."""
        self.missed_at = time.monotonic() + SILENT_AFTER

    def bus_up(self) -> None:
        """The subscription stands and answers."""
        self._settle(self._bus, None)
        self._review()

    def bus_down(self, why: str) -> None:
        """The subscription is gone."""
        self._settle(self._bus, why)
        self._review()

    def doubt(self) -> None:
        """There may be a change that is not shown: a read that begins from now on can tell."""
        self._doubted = time.monotonic()

    def gap(self) -> None:
        """As `doubt`, unless the missing message comes first."""
        self._gap_since = time.monotonic()

    def filled(self) -> None:
        """The missing message came."""
        self._gap_since = float("-inf")

    def misfits(self, reasons: Mapping[str, str]) -> None:
        """What does not fit the model; empty when all does."""
        text = "; ".join(f"{name}: {why}" if name else why for name, why in reasons.items())
        self._misfits = text or None
        if text:
            self._last_error = text
        self._review()

    def note(self, error: str) -> None:
        """Something else went wrong, without changing the state."""
        self._last_error = error

    def closed(self) -> None:
        """The worker gave everything back."""
        self._closed = True
        self._review()

    @property
    def misfit(self) -> str | None:
        """What does not fit the model, and why; `None` if all does."""
        return self._misfits

    @property
    def bus_ok(self) -> bool:
        """Whether changes are pushed to this worker now."""
        return self._bus.needed and self._bus.ok and not self.silent

    @property
    def store_ok(self) -> bool:
        """Whether the store answered when it was last asked."""
        return self._store.ok

    def _settle(self, wire: _Wire, error: str | None) -> None:
        wire.busy_since = None
        wire.ok = error is None
        wire.detail = error or "answers"
        if error is None:
            wire.last_ok = datetime.now(UTC)
        else:
            self._last_error = error

    @property
    def silent(self) -> float:
        """Seconds since the listener's last sign of life; 0 if that is not worth a word."""
        late = time.monotonic() - self.missed_at
        return late + SILENT_AFTER if late > 0 else 0.0

    def _bus_health(self) -> Health:
        silent = self.silent
        if silent and self._bus.needed:
            text = f"the listener has not run for {silent:.0f} s"
            return Health(ok=False, detail=text, last_ok=self._bus.last_ok)
        return self._bus.health()

    def _state(self) -> WorkerState:
        store_ok = self._store.health().ok
        if self.silent and time.monotonic() - self._answered > SILENT_AFTER:
            store_ok = False
        if self._closed:
            return "closed"
        if self._misfits is not None:
            return "rejected"
        if not self._loaded:
            return "stale" if self._store.detail != "not read yet" else "starting"
        if store_ok and self._bus.ok and not self.silent:
            return "live"
        proven = max(self._doubted, self._gap_since) <= self._proven
        if store_ok or (self.bus_ok and proven):
            return "degraded"
        return "stale"

    def _review(self) -> None:
        with self._lock:
            state = self._state()
            if state != self._shown[0]:
                self._shown = (state, datetime.now(UTC))
            before, self._logged = self._logged, state
        if state == before:
            return
        well = state in {"live", "closed"} or self._last_error is None
        level = logging.INFO if well else logging.WARNING
        why = "" if well else f" ({self._last_error})"
        # Not under the lock: a handler may ask for the status.
        if not self._journal.log(level, "settings are %s, were %s%s", state, before, why):
            with self._lock:
                self._logged = before  # to be told when there is room for it

    def status(self, revision: int) -> Status:
        """The status now."""
        self._review()
        state, since = self._shown
        return Status(
            state=state,
            since=since,
            revision=revision,
            last_error=self._last_error,
            bus=self._bus_health(),
            store=self._store.health(),
        )
