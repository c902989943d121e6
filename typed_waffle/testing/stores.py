"""StoreContract: the promises of `Store`, as tests."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial

from typed_waffle.change import Channel, Delta, FieldRecord, Head, Overrides, Record, Stamp, State
from typed_waffle.protocols import Decide, Proposal, Store
from typed_waffle.testing.load import AWKWARD, together

__all__ = ["StoreContract"]


class StoreContract:
    """The promises of `Store`.

    A subclass provides two pytest fixtures: `store`, with no data, and `other_store`, a second
    handle on the same data, as another process would hold one (the same object will do where there
    can be only one).
    """

    # --- revisions ----------------------------------------------------------------------------

    def test_a_namespace_that_nobody_wrote_to_is_at_revision_0(self, store: Store) -> None:
        """Before the first change, everything is empty, and reading does not change that."""
        for _ in range(2):
            assert store.head("shop") == Head(0, "")
            assert store.state("shop") == State()
            assert list(store.history("shop")) == []

    def test_revisions_count_from_1_without_a_gap(self, store: Store) -> None:
        """Each change is the next revision, and follows the change before it."""
        records = [_put(store, "shop", a=str(n)) for n in range(5)]
        assert [record.revision for record in records] == [1, 2, 3, 4, 5]
        assert [record.follows for record in records] == ["", *(r.id for r in records[:-1])]

    def test_a_change_is_shown_everywhere_at_once(self, store: Store, other_store: Store) -> None:
        """After a commit, every handle sees its overrides, its head and its history row."""
        record = _put(store, "shop", a="1", b="2")
        for handle in (store, other_store):
            assert handle.head("shop") == Head(1, record.id)
            assert handle.state("shop") == State(Head(1, record.id), {"a": "1", "b": "2"})
            assert list(handle.history("shop")) == [record]

    def test_a_proposal_replaces_all_overrides(self, store: Store) -> None:
        """What a proposal leaves out is no override any more."""
        _put(store, "shop", a="1", b="2", c="3")
        _put(store, "shop", b="22", c="3", d="4")
        assert store.state("shop").overrides == {"b": "22", "c": "3", "d": "4"}
        _put(store, "shop")
        assert store.state("shop").overrides == {}

    def test_namespaces_are_apart(self, store: Store) -> None:
        """Nothing of one namespace shows in another, not even in one that differs by case."""
        record = _put(store, "shop", a="1")
        other = _put(store, "Shop", a="2")
        assert store.state("shop") == State(Head(1, record.id), {"a": "1"})
        assert store.state("Shop") == State(Head(1, other.id), {"a": "2"})
        assert list(store.history("shop")) == [record]
        assert store.state("shops") == State()

    # --- deciding -----------------------------------------------------------------------------

    def test_decide_sees_the_state_that_its_proposal_follows(self, store: Store) -> None:
        """`decide` is shown all that is stored, and the record follows exactly that."""
        first = _put(store, "shop", a="1")
        shown: list[State] = []

        def decide(state: State) -> Proposal:
            shown.append(state)
            return _proposal({"a": "2"})

        record = store.commit("shop", decide)
        assert shown[-1] == State(Head(1, first.id), {"a": "1"})
        assert record is not None
        assert record.follows == first.id

    def test_a_refusal_writes_nothing(self, store: Store) -> None:
        """What `decide` raises comes out as it is; nothing changed, and the store works on."""
        for revision in range(2):
            before = store.state("shop")
            assert isinstance(_attempted(store, "shop", _refuse), _Refusal)
            assert store.state("shop") == before
            assert len(store.history("shop")) == revision
            assert _put(store, "shop", a=str(revision)).revision == revision + 1

    def test_wanting_nothing_writes_nothing(self, store: Store) -> None:
        """A `decide` that returns `None` makes no revision."""
        for revision in range(2):
            before = store.state("shop")
            assert store.commit("shop", lambda _: None) is None
            assert store.state("shop") == before
            assert len(store.history("shop")) == revision
            _put(store, "shop", a=str(revision))

    # --- many at once -------------------------------------------------------------------------

    def test_concurrent_writers_lose_nothing(self, store: Store, other_store: Store) -> None:
        """Writers come one after another: each adds one to a counter, and none is lost."""
        rounds, handles = 10, (store, store, other_store, other_store)

        def write(handle: Store) -> None:
            for _ in range(rounds):
                assert handle.commit("shop", _plus_one) is not None

        together(*(partial(write, handle) for handle in handles))
        total = rounds * len(handles)
        records = store.history("shop", limit=total + 1)
        assert store.state("shop").overrides == {"count": str(total)}
        assert [record.revision for record in records] == list(range(total, 0, -1))
        assert [r.follows for r in records] == [*(r.id for r in records[1:]), ""]

    def test_a_rule_holds_under_concurrent_writers(self, store: Store, other_store: Store) -> None:
        """Two writers whose changes fit alone, but not together, cannot both get through."""
        for n in range(5):
            namespace = f"shop{n}"
            _put(store, namespace, low="1", high="5")
            together(
                partial(_attempted, store, namespace, _raise_low),
                partial(_attempted, other_store, namespace, _lower_high),
            )
            kept = store.state(namespace).overrides
            assert int(kept["low"]) <= int(kept["high"])
            assert store.head(namespace).revision == 2  # noqa: PLR2004 - one of them, not both

    def test_a_state_is_of_one_moment(self, store: Store, other_store: Store) -> None:
        """While a writer is at work, a reader sees whole changes only, and never an older one."""
        done = threading.Event()
        seen: list[State] = []

        def write() -> None:
            try:
                for n in range(1, 31):
                    _put(store, "shop", a=str(n), b=str(n))
            finally:
                done.set()

        def read() -> None:
            while not done.is_set():
                seen.append(other_store.state("shop"))

        together(write, read)
        for state in seen:
            n = str(state.head.revision)
            assert state.overrides == ({} if n == "0" else {"a": n, "b": n})
        revisions = [state.head.revision for state in seen]
        assert revisions == sorted(revisions)

    # --- history ------------------------------------------------------------------------------

    def test_history_is_newest_first_and_limited(self, store: Store) -> None:
        """Without a limit, the newest 50 changes are given; with one, that many at most."""
        for n in range(52):
            _put(store, "shop", a=str(n))
        assert [r.revision for r in store.history("shop")] == list(range(52, 2, -1))
        assert [r.revision for r in store.history("shop", limit=2)] == [52, 51]

    def test_history_pages_meet_without_gap_or_overlap(self, store: Store) -> None:
        """`before` is a revision: the page below it begins right there."""
        for n in range(7):
            _put(store, "shop", a=str(n))
        pages: list[int] = []
        before: int | None = None
        while page := store.history("shop", limit=3, before=before):
            pages += [record.revision for record in page]
            before = page[-1].revision
        assert pages == [7, 6, 5, 4, 3, 2, 1]

    def test_history_of_one_field(self, store: Store) -> None:
        """With a field, only the changes that touch it count, for the limit and the paging too."""
        for n in range(4):
            _put(store, "shop", a=str(n), b="0")
            _put(store, "shop", a=str(n), b=str(n + 1))
        touching = [r.revision for r in store.history("shop", field="b")]
        assert touching == [8, 7, 6, 5, 4, 3, 2, 1]
        assert [r.revision for r in store.history("shop", field="a")] == [7, 5, 3, 1]
        assert [r.revision for r in store.history("shop", field="a", limit=1, before=5)] == [3]
        assert list(store.history("shop", field="A")) == []

    def test_history_says_what_was_given(self, store: Store) -> None:
        """Actor, note, channel, and each field's texts and flags come back as they were given."""
        fields = (
            FieldRecord("a", "1", '"\\u00e9"', was_stored=False, is_stored=True),
            FieldRecord("b", "2", "3", was_stored=True, is_stored=False),
        )
        given: list[tuple[str | None, str | None, Channel]] = [
            (None, None, "python"),
            ("", "", "cli"),
            ("Zoë \U0001f9c7", "line 1\r\nline 2\t'\"%s", "admin"),
            ("back\\slash \\n", "NUL \0, alone: \ud800 \udfff", "api"),
            ("x" * 300, "y" * 70_000, "rollback"),
        ]
        for actor, note, channel in given:
            change = Proposal(uuid.uuid4().hex, {"a": "1"}, fields, actor, note, channel)
            record = store.commit("shop", _wanting(change))
            assert record is not None
            assert store.history("shop")[0] == record
            assert record.id == change.change_id
            assert (record.actor, record.note, record.channel) == (actor, note, channel)
            assert record.fields == fields

    def test_the_latest_change_of_each_field(self, store: Store, other_store: Store) -> None:
        """`latest` names for each field the newest change that touches it, and no pruned one."""
        for n in range(3):
            _put(store, "shop", a=str(n), b="0", c=str(n // 2))
        _put(store, "Shop", a="0")
        by_revision = {record.revision: record for record in store.history("shop")}
        latest = other_store.latest("shop")
        assert {name: stamp.revision for name, stamp in latest.items()} == {"a": 3, "b": 1, "c": 3}
        for stamp in latest.values():
            record = by_revision[stamp.revision]
            assert stamp == Stamp(
                record.revision, record.at, record.actor, record.note, record.channel
            )
        assert store.latest("nobody") == {}
        store.prune("shop", 1)
        assert set(store.latest("shop")) == {"a", "c"}

    def test_times_are_aware_and_in_utc(self, store: Store) -> None:
        """A record's time has the zone UTC, and is about now."""
        _put(store, "shop", a="1")
        at = store.history("shop")[0].at
        assert at.utcoffset() == timedelta(0)
        assert abs(at - datetime.now(UTC)) < timedelta(minutes=20)

    # --- keeping house ------------------------------------------------------------------------

    def test_pruning_keeps_the_newest_changes(self, store: Store, other_store: Store) -> None:
        """`prune` deletes the older changes, says how many, and leaves overrides and head."""
        _put(store, "Shop", a="0")
        for n in range(5):
            _put(store, "shop", a=str(n), b="0")
        before = store.state("shop")
        assert store.prune("shop", 2) == 3  # noqa: PLR2004 - 5 less 2
        assert [r.revision for r in other_store.history("shop")] == [5, 4]
        assert [r.revision for r in other_store.history("shop", field="a")] == [5, 4]
        assert store.state("shop") == before
        assert store.prune("shop", 2) == 0
        assert store.prune("shop", 0) == 2  # noqa: PLR2004 - the rest
        assert list(store.history("shop")) == []
        assert _put(store, "shop", a="9").follows == before.head.change_id
        assert len(store.history("Shop")) == 1
        assert store.prune("nobody", 0) == 0

    def test_a_rewrite_is_no_change(self, store: Store, other_store: Store) -> None:
        """`rewrite` stores other texts under the same names; revision and history stay."""
        record = _put(store, "shop", a="1", b="2", c="3")
        assert store.rewrite("shop", lambda texts: {**texts, "a": "11", "c": "33"}) == 2  # noqa: PLR2004 - of three
        assert other_store.state("shop") == State(
            Head(1, record.id), {"a": "11", "b": "2", "c": "33"}
        )
        assert list(other_store.history("shop")) == [record]
        assert store.rewrite("shop", dict) == 0
        assert store.rewrite("nobody", dict) == 0
        assert store.state("nobody") == State()

    def test_a_rewrite_may_not_add_or_drop(self, store: Store) -> None:
        """A rewrite whose names differ is refused, and nothing is written."""
        _put(store, "shop", a="1")
        for texts in ({}, {"a": "1", "b": "2"}):
            refused = None
            try:
                store.rewrite("shop", partial(_always, texts))
            except ValueError as error:
                refused = error
            assert refused is not None
            assert store.state("shop").overrides == {"a": "1"}

    # --- texts --------------------------------------------------------------------------------

    def test_texts_come_back_exactly(self, store: Store, other_store: Store) -> None:
        """No text is cut, rewritten or refused, up to 200 KB, as an override and in the history."""
        texts = {f"field_{n}": text for n, text in enumerate(AWKWARD)}
        record = _put(store, "shop", **texts)
        assert other_store.state("shop").overrides == texts
        assert other_store.history("shop")[0].fields == record.fields
        assert {f.field: f.after for f in record.fields} == texts

    def test_field_names_differ_by_every_character(self, store: Store) -> None:
        """Names that differ by case, accent or length only are different fields."""
        names = ["max", "Max", "MAX", "max_", "e", "é", "ß", "ss", "a" * 200]
        texts = {name: str(n) for n, name in enumerate(names)}
        _put(store, "shop", **texts)
        assert store.state("shop").overrides == texts
        assert len(store.history("shop", field="Max")) == 1

    # --- end ----------------------------------------------------------------------------------

    def test_closing_twice_is_safe(self, store: Store) -> None:
        """The second `close` does nothing."""
        _put(store, "shop", a="1")
        store.close()
        store.close()


class _Refusal(Exception):  # noqa: N818 - a refusal is what it is
    """What a `decide` of these tests raises."""


def _proposal(overrides: Overrides, before: Overrides | None = None) -> Proposal:
    """A proposal whose fields are those that differ from `before`."""
    old = before or {}
    delta = Delta.between(old, overrides)
    fields = tuple(
        FieldRecord(
            name, old.get(name, "null"), overrides.get(name, "null"), name in old, name in overrides
        )
        for name in sorted(delta.fields)
    )
    return Proposal(uuid.uuid4().hex, dict(overrides), fields, None, None, "python")


def _wanting(change: Proposal) -> Decide:
    return lambda _: change


def _put(store: Store, namespace: str, /, **overrides: str) -> Record:
    record = store.commit(namespace, lambda state: _proposal(overrides, state.overrides))
    assert record is not None
    return record


def _always(texts: Overrides, _: Overrides) -> Overrides:
    return texts


def _refuse(_: State) -> Proposal:
    raise _Refusal


def _attempted(store: Store, namespace: str, decide: Decide) -> Exception | None:
    try:
        store.commit(namespace, decide)
    except _Refusal as refusal:
        return refusal
    return None


def _plus_one(state: State) -> Proposal:
    count = int(state.overrides.get("count", "0")) + 1
    return _proposal({"count": str(count)}, state.overrides)


def _raise_low(state: State) -> Proposal:
    return _ruled({**state.overrides, "low": "4"}, state.overrides)


def _lower_high(state: State) -> Proposal:
    return _ruled({**state.overrides, "high": "2"}, state.overrides)


def _ruled(overrides: Overrides, before: Overrides) -> Proposal:
    if int(overrides["low"]) > int(overrides["high"]):
        raise _Refusal
    return _proposal(overrides, before)
