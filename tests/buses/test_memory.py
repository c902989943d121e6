"""The bus in memory."""

from __future__ import annotations

import pytest

from typed_waffle.buses.memory import MemoryBus
from typed_waffle.protocols import Bus, BusError, Hint
from typed_waffle.testing import BusContract


class TestMemoryBus(BusContract):
    @pytest.fixture
    def bus(self) -> Bus:
        return MemoryBus()

    @pytest.fixture
    def other_bus(self, bus: Bus) -> Bus:
        return bus


def test_a_hint_can_be_sent() -> None:
    """A test can play the stranger whose messages are worth a look at the store only."""
    bus = MemoryBus()
    ear = bus.subscribe()
    ear.get(0)
    bus.send(Hint("shop"))
    assert ear.get(0) == Hint("shop")


def test_closing_the_bus_ends_every_subscription() -> None:
    """Who waits for the next event is told at once that there will be none."""
    bus = MemoryBus()
    ear = bus.subscribe()
    ear.get(0)
    bus.close()
    with pytest.raises(BusError, match="closed"):
        ear.get(30)
