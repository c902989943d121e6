"""Rows of the history and the records they hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from typed_waffle.change import FieldRecord, Record
from typed_waffle.stores.rows import columns, record_of

ANY_TEXT = st.text(st.characters())  # lone surrogates too


@given(ANY_TEXT | st.none(), ANY_TEXT | st.none())
def test_any_words_come_back_from_plain_ascii(actor: str | None, note: str | None) -> None:
    """Whatever an actor or a note is made of, the columns are ASCII, and give it back."""
    field = FieldRecord("a", "1", "2", was_stored=True, is_stored=True)
    at = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    record = Record(2, "b", "a", at, actor, note, "python", (field,))
    row: Any = columns(record)
    assert all(str(value).isascii() for value in row.values())
    assert record_of(row) == record


@given(st.text("abcdefghijklmnopqrstuvwxyz ABC019.,;:!?'\"-_@/"))
def test_ordinary_words_are_kept_as_they_are(note: str) -> None:
    """Who looks into the table reads what was written."""
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert columns(Record(1, "a", "", at, None, note, "python", ()))["note"] == note
