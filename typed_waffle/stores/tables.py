"""The tables. `tables(prefix).metadata` is what Alembic and Flask-Migrate compare against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.dialects.mysql import DATETIME, LONGTEXT, VARCHAR
from sqlalchemy.types import TypeEngine

__all__ = ["Tables", "include_object", "tables"]

# Names are compared byte by byte: MySQL's default collation holds `max` and `Max` to be one.
_KEY: TypeEngine[str] = String(200).with_variant(
    VARCHAR(200, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb"
)
# ASCII JSON. Plain TEXT ends at 64 KiB on MySQL, and without a word in non-strict mode.
_JSON: TypeEngine[str] = Text().with_variant(LONGTEXT(charset="ascii"), "mysql", "mariadb")
_FREE: TypeEngine[str] = Text().with_variant(LONGTEXT(charset="utf8mb4"), "mysql", "mariadb")
_TIME = DateTime().with_variant(DATETIME(fsp=6), "mysql", "mariadb")
_ID = String(32)


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one prefix."""

    metadata: MetaData
    head: Table
    """One row for each namespace: where it stands. It is the write lock, too."""
    override: Table
    """One row for each field that somebody changed."""
    history: Table
    """One row for each change."""
    touched: Table
    """One row for each field of each change, to find a field's changes by an index."""
    schema: Table
    """One row: the version of all these tables. See `migrations`."""


@lru_cache(maxsize=32)
def tables(prefix: str = "waffle_") -> Tables:
    """The tables whose names begin with `prefix`; times in them are UTC without a zone."""
    metadata = MetaData()
    head = Table(
        f"{prefix}head",
        metadata,
        Column("namespace", _KEY, primary_key=True),
        Column("revision", BigInteger, nullable=False),
        Column("change_id", _ID, nullable=False),
    )
    override = Table(
        f"{prefix}override",
        metadata,
        Column("namespace", _KEY, primary_key=True),
        Column("field", _KEY, primary_key=True),
        Column("value", _JSON, nullable=False),
    )
    history = Table(
        f"{prefix}history",
        metadata,
        Column("namespace", _KEY, primary_key=True),
        Column("revision", BigInteger, primary_key=True, autoincrement=False),
        Column("change_id", _ID, nullable=False),
        Column("follows", _ID, nullable=False),
        Column("at", _TIME, nullable=False),
        Column("actor", _FREE),
        Column("note", _FREE),
        Column("channel", String(16), nullable=False),
        Column("fields", _JSON, nullable=False),
    )
    touched = Table(
        f"{prefix}history_field",
        metadata,
        Column("namespace", _KEY, primary_key=True),
        Column("field", _KEY, primary_key=True),
        Column("revision", BigInteger, primary_key=True, autoincrement=False),
        Index(f"{prefix}history_field_revision", "namespace", "revision"),  # to prune
    )
    schema = Table(
        f"{prefix}schema",
        metadata,
        Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
        Column("version", Integer, nullable=False),
    )
    return Tables(metadata, head, override, history, touched, schema)


def include_object(
    item: object,  # noqa: ARG001 - as above
    name: str | None,
    kind: str,
    reflected: bool,  # noqa: FBT001 - as above
    compare_to: object,
    *,
    prefix: str = "waffle_",
) -> bool:
    """Keep autogenerate from dropping our tables where the application's metadata has them not.

    It is what Alembic's `include_object` takes. For another prefix, use `functools.partial`.
    """
    ours = kind == "table" and name in tables(prefix).metadata.tables
    return not (ours and reflected and compare_to is None)
