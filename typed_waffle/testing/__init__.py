"""For tests: what every store and every bus must do, for people who write their own.

Subclass a contract in a test module and give it the fixtures that it names; pytest then collects
its tests, one for each promise of `typed_waffle.protocols`.
`pytest.register_assert_rewrite("typed_waffle.testing")` in a `conftest.py` makes a broken promise
show the values it was broken with.
"""

from typed_waffle.testing.buses import BusContract
from typed_waffle.testing.stores import StoreContract

__all__ = ["BusContract", "StoreContract"]
