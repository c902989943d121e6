"""Sealing: a secret's text, encrypted for the store, and opened again."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from tests.support.keys import fernet_key
from tests.support.models import one
from typed_waffle.errors import ConfigurationError
from typed_waffle.sealing import Cipher, closed, kept
from typed_waffle.values import dumped, malformed

OLD, NEW, OTHER = map(fernet_key, ("old", "new", "other"))


@pytest.fixture
def cipher() -> Cipher:
    return Cipher([OLD])


# --- sealed and opened --------------------------------------------------------------------------


@given(st.text(), st.text(min_size=1), st.text(min_size=1))
def test_what_was_sealed_opens(value: str, namespace: str, field: str) -> None:
    """Any text comes back exactly; sealed, it is JSON in ASCII."""
    cipher, text = Cipher([OLD]), json.dumps(value)
    namespace, field = json.dumps(namespace), json.dumps(field)
    sealed = cipher.seal(text, namespace, field)
    assert sealed.isascii()
    json.loads(sealed)
    assert cipher.open(sealed, namespace, field) == text


def test_sealing_hides_the_text_and_what_is_equal(cipher: Cipher) -> None:
    """A sealed text shows nothing of the value, not even that two are equal."""
    one, two = (cipher.seal('"hunter2-canary"', "shop", "token") for _ in range(2))
    assert one != two
    for sealed in (one, two):
        token = json.loads(sealed)["typed_waffle.sealed"]
        assert b"hunter2" not in base64.urlsafe_b64decode(token)


def test_the_first_key_seals_and_every_key_opens() -> None:
    """After a new key was put first, old texts open and new ones need the new key."""
    old = Cipher([OLD]).seal('"x"', "shop", "token")
    both = Cipher([NEW, OLD])
    assert both.open(old, "shop", "token") == '"x"'
    new = both.seal('"x"', "shop", "token")
    assert Cipher([NEW]).open(new, "shop", "token") == '"x"'
    assert closed(Cipher([OLD]).open(new, "shop", "token"))


def test_what_is_not_sealed_is_left_as_it_is(cipher: Cipher) -> None:
    """A text in the clear opens as itself."""
    for text in ('""', "null", '{"typed_waffle.sealed":"gAAAAA=="}', '{"a": "b"}', "no JSON", ""):
        assert cipher.open(text, "shop", "token") == text
        assert (closed(text), kept(text)) == (None, None)


def test_no_value_is_taken_for_a_sealed_text(cipher: Cipher) -> None:
    """Not even a value that spells a sealed text out is one, once it is dumped."""
    sealed = cipher.seal('"x"', "shop", "value")
    model = one(Mapping[str, SecretStr], {})
    imitated = model(value=json.loads(sealed))
    text = dumped(imitated, ["value"])["value"]
    assert json.loads(text) == json.loads(sealed)
    assert closed(text) is None


# --- what does not open -------------------------------------------------------------------------


def test_a_text_that_nobody_opens_says_why(cipher: Cipher) -> None:
    """Without keys, with the wrong ones, and when it was damaged, the reason says what is wrong."""
    sealed = cipher.seal('"x"', "shop", "token")
    assert closed(sealed) == "it is encrypted, and WAFFLE_ENCRYPTION_KEYS is not set"
    unopened = "it is encrypted, and none of WAFFLE_ENCRYPTION_KEYS opens it"
    assert closed(Cipher([OTHER]).open(sealed, "shop", "token")) == unopened
    token = json.loads(sealed)["typed_waffle.sealed"]
    for damaged in (token[:-8], token[:-5] + "AAA==", "A", "gAAAAA", "====", token + token):
        text = sealed.replace(token, damaged)
        shown = cipher.open(text, "shop", "token")
        assert closed(shown) == unopened or (shown == text and closed(text) is None)


@pytest.mark.parametrize("place", [("shop", "banner"), ("Shop", "token"), ("sho", "ptoken")])
def test_a_copied_text_does_not_open_elsewhere(cipher: Cipher, place: tuple[str, str]) -> None:
    """A sealed text belongs to its namespace and field: nobody can show it in place of another."""
    sealed = cipher.seal('"x"', "shop", "token")
    why = closed(cipher.open(sealed, *place))
    assert why == "it was encrypted for another setting or namespace, and copied here"


def test_places_that_run_together_are_apart(cipher: Cipher) -> None:
    """No text makes one place look like another, whatever characters are in it."""
    sealed = cipher.seal(', "b"]"x"', "shop", "a")
    assert closed(cipher.open(sealed, 'shop", "a', "b"))


def test_a_closed_text_stands_for_what_was_sealed(cipher: Cipher) -> None:
    """Whatever the reason, what was sealed is never lost."""
    sealed = cipher.seal('"x"', "shop", "token")
    others = [
        Cipher([OTHER]).open(sealed, "shop", "token"),
        cipher.open(sealed, "shop", "banner"),
    ]
    assert len({sealed, *others}) == 3
    for text in (sealed, *others):
        assert kept(text) == sealed
        assert malformed(text) == closed(text)
        assert cipher.open(text, "shop", "token") == '"x"'


# --- keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    ["hunter2-canary", "", OLD[:-1], OLD + OLD, f"{OLD},{NEW}", f"{OLD}\n", OLD[:-1] + "é"],
)
def test_a_bad_key_is_named_by_its_position(bad: str) -> None:
    """The error tells which key is bad and how to make a good one, and shows none of them."""
    with pytest.raises(ConfigurationError, match="key 2 of 3 is not a Fernet key") as caught:
        Cipher([OLD, bad, NEW])
    assert caught.value.key == "WAFFLE_ENCRYPTION_KEYS"
    assert not [key for key in (OLD, NEW, bad) if key and key in repr(caught.value)]
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_the_command_in_the_error_makes_a_key() -> None:
    """What the error tells to run prints a key that is good."""
    with pytest.raises(ConfigurationError, match="it holds no key") as caught:
        Cipher([])
    command = str(caught.value).split('python -c "')[1].split('"`')[0]
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, check=True)
    Cipher([done.stdout.decode().strip()])


def test_a_key_from_openssl_will_do() -> None:
    """A key in the other base64 alphabet is one, as for Fernet itself."""
    key = base64.b64encode(b"\xfb\xff" * 16).decode()
    assert "+" in key
    assert "/" in key
    Cipher([key])


def test_without_the_package_the_error_names_the_extra() -> None:
    """Keys without cryptography are an error that says what to install."""
    code = (
        "import sys; sys.modules['cryptography'] = None\n"
        "from typed_waffle import ConfigurationError\n"
        "from typed_waffle.config import Config\n"
        f"try: Config.read({{'WAFFLE_ENCRYPTION_KEYS': {OLD!r}}})\n"
        "except ConfigurationError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True, env=os.environ
    )
    told = "it needs cryptography: pip install 'typed-waffle[encryption]'."
    assert done.stdout == f"WAFFLE_ENCRYPTION_KEYS: {told}\n"


def test_a_cipher_shows_no_key(cipher: Cipher) -> None:
    """Its repr tells nothing."""
    assert OLD not in f"{cipher!r} {cipher}"
