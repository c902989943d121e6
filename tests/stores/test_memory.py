"""The store in memory."""

from __future__ import annotations

import pytest

from typed_waffle.protocols import Store
from typed_waffle.stores.memory import MemoryStore
from typed_waffle.testing import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()

    @pytest.fixture
    def other_store(self, store: Store) -> Store:
        return store
