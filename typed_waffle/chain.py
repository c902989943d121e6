"""Chain: the stored state, as messages and reads of the store tell it. No I/O, no clock."""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

from typed_waffle.change import Head, State
from typed_waffle.protocols import Announcement

__all__ = ["Chain", "compare"]

RECENT = 1024
"""How many change ids are remembered, so that a late copy of a message costs nothing."""

EARLY = 256
"""How many messages may wait for their predecessor; beyond it, all go and the store is read."""


class Chain:
    """What is stored, as far as this worker knows, and the messages that wait to follow it.

    Ids decide, not numbers: a delta is merged only onto exactly the change that it follows. So a
    message of a store that was restored, or a replayed one, can never be mixed in.
    """

    state: State
    """The newest state known. It may be newer than the snapshot shown, after a rejection."""

    def __init__(self, state: State) -> None:
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._early: dict[str, Announcement] = {}
        self.become(state)

    def become(self, state: State) -> None:
        """Go on from this state."""
        self.state = state
        self._recent[state.head.change_id] = None
        while len(self._recent) > RECENT:
            self._recent.popitem(last=False)
        revision = state.head.revision
        self._early = {f: a for f, a in self._early.items() if a.revision > revision}

    def take(self, said: Announcement) -> Literal["known", "kept", "next", "odd"]:
        """Sort one message in.

        `known`: seen before. `kept`: it waits for `merged`. `next`: it follows the state known, but
        only the store has the values. `odd`: only the store can tell, because it carries no delta,
        or is old and yet unknown (late, replayed, or from a restored store).
        """
        if said.change_id in self._recent:
            return "known"
        if said.revision <= self.state.head.revision:
            return "odd"
        if said.delta is None:
            return "next" if said.follows == self.state.head.change_id else "odd"
        if len(self._early) >= EARLY:
            self._early.clear()
            return "odd"
        self._early[said.follows] = said
        return "kept"

    def merged(self) -> State | None:
        """The state after every waiting message that follows in turn; `None` if none does."""
        state = self.state
        while (said := self._early.get(state.head.change_id)) is not None:
            if said.delta is None or said.revision != state.head.revision + 1:
                break  # somebody moved the revision by hand: the store is read, as for a gap
            del self._early[said.follows]
            state = State(
                Head(said.revision, said.change_id), said.delta.applied_to(state.overrides)
            )
            self._recent[said.change_id] = None
        return None if state is self.state else state

    def waits(self, said: Announcement) -> bool:
        """Whether a message that was kept waits for a predecessor that has not come."""
        return self._early.get(said.follows) is said

    @property
    def gap(self) -> bool:
        """Whether any message waits for its predecessor."""
        return bool(self._early)


def compare(known: Head, found: Head) -> Literal["same", "newer", "replaced", "behind"]:
    """How a head that was read relates to the one that was known before the read began.

    `replaced`: the same revision made by another change. One chain cannot have both, so the store
    was restored. `behind`: a lagging replica, or a restored store.
    """
    if found == known:
        return "same"
    if found.revision > known.revision:
        return "newer"
    return "replaced" if found.revision == known.revision else "behind"
