"""Workers that start while the database, Redis or both are away; and all come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr

from tests.support.databases import DatabaseServer
from tests.support.keys import fernet_key
from tests.support.models import Shop, Smtp
from tests.support.redis import RedisServer
from tests.support.waiting import eventually
from tests.support.writers import spend, together
from typed_waffle import StoreUnavailable, Waffle, lastgood
from typed_waffle.copies import Copies
from typed_waffle.shelves.file import FileShelf

pytestmark = pytest.mark.slow

CANARY = "canary-away-1138"
FALLBACK = 0.3

Keys = dict[str, Any]
Begin = Callable[..., Waffle[Shop]]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """The folder of copies; it is not there yet."""
    return tmp_path / "cache"


@pytest.fixture
def keys(database_server: DatabaseServer) -> Keys:
    """What every worker has."""
    return {
        "WAFFLE_DATABASE_URL": database_server.scratch(),
        "WAFFLE_SIGNING_KEY": "a test's key",
        "WAFFLE_ENCRYPTION_KEYS": fernet_key("one"),
        "WAFFLE_FALLBACK_POLL_INTERVAL": FALLBACK,
        "WAFFLE_POLL_INTERVAL": 1.0,
        "WAFFLE_LISTENER": "thread",
    }


@pytest.fixture
def places(cache: Path, redis_server: RedisServer) -> dict[str, Keys]:
    """What else those have that keep a copy in this place."""
    in_file, in_redis = {"WAFFLE_CACHE_DIR": str(cache)}, {"WAFFLE_REDIS_URL": redis_server.url}
    return {"file": in_file, "redis": in_redis, "both": in_file | in_redis, "nowhere": {}}


@pytest.fixture
def begin(database_server: DatabaseServer, redis_server: RedisServer) -> Iterator[Begin]:
    """Starts workers; in the end all servers run."""
    begun: list[tuple[Flask, Waffle[Shop]]] = []

    def start(keys: Keys, told: list[tuple[int, int]] | None = None) -> Waffle[Shop]:
        app = Flask(__name__)
        app.config.update(keys)
        waffle = Waffle(Shop)
        if told is not None:
            waffle.on_change("low")(lambda old, new: told.append((old.low, new.low)))
        waffle.init_app(app)
        begun.append((app, waffle))  # which ends with its application
        with app.app_context():
            waffle.snapshot()
        return waffle

    yield start
    redis_server.kill()
    database_server.revive()
    for _, waffle in begun:
        waffle.close()


def prepare(begin: Begin, keys: Keys, place: Keys) -> None:
    """Store two revisions; copies are of the first, as if their keepers had missed the other."""
    first = begin({**keys, **place})
    first.update(low=-1, token=CANARY)  # type: ignore[waffle-value] # as a form gives it
    if "WAFFLE_REDIS_URL" in place:
        eventually(lambda: first.status().state == "live")
    first.close()
    second = begin(keys)
    second.update(low=-2)
    second.close()


def facts(waffle: Waffle[Shop]) -> tuple[int, int, str]:
    """The revision that is shown, a value and a secret."""
    snapshot = waffle.snapshot()
    return snapshot.revision, snapshot.settings.low, snapshot.settings.token.get_secret_value()


OLD, NEW, NONE = (1, -1, CANARY), (2, -2, CANARY), (0, 0, "")


@pytest.mark.parametrize(("place", "shown"), [("file", OLD), ("redis", OLD), ("nowhere", NONE)])
def test_the_database_is_down_at_the_start_and_comes_back(
    begin: Begin,
    keys: Keys,
    places: dict[str, Keys],
    database_server: DatabaseServer,
    place: str,
    shown: tuple[int, int, str],
) -> None:
    """The worker shows its last good copy, says `stale`, refuses writes, and then is `live`."""
    prepare(begin, keys, places[place])
    database_server.kill()
    told: list[tuple[int, int]] = []
    waffle = begin({**keys, **places[place]}, told)
    assert facts(waffle) == shown
    assert (waffle.status().state, waffle.status().revision) == ("stale", shown[0])
    with pytest.raises(StoreUnavailable):
        waffle.update(low=-3)
    assert facts(waffle) == shown
    database_server.start()
    eventually(lambda: waffle.status().state == "live")
    assert facts(waffle) == NEW
    assert told == [(shown[1], -2)]
    change = waffle.update(low=-3)
    assert change is not None
    assert change.revision == 3


@pytest.mark.parametrize("first", ["database", "redis"])
def test_both_are_down_at_the_start_and_come_back(
    begin: Begin,
    keys: Keys,
    places: dict[str, Keys],
    database_server: DatabaseServer,
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    *,
    first: str,
) -> None:
    """One after the other, in any order; Redis, which forgot all, is left a copy again."""
    monkeypatch.setattr(lastgood, "PAUSE_AFTER_FAILURE", 0.5)
    prepare(begin, keys, places["both"])
    database_server.kill()
    redis_server.kill()
    told: list[tuple[int, int]] = []
    waffle = begin({**keys, **places["both"]}, told)
    assert facts(waffle) == OLD
    assert waffle.status().state == "stale"
    if first == "database":
        database_server.start()
        eventually(lambda: waffle.status().state == "degraded")
        assert facts(waffle) == NEW
        redis_server.start()
    else:
        redis_server.start()
        eventually(lambda: waffle.status().bus.ok)
        assert waffle.status().state == "stale"
        assert facts(waffle) == OLD
        database_server.start()
    eventually(lambda: waffle.status().state == "live")
    assert facts(waffle) == NEW
    assert told == [(-1, -2)]
    with redis_server.client() as client:
        eventually(lambda: list(client.scan_iter("*last-good*state")))
    waffle.close()
    database_server.kill()
    assert facts(begin({**keys, **places["redis"]})) == NEW


def test_a_start_that_must_have_the_database_fails_until_it_is_there(
    keys: Keys,
    places: dict[str, Keys],
    begin: Begin,
    database_server: DatabaseServer,
    redis_server: RedisServer,
) -> None:
    """Each use says so and tries again; nothing is left of a try, and no context of Flask's."""
    prepare(begin, keys, places["both"])
    database_server.kill()
    app = Flask(__name__)
    app.config.update(keys | places["both"], WAFFLE_ON_UNAVAILABLE="raise")
    waffle = Waffle(Shop)
    waffle.init_app(app)
    app.add_url_rule("/", view_func=lambda: {"low": waffle.current_settings.low})
    app.add_url_rule("/static", endpoint="other", view_func=lambda: {"low": None})
    client = app.test_client()
    threads = threading.active_count()
    for _ in range(2):
        assert client.get("/").status_code == 500
        assert client.get("/static").status_code == 200
        for use in (waffle.start, waffle.snapshot, waffle.refresh, lambda: waffle.update(low=1)):
            with pytest.raises(StoreUnavailable, match="cannot be reached"):
                use()
    assert waffle.status().state == "starting"
    eventually(lambda: threading.active_count() == threads)
    assert redis_server.connections() == 0
    database_server.start()
    assert client.get("/").get_json() == {"low": -2}
    eventually(lambda: waffle.status().state == "live")
    waffle.close()


def test_a_redis_that_is_frozen_holds_a_start_for_a_second(
    config: Keys, tmp_path: Path, redis_server: RedisServer
) -> None:
    """It is asked for a copy only if the database is away; then the defaults are shown."""
    keys = {
        **config,
        "WAFFLE_DATABASE_URL": f"sqlite:///{tmp_path / 'no' / 'folder' / 'waffle.db'}",
    }
    redis_server.stop()
    began = time.monotonic()
    with Waffle(Shop).connect(keys) as waffle:
        assert time.monotonic() - began < 2.5
        assert waffle.snapshot().revision == 0
        assert waffle.status().state == "stale"
        redis_server.cont()


def test_a_file_that_sqlite_cannot_open_comes_back(
    tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With an inline listener, a later context looks; what fits is shown at once."""
    volume = tmp_path / "volume"
    volume.mkdir()
    keys = {
        "WAFFLE_DATABASE_URL": f"sqlite:///{volume / 'waffle.db'}",
        "SECRET_KEY": "the app's",
        "WAFFLE_CACHE_DIR": "cache",
        "WAFFLE_FALLBACK_POLL_INTERVAL": FALLBACK,
    }

    def begun() -> tuple[Flask, Waffle[Shop]]:
        app = Flask(__name__, instance_path=str(tmp_path))
        app.config.update(keys)
        waffle = Waffle(Shop)
        waffle.init_app(app)
        return app, waffle

    app, waffle = begun()
    with app.app_context():
        waffle.update(low=-1, token=CANARY)  # type: ignore[waffle-value] # as a form gives it
    waffle.close()
    assert [path.name for path in cache.iterdir()] == ["default.copy"]
    volume.rename(tmp_path / "elsewhere")
    volume.write_text("not mounted")
    app, waffle = begun()
    with app.app_context():
        assert facts(waffle) == (1, -1, "")
        assert waffle.status().state == "stale"
    assert "without token" in caplog.text
    volume.unlink()
    (tmp_path / "elsewhere").rename(volume)

    def live() -> bool:
        with app.app_context():
            return waffle.status().state == "live"

    eventually(live)
    assert facts(waffle) == (1, -1, CANARY)
    waffle.close()


# --- what is kept -----------------------------------------------------------------------------


@pytest.fixture
def local(tmp_path: Path, cache: Path, config: Keys) -> Keys:
    """Keys of workers that keep copies in both places."""
    return {**config, "WAFFLE_CACHE_DIR": str(cache)}


@pytest.mark.parametrize("encryption", [(), (fernet_key("one"),)])
def test_a_secret_is_in_no_copy(
    local: Keys, cache: Path, redis_server: RedisServer, encryption: tuple[str, ...]
) -> None:
    """Neither in the file nor in Redis, with keys or without; with keys, the copies have it."""
    keys = {**local, "WAFFLE_ENCRYPTION_KEYS": encryption or None}
    with Waffle(Shop).connect(keys) as waffle:
        waffle.update(name="Cake", token=CANARY, smtp=Smtp(password=SecretStr(CANARY)))  # type: ignore[waffle-value] # as a form gives it
        eventually(lambda: waffle.status().state == "live")
    texts = [path.read_bytes() for path in cache.iterdir()]
    with redis_server.client() as client:
        names = list(client.scan_iter())
        strings = [name for name in names if client.type(name) == b"string"]
        texts += [client.get(name) or b"" for name in strings]
        texts += [client.dump(name) or b"" for name in names if name not in strings]
    assert len([text for text in texts if b"Cake" in text]) == 2  # one in each place
    assert [text for text in texts if CANARY.encode() in text] == []
    if encryption:
        assert all(b"typed_waffle.sealed" in text for text in texts if b"Cake" in text)


def test_without_a_signing_key_nothing_is_kept(config: Keys, redis_server: RedisServer) -> None:
    """Nobody would believe it."""
    with Waffle(Shop).connect({**config, "WAFFLE_SIGNING_KEY": None}) as waffle:
        waffle.update(low=-1)
        eventually(lambda: waffle.status().state == "live")
        with redis_server.client() as client:
            assert list(client.scan_iter("*last-good*")) == []


def test_many_processes_keep_one_copy(local: Keys, cache: Path) -> None:
    """They replace it as a whole, leave nothing beside it, and end with the newest revision."""
    copies = Copies("default", local["WAFFLE_SIGNING_KEY"], (), ("north",), None)
    shelf = FileShelf(cache, "default")
    seen: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.001):
            text = shelf.read()
            if text is not None:
                seen.append(copies.read(text).state.head.revision)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        results = together(spend, {**local, "WAFFLE_FALLBACK_POLL_INTERVAL": FALLBACK}, 4)
    finally:
        over.set()
        watcher.join()
    newest = max(revision for revisions, _ in results for revision in revisions)
    assert len(set(seen)) > 10
    with Waffle(Shop).connect(local) as waffle:
        assert waffle.snapshot().revision == newest
    text = shelf.read()
    assert text is not None
    assert copies.read(text).state.head.revision == newest
    assert [path.name for path in cache.iterdir()] == ["default.copy"]
