"""Texts and the databases that spoil them: character sets, collations, modes and limits."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from tests.support.databases import Database, Servers
from typed_waffle import InvalidChange, StoreUnavailable, Waffle, WaffleModel
from typed_waffle.change import FieldRecord, State
from typed_waffle.protocols import Proposal, Store
from typed_waffle.stores.sql import SqlStore
from typed_waffle.stores.tables import tables
from typed_waffle.testing import StoreContract
from typed_waffle.values import MAX_TEXT


@dataclass(frozen=True)
class Odd:
    """A database that is set up in a way that texts suffer from."""

    kind: str
    database: str = ""
    """Options of CREATE DATABASE."""
    session: str = ""
    """What an application sends on each connection."""
    query: str = ""
    """What an application's URL ends with; without it and `session`, the engine is our own."""

    def engine(self, database: Database) -> Engine:
        if not self.session and not self.query:
            return database.own()
        options = {"init_command": self.session} if self.session else {}
        odd = Database(database.kind, database.url + self.query, database.folder)
        return database.kept(odd.engine(connect_args=options))


ODD = {
    "mariadb-latin1": Odd("mariadb", "CHARACTER SET latin1"),
    "mariadb-utf8mb3": Odd("mariadb", "CHARACTER SET utf8mb3"),
    "mariadb-utf16": Odd("mariadb", "CHARACTER SET utf16"),
    "mariadb-lax": Odd("mariadb", session="SET SESSION sql_mode = ''"),
    "mariadb-ansi": Odd("mariadb", session="SET SESSION sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES'"),
    "mariadb-latin1-connection": Odd("mariadb", query="&charset=latin1"),
    "postgresql-latin1": Odd("postgresql", "TEMPLATE template0 ENCODING 'LATIN1'"),
    "postgresql-ascii": Odd("postgresql", "TEMPLATE template0 ENCODING 'SQL_ASCII'"),
    "postgresql-latin1-connection": Odd("postgresql", query="?client_encoding=latin1"),
}


@pytest.mark.parametrize(
    ("shared_database", "odd"),
    [pytest.param(odd.kind, odd, id=name) for name, odd in ODD.items()],
    indirect=["shared_database"],
)
class TestOddDatabases:
    """The promises of `Store` about texts, where they are hard to keep."""

    @pytest.fixture
    def odd_database(
        self, odd: Odd, shared_database: Database, database_servers: Servers, tmp_path: Path
    ) -> Iterator[Database]:
        database = database_servers.database(shared_database.kind, tmp_path, odd.database)
        yield database
        database.close()

    @pytest.fixture
    def store(self, odd_database: Database, odd: Odd) -> Store:
        return SqlStore(odd.engine(odd_database))

    @pytest.fixture
    def other_store(self, odd_database: Database, odd: Odd) -> Store:
        return SqlStore(odd.engine(odd_database))

    test_texts = StoreContract.test_texts_come_back_exactly
    test_names = StoreContract.test_field_names_differ_by_every_character
    test_people = StoreContract.test_history_says_what_was_given
    test_apart = StoreContract.test_namespaces_are_apart


class Texts(WaffleModel):
    """Values as long as they may be."""

    text: str = ""
    größe: str = ""  # noqa: PLC2401 - a name may be of any letters


def quoted(length: int) -> str:
    """A text whose JSON has so many characters, most of them escapes."""
    escapes, rest = divmod(length - 2, len(r"\u00e9"))
    return "é" * escapes + "x" * rest


@pytest.mark.parametrize("length", [65_534, 65_535, 65_536, MAX_TEXT])
def test_a_long_value_is_whole(shared_database: Database, length: int) -> None:
    """Around 64 KiB, where columns of MySQL end, and at the most that a value may have."""
    config = {"WAFFLE_DATABASE_URL": shared_database.url}
    value = quoted(length)
    with Waffle(Texts).connect(config) as waffle:
        waffle.update(text=value, größe=value)
    with Waffle(Texts).connect(config) as elsewhere:
        assert elsewhere.current_settings == Texts(text=value, größe=value)
        (change,) = elsewhere.history(field="größe")
    assert {field.field: field.after for field in change.fields} == {"text": value, "größe": value}


def test_a_longer_value_is_refused(shared_database: Database) -> None:
    """What no database is sure to hold is refused before any is asked."""
    config = {"WAFFLE_DATABASE_URL": shared_database.url}
    with Waffle(Texts).connect(config) as waffle, pytest.raises(InvalidChange, match="is the most"):
        waffle.update(text=quoted(MAX_TEXT + 1))


@pytest.mark.parametrize("shared_database", ["mariadb"], indirect=True)
def test_a_change_beyond_max_allowed_packet_is_refused_whole(shared_database: Database) -> None:
    """The row of the history is too large: nothing is written, and the next change goes through."""
    store = SqlStore(shared_database.engine())
    huge = '"' + "x" * 9_000_000 + '"'
    for before, revision in (("null", 1), (huge, None), ("null", 2)):
        field = FieldRecord("a", before, huge, was_stored=False, is_stored=True)
        change = Proposal(uuid.uuid4().hex, {"a": "1"}, (field,), None, None, "python")
        if revision is None:
            with pytest.raises(StoreUnavailable, match=r"max_allowed_packet|gone away|Lost"):
                store.commit("shop", partial(_always, change))
        else:
            record = store.commit("shop", partial(_always, change))
            assert record is not None
            assert record.revision == revision


def _always(change: Proposal, _: State) -> Proposal:
    return change


def test_what_is_kept_is_ascii(shared_database: Database) -> None:
    """But for the names of fields, no table holds a character that a character set could spoil."""
    config = {"WAFFLE_DATABASE_URL": shared_database.url}
    with (
        Waffle(Texts).connect(config) as waffle,
        waffle.edit(actor="Zoë", note="größer \0") as edit,
    ):
        edit.update(text="Grüße \U0001f9c7")
    with shared_database.own().connect() as connection:
        for table in tables().metadata.sorted_tables:
            for row in connection.execute(select(table)):
                assert ascii("".join(map(str, row))) == repr("".join(map(str, row)))
