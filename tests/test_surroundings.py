"""What a process shows of its server, where there is none, or none that is whole."""

import sys
from types import ModuleType

import pytest

from tests.support.shop import waffle
from typed_waffle.surroundings import greenlets, loading, threadless


def test_an_ordinary_process_is_none_of_them() -> None:
    """No uWSGI, and no monkey patch, whether or not gevent was imported."""
    assert (greenlets(), loading(), threadless()) == ("none", False, False)


def test_a_module_of_that_name_is_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty `uwsgi`, as a package of stubs has it, changes nothing."""
    monkeypatch.setitem(sys.modules, "uwsgi", ModuleType("uwsgi"))
    assert (loading(), threadless()) == (False, False)
    with waffle.connect({"WAFFLE_DATABASE_URL": "sqlite://", "WAFFLE_LISTENER": "thread"}):
        assert waffle.status().state == "live"
