"""Plain data for the tests of the import, pickles of it, and how they are stored."""

from __future__ import annotations

import base64
import pickle
from datetime import timedelta, timezone

import pytest
from hypothesis import strategies as st

from typed_waffle.legacy.pickles import NotPlainData
from typed_waffle.legacy.plain import decoded

__all__ = ["PROTOCOLS", "plain", "refusal", "stored"]

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def stored(data: bytes) -> str:
    """As the ancestor stores a pickle."""
    return base64.b64encode(data).decode()


def refusal(data: bytes) -> str:
    """Why a pickle is refused."""
    with pytest.raises(NotPlainData) as caught:
        decoded(stored(data))
    assert caught.value.__context__ is None
    return str(caught.value)


zones = st.none() | st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)
hashable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.dates()
    | st.times(timezones=zones)
    | st.datetimes(timezones=zones)
    | st.timedeltas()
    | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=4),
    max_leaves=8,
)
plain = st.recursive(
    hashable | st.floats() | st.sets(hashable, max_size=4),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(hashable, inner, max_size=5)
        | st.tuples(inner, inner, inner, inner)
    ),
    max_leaves=12,
)
