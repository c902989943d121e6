"""The store that encrypts secrets, over the store in memory and the one in SQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.keys import fernet_key
from typed_waffle.change import FieldRecord, Head, Overrides, Record, State
from typed_waffle.errors import ConfigurationError
from typed_waffle.protocols import Proposal, Store
from typed_waffle.sealing import Cipher, closed, kept
from typed_waffle.stores.engines import own_engine
from typed_waffle.stores.memory import MemoryStore
from typed_waffle.stores.sealed import SealedStore
from typed_waffle.stores.sql import SqlStore
from typed_waffle.testing import StoreContract

OLD, NEW, OTHER = map(fernet_key, ("old", "new", "other"))

# Of the fields that the contract uses, about every second one.
SECRET = {"a", "count", "low", "max", "é", *(f"field_{number}" for number in range(0, 20, 2))}


@pytest.fixture(params=["memory", "sql"])
def handles(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """Two handles on one empty store that encrypts nothing."""
    if request.param == "memory":
        store = MemoryStore()
        yield store, store
        return
    engines = [own_engine(None, tmp_path) for _ in range(2)]
    one, two = (SqlStore(engine) for engine in engines)
    yield one, two
    for engine in engines:
        engine.dispose()


class TestSealedStore(StoreContract):
    """Two workers of a fleet in which the first key is being changed."""

    @pytest.fixture
    def store(self, handles: tuple[Store, Store]) -> Store:
        return SealedStore(handles[0], Cipher([OLD, NEW]), SECRET)

    @pytest.fixture
    def other_store(self, handles: tuple[Store, Store]) -> Store:
        return SealedStore(handles[1], Cipher([NEW, OLD]), SECRET)


@dataclass
class Vault:
    """One store, seen as it is and through ciphers; `token` and `pin` are secrets."""

    inner: Store

    def opened(self, *keys: str, plain: tuple[str, ...] = ("name",)) -> SealedStore:
        return SealedStore(self.inner, Cipher(keys or [OLD]), {"token", "pin"}, plain)

    @property
    def raw(self) -> Overrides:
        return self.inner.state("shop").overrides


@pytest.fixture
def vault(handles: tuple[Store, Store]) -> Vault:
    return Vault(handles[0])


count = iter(range(1, 10_000))


def write(store: Store, /, *gone: str, **texts: str) -> Record:
    """Set these texts, and drop these fields, on top of what is stored."""
    changed = tuple(
        FieldRecord(name, "null", "null", was_stored=False, is_stored=True)
        for name in (*texts, *gone)
    )

    def decide(state: State) -> Proposal:
        kept_texts = {n: t for n, t in state.overrides.items() if n not in gone}
        change_id = f"{next(count):032x}"
        return Proposal(change_id, {**kept_texts, **texts}, changed, None, None, "python")

    record = store.commit("shop", decide)
    assert record is not None
    return record


# --- what is stored -----------------------------------------------------------------------------


def test_only_secrets_are_sealed(vault: Vault) -> None:
    """The store beneath holds the texts of secrets sealed, and the others as they are."""
    write(vault.opened(), token='"hunter2"', name='"Waffle"')
    assert vault.raw["name"] == '"Waffle"'
    assert closed(vault.raw["token"])
    assert "hunter2" not in repr(vault.raw)


def test_a_secret_that_stays_keeps_its_row(vault: Vault) -> None:
    """A change of other fields does not seal a secret anew: its text is the very same."""
    store = vault.opened()
    write(store, token='"x"', pin='"1"')
    before = vault.raw["token"]
    write(store, pin='"2"', name='"a"')
    write(store, "name")
    assert vault.raw["token"] == before
    write(store, token='"y"')
    assert vault.raw["token"] != before


def test_a_text_in_the_clear_is_read_and_sealed_when_it_is_written(vault: Vault) -> None:
    """What was stored before there were keys counts; the next write of its field seals it."""
    write(vault.inner, token='"x"', pin='"1"')
    store = vault.opened()
    assert store.state("shop").overrides == {"token": '"x"', "pin": '"1"'}
    write(store, pin='"2"')
    assert vault.raw["token"] == '"x"'
    assert closed(vault.raw["pin"])
    assert store.state("shop").overrides == {"token": '"x"', "pin": '"2"'}


def test_a_field_that_is_no_secret_any_more_is_opened(vault: Vault) -> None:
    """What is sealed of it is read, and its next text is stored in the clear."""
    write(vault.opened(), token='"x"')
    store = SealedStore(vault.inner, Cipher([OLD]), {"pin"}, {"name", "token"})
    assert store.state("shop").overrides == {"token": '"x"'}
    before = vault.raw["token"]
    write(store, name='"a"')
    assert vault.raw["token"] == before
    write(store, token='"y"')
    assert vault.raw["token"] == '"y"'


def test_a_secret_of_newer_code_stays_sealed(vault: Vault) -> None:
    """What this model does not know is not opened: nobody here would mask it."""
    write(vault.opened(), token='"x"')
    store = SealedStore(vault.inner, Cipher([OLD]), {"pin"}, {"name"})
    before = vault.raw["token"]
    assert store.state("shop").overrides == {"token": before}
    write(store, name='"a"')
    assert vault.raw["token"] == before


# --- what does not open -------------------------------------------------------------------------


def test_a_text_that_does_not_open_is_shown_closed_and_kept(vault: Vault) -> None:
    """With the wrong keys a read still works, and a change of other fields leaves the text."""
    write(vault.opened(OLD), token='"x"')
    before = vault.raw["token"]
    store = vault.opened(OTHER)
    shown = store.state("shop").overrides["token"]
    assert closed(shown) == "it is encrypted, and none of WAFFLE_ENCRYPTION_KEYS opens it"
    write(store, name='"a"')
    write(store, "name")
    assert vault.raw["token"] == before
    assert vault.opened(OLD).state("shop").overrides["token"] == '"x"'


def test_a_text_that_does_not_open_can_be_replaced(vault: Vault) -> None:
    """A new text is sealed with the keys at hand, and a field may be dropped."""
    write(vault.opened(OLD), token='"x"', pin='"1"')
    store = vault.opened(OTHER)
    write(store, "pin", token='"y"')
    assert store.state("shop").overrides == {"token": '"y"'}


def test_a_copied_text_is_shown_closed(vault: Vault) -> None:
    """Whoever can write to the database cannot show one secret in place of another."""
    write(vault.opened(), token='"x"')
    write(vault.inner, pin=vault.raw["token"], name=vault.raw["token"])
    shown = vault.opened().state("shop").overrides
    assert shown["token"] == '"x"'
    for name in ("pin", "name"):
        assert "copied here" in (closed(shown[name]) or "")


def test_a_closed_text_under_another_name_is_stored_as_it_was(vault: Vault) -> None:
    """A text that nobody here can open is never sealed a second time."""
    write(vault.opened(OLD), token='"x"')
    before, store = vault.raw["token"], vault.opened(OTHER)
    closed_text = store.state("shop").overrides["token"]
    write(store, "token", pin=closed_text, name=closed_text)
    assert vault.raw == {"pin": before, "name": before}


# --- rewriting ----------------------------------------------------------------------------------


def test_a_rewrite_sees_and_gives_plain_texts(vault: Vault) -> None:
    """`rewrite` is shown opened texts, and what it gives is sealed; the others keep their rows."""
    store = vault.opened()
    write(store, token='"x"', pin='"1"', name='"a"')
    before, shown = vault.raw, list[Overrides]()

    def again(texts: Overrides) -> Overrides:
        shown.append(texts)
        return {**texts, "token": '"y"'}

    assert store.rewrite("shop", again) == 1
    assert shown[-1] == {"token": '"x"', "pin": '"1"', "name": '"a"'}
    assert store.state("shop").overrides == {"token": '"y"', "pin": '"1"', "name": '"a"'}
    assert closed(vault.raw["token"])
    assert (vault.raw["pin"], vault.raw["name"]) == (before["pin"], before["name"])


def test_after_a_rotation_the_old_key_is_not_needed(vault: Vault) -> None:
    """Every secret is sealed with the first key, whatever it was sealed with, if at all."""
    write(vault.opened(OLD), token='"x"', name='"a"')
    write(vault.inner, pin='"1"')
    assert vault.opened(NEW, OLD).rotate("shop") == 2
    assert vault.opened(NEW).state("shop").overrides == {
        "token": '"x"',
        "pin": '"1"',
        "name": '"a"',
    }
    assert vault.raw["name"] == '"a"'
    assert kept(vault.raw["pin"])


def test_a_rotation_seals_what_newer_code_sealed(vault: Vault) -> None:
    """A secret that this model does not know, or not as a secret, does not lose its last key."""
    write(vault.opened(OLD), token='"x"', pin='"1"')
    older = SealedStore(vault.inner, Cipher([NEW, OLD]), (), {"pin"})
    assert older.rotate("shop") == 2
    assert vault.opened(NEW).state("shop").overrides == {"token": '"x"', "pin": '"1"'}


def test_a_rotation_is_no_change(vault: Vault) -> None:
    """Revision and history stay."""
    store = vault.opened()
    record = write(store, token='"x"')
    assert store.rotate("shop") == 1
    assert store.head("shop") == Head(1, record.id)
    assert list(store.history("shop")) == [record]
    assert store.rotate("nobody") == 0


@pytest.mark.parametrize("fault", ["another key", "copied"])
def test_a_rotation_that_cannot_open_a_secret_rewrites_nothing(vault: Vault, fault: str) -> None:
    """The error names the field and what to do, and every text is as it was."""
    write(vault.inner, a='"in the clear"')
    write(vault.opened(), token='"x"', name='"a"')
    copied = vault.raw["token"]
    foreign = Cipher([OTHER]).seal('"1"', "shop", "pin")
    write(vault.inner, pin=foreign if fault == "another key" else copied)
    before = vault.raw
    with pytest.raises(ConfigurationError, match=r"because of pin: it (is|was) encr") as caught:
        vault.opened(NEW, OLD).rotate("shop")
    assert caught.value.key == "WAFFLE_ENCRYPTION_KEYS"
    assert "set pin anew" in str(caught.value)
    assert vault.raw == before
