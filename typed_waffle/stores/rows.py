"""Rows: a change's record to the columns of the history table and back."""

from __future__ import annotations

import json
from datetime import UTC

from sqlalchemy import RowMapping

from typed_waffle.change import FieldRecord, Record

__all__ = ["columns", "record_of", "storable", "text_of"]


def storable(text: str | None) -> str | None:
    """A free text without what databases refuse: NUL, and surrogates that are alone."""
    if text is None:
        return None
    return text.replace("\0", r"\x00").encode("utf-8", "backslashreplace").decode()


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
        "actor": record.actor,
        "note": record.note,
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
        row["actor"],
        row["note"],
        row["channel"],
        tuple(FieldRecord(*entry) for entry in json.loads(row["fields"])),
    )
