"""What tests of the bus say and hear."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from typing import Any

from tests.support.waiting import PATIENCE, eventually
from typed_waffle.buses.message import Codec
from typed_waffle.buses.redis import RedisBus
from typed_waffle.change import Delta
from typed_waffle.protocols import Announcement, Bus, BusError, Event, Subscribed, Subscription

__all__ = ["CHANNEL", "KEY", "announcement", "bus_on", "carries", "failure", "heard", "listening"]

CHANNEL = "waffleconf"
KEY = "the key"


def bus_on(client: Any) -> RedisBus:  # noqa: ANN401 - any client
    return RedisBus(client, CHANNEL, Codec(KEY))


def announcement(revision: int = 1) -> Announcement:
    change, at = uuid.uuid4().hex, datetime.now(UTC)
    return Announcement("shop", revision, change, "", Delta({"a": "1"}), "me", at)


def heard(ear: Subscription) -> Event:
    """The next event."""
    event: Event | None = None

    def hear() -> bool:
        nonlocal event
        event = ear.get(0.1)
        return event is not None

    eventually(hear)
    assert event is not None
    return event


def listening(bus: Bus) -> Subscription:
    """A subscription that stands."""
    ear = bus.subscribe()
    assert heard(ear) == Subscribed()
    return ear


def carries(bus: Bus, ear: Subscription) -> bool:
    """Whether what is published is heard; what others said before does not count."""
    said = announcement()
    bus.publish(said)
    while heard(ear) != said:
        pass
    return True


def failure(ear: Subscription) -> str:
    """The text of the BusError in which the subscription ends."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            ear.get(0.1)
        except BusError as error:
            return str(error)
    raise AssertionError("the subscription goes on")
