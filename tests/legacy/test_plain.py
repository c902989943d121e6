"""Plain data: whatever a pickler made of it is read."""

from __future__ import annotations

import pickle
import pickletools
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.plain import PROTOCOLS, plain, stored
from typed_waffle.legacy.plain import decoded


def alike(one: Any, other: Any) -> bool:  # noqa: ANN401 - of any type
    """Equal, and of one type at every depth."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[k], other[k]) for k in one)
    if isinstance(one, (datetime, time)):
        return one == other and (one.tzinfo, one.fold) == (other.tzinfo, other.fold)
    return one == other or repr(one) == repr(other)  # NaN


@settings(max_examples=100, deadline=None)
@given(plain, st.sampled_from(PROTOCOLS))
def test_plain_data_is_read_as_pickle_reads_it(value: object, protocol: int) -> None:
    """Whatever plain data is pickled, in any protocol and by either pickler, is read unchanged."""
    data = pickle.dumps(value, protocol)
    expected = pickle.loads(data)  # noqa: S301 - our own
    for other in (data, pickletools.optimize(data), pickle._dumps(value, protocol)):  # type: ignore[attr-defined] # Python's own pickler, not public
        assert alike(decoded(stored(other)), expected)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "value",
    [
        2**4000,
        ["x" * 300] * 3,
        list(range(3000)),
        {str(n): n for n in range(2000)},
        set(range(2000)),
        b"\xff" * 300,
        "Caf\xe9 \u2603 \U0001f600\n\\",
        datetime(2024, 10, 27, 2, 30, tzinfo=UTC, fold=1),
        time(2, 30, fold=1),
        timezone(timedelta(hours=1), "CET"),
    ],
    ids=lambda value: f"{type(value).__name__}",
)
def test_sizes_that_have_instructions_of_their_own(value: object, protocol: int) -> None:
    """Long, wide and large values are read in every protocol."""
    data = pickle.dumps(value, protocol)
    assert alike(decoded(stored(data)), pickle.loads(data))  # noqa: S301 - our own


def test_an_integer_too_long_to_print_is_read() -> None:
    """An integer that Python refuses to print is plain data all the same."""
    assert decoded(stored(pickle.dumps(2**100_000))) == 2**100_000


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"S'Waffle'\np0\n.", "Waffle"),
        (b'S"it\'s"\np0\n.', "it's"),
        (b"S'Caf\\xc3\\xa9 \\\\ \\n\\t\\r\\''\np0\n.", "Caf\xe9 \\ \n\t\r'"),
        (b"S'\\xff\\xfe'\np0\n.", b"\xff\xfe"),
        (b"U\x06Waffle.", "Waffle"),
        (b"T\x06\x00\x00\x00Waffle.", "Waffle"),
        (b"VCaf\xe9 \\u2603\np0\n.", "Caf\xe9 \u2603"),
        (b"V\\ud83d\\ude00\np0\n.", "\U0001f600"),
        (b"V\\U0001f600\np0\n.", "\U0001f600"),
        (b"I1000\n.", 1000),
        (b"I01\n.", True),
        (b"I00\n.", False),
        (b"L12345678901234567890L\n.", 12345678901234567890),
        (b"F0.5\n.", 0.5),
        (b"(lp0\nS'a'\np1\naI2\na.", ["a", 2]),
        (b"(dp0\nS'a'\np1\n(lp2\nI1\nas.", {"a": [1]}),
        (b"(S'a'\np0\nI1\ntp1\n.", ("a", 1)),
        (b"c__builtin__\nset\np0\n((lp1\nI1\naI2\natp2\nRp3\n.", {1, 2}),
        (b"\x80\x02c__builtin__\nfrozenset\nq\x00]q\x01(K\x01e\x85q\x02Rq\x03.", frozenset({1})),
        (b"cdecimal\nDecimal\np0\n(S'1.50'\np1\ntp2\nRp3\n.", Decimal("1.50")),
        (
            b"cdatetime\ndatetime\n(S'\\x07\\xdf\\x06\\x0f\\x0c\\x1e\\x00\\x00\\x00\\x01'\ntR.",
            datetime(2015, 6, 15, 12, 30, 0, 1),  # noqa: DTZ001 - as it was stored
        ),
        (
            b"\x80\x02cdatetime\ndate\nq\x00U\x04\x07\xdf\x06\x0fq\x01\x85q\x02Rq\x03.",
            date(2015, 6, 15),
        ),
        (b"\x80\x02cdatetime\ntime\nq\x00U\x06\x0c\x1e\x00\x00\x00\x00\x85R.", time(12, 30)),
    ],
)
def test_what_python_2_wrote(data: bytes, value: object) -> None:
    """Pickles of Python 2 are read: its `str` is a text if it is UTF-8, and else bytes."""
    assert alike(decoded(stored(data)), value)


@pytest.mark.parametrize("text", ["gAROLg==  ", " gARO\nLg==\n", b"gAROLg=="])
def test_blanks_around_are_no_matter(text: str | bytes) -> None:
    """A column of fixed width, or one of bytes, holds the same value."""
    assert decoded(text) is None
