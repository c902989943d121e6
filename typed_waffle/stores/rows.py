"""Rows: a change's record to the columns of the history table and back."""

from __future__ import annotations

import json
from datetime import UTC

from sqlalchemy import RowMapping

from typed_waffle.change import FieldRecord, Record, Stamp

__all__ = ["columns", "record_of", "stamp_of", "text_of"]


def _ascii(text: str | None) -> str | None:
    """A free text with escapes for what some database, or some connection, refuses."""
    return None if text is None else text.encode("unicode_escape").decode("ascii")


def _free(text: str | None) -> str | None:
    """The free text that was given to `_ascii`."""
    return None if text is None else text.encode("ascii").decode("unicode_escape")


def text_of(value: object) -> str:
    """A stored text: SQLite keeps in a text column what it is given, bytes too."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def columns(record: Record) -> dict[str, object]:
    """The columns of a record, but the namespace."""
    fields = [[f.field, f.before, f.after, f.was_stored, f.is_stored] for f in record.fields]
    return {
        "revision": record.revision,
        "change_id": record.id,
        "follows": record.follows,
        "at": record.at.replace(tzinfo=None),
        "actor": _ascii(record.actor),
        "note": _ascii(record.note),
        "channel": record.channel,
        "fields": json.dumps(fields),
    }


def record_of(row: RowMapping) -> Record:
    """The record that a row holds."""
    return Record(
        row["revision"],
        row["change_id"],
        row["follows"],
        row["at"].replace(tzinfo=UTC),
        _free(row["actor"]),
        _free(row["note"]),
        row["channel"],
        tuple(FieldRecord(*entry) for entry in json.loads(row["fields"])),
    )


def stamp_of(row: RowMapping) -> Stamp:
    """Who made the change of a row, when, and why."""
    return Stamp(
        row["revision"],
        row["at"].replace(tzinfo=UTC),
        _free(row["actor"]),
        _free(row["note"]),
        row["channel"],
    )
