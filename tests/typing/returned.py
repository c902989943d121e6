"""What both type checkers know of all that the library gives back, and takes, besides settings."""

from collections.abc import Mapping
from datetime import datetime
from typing import Generic, Literal, TypeVar, assert_type

from blinker import Signal
from flask import Flask
from pydantic_core import ErrorDetails
from redis import Redis
from sqlalchemy import Engine

from typed_waffle import (
    Change,
    ConfigurationError,
    DeclarationError,
    FleetReport,
    InvalidChange,
    NotBound,
    RevisionConflict,
    SettingLocked,
    Snapshot,
    StoreUnavailable,
    UnknownSetting,
    Waffle,
    WaffleError,
    WaffleModel,
    WorkerInfo,
    settings_changed,
    settings_rejected,
)
from typed_waffle.buses.memory import MemoryBus
from typed_waffle.change import Head, State
from typed_waffle.edit import Edit
from typed_waffle.protocols import Bus, Store, Subscription
from typed_waffle.status import Health
from typed_waffle.stores.memory import MemoryStore
from typed_waffle.testing import BusContract, StoreContract

T = TypeVar("T")


class Base(WaffleModel):
    """What several models share."""

    name: str = ""


class Shop(Base):
    """Inherits a field."""

    open: bool = True


class Box(WaffleModel, Generic[T]):
    """A generic model."""

    held: T | None = None


waffle = Waffle(Shop, namespace="shop")

# --- set up ---------------------------------------------------------------------------------------


def bound(app: Flask, engine: Engine, redis: Redis) -> None:
    """Bind in each way."""
    waffle.init_app(app)
    waffle.init_app(app, engine=engine, redis=redis)
    app.add_url_rule("/healthz", view_func=waffle.health)
    waffle.init_app(app, engine)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    waffle.init_app(app, redis="redis://")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    waffle.connect(config=app.config, engine=engine, redis=redis)
    waffle.connect("sqlite://")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


Waffle(Shop())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Waffle(Shop, "shop")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

# --- models ---------------------------------------------------------------------------------------

assert_type(waffle.current_settings.name, str)
assert_type(Waffle(Box[int]), Waffle[Box[int]])
assert_type(Waffle(Box[int]).current_settings.held, int | None)
Box[int](held="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def of_base(taken: Waffle[Base]) -> None:
    """Take settings of one model."""
    with taken.edit() as edit:
        assert_type(edit, Edit[Base])


of_base(waffle)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Shops(Waffle[Shop]):
    """A Waffle with something of one's own."""

    def rename(self, name: str) -> Change | None:
        """Change one setting."""
        return self.update(name=name)


shops = Shops(Shop)
assert_type(shops.current_settings, Shop)
assert_type(shops.snapshot(), Snapshot[Shop])
with shops.connect({}) as connected:
    assert_type(connected, Shops)
    connected.rename("x")

# --- read -----------------------------------------------------------------------------------------

snapshot = waffle.snapshot()
assert_type(snapshot.origin("name"), Literal["default", "stored", "environment", "override"])
snapshot.settings = Shop()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
snapshot.origin()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

with waffle.pinned() as pinned:
    pinned.name = "x"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]

for change in waffle.history(limit=3):
    assert_type(change.at, datetime)
    assert_type(change.actor, str | None)
    assert_type(change.channel, Literal["python", "cli", "admin", "api", "import", "rollback"])
    assert_type(change.fields[0].before, object)
    change.note = "x"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
waffle.history("name")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

# --- write ----------------------------------------------------------------------------------------

told: Mapping[str, object] = {"name": "x"}
assert_type(waffle.update(**told), Change | None)
assert_type(waffle.rollback(3, actor="ada", note="why"), Change | None)
assert_type(waffle.prune(keep=3), int)
assert_type(waffle.rotate_keys(), int)
waffle.update({"name": "x"})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
waffle.update(None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
waffle.reset(["name"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
waffle.rollback("3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
waffle.prune(3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
with waffle.edit(expected_revision="3") as edit:  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    edit.update({"name": "x"})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
waffle.on_change(waffle.reset)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# --- status and fleet -----------------------------------------------------------------------------

status = waffle.status()
assert_type(status.state, Literal["starting", "live", "degraded", "stale", "rejected", "closed"])
assert_type(status.since, datetime)
assert_type(status.revision, int)
assert_type(status.last_error, str | None)
assert_type(status.bus, Health)
assert_type(status.store.ok, bool)
assert_type(status.store.last_ok, datetime | None)
assert_type(status.current, bool)
assert_type(waffle.health(), tuple[dict[str, str | int | bool], int])
status.state == "alive"  # type: ignore[comparison-overlap]  # pyright: ignore[reportUnnecessaryComparison]  # noqa: B015 - for the checkers
status.revision = 1  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]

report = waffle.wait_applied(1, timeout=2)
assert_type(report, FleetReport)
assert_type(report.applied, tuple[WorkerInfo, ...])
assert_type(report.rejected[0].reason, str | None)
assert_type(report.pending, tuple[WorkerInfo, ...])
for worker in waffle.workers():
    assert_type(worker, WorkerInfo)
    assert_type(worker.pid, int)
    assert_type(worker.since, datetime)
    assert_type(worker.rejected_revision, int | None)
    worker.pid = 1  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
waffle.wait_applied(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
waffle.wait_applied(waffle.update(name="x"), 2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# --- errors ---------------------------------------------------------------------------------------


def caught(error: WaffleError) -> str:
    """Tell errors by their classes; each has what its message says."""
    match error:
        case DeclarationError():
            assert_type(error.field, str | None)
            return error.model + error.hint
        case InvalidChange():
            assert_type(error.fields, tuple[str, ...])
            assert_type(error.errors(), list[ErrorDetails])
        case UnknownSetting():
            assert_type(error.nearest, str | None)
            return error.model + error.field
        case SettingLocked():
            return error.field + error.variable
        case RevisionConflict():
            assert_type(error.expected, int)
            assert_type(error.actual, int)
            assert_type(error.changes, tuple[Change, ...])
        case StoreUnavailable():
            assert_type(error.in_doubt, bool)
            return error.cause
        case ConfigurationError():
            assert_type(error.nearest, str | None)
            return error.key
        case _:
            error.field  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    return str(error)


builtin: tuple[type[TypeError], type[ValueError], type[LookupError], type[RuntimeError]]
builtin = (DeclarationError, InvalidChange, UnknownSetting, NotBound)

# --- signals --------------------------------------------------------------------------------------

assert_type(settings_rejected, Signal)


@settings_changed.connect
def changed(sender: object, *, old: Snapshot[Shop], new: Snapshot[Shop], **_: object) -> bool:
    """Receive a signal; a decorated function keeps its type."""
    return sender is None or old.settings.open != new.settings.open


assert_type(changed(None, old=snapshot, new=snapshot), bool)

# --- stores and buses of one's own ----------------------------------------------------------------


class Incomplete:
    """Not all that a store promises."""

    def head(self, namespace: str) -> Head:
        """Where a namespace stands."""
        return Head(len(namespace))

    def state(self, namespace: str) -> State:
        """What is stored."""
        return State(self.head(namespace))


class TestMine(StoreContract):
    """The contract of a store, for one's own."""


class TestMyBus(BusContract):
    """The contract of a bus, for one's own."""


store: Store = MemoryStore()
bus: Bus = MemoryBus()
subscription: Subscription = bus.subscribe()
wrong_store: Store = Incomplete()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
wrong_bus: Bus = MemoryStore()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
TestMine().test_namespaces_are_apart(store)
TestMyBus().test_a_closed_subscription_says_so(store)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
