"""A bus in this process's memory: for tests."""

from __future__ import annotations

import queue
import threading
import time

from typed_waffle.protocols import Announcement, BusError, Event, Hint, Subscribed

__all__ = ["MemoryBus"]


class MemoryBus:
    """Carries announcements between the threads of one process, in order and without loss.

    Its notes survive `close`, as a server's do.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ears: list[MemorySubscription] = []
        self._notes: dict[tuple[str, str], tuple[str, float]] = {}

    def publish(self, announcement: Announcement) -> None:
        """See `Bus.publish`."""
        self.send(announcement)

    def send(self, event: Announcement | Hint) -> None:
        """Publish anything, a hint too, as a stranger with access to the bus could."""
        with self._lock:
            for ear in self._ears:
                ear.put(event)

    def leave(self, shelf: str, name: str, text: str | None, lasts: float) -> None:
        """See `Bus.leave`."""
        with self._lock:
            if text is None:
                self._notes.pop((shelf, name), None)
            else:
                self._notes[shelf, name] = text, time.monotonic() + lasts

    def left(self, shelf: str) -> dict[str, str]:
        """See `Bus.left`."""
        now = time.monotonic()
        with self._lock:
            self._notes = {key: note for key, note in self._notes.items() if note[1] > now}
            return {
                name: text for (where, name), (text, _) in self._notes.items() if where == shelf
            }

    def subscribe(self) -> MemorySubscription:
        """See `Bus.subscribe`."""
        ear = MemorySubscription(self)
        with self._lock:
            self._ears.append(ear)
        return ear

    def forget(self, ear: MemorySubscription) -> None:
        """Deliver nothing more to this subscription."""
        with self._lock:
            if ear in self._ears:
                self._ears.remove(ear)

    def close(self) -> None:
        """See `Bus.close`: end every subscription."""
        with self._lock:
            ears, self._ears = self._ears, []
        for ear in ears:
            ear.end()


class MemorySubscription:
    """One ear on a `MemoryBus`."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._ended = False
        self.put(Subscribed())

    def put(self, event: Event) -> None:
        """Deliver one event."""
        self._events.put(event)

    def get(self, timeout: float) -> Event | None:
        """See `Subscription.get`."""
        if self._ended:
            raise BusError("the subscription was closed")
        try:
            event = self._events.get(timeout=timeout) if timeout > 0 else self._events.get_nowait()
        except queue.Empty:
            return None
        if event is None:
            self._ended = True
            raise BusError("the subscription was closed")
        return event

    def end(self) -> None:
        """Let whoever waits in `get` go."""
        self._events.put(None)

    def close(self) -> None:
        """See `Subscription.close`."""
        self._bus.forget(self)
        self.end()
