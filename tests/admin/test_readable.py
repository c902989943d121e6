"""Sizes, durations and times as people write them, and exactly."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ByteSize, TypeAdapter

from typed_waffle.admin.pages.readable import (
    duration_meant,
    duration_text,
    is_duration,
    local_text,
    size_text,
    time_text,
    utc_meant,
    utc_text,
)

DURATIONS = TypeAdapter(timedelta)
SIZES = TypeAdapter(ByteSize)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0"),
        (1, "1"),
        (1500, "1500"),
        (2000, "2 kB"),
        (2048, "2 KiB"),
        (2 * 1024**2, "2 MiB"),
        (3 * 10**9, "3 GB"),
        (2**60, str(2**60)),
        (2**52, "4 PiB"),
    ],
)
def test_a_size_has_the_largest_unit_that_is_exact(size: int, text: str) -> None:
    """What is no whole number of any unit is told in bytes."""
    assert size_text(size) == text


@given(st.integers(0, 2**63) | st.integers(0, 2000).map(lambda n: n * 1024**2))
def test_every_size_is_read_as_it_was_told(size: int) -> None:
    """No byte is lost on the way."""
    assert SIZES.validate_python(size_text(size)) == size


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(), "0 s"),
        (timedelta(seconds=90), "1 min 30 s"),
        (timedelta(days=2, hours=3), "2 d 3 h"),
        (timedelta(milliseconds=250), "0.25 s"),
        (-timedelta(hours=1), "-1 h"),
    ],
)
def test_a_duration_is_told_in_its_units(duration: timedelta, text: str) -> None:
    """Units that it has nothing of are left out."""
    assert duration_text(DURATIONS.dump_python(duration, mode="json")) == text


@given(st.timedeltas())
def test_every_duration_is_read_as_it_was_told(duration: timedelta) -> None:
    """No microsecond is lost on the way."""
    text = duration_text(DURATIONS.dump_python(duration, mode="json"))
    assert text is not None
    assert DURATIONS.validate_python(duration_meant(text)) == duration


def test_other_ways_to_write_a_duration_are_left_to_the_type() -> None:
    """It takes seconds and ISO 8601, too."""
    for text in ("90", "00:01:30", "PT90S", "soon", ""):
        assert duration_meant(text) == text
    assert duration_meant(" 1d2h ") == "P1DT2H0M0S"


def test_times_are_as_short_as_a_browser_writes_them() -> None:
    """It leaves out seconds, and the noughts behind a fraction."""
    assert time_text("08:30:00") == "08:30"
    assert time_text("08:30:05.500000") == "08:30:05.5"
    assert local_text("2024-01-01T00:00:00") == "2024-01-01T00:00"


def test_times_that_no_browser_holds_are_not_told() -> None:
    """It knows no microseconds and no zones."""
    assert time_text("08:30:00.000001") is None
    assert time_text("08:30:00Z") is None
    assert local_text("2024-01-01T00:00:00Z") is None
    assert utc_text("2024-01-01T00:00:00") is None
    assert utc_text("0001-01-01T00:00:00+14:00") is None
    assert utc_text("today") is None


def test_a_time_in_a_zone_is_told_and_meant_in_utc() -> None:
    """Whoever types it need not say the zone."""
    assert utc_text("2024-01-01T12:00:00+02:00") == "2024-01-01T10:00"
    assert utc_meant("2024-01-01T10:00") == "2024-01-01T10:00Z"
    assert utc_meant("2024-01-01T10:00+02:00") == "2024-01-01T10:00+02:00"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("90", True), ("1.5", True), ("1 h", True), ("PT5M", True), ("true", False), ("nan", False)],
)
def test_a_duration_is_known_by_its_text(text: str, *, is_one: bool) -> None:
    """A number is one of seconds; what JSON may hold besides is none."""
    assert is_duration(text) is is_one
