"""Copies: what goes in, and what is read again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.keys import fernet_key
from typed_waffle.change import Head, State
from typed_waffle.copies import Copies
from typed_waffle.sealing import Cipher, closed
from typed_waffle.signing import Signer

KEY = "the signing key"
CANARY = "canary-in-a-copy"
SECRET, PLAIN = ("token", "old_token"), ("name", "low")
HEAD = Head(7, "a" * 32)


def copies(
    *keys: str, key: str = KEY, namespace: str = "default", secret: tuple[str, ...] = SECRET
) -> Copies:
    """What makes and reads copies, with these encryption keys."""
    cipher = Cipher([fernet_key(name) for name in keys]) if keys else None
    return Copies(namespace, key, secret, PLAIN, cipher)


def state(**overrides: str) -> State:
    return State(HEAD, overrides)


def body(text: str) -> dict[str, Any]:
    """What stands in a copy."""
    content: dict[str, Any] = json.loads(text.partition(".")[2])
    return content


def signed(content: object) -> str:
    """Any content under a true signature, as only a holder of the key can make it."""
    text = json.dumps(content)
    return f"{Signer(KEY, b'typed-waffle copy 1').sign(text.encode()).decode()}.{text}"


AWKWARD = {"name": '"caf\\u00e9 \\"x\\" \\ud800 \\u0000"', "low": "-1E400", "größe": "1", "": "{}"}


def test_a_copy_is_read_as_it_was_made() -> None:
    """Revision, change and texts come back, whatever is in them, and the time of the copy."""
    made = state(**{name: text for name, text in AWKWARD.items() if name in PLAIN})
    copy = copies().read(copies().text(made))
    assert copy.state == made
    assert copy.lacks == ()
    assert timedelta(0) <= datetime.now(UTC) - copy.at < timedelta(minutes=1)
    assert copies().text(made).isascii()


def test_with_keys_a_secret_is_in_it_encrypted() -> None:
    """Under each of its names, and whoever has one of the keys reads it."""
    made = state(token=f'"{CANARY}"', old_token=f'"{CANARY}"', name='"Cake"')
    text = copies("one").text(made)
    assert CANARY not in text
    assert "Cake" in text
    read = copies("two", "one").read(text)
    assert (read.state, read.lacks) == (made, ())


def test_without_keys_a_secret_is_left_out() -> None:
    """The copy says which, so that whoever shows it can say so, too."""
    text = copies().text(state(token=f'"{CANARY}"', name='"Cake"'))
    assert CANARY not in text
    read = copies().read(text)
    assert (dict(read.state.overrides), read.lacks) == ({"name": '"Cake"'}, ("token",))


def test_what_the_model_does_not_know_is_left_out_unless_it_is_encrypted() -> None:
    """It may be a secret of newer code."""
    sealed = Cipher([fernet_key("one")]).seal(f'"{CANARY}"', "default", "newer")
    text = copies("one").text(state(new=f'"{CANARY}"', newer=sealed))
    assert CANARY not in text
    read = copies("one").read(text)
    assert (dict(read.state.overrides), read.lacks) == ({"newer": sealed}, ())


def test_a_secret_that_does_not_open_is_closed() -> None:
    """As one from the database is; and it goes on into the next copy as it is stored."""
    text = copies("one").text(state(token='"x"'))
    read = copies("two").read(text).state
    assert closed(read.overrides["token"])
    again = copies("two").text(read)
    assert body(again)["overrides"] == body(text)["overrides"]
    assert closed(copies().read(text).state.overrides["token"])
    assert copies("one").read(copies().text(copies().read(text).state)).state == state(token='"x"')


GOOD = copies().text(state(name='"Cake"'))


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "{}",
        "\ud800.\ud800",
        "é" * 64 + ".{}",
        GOOD[:-1],
        GOOD + " ",
        GOOD.upper(),
        GOOD.partition(".")[2],
        GOOD.replace("Cake", "Cafe"),
        "0" * 64 + GOOD[64:],
        copies(key="another").text(state()),
        Signer(KEY, b"typed-waffle message 1").sign(GOOD[65:].encode()).decode() + GOOD[64:],
    ],
)
def test_what_is_not_signed_with_the_key_is_refused(text: str) -> None:
    """Truncated, changed, made up, or a message: it is all the same."""
    with pytest.raises(ValueError, match="not whole, or not signed"):
        copies().read(text)


def test_a_copy_of_another_namespace_is_refused() -> None:
    """Even with a true signature: whoever moved the file gains nothing."""
    with pytest.raises(ValueError, match="of the namespace 'other'"):
        copies().read(copies(namespace="other").text(state()))


@pytest.mark.parametrize(
    "changed",
    [
        {"overrides": None},
        {"overrides": [1]},
        {"overrides": {"low": 1}},
        {"lacks": 7},
        {"at": "once"},
        {"at": "2024-02-29T12:00:00"},
        {"at": None},
        {"id": None},
        {"revision": "7"},
        {"revision": True},
    ],
)
def test_another_version_s_form_is_refused(changed: Mapping[str, object]) -> None:
    """A signed copy may still be of another release."""
    for content in (
        {**body(GOOD), **changed},
        {key: value for key, value in body(GOOD).items() if key not in changed},
    ):
        with pytest.raises(ValueError, match="another version of typed-waffle"):
            copies().read(signed(content))


@pytest.mark.parametrize(
    ("was", "maker", "now", "reader", "agrees"),
    [
        ({"low": "1"}, ["one"], {"low": "1"}, ["one"], True),
        ({"low": "1"}, ["one"], {"low": "2"}, ["one"], False),
        ({"low": "1"}, ["one"], {}, ["one"], False),
        ({}, ["one"], {"low": "1"}, ["one"], False),
        # Who has keys makes the better copy, and who has none leaves it alone.
        ({"token": "1"}, [], {"token": "1"}, ["one"], False),
        ({"token": "1"}, ["one"], {"token": "1"}, [], True),
        ({"token": "1"}, [], {"token": "1"}, [], True),
        ({}, [], {"token": "1"}, [], False),
        # A key that was taken out makes the copy worthless.
        ({"token": "1"}, ["one"], {"token": "1"}, ["two", "one"], True),
        ({"token": "1"}, ["one"], {"token": "1"}, ["two"], False),
        # What the model does not know is not compared.
        ({"low": "1"}, ["one"], {"low": "1", "new": "2"}, ["one"], True),
    ],
)
def test_a_copy_agrees_if_it_could_not_be_made_better(
    was: dict[str, str], maker: list[str], now: dict[str, str], reader: list[str], *, agrees: bool
) -> None:
    """Workers with other keys, or other models, do not replace each other's copies for ever."""
    copy = copies(*reader).read(copies(*maker).text(state(**was)))
    assert copies(*reader).agrees(copy, state(**now)) is agrees
