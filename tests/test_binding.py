"""One application's worker: where its store comes from, and when it begins and ends."""

import gc
import logging
import os
import sqlite3
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import pytest
from flask import Flask, has_app_context
from flask_sqlalchemy import SQLAlchemy
from pydantic import Field
from sqlalchemy import create_engine, event, inspect

from tests.support.apps import Apps, Settings
from tests.support.processes import free_port
from tests.support.waiting import PATIENCE, eventually
from typed_waffle import (
    ConfigurationError,
    NotBound,
    SettingLocked,
    Snapshot,
    StoreUnavailable,
    Waffle,
    WaffleModel,
    settings_rejected,
)
from typed_waffle.pins import forget


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[Apps]:
    apps = Apps(tmp_path)
    yield apps
    apps.close()


# --- which application is meant -----------------------------------------------------------------


def test_without_an_application_the_error_tells_what_to_call() -> None:
    """Reading settings that are bound to nothing names `init_app` and `connect`."""
    with pytest.raises(NotBound, match=r"call waffle\.init_app\(app\), or use `with waffle\.conn"):
        _ = Waffle(Settings).current_settings.name


def test_with_two_applications_a_context_must_say_which(apps: Apps) -> None:
    """Outside of any context two applications are ambiguous, for reads and for writes."""
    one, two = apps.app(), apps.app()
    waffle = apps.bound(one)
    assert waffle.current_settings.name == "Waffle"
    waffle.init_app(two)
    with pytest.raises(NotBound, match="bound to 2 applications"):
        _ = waffle.current_settings.name
    with pytest.raises(NotBound, match=r"with app\.app_context\(\)"):
        waffle.update(name="a")
    with two.app_context():
        assert waffle.current_settings.name == "Waffle"


def test_an_application_that_is_gone_counts_no_more(apps: Apps) -> None:
    """A collected application leaves its Waffle to the ones that are left."""
    waffle = apps.bound()
    other = apps.app()
    waffle.init_app(other)
    gone = weakref.ref(other)
    del other
    gc.collect()
    assert gone() is None
    assert waffle.current_settings.name == "Waffle"


# --- connect ------------------------------------------------------------------------------------


def test_connect_ends_with_its_block(apps: Apps) -> None:
    """After the block the Waffle is bound to nothing."""
    with Waffle(Settings).connect({"WAFFLE_DATABASE_URL": apps.url}) as waffle:
        waffle.update(name="a")
        assert waffle.current_settings.name == "a"
    with pytest.raises(NotBound):
        _ = waffle.current_settings.name


def test_connects_nest(apps: Apps, tmp_path: Path) -> None:
    """The inner connection is meant inside, the outer one again after it."""
    waffle = Waffle(Settings)
    inner = {"WAFFLE_DATABASE_URL": f"sqlite:///{tmp_path / 'inner.db'}"}
    with waffle.connect({"WAFFLE_DATABASE_URL": apps.url}):
        waffle.update(name="outer")
        with waffle.connect(inner):
            assert waffle.current_settings.name == "Waffle"
            waffle.update(name="inner")
        assert waffle.current_settings.name == "outer"


def test_connect_reads_the_environment(apps: Apps, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a mapping the `WAFFLE_*` environment variables decide."""
    monkeypatch.setenv("WAFFLE_DATABASE_URL", apps.url)
    with Waffle(Settings).connect() as waffle:
        waffle.update(name="a")
    assert apps.elsewhere().current_settings.name == "a"


def test_a_connection_that_cannot_begin_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error at the start of `connect` leaves the Waffle unbound."""
    waffle = Waffle(Settings)
    with (
        pytest.raises(ConfigurationError, match="WAFFLE_DATABASE_URL"),
        waffle.connect({"WAFFLE_DATABASE_URL": "nonsense"}),
    ):
        pass
    with pytest.raises(NotBound):
        waffle.status()


# --- the store ----------------------------------------------------------------------------------


def test_without_a_url_the_instance_folder_is_used(apps: Apps) -> None:
    """The default database is `waffle.db` in the application's instance folder."""
    app = apps.app(WAFFLE_DATABASE_URL=None)
    apps.bound(app).update(name="a")
    assert (Path(app.instance_path) / "waffle.db").exists()


def test_flask_sqlalchemys_engine_is_used(apps: Apps, tmp_path: Path) -> None:
    """With Flask-SQLAlchemy and no URL the tables are made in its database, by its engine."""
    app = apps.app(WAFFLE_DATABASE_URL=None, SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/app.db")
    database = SQLAlchemy(app)
    waffle = apps.bound(app)
    with app.app_context():
        waffle.update(name="a")
        waffle.close()
        assert "waffle_head" in inspect(database.engine).get_table_names()
        database.engine.dispose()


def test_an_engine_that_is_given_is_used_and_stays_open(apps: Apps) -> None:
    """A given engine wins over the URL, and `close` leaves it alone."""
    engine = create_engine(apps.url)
    waffle = apps.bound(apps.app(WAFFLE_DATABASE_URL="sqlite:////nowhere"), engine=engine)
    waffle.update(name="a")
    waffle.close()
    assert apps.elsewhere().current_settings.name == "a"
    engine.dispose()


def test_a_database_in_memory_warns(apps: Apps, caplog: pytest.LogCaptureFixture) -> None:
    """Settings that end with the process are worth a warning."""
    waffle = apps.bound(apps.app(WAFFLE_DATABASE_URL="sqlite://"))
    with caplog.at_level(logging.WARNING):
        waffle.update(name="a")
    assert "the database is in memory" in caplog.text
    assert waffle.current_settings.name == "a"


def test_a_database_that_is_away_is_not_fatal(apps: Apps, tmp_path: Path) -> None:
    """The app boots on its defaults and says stale; writing and refreshing say why they fail."""
    waffle = apps.bound(apps.app(WAFFLE_DATABASE_URL=f"sqlite:///{tmp_path}/away/waffle.db"))
    assert waffle.current_settings.name == "Waffle"
    assert waffle.status().state == "stale"
    with pytest.raises(StoreUnavailable, match="WAFFLE_DATABASE_URL"):
        waffle.update(name="a")
    with pytest.raises(StoreUnavailable):
        waffle.refresh()


# --- what is stored and what the environment says -----------------------------------------------


def test_the_environment_locks_a_field(apps: Apps, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable with the prefix wins over the store, and a write to its field is refused."""
    apps.elsewhere().update(name="stored", low=1)
    monkeypatch.setenv("SHOP_SETTING_NAME", "pinned")
    waffle = apps.bound(apps.app(WAFFLE_ENV_PREFIX="SHOP_SETTING_"))
    assert waffle.current_settings.name == "pinned"
    snapshot = waffle.snapshot()
    origins = [snapshot.origin(name) for name in ("name", "low", "high")]
    assert origins == ["environment", "stored", "default"]
    with pytest.raises(SettingLocked, match="SHOP_SETTING_NAME"):
        waffle.update(name="b")


def test_a_locked_field_keeps_what_is_stored(apps: Apps, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an edit nor a reset touches it, and nothing else of such a change is written."""
    apps.elsewhere().update(name="stored")
    monkeypatch.setenv("SHOP_NAME", "pinned")
    waffle = apps.bound(apps.app(WAFFLE_ENV_PREFIX="SHOP_"))

    def edited() -> None:
        with waffle.edit() as edit:
            edit.update(low=1)
            edit.reset("name")

    with pytest.raises(SettingLocked):
        edited()
    assert waffle.update(low=2) is not None
    assert [[f.field for f in change.fields] for change in waffle.history()] == [["low"], ["name"]]
    assert waffle.current_settings.name == "pinned"
    other = apps.elsewhere()
    assert (other.current_settings.name, other.snapshot().origin("name")) == ("stored", "stored")


class Mail(WaffleModel):
    """A setting of parts."""

    host: str = "localhost"
    port: int = 25


class Nested(WaffleModel):
    """Settings with one that has parts."""

    smtp: Mail = Mail()


def test_a_variable_of_a_part_locks_the_whole_field(
    apps: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its other parts are those of the default, not what is stored; the error names all of them."""
    with Waffle(Nested).connect({"WAFFLE_DATABASE_URL": apps.url}) as elsewhere:
        elsewhere.update(smtp=Mail(host="stored", port=1))
    monkeypatch.setenv("SHOP_SMTP__HOST", "pinned")
    config = {"WAFFLE_DATABASE_URL": apps.url, "WAFFLE_ENV_PREFIX": "SHOP_"}
    with Waffle(Nested).connect(config) as waffle:
        assert waffle.current_settings.smtp == Mail(host="pinned", port=25)
        assert waffle.snapshot().origin("smtp") == "environment"
        with pytest.raises(SettingLocked, match=r"variable SHOP_SMTP__HOST: .* unset it to"):
            waffle.update(smtp=Mail())
    monkeypatch.setenv("SHOP_SMTP__PORT", "2")
    with (
        Waffle(Nested).connect(config) as waffle,
        pytest.raises(SettingLocked, match=r"variables SHOP_SMTP__HOST, SHOP_SMTP__PORT: .* them"),
    ):
        waffle.reset("smtp")


def test_the_environment_is_read_when_a_worker_begins(
    apps: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changes in it later waits for the next start."""
    monkeypatch.setenv("SHOP_NAME", "first")
    waffle = apps.bound(apps.app(WAFFLE_ENV_PREFIX="SHOP_"))
    waffle.start()
    monkeypatch.setenv("SHOP_NAME", "second")
    monkeypatch.setenv("SHOP_LOW", "1")
    waffle.refresh()
    waffle.update(low=2)
    assert (waffle.current_settings.name, waffle.current_settings.low) == ("first", 2)
    waffle.close()
    waffle.start()
    assert (waffle.current_settings.name, waffle.current_settings.low) == ("second", 1)


def test_a_variable_that_does_not_fit_is_named(apps: Apps, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused variable is an error at each use, until it is mended."""
    monkeypatch.setenv("SHOP_LOW", "many")
    waffle = apps.bound(apps.app(WAFFLE_ENV_PREFIX="SHOP_"))
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="SHOP_LOW"):
            waffle.start()
    monkeypatch.setenv("SHOP_LOW", "3")
    assert waffle.current_settings.low == 3


class Wider(WaffleModel):
    """A newer model, which allows what the older one refuses."""

    name: str = "Waffle"


@pytest.fixture
def misfit(apps: Apps) -> None:
    """Something that the model refuses is stored."""
    with Waffle(Wider).connect({"WAFFLE_DATABASE_URL": apps.url}) as wider:
        wider.update(name="n" * 21)


@pytest.mark.usefixtures("misfit")
def test_a_stored_value_that_does_not_fit_takes_its_default(apps: Apps) -> None:
    """What the model refuses shows its default, and the status says rejected."""
    waffle = apps.bound()
    assert waffle.current_settings.name == "Waffle"
    assert (waffle.status().state, waffle.status().revision) == ("rejected", 1)


@pytest.mark.usefixtures("misfit")
def test_a_stored_value_that_does_not_fit_may_be_fatal(apps: Apps) -> None:
    """With `WAFFLE_ON_INVALID="raise"` it stops the boot."""
    waffle = apps.bound(apps.app(WAFFLE_ON_INVALID="raise"))
    with pytest.raises(ConfigurationError, match="WAFFLE_ON_INVALID"):
        waffle.start()


# --- beginning and ending -----------------------------------------------------------------------


def listeners() -> int:
    return sum(thread.name == "typed-waffle" for thread in threading.enumerate())


def test_importing_loads_no_driver() -> None:
    """`import typed_waffle` loads neither SQLAlchemy nor redis, nor what only extras need."""
    drivers = "{'sqlalchemy', 'redis', 'cryptography', 'pydantic_settings'}"
    code = f"import sys, typed_waffle; print({drivers} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"set()\n"


def test_binding_connects_to_nothing(apps: Apps, tmp_path: Path) -> None:
    """`init_app` makes no file and no thread; the status says starting."""
    waffle = apps.bound(apps.app(WAFFLE_REDIS_URL=f"redis://127.0.0.1:{free_port()}"))
    assert waffle.status().state == "starting"
    assert listeners() == 0
    assert not (tmp_path / "waffle.db").exists()


def test_the_first_context_starts_the_worker(apps: Apps) -> None:
    """Pushing an app context connects, although nothing is read."""
    app = apps.app(WAFFLE_REDIS_URL=f"redis://127.0.0.1:{free_port()}")
    waffle = apps.bound(app)
    with app.app_context():
        assert listeners() == 1
    assert waffle.status().state != "starting"


@pytest.mark.parametrize(
    ("keys", "threads"),
    [({}, 0), ({"WAFFLE_LISTENER": "inline"}, 0), ({"WAFFLE_LISTENER": "thread"}, 1)],
)
def test_without_redis_a_thread_runs_only_if_wanted(
    keys: dict[str, str], threads: int, apps: Apps
) -> None:
    """Polling needs no thread; `WAFFLE_LISTENER="thread"` polls in one."""
    apps.bound(apps.app(**keys)).start()
    assert listeners() == threads


@pytest.mark.parametrize("kind", ["inline", "thread"])
def test_without_redis_changes_are_polled(kind: str, apps: Apps) -> None:
    """Inline at a context's beginning, or in a thread, a change is found within the interval."""
    app = apps.app(WAFFLE_LISTENER=kind, WAFFLE_FALLBACK_POLL_INTERVAL=0.1)
    waffle = apps.bound(app)
    waffle.start()
    apps.elsewhere().update(name="a")

    def polled() -> bool:
        with app.app_context():
            return waffle.current_settings.name == "a"

    assert eventually(polled) < 5


def test_without_redis_and_without_flask_changes_are_polled(apps: Apps) -> None:
    """No context is pushed there that could look, so a thread does, as long as the block runs."""
    config = {"WAFFLE_DATABASE_URL": apps.url, "WAFFLE_FALLBACK_POLL_INTERVAL": 0.1}
    with Waffle(Settings).connect(config) as waffle:
        apps.elsewhere().update(name="a")
        eventually(lambda: waffle.current_settings.name == "a")
    assert listeners() == 0


def test_close_may_be_called_twice_and_leaves_a_snapshot(apps: Apps) -> None:
    """After `close` the last snapshot is shown, and the status says closed."""
    waffle = apps.bound()
    waffle.update(name="a")
    waffle.close()
    waffle.close()
    assert (waffle.current_settings.name, waffle.status().state) == ("a", "closed")


def test_a_context_does_not_reopen_what_was_closed(apps: Apps) -> None:
    """Requests after `close` show the last snapshot, and start nothing."""
    app = apps.app(WAFFLE_LISTENER="thread")
    waffle = apps.bound(app)
    waffle.update(name="a")
    waffle.close()
    with app.app_context():
        assert waffle.current_settings.name == "a"
    assert (waffle.status().state, listeners()) == ("closed", 0)


@pytest.mark.parametrize("begin", [Waffle.start, Waffle.refresh])
def test_a_closed_waffle_may_begin_anew(apps: Apps, begin: object) -> None:
    """`start` and `refresh` after `close` read the store again."""
    waffle = apps.bound()
    waffle.start()
    waffle.close()
    apps.elsewhere().update(name="a")
    assert callable(begin)
    begin(waffle)
    assert waffle.current_settings.name == "a"
    assert waffle.status().state == "live"


def test_a_collected_app_ends_its_listener() -> None:
    """An application that nobody holds takes its listener's thread with it."""
    waffle = Waffle(Settings)

    def short_lived() -> None:
        app = Flask("short")
        app.config.update(WAFFLE_DATABASE_URL="sqlite://", WAFFLE_LISTENER="thread")
        waffle.init_app(app)
        with app.app_context():
            assert listeners() == 1

    short_lived()
    gc.collect()
    eventually(lambda: listeners() == 0, 5)


def test_what_cannot_begin_leaves_no_context_behind(
    apps: Apps, caplog: pytest.LogCaptureFixture
) -> None:
    """An app context begins and ends as ever; each read in it raises, and the log says it once."""
    app = apps.app(WAFFLE_LISTENER="gevent")
    waffle = apps.bound(app)
    for _ in range(2):
        with app.app_context(), pytest.raises(ConfigurationError, match="monkey patch"):
            _ = waffle.current_settings.name
        assert not has_app_context()
    assert caplog.text.count("the settings cannot be used yet") == 1


def test_who_waited_for_a_start_that_failed_does_not_try_it_again(apps: Apps) -> None:
    """All get its error, so that each waits for one try at most; whoever comes later tries anew."""
    engine = create_engine(apps.url)
    away, given_up = True, threading.Event()

    def connect(*_: object) -> None:
        if away:
            given_up.wait(PATIENCE)
            raise sqlite3.OperationalError("nobody answers")

    event.listen(engine, "do_connect", connect)
    waffle = apps.bound(apps.app(WAFFLE_ON_UNAVAILABLE="raise"), engine=engine)
    errors: list[Exception] = []

    def use() -> None:
        try:
            waffle.start()
        except StoreUnavailable as error:
            errors.append(error)

    users = [threading.Thread(target=use) for _ in range(8)]
    for user in users:
        user.start()

    def waiting() -> int:
        """How many stand where they wait for the attempt that they found."""
        tops = [sys._current_frames()[user.ident or 0] for user in users]
        return sum(top.f_code.co_name == "started" and "attempt" in top.f_locals for top in tops)

    eventually(lambda: waiting() == len(users) - 1)
    given_up.set()
    for user in users:
        user.join()
    assert len(errors) == len(users)
    assert len({id(error) for error in errors}) == 1
    away = False
    waffle.start()
    waffle.close()
    engine.dispose()


def test_who_is_told_of_a_misfit_at_the_start_may_use_the_settings(apps: Apps) -> None:
    """A receiver of the signal reads and writes; the start does not wait for it."""
    apps.elsewhere().update(name="longer than ten")
    app = apps.app()
    seen: list[object] = []

    class Narrow(WaffleModel):
        name: Annotated[str, Field(max_length=10)] = "short"
        other: int = 0

    narrow = Waffle(Narrow)
    narrow.init_app(app)

    def told(_: object, **__: object) -> None:
        with app.app_context():
            seen.append(narrow.current_settings.name)
        seen.append(narrow.update(other=1))

    with settings_rejected.connected_to(told, sender=app):
        begun = threading.Thread(target=narrow.start)
        begun.start()
        begun.join(PATIENCE)
    assert not begun.is_alive()
    assert seen[0] == "short"
    assert narrow.snapshot().settings.other == 1
    narrow.close()


class Reading(logging.Handler):
    """Reads a setting for each line of the library; `also` is called for any other."""

    def __init__(self, waffle: Waffle[Settings], also: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.seen: list[str] = []
        self._waffle = waffle
        self._also = also

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith("typed_waffle"):
            self._also()
        self.seen.append(f"{self._waffle.current_settings.name} {record.levelname}")


@contextmanager
def heard(handler: logging.Handler) -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def test_a_handler_of_the_log_may_read_settings_at_the_start(apps: Apps) -> None:
    """What is logged while a worker begins is no trap for a handler that reads a setting."""
    apps.elsewhere().update(name="a")
    waffle = apps.bound()
    handler = Reading(waffle)
    with heard(handler):
        begun = threading.Thread(target=waffle.start)
        begun.start()
        begun.join(PATIENCE)
    assert not begun.is_alive()
    assert "a INFO" in handler.seen


def test_a_handler_of_the_log_may_read_settings_of_a_start_that_fails(
    apps: Apps, tmp_path: Path
) -> None:
    """It is shown the defaults; nothing begins anew for it, and the error is the start's own."""
    keys = {"WAFFLE_DATABASE_URL": f"sqlite:///{tmp_path}/away/waffle.db"}
    waffle = apps.bound(apps.app(**keys, WAFFLE_ON_UNAVAILABLE="raise"))
    handler = Reading(waffle)
    with heard(handler), pytest.raises(StoreUnavailable):
        waffle.start()
    assert "Waffle WARNING" in handler.seen


def test_a_start_does_not_wait_for_a_handler_that_waits_for_it(apps: Apps) -> None:
    """A handler may read its first setting, under its own lock, while another thread begins."""
    engine = create_engine(apps.url)
    holding, beginning = threading.Event(), threading.Event()
    event.listen(engine, "connect", lambda *_: beginning.set())
    waffle = apps.bound(engine=engine)

    def wait() -> None:
        holding.set()
        beginning.wait(PATIENCE)

    handler = Reading(waffle, also=wait)
    with heard(handler):
        request = threading.Thread(
            target=logging.getLogger("tests.request").info, args=("hello",), daemon=True
        )
        begun = threading.Thread(target=waffle.start, daemon=True)
        request.start()
        assert holding.wait(PATIENCE)
        begun.start()
        for thread in (request, begun):
            thread.join(PATIENCE)
            assert not thread.is_alive()
    engine.dispose()


def holds_in_a_child(fact: Callable[[], bool]) -> bool:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if fact() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_child_of_a_process_that_closed_begins_anew(apps: Apps) -> None:
    """`close` before a fork, as servers' hooks do it, leaves no old snapshot to the children."""
    waffle = apps.bound()
    waffle.start()
    waffle.close()
    apps.elsewhere().update(name="new")
    assert holds_in_a_child(
        lambda: waffle.current_settings.name == "new" and waffle.status().state == "live"
    )
    assert waffle.status().state == "closed"


def test_a_child_of_a_fork_within_contexts_begins_anew(apps: Apps) -> None:
    """The contexts go on in the child, but none of them shows what the parent had read."""
    app = apps.app()
    waffle = apps.bound(app)
    with app.app_context():
        assert waffle.current_settings.name == "Waffle"
        with app.app_context() as inner:
            assert waffle.current_settings.name == "Waffle"
            apps.elsewhere().update(name="new")

            def anew() -> bool:
                seen = [waffle.current_settings.name]
                inner.pop()
                return [*seen, waffle.current_settings.name] == ["new", "new"]

            assert holds_in_a_child(anew)
            assert waffle.current_settings.name == "Waffle"


def test_a_change_during_the_first_read_after_a_fork_is_shown(apps: Apps) -> None:
    """The read had seen what was live before it, and does not hide the change."""
    waffle, elsewhere = apps.elsewhere(), apps.elsewhere()
    binding = waffle._bindings.meant()
    source, changed = binding.holder._source, list[object]()

    def during() -> Snapshot[Settings]:
        found = source()
        if not changed:
            changed.append(elsewhere.update(name="new"))
            binding.started().runtime.refresh()  # as the listener would
        return found

    binding.holder._source = during
    forget(binding.holder)  # as a fork does
    assert waffle.current_settings.name == "new"
    assert waffle.current_settings.name == "new"


def test_a_child_keeps_what_was_pinned(apps: Apps) -> None:
    """Who asked for one snapshot reads it on both sides of a fork."""
    app = apps.app()
    waffle = apps.bound(app)
    with app.app_context(), waffle.pinned():
        apps.elsewhere().update(name="new")
        assert holds_in_a_child(lambda: waffle.current_settings.name == "Waffle")


def test_a_worker_that_could_not_begin_begins_without_being_read(apps: Apps) -> None:
    """With `raise`, whoever asks for nothing but the health finds it well when the store is."""
    folder = Path(apps.url.removeprefix("sqlite:///")).parent / "later"
    app = apps.app(
        WAFFLE_DATABASE_URL=f"sqlite:///{folder / 'waffle.db'}",
        WAFFLE_ON_UNAVAILABLE="raise",
        WAFFLE_FALLBACK_POLL_INTERVAL=0.1,
    )
    waffle = apps.bound(app)
    app.add_url_rule("/healthz", view_func=waffle.health)
    client = app.test_client()
    assert client.get("/healthz").status_code == 503
    assert "unable to open database file" in str(waffle.status().last_error)
    folder.mkdir()
    eventually(lambda: client.get("/healthz").status_code == 200)
