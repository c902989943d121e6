"""Store and settings model beside a plain model of both, through any series of calls."""

import itertools
import os
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Self

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from pydantic import Field, SecretStr, model_validator

from tests.support.databases import Database
from tests.support.worker import Worker, worker
from typed_waffle import InvalidChange, WaffleModel
from typed_waffle.model import Setting
from typed_waffle.protocols import Store
from typed_waffle.runtime import Rules
from typed_waffle.stores.sql import SqlStore

pytestmark = pytest.mark.slow

EXAMPLES = {"sqlite": 500, "postgresql": 60, "mariadb": 60}

DEFAULTS: dict[str, object] = {"label": "w", "low": 0, "high": 10, "token": "", "extra": ()}

Raw = dict[str, object]
"""What is stored, by the name under which it is: a value for each override."""


class Ruled(WaffleModel):
    """A rule across two fields, and a secret."""

    low: int = 0
    high: int = 10
    token: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def in_order(self) -> Self:
        """Low is at most high."""
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


class Old(Ruled):
    """The settings before a release."""

    name: Annotated[str, Field(max_length=3)] = "w"


class New(Ruled):
    """The settings after it: one field was renamed, and one is new."""

    title: Annotated[str, Field(max_length=3), Setting(renamed_from="name")] = "w"
    extra: tuple[int, ...] = ()


Model = type[Old] | type[New]

LABEL: dict[Model, str] = {Old: "name", New: "title"}

values = st.fixed_dictionaries(
    {},
    optional={
        "label": st.sampled_from(["w", "a", "bb", "🧇", "too long"]),
        "low": st.integers(-2, 12),
        "high": st.integers(-2, 12),
        "token": st.sampled_from(["", "one", "two"]),
        "extra": st.lists(st.integers(0, 2), max_size=2).map(tuple),
    },
)
fields = st.sets(st.sampled_from(sorted(DEFAULTS)))


class Machine(RuleBasedStateMachine):
    """Each call is made on a worker, and worked out by hand; then all must agree."""

    store: ClassVar[Store]
    namespaces: ClassVar[Iterator[int]] = itertools.count()

    @initialize(model=st.sampled_from([Old, New]))
    def begin(self, model: Model) -> None:
        self.place = Rules(namespace=f"machine{next(self.namespaces)}")
        self.raw: Raw = {}
        self.past: list[Raw] = [{}]
        self.touched: list[set[str]] = [set()]
        self.kept_from = 0
        self.model: Model = model
        self.worker = self.booted(model)
        self.other = self.booted(New if model is Old else Old)

    def booted(self, model: Model) -> Worker:
        return worker(self.store, model=model, rules=self.place)

    # --- the plain model ------------------------------------------------------------------------

    def named(self, field: str) -> str | None:
        """A field's name in the model that is deployed."""
        if field == "label":
            return LABEL[self.model]
        return None if field == "extra" and self.model is Old else field

    def stored(self, raw: Raw, name: str) -> object | None:
        """The override that counts for a field."""
        return raw.get("name") if name == "title" and "title" not in raw else raw.get(name)

    def shown(self, raw: Raw, model: Model) -> Raw:
        """The values in force."""
        label = raw.get("title", raw.get("name", "w")) if model is New else raw.get("name", "w")
        extra = {"extra": raw.get("extra", ())} if model is New else {}
        plain = {n: raw.get(n, DEFAULTS[n]) for n in ("low", "high", "token")}
        return {LABEL[model]: label, **plain, **extra}

    def fits(self, raw: Raw) -> bool:
        shown: Any = self.shown(raw, self.model)
        return shown["low"] <= shown["high"] and len(shown[LABEL[self.model]]) <= 3

    def edited(self, updates: Raw, resets: set[str]) -> Raw:
        """What is stored after a change, whether or not it fits."""
        after = dict(self.raw)
        for name in resets:
            after.pop(name, None)
            if name == "title":
                after.pop("name", None)
        shown = self.shown(self.raw, self.model)
        return after | {name: value for name, value in updates.items() if value != shown[name]}

    def expect(self, after: Raw, call: Any) -> None:  # noqa: ANN401 - any call
        if not self.fits(after):
            with pytest.raises(InvalidChange):
                call()
            return
        change = call()
        assert (change is None) == (after == self.raw)
        if change is not None:
            differing = {n for n in after | self.raw if after.get(n) != self.raw.get(n)}
            # A dropped old name changes what the new one shows.
            shown = {"title"} if self.model is New and "name" in differing else set()
            assert {field.field for field in change.fields} == differing | shown
            self.raw = after
            self.past.append(dict(after))
            self.touched.append(differing)

    # --- calls ----------------------------------------------------------------------------------

    @rule(given=values)
    def update(self, given: Raw) -> None:
        updates = {name: v for f, v in given.items() if (name := self.named(f))}
        self.expect(self.edited(updates, set()), lambda: self.worker.write(**updates))

    @rule(chosen=fields)
    def reset(self, chosen: set[str]) -> None:
        names = {name for f in chosen if (name := self.named(f))}
        self.expect(self.edited({}, names), lambda: self.worker.write(*names))

    @rule(given=values, chosen=fields)
    def edit(self, given: Raw, chosen: set[str]) -> None:
        updates = {name: v for f, v in given.items() if (name := self.named(f))}
        resets = {name for f in chosen if (name := self.named(f))}
        kept = {name: value for name, value in updates.items() if name not in resets}
        self.expect(self.edited(kept, resets), lambda: self.worker.write(*resets, **updates))

    @rule(revision=st.integers(-1, 12))
    def rollback(self, revision: int) -> None:
        newest = len(self.past) - 1
        if not self.kept_from <= revision <= newest:
            with pytest.raises(InvalidChange):
                self.worker.roll_back(revision)
            return
        then, after = self.past[revision], dict(self.raw)
        since: set[str] = set().union(*self.touched[revision + 1 :])
        for name in self.shown({}, self.model):
            names = {name, "name"} if name == "title" else {name}
            if not names & since:
                continue
            target = self.stored(then, name)
            if target is None:
                after = {n: v for n, v in after.items() if n not in names}
            elif name != "token":
                after[name] = target
        self.expect(after, lambda: self.worker.roll_back(revision))

    @rule(keep=st.integers(0, 5))
    def prune(self, keep: int) -> None:
        newest = len(self.past) - 1
        first = max(self.kept_from, newest - keep)
        assert self.worker.runtime.prune(keep) == first - self.kept_from
        self.kept_from = first

    @rule()
    def reload(self) -> None:
        self.worker = self.booted(self.model)

    @rule()
    def deploy(self) -> None:
        """The other release."""
        self.model = New if self.model is Old else Old
        self.worker = self.booted(self.model)

    # --- agreement ------------------------------------------------------------------------------

    @rule()
    def look(self) -> None:
        """A worker of the other release looks at the store, and at its history."""
        self.other.runtime.check()
        newest = len(self.past) - 1
        records = self.store.history(self.place.namespace, limit=100)
        assert [r.revision for r in records] == list(range(newest, self.kept_from, -1))
        self.agree((self.worker, self.other))

    @invariant()
    def agree(self, workers: tuple[Worker, ...] = ()) -> None:
        """What the store holds and what the workers show is what was worked out."""
        if not hasattr(self, "worker"):
            return
        newest = len(self.past) - 1
        state = self.store.state(self.place.namespace)
        assert (state.head.revision, set(state.overrides)) == (newest, set(self.raw))
        for seen in workers or (self.worker,):
            shown = seen.settings.model_dump() | {"token": seen.settings.token.get_secret_value()}
            assert shown == self.shown(self.raw, seen.runtime.model)
            assert seen.revision == newest


@pytest.mark.timeout(300)
def test_any_series_of_calls_does_what_a_plain_model_does(database: Database) -> None:
    """Updates, resets, edits, rollbacks, prunes, renames and reloads never differ from it."""
    store = SqlStore(database.engine())
    machine = type("Machine", (Machine,), {"store": store})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES[database.kind],
            stateful_step_count=10,
            deadline=None,
            derandomize=bool(os.environ.get("CI")),
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
