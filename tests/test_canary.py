"""A secret with a name of its own, looked for wherever a secret could show."""

from __future__ import annotations

import gc
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from redis.client import PubSub
from sqlalchemy import create_engine, text

from tests.support.models import Shop, Smtp
from tests.support.redis import RedisServer
from tests.support.vault import KEYS, Connect, stored, token, workers
from tests.support.waiting import eventually
from typed_waffle import InvalidChange, NotBound, StoreUnavailable, Waffle
from typed_waffle.stores.tables import tables

KEY = Fernet.generate_key().decode()

CANARY = "canary-at-rest-0815"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'waffle.db'}"


@pytest.fixture
def connect(url: str) -> Iterator[Connect]:
    with workers(url) as connect:
        yield connect


def everything_of_ours() -> list[str]:
    """The repr of each living object of this library."""
    reprs: list[str] = []
    gc.collect()
    for thing in gc.get_objects():
        if str(type(thing).__module__).startswith("typed_waffle"):
            with suppress(NotBound):  # `current_settings` of another test
                reprs.append(repr(thing))
    assert any(shown.startswith("Snapshot(") for shown in reprs)
    return reprs


def drive(waffle: Waffle[Shop], break_database: Callable[[], None]) -> list[str]:
    """Put the canary through everything that could show it; what users and logs would see."""
    said: list[str] = []

    def refused(kind: type[Exception], act: Callable[[], object]) -> None:
        with pytest.raises(kind) as caught:
            act()
        error: BaseException | None = caught.value
        while error is not None:
            said.append(f"{error} {error!r} {vars(error)}")
            error = error.__cause__ or error.__context__

    waffle.on_change()(lambda old, new: said.append(f"{old} {new!r}"))
    waffle.update(token=CANARY, smtp=Smtp(password=SecretStr(CANARY)))  # type: ignore[waffle-value] # as a form gives it
    waffle.update(low=-1)
    waffle.update(token=f"{CANARY}2", name="Cake")  # type: ignore[waffle-value] # as a form gives it
    waffle.update(token=CANARY)  # type: ignore[waffle-value] # as a form gives it
    refused(InvalidChange, lambda: waffle.update(name=CANARY))
    refused(InvalidChange, lambda: waffle.update(token=[CANARY]))  # type: ignore[waffle-value] # as a form gives it
    refused(InvalidChange, lambda: waffle.update(smtp={"password": CANARY, "port": 0}))  # type: ignore[waffle-value] # as a form gives it
    waffle.refresh()
    assert token(waffle) == CANARY
    assert waffle.snapshot().settings.smtp.password.get_secret_value() == CANARY
    break_database()
    refused(StoreUnavailable, lambda: waffle.update(token=f"{CANARY}3", low=-2))  # type: ignore[waffle-value] # as a form gives it
    history = waffle.history()
    assert len(history) == 4
    shown = [waffle.snapshot(), waffle.current_settings, waffle.status(), history, waffle]
    said += [f"{thing} {thing!r}" for thing in shown]
    said += [waffle.current_settings.model_dump_json(), str(waffle.current_settings.model_dump())]
    return said + everything_of_ours()


def breaker(url: str) -> Callable[[], None]:
    """Makes every further write of an override fail."""

    def broken() -> None:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(
                text(
                    "CREATE TRIGGER no BEFORE INSERT ON waffle_override "
                    "BEGIN SELECT RAISE(FAIL, 'no'); END"
                )
            )
        engine.dispose()

    return broken


def dumped(url: str) -> dict[str, str]:
    """Every table as text."""
    engine = create_engine(url)
    with engine.connect() as connection:
        made = tables().metadata.tables.values()
        rows = {table.name: str(connection.execute(table.select()).all()) for table in made}
    engine.dispose()
    return rows


@pytest.mark.parametrize("whose", ["our engine", "an engine that tells all"])
def test_with_keys_a_secret_is_nowhere(
    whose: str, url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in the database's bytes, in no log at any level, no error, no repr and no history."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "sqlalchemy")  # shows statements, parameters and rows
    options: dict[str, Any] = {}
    if whose != "our engine":
        options["engine"] = create_engine(url, echo="debug")
    with (
        Waffle(Shop).connect({"WAFFLE_DATABASE_URL": url, KEYS: KEY}, **options) as waffle,
        closing(sqlite3.connect(tmp_path / "waffle.db")) as held,
    ):
        # While a connection is open, the newest pages are in the write-ahead log.
        held.execute("SELECT * FROM waffle_head").fetchall()
        said = drive(waffle, breaker(url))
        files = {path: path.read_bytes() for path in tmp_path.glob("waffle.db*")}
    assert len(files) > (1 if whose == "our engine" else 0)
    assert b"Cake" in b"".join(files.values())
    assert [path for path, content in files.items() if CANARY.encode() in content] == []
    assert "waffle_override" in caplog.text
    assert [line for line in (*said, *caplog.messages) if CANARY in line] == []
    assert KEY not in caplog.text + "".join(said)
    if options:
        options["engine"].dispose()


def test_without_keys_a_secret_is_in_its_override_only(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """In the clear it stands in one row, in no other table, log, error or repr."""
    caplog.set_level(logging.DEBUG, "typed_waffle")
    caplog.set_level(logging.INFO, "sqlalchemy")
    with Waffle(Shop).connect({"WAFFLE_DATABASE_URL": url}) as waffle:
        said = drive(waffle, breaker(url))
    assert [line for line in (*said, *caplog.messages) if CANARY in line] == []
    assert [name for name, rows in dumped(url).items() if CANARY in rows] == ["waffle_override"]
    assert {name for name, value in stored(url).items() if CANARY in value} == {"token", "smtp"}


@pytest.mark.parametrize("keys", [(), (KEY,)])
def test_a_secret_is_not_on_the_bus(
    keys: tuple[str, ...], redis_server: RedisServer, url: str, connect: Connect
) -> None:
    """Whatever is changed, no message holds it, and the other worker has it all the same."""
    client = redis_server.client()
    tape: PubSub = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
    tape.subscribe("waffleconf")
    heard: list[bytes] = []
    more = {"WAFFLE_REDIS_URL": redis_server.url, "WAFFLE_SIGNING_KEY": "k"}
    reader, writer = (connect(*keys, **more) for _ in range(2))
    eventually(lambda: {reader.status().state, writer.status().state} == {"live"})
    drive(writer, breaker(url))

    def complete() -> bool:
        message = tape.get_message(timeout=0.1)
        if message:
            heard.append(message["data"])
        return len(heard) == 4

    eventually(complete)
    eventually(lambda: reader.snapshot().revision == 4)
    tape.close()
    client.close()
    assert token(reader) == CANARY
    assert any(b'"low"' in message for message in heard)
    assert [message for message in heard if CANARY.encode() in message] == []
