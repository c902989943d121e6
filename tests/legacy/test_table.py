"""The old table: read as it is, whatever its names, and left as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Engine, LargeBinary, MetaData, Table, Text, create_engine, insert

from tests.support.databases import Database
from typed_waffle import ConfigurationError, legacy


@pytest.fixture
def engine(database: Database) -> Engine:
    """An engine on an empty database; each test that asks for one runs on every kind there is."""
    return database.engine()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'old.db'}")
    yield engine
    engine.dispose()


def make(
    engine: Engine,
    *rows: tuple[object, object],
    name: str = "confs",
    key: str = "key",
    value: str = "value",
    kind: type[Text | LargeBinary] = Text,
) -> None:
    table = Table(name, MetaData(), Column(key, kind), Column(value, kind))
    table.create(engine)
    with engine.begin() as connection:
        for row in rows:
            connection.execute(insert(table).values({key: row[0], value: row[1]}))


def test_all_rows_are_read(engine: Engine) -> None:
    """Keys and values come as they are stored; a value may be missing."""
    make(engine, ("A", "gARLAS4="), ("B", None))
    assert legacy.stored(engine, "confs") == {"A": "gARLAS4=", "B": None}


def test_columns_of_bytes_are_read(engine: Engine) -> None:
    """A value in a column of bytes stays bytes; a key is a text."""
    make(engine, (b"A", b"gARLAS4="), (b"\xff", b""), kind=LargeBinary)
    assert legacy.stored(engine, "confs") == {"A": b"gARLAS4=", "\\xff": b""}


def test_any_names_are_quoted(engine: Engine) -> None:
    """Names of tables and columns are never SQL."""
    for name in ("select", 'a "b"; DROP TABLE x; --', "Mixed Case", "100%", "a:b"):
        make(engine, ("A", "x"), name=name, key=f"{name} k", value=f"{name} v")
        assert legacy.stored(engine, name, key=f"{name} k", value=f"{name} v") == {"A": "x"}


def test_a_missing_table_is_named_with_the_nearest(file: Engine) -> None:
    """A typo in the table's name says which tables there are."""
    make(file)
    with pytest.raises(ConfigurationError) as caught:
        legacy.stored(file, "conf")
    assert str(caught.value) == (
        "table: the database has no 'conf', only 'confs'. Did you mean confs?"
    )


def test_a_missing_column_is_named_with_the_nearest(file: Engine) -> None:
    """A typo in a column's name says which columns there are."""
    make(file, key="k", value="setting")
    for names, option, nearest in (
        ({"key": "kk", "value": "setting"}, "key", "k"),
        ({"key": "k"}, "value", None),
    ):
        with pytest.raises(ConfigurationError, match="only 'k', 'setting'") as caught:
            legacy.stored(file, "confs", **names)
        assert (caught.value.key, caught.value.nearest) == (option, nearest)


def test_two_values_for_one_key_are_refused(engine: Engine) -> None:
    """Which of them the ancestor would have read is not guessed; the same twice is no matter."""
    make(engine, ("A", "x"), ("A", "x"), ("B", "y"))
    assert legacy.stored(engine, "confs") == {"A": "x", "B": "y"}
    make(engine, ("A", "x"), ("A", "y"), name="others")
    with pytest.raises(ConfigurationError, match="'others' holds two values for the key 'A'"):
        legacy.stored(engine, "others")


def test_a_database_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """What the database says is passed on."""
    (tmp_path / "text.db").write_text("This is no database, but long enough to look like one.")
    engine = create_engine(f"sqlite:///{tmp_path / 'text.db'}")
    with pytest.raises(ConfigurationError, match=r"engine: .* not a database") as caught:
        legacy.stored(engine, "confs")
    assert caught.value.__cause__ is None
    engine.dispose()


def test_an_engine_is_opened_from_a_url(file: Engine, tmp_path: Path) -> None:
    """A URL leads to the same rows."""
    make(file, ("A", "x"))
    assert legacy.stored(legacy.opened(f"sqlite:///{tmp_path}/old.db"), "confs") == {"A": "x"}


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("rubbish-hunter2", "not a database URL"),
        ("nothing://root:hunter2@there/db", "not a database URL"),
        ("mssql+pymssql://root:hunter2@there/db", "No module named 'pymssql'"),
        ("sqlite:////no/such/old.db", "there is no file '/no/such/old.db'"),
        ("sqlite://", "there is no file ''"),
    ],
)
def test_a_url_that_leads_nowhere_is_told(url: str, why: str) -> None:
    """A bad URL says what is wrong, without the password in it."""
    with pytest.raises(ConfigurationError) as caught:
        legacy.opened(url)
    assert why in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_no_file_is_made(tmp_path: Path) -> None:
    """A typo in the name of a SQLite file does not make one."""
    with pytest.raises(ConfigurationError):
        legacy.opened(f"sqlite:///{tmp_path}/typo.db")
    assert list(tmp_path.iterdir()) == []
