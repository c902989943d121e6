"""`Waffle.override`: what is beneath it, and the contexts that see it."""

import asyncio
import contextvars
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from pathlib import Path

import pytest
from flask import Flask

from tests.support.apps import Apps, Settings
from typed_waffle import NotBound, Waffle
from typed_waffle.testing.load import together


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
    waffle = apps.bound(app)
    app.add_url_rule("/", view_func=lambda: waffle.current_settings.name)
    return waffle


@pytest.fixture
def unbound() -> Waffle[Settings]:
    return Waffle(Settings)


# --- on top of what changes ---------------------------------------------------------------------


def test_requests_inside_show_it(app: Flask, waffle: Waffle[Settings]) -> None:
    """An app context that begins inside shows it; one that began before does not lose its pin."""
    client = app.test_client()
    assert client.get("/").text == "Waffle"
    with waffle.override(name="Cone"):
        assert client.get("/").text == "Cone"
    assert client.get("/").text == "Waffle"


def test_what_is_live_shows_through(apps: Apps, app: Flask, waffle: Waffle[Settings]) -> None:
    """Changes show in what is not overridden: at once outside of contexts, and in later ones."""
    elsewhere = apps.elsewhere()
    waffle.start()

    def change(high: int) -> None:
        elsewhere.update(high=high)
        waffle._bindings.meant().started().runtime.refresh()  # as the listener would

    settings = waffle.current_settings
    with waffle.override(low=3):
        change(20)
        assert (settings.low, settings.high, waffle.snapshot().revision) == (3, 20, 1)
        with app.app_context():
            assert (settings.low, settings.high) == (3, 20)
            change(30)
            assert (settings.low, settings.high) == (3, 20)
            with app.app_context():
                assert (settings.low, settings.high) == (3, 30)
        assert (settings.low, settings.high) == (3, 30)
    assert (settings.low, settings.high) == (0, 30)


def test_a_context_keeps_its_pin(apps: Apps, app: Flask, waffle: Waffle[Settings]) -> None:
    """Inside one app context the base stays the same before, in and after an override."""
    elsewhere, settings = apps.elsewhere(), waffle.current_settings
    with app.app_context():
        with waffle.override(low=3):
            assert settings.high == 10
        elsewhere.update(high=20)
        waffle._bindings.meant().started().runtime.refresh()
        assert (settings.low, settings.high) == (0, 10)
        with waffle.override(low=3):
            assert (settings.low, settings.high) == (3, 10)


@pytest.mark.parametrize("in_context", [True, False])
def test_a_write_goes_to_the_store(
    app: Flask, waffle: Waffle[Settings], *, in_context: bool
) -> None:
    """It is read back where nothing is on top of it, and shows as a whole when that ends."""
    settings = waffle.current_settings
    with ExitStack() as stack:
        if in_context:
            stack.enter_context(app.app_context())
        with waffle.override(name="Cone"):
            waffle.update(name="stored", high=20)
            assert (settings.name, settings.high) == ("Cone", 20)
        assert (settings.name, settings.high) == ("stored", 20)


def test_a_write_in_a_context_inside(app: Flask, waffle: Waffle[Settings]) -> None:
    """The context that made it shows it, with the override still on top."""
    settings = waffle.current_settings
    with waffle.override(name="Cone"), app.app_context():
        assert settings.high == 10
        waffle.update(name="stored", high=20)
        assert (settings.name, settings.high) == ("Cone", 20)
        waffle.refresh()
        assert (settings.name, settings.high) == ("Cone", 20)


def test_a_write_inside_of_pinned(app: Flask, waffle: Waffle[Settings]) -> None:
    """It is read back after the block, under what covers it and without it."""
    with app.app_context():
        with waffle.override(high=20):
            assert waffle.current_settings.name == "Waffle"
            with waffle.pinned():
                waffle.update(name="mine")
            assert (waffle.current_settings.name, waffle.current_settings.high) == ("mine", 20)
        assert (waffle.current_settings.name, waffle.current_settings.high) == ("mine", 10)


def test_several_applications(apps: Apps, app: Flask, waffle: Waffle[Settings]) -> None:
    """Each context shows its own application's values; outside of any, there are the defaults."""
    other = apps.app(WAFFLE_DATABASE_URL="sqlite://")
    waffle.init_app(other)
    with app.app_context():
        waffle.update(high=20)
    with waffle.override(low=3):
        for where, high in ((app, 20), (other, 10)):
            with where.app_context():
                assert (waffle.current_settings.low, waffle.current_settings.high) == (3, high)
        assert (waffle.current_settings.low, waffle.current_settings.high) == (3, 10)


def test_it_outlasts_a_context_that_ends_first(app: Flask, waffle: Waffle[Settings]) -> None:
    """Begun in an app context it stays until its own end; ended in one, it is gone after it."""
    settings, override = waffle.current_settings, waffle.override(name="Cone")
    with app.app_context():
        override.__enter__()
    assert settings.name == "Cone"
    with app.app_context():
        override.__exit__(None, None, None)
        assert settings.name == "Waffle"
    assert settings.name == "Waffle"


def test_pins_and_connections_inside(tmp_path: Path, unbound: Waffle[Settings]) -> None:
    """What `pinned` and `connect` show inside is covered as well, and what follows them."""
    settings = unbound.current_settings
    with unbound.override(name="Cone"):
        url = f"sqlite:///{tmp_path / 'waffle.db'}"
        with unbound.connect({"WAFFLE_DATABASE_URL": url}):
            with unbound.pinned() as pinned:
                unbound.update(high=20)
                assert (pinned.name, pinned.high) == ("Cone", 10)
                assert (settings.name, settings.high) == ("Cone", 20)
            assert (settings.name, settings.high) == ("Cone", 20)
        assert (settings.name, settings.high) == ("Cone", 10)


# --- in this context only -----------------------------------------------------------------------


def test_threads_do_not_see_each_others(unbound: Waffle[Settings]) -> None:
    """Eight threads enter one object and their own, at once, again and again."""
    shared = unbound.override(high=100)
    settings = unbound.current_settings

    def work(number: int) -> None:
        for turn in range(50):
            with unbound.override(low=number), shared, unbound.override(name=f"{number}.{turn}"):
                assert (settings.name, settings.low) == (f"{number}.{turn}", number)
                assert settings.high == 100
            with pytest.raises(NotBound):
                _ = settings.low

    together(*(lambda number=number: work(number) for number in range(8)))


def test_a_thread_sees_it_if_it_is_given_the_context(waffle: Waffle[Settings]) -> None:
    """A new thread sees none; `copy_context().run` carries it there, and into a pool."""
    seen: list[str] = []

    def look() -> str:
        seen.append(waffle.current_settings.name)
        return seen[-1]

    with waffle.override(name="Cone"):
        run = contextvars.copy_context().run
        threads = [threading.Thread(target=look), threading.Thread(target=run, args=(look,))]
        for thread in threads:
            thread.start()
            thread.join()
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(look).result() == "Waffle"
            assert pool.submit(contextvars.copy_context().run, look).result() == "Cone"
    assert seen == ["Waffle", "Cone"] * 2


def test_tasks_do_not_see_each_others(unbound: Waffle[Settings]) -> None:
    """A task sees what was in force when it was made, and what it entered itself."""

    async def look(begin: asyncio.Event) -> str:
        await begin.wait()
        try:
            return unbound.current_settings.name
        except NotBound:
            return "nothing"

    async def work(number: int) -> None:
        with unbound.override(name=str(number)):
            for _ in range(20):
                await asyncio.sleep(0)
                assert unbound.current_settings.name == str(number)

    async def main() -> list[str]:
        begin = asyncio.Event()
        before = asyncio.create_task(look(begin))
        with unbound.override(name="Cone"):
            inside = asyncio.create_task(look(begin))
            await asyncio.gather(*map(work, range(8)))
            begin.set()
            return [await before, await inside]

    assert asyncio.run(main()) == ["nothing", "Cone"]


def test_ending_it_in_another_context_undoes_nothing(unbound: Waffle[Settings]) -> None:
    """A generator that another context closes leaves that context alone."""
    override = unbound.override(name="Cone")
    other = contextvars.copy_context()
    other.run(override.__enter__)
    override.__exit__(None, None, None)
    assert other.run(lambda: unbound.current_settings.name) == "Cone"
    with pytest.raises(NotBound):
        _ = unbound.current_settings.name


def test_greenlets_do_not_see_each_others() -> None:
    """Under gevent, neither do greenlets; a new one sees none unless it is given the context."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.leaks"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == {"leaks": [], "seen": ["nothing", "Cone"]}


@pytest.mark.parametrize("within", [False, True])
def test_a_child_shows_it_and_begins_nothing(
    *, within: bool, app: Flask, waffle: Waffle[Settings]
) -> None:
    """After a fork an override goes on in the child, on top of what is known without a worker."""
    waffle.update(high=20)
    context = app.app_context() if within else nullcontext()
    with context, waffle.override(low=3) as settings:
        assert (settings.low, settings.high) == (3, 20)
        pid = os.fork()
        if pid == 0:
            shown = (waffle.current_settings.low, waffle.current_settings.high)
            os._exit(shown != (3, 10) or waffle._bindings.meant().worker is not None)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert waffle.current_settings.high == 20
