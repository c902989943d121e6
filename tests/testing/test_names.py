"""The public names of `typed_waffle.testing`."""

import re

import pytest

from tests.support.pages import ROOT
from typed_waffle import testing


def test_every_name_is_there() -> None:
    """Each is imported at its first use, and no other name is."""
    for name in testing.__all__:
        assert getattr(testing, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'Mock'"):
        _ = testing.Mock  # type: ignore[attr-defined] # the point


def test_every_name_is_documented() -> None:
    """The API page has each of them."""
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    documented = re.findall(r"auto\w+:: typed_waffle\.testing\.\w+\.(\w+)", page)
    assert sorted(documented) == testing.__all__
