"""BusContract: the promises of `Bus` and `Subscription`, as tests."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from functools import partial

from typed_waffle.change import Delta
from typed_waffle.protocols import Announcement, Bus, BusError, Event, Subscribed, Subscription
from typed_waffle.testing.load import AWKWARD, PATIENCE, together

__all__ = ["BusContract"]

SHORT, SLACK = 0.2, 3.0
"""A wait that a test asks for, and how much longer than asked it may take on a busy machine."""


class BusContract:
    """The promises of `Bus` and `Subscription`, on a server that is well.

    A subclass provides two pytest fixtures: `bus`, and `other_bus`, a second handle on the same
    channel with the same key, as another process would hold one (the same object will do where
    there can be only one).
    """

    def test_the_first_event_says_subscribed(self, bus: Bus) -> None:
        """A subscription begins with `Subscribed`."""
        ear = bus.subscribe()
        assert _heard(ear) == Subscribed()
        ear.close()

    def test_a_publication_is_heard_by_all(self, bus: Bus, other_bus: Bus) -> None:
        """Every subscription of every handle hears it, the sender's own included."""
        ears = [_listening(bus), _listening(bus), _listening(other_bus)]
        said = _announcement(1)
        bus.publish(said)
        assert [_heard(ear) for ear in ears] == [said] * 3
        for ear in ears:
            ear.close()

    def test_an_announcement_arrives_whole(self, bus: Bus, other_bus: Bus) -> None:
        """Each part of an announcement comes as it was sent, whatever its texts are."""
        ear = _listening(bus)
        texts = {f"field_{n}": text for n, text in enumerate(AWKWARD)}
        for delta in (None, Delta(), Delta({"é": "1"}, frozenset({"a", "B"})), Delta(texts)):
            said = _announcement(2**53 + 1, delta)
            other_bus.publish(said)
            assert _heard(ear) == said
        ear.close()

    def test_publishing_without_an_ear_is_no_error(self, bus: Bus) -> None:
        """Nobody has to listen, and a later subscription does not hear it."""
        bus.publish(_announcement(1))
        ear = _listening(bus)
        assert ear.get(SHORT) is None
        ear.close()

    def test_publishing_from_many_threads(self, bus: Bus) -> None:
        """Publications from many threads do not get mixed."""
        ear = _listening(bus)
        said = [_announcement(n) for n in range(1, 21)]
        together(*(partial(bus.publish, one) for one in said))
        heard = [_heard(ear) for _ in said]
        assert sorted(map(repr, heard)) == sorted(map(repr, said))
        ear.close()

    def test_get_waits_about_as_long_as_it_is_told(self, bus: Bus) -> None:
        """With nothing to hear, `get` returns `None` after the timeout, at once if it is 0."""
        ear = _listening(bus)
        for timeout in (0.0, SHORT):
            began = time.monotonic()
            assert ear.get(timeout) is None
            took = time.monotonic() - began
            assert timeout * 0.9 <= took <= timeout + SLACK
        ear.close()

    def test_get_returns_as_soon_as_there_is_something(self, bus: Bus) -> None:
        """A long timeout does not delay what comes."""
        ear = _listening(bus)
        began = time.monotonic()
        bus.publish(_announcement(1))
        assert ear.get(PATIENCE) is not None
        assert time.monotonic() - began < SLACK
        ear.close()

    def test_a_closed_subscription_says_so(self, bus: Bus) -> None:
        """After `close`, which is safe to call twice, `get` raises; other subscriptions go on."""
        ear, other = _listening(bus), _listening(bus)
        ear.close()
        ear.close()
        assert isinstance(_failure_of(ear), BusError)
        said = _announcement(1)
        bus.publish(said)
        assert _heard(other) == said
        other.close()

    def test_a_note_is_found_by_all(self, bus: Bus, other_bus: Bus) -> None:
        """What one left, every handle finds under its name; leaving it again replaces it."""
        shelf = _shelf()
        bus.leave(shelf, "one", "1", PATIENCE)
        other_bus.leave(shelf, "other", "2", PATIENCE)
        assert bus.left(shelf) == other_bus.left(shelf) == {"one": "1", "other": "2"}
        other_bus.leave(shelf, "one", "3", PATIENCE)
        assert bus.left(shelf) == {"one": "3", "other": "2"}

    def test_a_note_can_be_taken_away(self, bus: Bus, other_bus: Bus) -> None:
        """Whoever does it, it is gone at once; to take away what is not there is no error."""
        shelf = _shelf()
        bus.leave(shelf, "one", "1", PATIENCE)
        bus.leave(shelf, "other", "2", PATIENCE)
        for _ in range(2):
            other_bus.leave(shelf, "one", None, 0)
            assert bus.left(shelf) == {"other": "2"}

    def test_a_note_goes_by_itself(self, bus: Bus) -> None:
        """When its time is over it is not found any more, and others stay."""
        shelf = _shelf()
        bus.leave(shelf, "long", "1", PATIENCE)
        bus.leave(shelf, "short", "2", SHORT)
        end = time.monotonic() + PATIENCE / 2
        while "short" in (left := bus.left(shelf)):
            assert time.monotonic() < end, "it does not go"
        assert left == {"long": "1"}

    def test_shelves_are_apart(self, bus: Bus) -> None:
        """A note is on one shelf only, however the names are; an empty shelf has none."""
        shelf = _shelf()
        bus.leave(shelf, "a:b", "1", PATIENCE)
        bus.leave(f"{shelf}:a", "b", "2", PATIENCE)
        assert bus.left(shelf) == {"a:b": "1"}
        assert bus.left(f"{shelf}:a") == {"b": "2"}
        assert bus.left(_shelf()) == {}

    def test_a_note_comes_as_it_was_left(self, bus: Bus, other_bus: Bus) -> None:
        """Whatever is in its name and its text, which may be long."""
        shelf = f"{_shelf()} {{é}} *"
        notes = {f"}} {n} {{x}}\n\0.ü": text for n, text in enumerate(AWKWARD)}
        notes |= {"": "no name", "none": "", "dots": "a.b.", "all": "".join(map(chr, range(300)))}
        notes["long"] = "x" * 1024 * 1024
        for name, text in notes.items():
            bus.leave(shelf, name, text, PATIENCE)
        assert other_bus.left(shelf) == notes

    def test_leaving_notes_from_many_threads(self, bus: Bus) -> None:
        """None gets lost."""
        shelf = _shelf()
        notes = {str(n): str(n * n) for n in range(10)}
        together(*(partial(bus.leave, shelf, *note, PATIENCE) for note in notes.items()))
        assert bus.left(shelf) == notes

    def test_closing_a_bus_twice_is_safe(self, bus: Bus) -> None:
        """The second `close` does nothing."""
        bus.publish(_announcement(1))
        bus.close()
        bus.close()


def _announcement(revision: int, delta: Delta | None = None) -> Announcement:
    return Announcement(
        "shop",
        revision,
        uuid.uuid4().hex,
        uuid.uuid4().hex,
        delta,
        uuid.uuid4().hex,
        datetime.now(UTC),
    )


def _shelf() -> str:
    return f"a test's {uuid.uuid4().hex}"


def _heard(ear: Subscription) -> Event:
    end = time.monotonic() + PATIENCE
    while (event := ear.get(SHORT)) is None:
        assert time.monotonic() < end, "nothing was heard"
    return event


def _listening(bus: Bus) -> Subscription:
    ear = bus.subscribe()
    assert _heard(ear) == Subscribed()
    return ear


def _failure_of(ear: Subscription) -> BusError | None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            ear.get(SHORT)
        except BusError as error:
            return error
    return None
