"""`memory`: workers of one process, without any server."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from pydantic import SecretStr

from tests.support.apps import Settings
from typed_waffle import InvalidChange, NotBound, StoreUnavailable, Waffle
from typed_waffle.buses.memory import MemoryBus
from typed_waffle.stores.memory import MemoryStore
from typed_waffle.testing import FaultyStore, memory

NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"


@pytest.fixture
def waffle() -> Waffle[Settings]:
    return Waffle(Settings)


@pytest.fixture
def other() -> Waffle[Settings]:
    return Waffle(Settings)


@pytest.fixture
def app(waffle: Waffle[Settings]) -> Iterator[Flask]:
    """An application as a factory makes it: bound to a database that is not there."""
    app = Flask("shop")
    app.config.update(WAFFLE_DATABASE_URL=NOWHERE, WAFFLE_REDIS_URL="redis://127.0.0.1:1")
    waffle.init_app(app)
    app.add_url_rule("/", view_func=lambda: waffle.current_settings.name)
    yield app
    waffle.close()


def test_one_worker(waffle: Waffle[Settings]) -> None:
    """All that a `Waffle` does works: writes, refusals, history, callbacks."""
    told: list[str] = []
    waffle.on_change("name")(lambda _, new: told.append(new.name))
    with memory(waffle) as shared:
        change = waffle.update(name="Cone")
        with pytest.raises(InvalidChange):
            waffle.update(low=20)
        shared.wait_delivered()
        assert waffle.current_settings.name == "Cone"
        assert waffle.history() == (change,)
        assert isinstance(shared.store, MemoryStore)
        assert isinstance(shared.bus, MemoryBus)
    assert told == ["Cone"]
    with pytest.raises(NotBound):
        _ = waffle.current_settings.name


def test_several_workers(waffle: Waffle[Settings], other: Waffle[Settings]) -> None:
    """When all is delivered, every worker shows each change, and its callbacks have run."""
    third, seen = Waffle(Settings), list[int]()
    third.on_change()(lambda _, new: seen.append(new.low))
    with memory(waffle, other, third) as shared:
        shared.wait_delivered()
        for number in range(1, 6):
            (waffle, other)[number % 2].update(low=number)
            shared.wait_delivered()
            assert other.current_settings.low == third.current_settings.low == number
            assert waffle.current_settings.low == seen[-1] == number
        other.update(token=SecretStr("hunter2"))
        shared.wait_delivered()  # its message has no values, so the others read the store
        assert third.current_settings.token.get_secret_value() == "hunter2"
        assert len(waffle.wait_applied(6, 10).applied) == 3


def test_an_application_that_is_bound(app: Flask, waffle: Waffle[Settings]) -> None:
    """Its database and Redis are not used; after the block it is as new."""
    other = Waffle(Settings)
    for _ in range(2):
        with memory(waffle, other, app=app) as shared:
            assert app.test_client().get("/").text == "Waffle"
            with app.app_context():
                waffle.update(name="Cone")
            shared.wait_delivered()
            assert app.test_client().get("/").text == "Cone"
            assert other.current_settings.name == waffle.current_settings.name == "Cone"
    assert waffle.status().state == "starting"


def test_a_block_in_another(app: Flask, waffle: Waffle[Settings]) -> None:
    """When the inner one ends, the application works in the outer one, and not on its own."""
    other, told = Waffle(Settings), list[str]()
    waffle.on_change("name")(lambda _, new: told.append(new.name))
    with memory(waffle, other, app=app) as outer:
        waffle.update(name="Cone")
        with memory(waffle, app=app) as inner:
            outer.wait_delivered(1)  # this worker is another's now
            assert waffle.current_settings.name == "Waffle"
            waffle.update(low=1)
        assert (waffle.current_settings.name, waffle.current_settings.low) == ("Cone", 0)
        other.update(name="Crêpe")
        outer.wait_delivered()
        assert waffle.current_settings.name == "Crêpe"
        assert len(outer.store.history("default")) == 2
        assert len(inner.store.history("default")) == 1
    assert told == ["Cone", "Crêpe"]
    assert waffle.status().state == "starting"


def test_an_application_that_is_not_bound(waffle: Waffle[Settings]) -> None:
    """It is bound, and stays so."""
    app = Flask("shop")
    app.config["WAFFLE_DATABASE_URL"] = NOWHERE
    with memory(waffle, app=app), app.app_context():
        waffle.update(name="Cone")
        assert waffle.current_settings.name == "Cone"
    with memory(waffle, app=app), app.app_context():
        assert waffle.current_settings.name == "Waffle"


def test_a_store_outlives_its_workers(waffle: Waffle[Settings]) -> None:
    """A store that is handed in again holds what was written: a restart."""
    store = MemoryStore()
    with memory(waffle, store=store):
        waffle.update(name="Cone")
    with memory(waffle, store=store):
        assert waffle.current_settings.name == "Cone"


def test_a_start_that_fails_leaves_nothing(waffle: Waffle[Settings]) -> None:
    """What a worker raises when it begins comes out, and the next block works."""
    store = FaultyStore(MemoryStore())
    store.fail()
    with (
        pytest.raises(StoreUnavailable),
        memory(waffle, store=store, config={"WAFFLE_ON_UNAVAILABLE": "raise"}),
    ):
        pytest.fail("it began")
    store.recover()
    with memory(waffle, store=store):
        assert waffle.current_settings.name == "Waffle"


def test_what_hangs_is_told(waffle: Waffle[Settings], other: Waffle[Settings]) -> None:
    """A callback that does not come back is an error with the time it was given, not a hang."""
    go_on = threading.Event()
    other.on_change()(lambda _old, _new: go_on.wait(10) or None)
    with memory(waffle, other) as shared:
        shared.wait_delivered()
        waffle.update(name="Cone")
        with pytest.raises(TimeoutError, match=r"1 of 2 workers did not handle within 0\.1 s"):
            shared.wait_delivered(0.1)
        go_on.set()
        shared.wait_delivered()


def test_an_inline_worker_is_not_waited_for(waffle: Waffle[Settings]) -> None:
    """One without a listener hears nothing, so nothing is delivered to it."""
    with memory(waffle, config={"WAFFLE_LISTENER": "inline"}) as shared:
        waffle.update(name="Cone")
        shared.wait_delivered()
        assert waffle.current_settings.name == "Cone"
