"""The chain: messages in any order, and states read from the store."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from tests.support.worker import change_id
from typed_waffle import chain as module
from typed_waffle.chain import Chain, compare
from typed_waffle.change import Delta, Head, State
from typed_waffle.protocols import Announcement


def head(revision: int, of: str = "this") -> Head:
    return Head(revision, change_id(of, revision) if revision else "")


def state(revision: int, of: str = "this") -> State:
    return State(head(revision, of), {"n": str(revision)} if revision else {})


def said(revision: int, of: str = "this", *, whole: bool = True) -> Announcement:
    """The message of one revision; the delta makes the state of that revision."""
    delta = Delta({"n": str(revision)}) if whole else None
    before, at = head(revision - 1, of).change_id, datetime.now(UTC)
    return Announcement("default", revision, head(revision, of).change_id, before, delta, "", at)


def test_a_message_that_follows_is_merged() -> None:
    """The state after it is the one that its delta makes."""
    chain = Chain(State())
    assert chain.take(said(1)) == "kept"
    assert chain.merged() == state(1)


def test_messages_in_any_order_make_one_state() -> None:
    """However they are shuffled, the state after all of them is the same."""
    messages = [said(n) for n in range(1, 21)]
    for seed in range(20):
        random.Random(seed).shuffle(messages)  # noqa: S311 - the same orders each time
        chain = Chain(State())
        for message in messages:
            assert chain.take(message) == "kept"
        assert chain.merged() == state(20)
        assert not chain.gap


def test_a_message_waits_for_its_predecessor() -> None:
    """Nothing is merged over a gap; what waits is merged when the gap is filled."""
    chain = Chain(State())
    late = said(2)
    chain.take(late)
    assert chain.merged() is None
    assert chain.waits(late)
    chain.take(said(1))
    assert chain.merged() == state(2)
    assert not chain.waits(late)


def test_a_state_that_was_read_lets_waiting_messages_follow() -> None:
    """What waits for the state that the store showed is merged onto it; what is older goes."""
    chain = Chain(State())
    for number in (2, 3, 5):
        chain.take(said(number))
    chain.become(state(4))
    assert chain.merged() == state(5)
    assert not chain.gap


def test_a_message_of_another_chain_is_never_merged() -> None:
    """Ids decide: the next number with another predecessor does not follow."""
    chain = Chain(state(3))
    assert chain.take(said(4, of="other")) == "kept"
    assert chain.merged() is None


def test_a_revision_that_does_not_count_on_is_never_merged() -> None:
    """A message that follows by id but not by number waits, as after a gap, for a reading."""
    chain = Chain(state(3))
    odd = Announcement(
        "default", 9, "9" * 32, head(3).change_id, Delta({"n": "9"}), "", datetime.now(UTC)
    )
    assert chain.take(odd) == "kept"
    assert chain.merged() is None
    assert chain.waits(odd)
    chain.become(state(9))
    assert not chain.gap


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_was_seen_is_known(number: int) -> None:
    """A second copy of any message, merged or read as a state, is known."""
    chain = Chain(State())
    chain.become(state(1))
    chain.take(said(2))
    chain.take(said(3))
    merged = chain.merged()
    assert merged is not None
    chain.become(merged)
    assert chain.take(said(number)) == "known"


def test_an_old_message_never_seen_is_odd() -> None:
    """Late, replayed, or of a restored store: only the store can tell."""
    chain = Chain(state(5))
    assert chain.take(said(3)) == "odd"
    assert chain.take(said(5, of="other")) == "odd"
    assert not chain.gap


def test_a_message_without_values_is_next_or_odd() -> None:
    """One that follows the state known is the next; of another, only the store can tell."""
    chain = Chain(state(5))
    assert chain.take(said(6, whole=False)) == "next"
    assert chain.take(said(7, whole=False)) == "odd"


def test_messages_that_wait_are_bounded() -> None:
    """Beyond the bound all of them go, and the store must be read; new ones can wait again."""
    chain = Chain(State())
    for number in range(2, module.EARLY + 2):
        assert chain.take(said(number)) == "kept"
    assert chain.take(said(10_000)) == "odd"
    assert not chain.gap
    assert chain.take(said(1)) == "kept"


def test_known_ids_are_bounded() -> None:
    """Ids of long ago are forgotten; a copy of such a message is odd."""
    chain = Chain(State())
    for number in range(1, module.RECENT + 2):
        chain.become(state(number))
    assert chain.take(said(1)) == "odd"
    assert chain.take(said(2)) == "known"


@pytest.mark.parametrize(
    ("found", "relation"),
    [
        (head(5), "same"),
        (head(6), "newer"),
        (head(6, "other"), "newer"),
        (head(5, "other"), "replaced"),
        (head(4), "behind"),
        (head(0), "behind"),
    ],
)
def test_heads_compare(found: Head, relation: str) -> None:
    """The same revision under another id is another chain; a lower one may only lag."""
    assert compare(head(5), found) == relation
