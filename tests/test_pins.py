"""Pins: one snapshot for a context, whatever becomes of the context."""

import gc
import threading
from collections.abc import Generator, Iterator
from contextvars import ContextVar, copy_context
from itertools import chain
from pathlib import Path

import pytest
from flask import Flask, Response
from sqlalchemy import create_engine, event

from tests.support.apps import Apps, Settings
from tests.support.pins import Shop, pins_of
from typed_waffle import NotBound, Snapshot, Waffle
from typed_waffle.current import proxy
from typed_waffle.pins import Pin, forget, show, shown


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[Apps]:
    apps = Apps(tmp_path)
    yield apps
    apps.close()


@pytest.fixture
def app(apps: Apps) -> Flask:
    return apps.app()


@pytest.fixture
def waffle(apps: Apps, app: Flask) -> Waffle[Settings]:
    return apps.bound(app)


@pytest.fixture
def current() -> ContextVar[Pin[Shop]]:
    outside = pins_of(Shop).once(lambda: Snapshot(Shop(name="Cone"), 3))
    return ContextVar("test", default=outside)


@pytest.fixture
def shown_shop(current: ContextVar[Pin[Shop]]) -> Shop:
    return proxy(Shop, current)


def pins() -> int:
    """How many there are."""
    gc.collect()
    return sum(issubclass(type(found), Pin) for found in gc.get_objects())


# --- the first read -----------------------------------------------------------------------------


def snapshots() -> Iterator[Snapshot[Shop]]:
    """A snapshot of the next revision at each call."""
    revision = 0
    while True:
        revision += 1
        yield Snapshot(Shop(name=f"r{revision}"), revision)


def test_a_pin_takes_its_snapshot_once() -> None:
    """The first read decides; later reads ask nobody."""
    source = snapshots()
    pin = pins_of(Shop).once(lambda: next(source))
    assert [shown(pin).revision, shown(pin).revision] == [1, 1]


def test_a_pin_is_not_taken_before_it_is_read() -> None:
    """A context that reads no setting costs no snapshot."""
    source = snapshots()
    pins_of(Shop).once(lambda: next(source))
    assert next(source).revision == 1


def test_a_first_read_that_fails_is_tried_again() -> None:
    """An error at the first read does not stick to the pin."""
    answers: list[Snapshot[Shop]] = []
    pin = pins_of(Shop).once(lambda: answers[0])
    with pytest.raises(IndexError):
        shown(pin)
    answers.append(Snapshot(Shop(), 1))
    assert shown(pin).revision == 1


def test_threads_that_share_a_context_see_one_snapshot(
    current: ContextVar[Pin[Shop]], shown_shop: Shop
) -> None:
    """Two threads whose first reads meet in one pin see the same snapshot."""
    source, meet, seen = snapshots(), threading.Barrier(2), list[str]()

    def slow() -> Snapshot[Shop]:
        snapshot = next(source)
        meet.wait(10)
        return snapshot

    current.set(pins_of(Shop).once(slow))
    context = [copy_context(), copy_context()]
    threads = [
        threading.Thread(target=c.run, args=(lambda: seen.append(shown_shop.name),))
        for c in context
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen[0] == seen[1]


def test_a_thread_of_its_own_sees_no_pin(current: ContextVar[Pin[Shop]], shown_shop: Shop) -> None:
    """A thread that copied no context reads what is shown outside."""
    current.set(pins_of(Shop).once(lambda: Snapshot(Shop(name="pinned"), 1)))
    seen: list[str] = []
    thread = threading.Thread(target=lambda: seen.append(shown_shop.name))
    thread.start()
    thread.join()
    assert (seen, shown_shop.name) == (["Cone"], "pinned")


def test_a_live_pin_never_hides_a_newer_snapshot() -> None:
    """A snapshot that becomes live during a first read is shown, not the one read before."""
    one, two = Snapshot(Shop(), 1), Snapshot(Shop(), 2)
    newest = [one]

    def source() -> Snapshot[Shop]:
        before = newest[0]
        if before is one:
            newest[0] = two
            show(pin, two)  # as a listener does, right after this read
        return before

    pin = pins_of(Shop).live(source)
    assert shown(pin) is two
    assert shown(pin) is two


def test_a_live_pin_that_is_forgotten_asks_anew() -> None:
    """After `forget` the next read takes a new snapshot."""
    newest = [Snapshot(Shop(), 1)]
    pin = pins_of(Shop).live(lambda: newest[0])
    assert shown(pin).revision == 1
    newest[0] = Snapshot(Shop(), 2)
    forget(pin)
    assert shown(pin).revision == 2


def test_a_live_pin_whose_source_fails_shows_nothing() -> None:
    """A live pin that cannot tell any more says so at each read."""
    pin = pins_of(Shop).live(lambda: next(iter(tuple[Snapshot[Shop]]())))
    for _ in range(2):
        with pytest.raises(StopIteration):
            shown(pin)


def test_a_pin_that_is_forgotten_while_it_is_read_for_the_first_time() -> None:
    """It is whole afterwards, and shows what is live then."""
    one, two = Snapshot(Shop(), 1), Snapshot(Shop(name="new"), 2)
    newest = [one]

    def source() -> Snapshot[Shop]:
        before = newest[0]
        if before is one:
            newest[0] = two
            forget(pin)
        return before

    pin = pins_of(Shop).live(source)
    assert shown(pin) is two
    assert proxy(Shop, ContextVar("test", default=pin)).name == "new"


def test_a_write_is_not_unread_by_a_thread_that_shares_the_context(
    app: Flask, waffle: Waffle[Settings]
) -> None:
    """Its first read was under way meanwhile, and ends with an older snapshot."""
    with app.app_context():
        pin = waffle._bindings.pins.current.get()
        source, asked, go = pin._source, threading.Event(), threading.Event()

        def slow() -> Snapshot[Settings]:
            snapshot = source()
            asked.set()
            go.wait(10)
            return snapshot

        pin._source = slow
        reader = threading.Thread(
            target=copy_context().run, args=(lambda: waffle.current_settings.low,)
        )
        reader.start()
        assert asked.wait(10)
        waffle.update(low=9)
        go.set()
        reader.join()
        assert waffle.current_settings.low == 9


def test_what_is_read_while_a_worker_begins_is_not_kept(apps: Apps) -> None:
    """The first request of a process shows what is stored, though an event of the engine read."""
    apps.elsewhere().update(name="stored")
    engine, seen = create_engine(apps.url), list[str]()
    app = apps.app()
    waffle = apps.bound(app, engine=engine)
    read = "before_cursor_execute"
    event.listen(engine, read, lambda *_: seen.append(waffle.current_settings.name))
    with app.app_context():
        assert waffle.current_settings.name == "stored"
    assert waffle.current_settings.name == "stored"
    assert seen[0] == "Waffle"
    engine.dispose()


# --- contexts that end badly --------------------------------------------------------------------


def test_a_context_whose_teardown_raises_is_left(app: Flask, waffle: Waffle[Settings]) -> None:
    """Flask does not tell then that it has ended; the next one takes its place."""
    failing = [True]

    @app.teardown_appcontext
    def fail(_: object) -> None:
        if failing[0]:
            raise OSError("the teardown")

    app.add_url_rule("/", view_func=lambda: waffle.current_settings.name)
    before = 0
    for number in range(6):
        with pytest.raises(OSError, match="the teardown"):
            app.test_client().get("/")
        before = pins() if number == 2 else before
    assert pins() == before
    failing[0] = False
    with app.app_context():
        waffle.update(name="new")
    assert app.test_client().get("/").text == "new"
    assert waffle.current_settings.name == "new"


def test_a_generator_may_hold_a_pin_beyond_its_context(
    app: Flask, waffle: Waffle[Settings]
) -> None:
    """As a response that is streamed: it ends with its context, and nothing of it stays."""

    def rows() -> Generator[str, None, None]:
        with waffle.pinned() as settings:
            yield settings.name
            yield settings.name

    @app.get("/")
    def stream() -> Response:
        found = rows()
        return Response(chain([next(found)], found))

    assert app.test_client().get("/").text == "WaffleWaffle"
    before = pins()
    for _ in range(3):
        assert app.test_client().get("/").text == "WaffleWaffle"
    assert pins() == before
    with app.app_context():
        waffle.update(name="new")
    assert waffle.current_settings.name == "new"


def test_a_context_that_is_pushed_twice(app: Flask, waffle: Waffle[Settings]) -> None:
    """Each time it is popped, what was shown before is shown again."""
    outside = waffle._bindings.pins.current.get()
    context = app.app_context()
    with context:
        first = waffle._bindings.pins.current.get()
        with context:
            assert waffle._bindings.pins.current.get() is not first
        assert waffle._bindings.pins.current.get() is first
    assert waffle._bindings.pins.current.get() is outside


def test_what_an_application_showed_goes_with_it(tmp_path: Path) -> None:
    """Once it is collected, a read outside of any context shows nothing of it."""
    waffle, apps = Waffle(Settings), Apps(tmp_path)

    def use() -> None:
        app = apps.app()
        waffle.init_app(app)
        with app.app_context():
            waffle.update(low=3)
        assert waffle.current_settings.low == 3

    use()
    gc.collect()
    with pytest.raises(NotBound):
        _ = waffle.current_settings.low
