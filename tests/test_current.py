"""The typed proxy: it passes for the settings that it shows."""

import copy
import pickle
from collections.abc import Callable
from contextvars import ContextVar

import pytest

from tests.support.pins import Shop, pins_of
from typed_waffle import Snapshot, WaffleModel
from typed_waffle.current import proxy
from typed_waffle.pins import Pin


class Odd(WaffleModel):
    """Names that the machinery uses itself."""

    show: int = 1
    forget: int = 2
    settings: int = 3
    get: int = 4
    snapshot: int = 5
    current: int = 6
    self: int = 7
    source: int = 8
    first: int = 9
    outer: int = 10
    live: int = 11


@pytest.fixture
def shop() -> Shop:
    return Shop(name="Cone")


@pytest.fixture
def current(shop: Shop) -> ContextVar[Pin[Shop]]:
    outside = pins_of(Shop).once(lambda: Snapshot(shop, 3))
    return ContextVar("test", default=outside)


@pytest.fixture
def shown_shop(current: ContextVar[Pin[Shop]]) -> Shop:
    return proxy(Shop, current)


# --- it passes for one of the settings ----------------------------------------------------------


def test_it_is_an_instance_of_the_model(shown_shop: Shop) -> None:
    """`isinstance` and `__class__` say what the type checker says."""
    assert isinstance(shown_shop, Shop)
    assert shown_shop.__class__ is Shop
    assert shown_shop.__doc__ == "A shop."


def test_it_shows_fields_methods_and_properties(shown_shop: Shop) -> None:
    """Whatever can be read from the settings can be read from the proxy."""
    assert shown_shop.name == "Cone"
    assert shown_shop.token.get_secret_value() == "hunter2"
    assert shown_shop.greeting("Ada") == "Cone greets Ada"
    assert shown_shop.shout == "CONE"
    assert shown_shop.letters == frozenset("Cone")
    assert shown_shop.kind() == "Shop"
    assert shown_shop.model_dump(include={"name"}) == {"name": "Cone"}
    assert shown_shop.model_copy() == shown_shop


def test_special_methods_of_the_model_work(shown_shop: Shop) -> None:
    """`len`, `in` and `iter` do what the model says."""
    assert len(shown_shop) == 2
    assert "a" in shown_shop
    assert dict(shown_shop)["name"] == "Cone"


def test_it_prints_as_the_settings_without_secrets(shown_shop: Shop, shop: Shop) -> None:
    """`repr` and `str` are those of the settings, masks included."""
    assert (repr(shown_shop), str(shown_shop)) == (repr(shop), str(shop))
    assert "hunter2" not in repr(shown_shop)


def test_it_equals_and_hashes_as_the_settings(shown_shop: Shop, shop: Shop) -> None:
    """It is equal from both sides to equal settings, and finds them in a dict."""
    assert shown_shop == shop
    assert shop == shown_shop
    assert shown_shop != Shop()
    assert {shown_shop: 1}[shop] == 1


def pickled(shop: Shop) -> object:
    return pickle.loads(pickle.dumps(shop))  # noqa: S301 - our own


@pytest.mark.parametrize("copied", [pickled, copy.copy, copy.deepcopy])
def test_a_copy_is_the_settings_themselves(
    copied: Callable[[Shop], Shop], shown_shop: Shop, shop: Shop
) -> None:
    """Copies and pickles hold what was shown, and follow nothing."""
    twin = copied(shown_shop)
    assert type(twin) is Shop
    assert twin == shop


def test_vars_and_dir_are_those_of_the_settings(shown_shop: Shop, shop: Shop) -> None:
    """Tools that look inside see the settings."""
    assert vars(shown_shop) == vars(shop)
    assert dir(shown_shop) == dir(shop)


def test_a_write_is_refused_with_the_right_call(shown_shop: Shop) -> None:
    """Assigning and deleting say how a setting is changed."""
    with pytest.raises(AttributeError, match=r"change it with update\(name=\.\.\.\)"):
        shown_shop.name = "x"  # type: ignore[misc] # the point
    with pytest.raises(AttributeError, match=r"Shop\.name is read-only here"):
        del shown_shop.name


def test_an_unknown_name_is_an_attribute_error(shown_shop: Shop) -> None:
    """A misspelt field raises as on the settings."""
    with pytest.raises(AttributeError, match="nmae"):
        _ = shown_shop.nmae  # type: ignore[attr-defined] # the point


def test_fields_may_have_the_machinerys_names() -> None:
    """A field is never hidden by a name that pins, snapshots or the proxy use."""
    outside = pins_of(Odd).once(lambda: Snapshot(Odd(), 0))
    shown_odd = proxy(Odd, ContextVar("test", default=outside))
    assert [getattr(shown_odd, name) for name in Odd.model_fields] == list(range(1, 12))


def test_asking_it_for_the_models_fields_warns_of_nothing(shown_shop: Shop) -> None:
    """What Pydantic deprecates on an instance is taken from the class."""
    assert shown_shop.model_fields == Shop.model_fields
    assert list(shown_shop.model_computed_fields) == ["shout"]
