"""Messages: what a signature is worth, and what else comes over a shared channel."""

from __future__ import annotations

import json
import random
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from typed_waffle.buses.message import MAX_MESSAGE, Codec
from typed_waffle.change import Delta
from typed_waffle.protocols import Announcement, Hint
from typed_waffle.signing import Signer

KEY, OTHER = "one key", "another key"

SAID = Announcement(
    "shop",
    7,
    "7" * 32,
    "6" * 32,
    Delta({"name": '"caf\\u00e9 \\"x\\""', "größe": "1.0"}, frozenset({"gone", "Gone"})),
    "0" * 32,
    datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
)


def signed(content: object, key: str = KEY) -> bytes:
    """Any content under a true signature, as only a holder of the key can make it."""
    body = json.dumps(content).encode()
    return Signer(key, b"typed-waffle message 1").sign(body) + b"." + body


def content(**changed: object) -> dict[str, Any]:
    """What a message says, with some of it changed."""
    said: dict[str, Any] = json.loads(Codec(KEY).encode(SAID).partition(b".")[2])
    return {**said, **changed}


@pytest.mark.parametrize(
    "said",
    [
        SAID,
        replace(SAID, delta=None),
        replace(SAID, delta=Delta()),
        replace(SAID, revision=1, follows=""),
        replace(SAID, revision=2**63 - 1),
        replace(SAID, namespace="ünï . \U0001f9c7"),
    ],
)
def test_a_signed_message_comes_back_as_it_was(said: Announcement) -> None:
    """With the same key on both sides, every part of an announcement survives."""
    assert Codec(KEY).decode(Codec(KEY).encode(said)) == said


def test_a_key_is_text_or_bytes() -> None:
    """The same key as text and as bytes is the same key."""
    assert Codec("key").decode(Codec(b"key").encode(SAID)) == SAID


def test_a_message_is_ascii() -> None:
    """Nothing on the way has to know an encoding."""
    assert Codec(KEY).encode(SAID).isascii()


@pytest.mark.parametrize("key", [None, "", b""])
def test_without_a_key_a_message_is_a_hint(key: str | bytes | None) -> None:
    """It carries no value, and whoever receives it looks at the store."""
    message = Codec(key).encode(SAID)
    assert b"caf" not in message
    for receiver in (Codec(key), Codec(KEY)):
        assert receiver.decode(message) == Hint("shop")


def test_a_receiver_without_a_key_takes_no_value() -> None:
    """It cannot tell who sent it, so a signed message is a hint to it."""
    assert Codec(None).decode(Codec(KEY).encode(SAID)) == Hint("shop")


def test_another_key_makes_a_hint() -> None:
    """A message under a key that is not ours carries nothing in."""
    assert Codec(KEY).decode(Codec(OTHER).encode(SAID)) == Hint("shop")


def test_the_key_is_not_used_as_it_is() -> None:
    """A signature made with the plain SECRET_KEY for something else is worth nothing here."""
    import hashlib  # noqa: PLC0415 - the attacker's tools
    import hmac  # noqa: PLC0415 - as above

    body = Codec(KEY).encode(SAID).partition(b".")[2]
    forged = hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest().encode() + b"." + body
    assert Codec(KEY).decode(forged) == Hint("shop")


def test_every_flipped_bit_is_noticed() -> None:
    """A message with one bit changed, wherever it is, is never an announcement."""
    codec, message = Codec(KEY), Codec(KEY).encode(SAID)
    for place in range(len(message) * 8):
        spoilt = bytearray(message)
        spoilt[place // 8] ^= 1 << place % 8
        assert not isinstance(codec.decode(bytes(spoilt)), Announcement)


def test_every_truncated_message_is_noticed() -> None:
    """A message that was cut anywhere is never an announcement."""
    codec, message = Codec(KEY), Codec(KEY).encode(SAID)
    for length in range(len(message)):
        assert not isinstance(codec.decode(message[:length]), Announcement)
        assert not isinstance(codec.decode(message[length + 1 :]), Announcement)


def test_a_signature_belongs_to_one_message() -> None:
    """The signature of one message does not make another one true."""
    codec = Codec(KEY)
    signature = codec.encode(SAID).partition(b".")[0]
    body = codec.encode(replace(SAID, revision=8)).partition(b".")[2]
    assert codec.decode(signature + b"." + body) == Hint("shop")


@pytest.mark.parametrize(
    "changed",
    [
        {"namespace": 1},
        {"namespace": None},
        {"revision": "7"},
        {"revision": 7.0},
        {"revision": True},
        {"revision": 0},
        {"revision": -1},
        {"revision": 2**63},
        {"id": 7},
        {"id": "not an id"},
        {"id": "7" * 31},
        {"id": "A" * 32},
        {"follows": None},
        {"follows": "6" * 33},
        {"set": []},
        {"set": "text"},
        {"set": {"name": 1}},
        {"set": {"name": None}},
        {"unset": None},
        {"unset": {"name": 1}},
        {"unset": [1]},
        {"unset": [["name"]]},
        {"origin": 1},
        {"at": "yesterday"},
        {"at": 1},
        {"at": "2024-02-29T23:59:59"},
    ],
    ids=repr,
)
def test_a_signed_message_of_wrong_types_is_nothing(changed: dict[str, object]) -> None:
    """Another version of this library may sign something else: it is not taken for a message."""
    assert Codec(KEY).decode(signed(content(**changed))) is None


@pytest.mark.parametrize("part", content())
def test_a_signed_message_that_lacks_a_part_is_nothing(part: str) -> None:
    """Every part is needed."""
    said = content()
    del said[part]
    assert Codec(KEY).decode(signed(said)) is None


@pytest.mark.parametrize("said", [None, 1, "text", [], [content()], {}], ids=repr)
def test_a_signed_message_of_another_shape_is_nothing(said: object) -> None:
    """A message is an object with our keys."""
    assert Codec(KEY).decode(signed(said)) is None


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b".",
        b"..",
        b"\x00\xff\xfe",
        "\ud83e".encode("utf-16", "surrogatepass"),
        b"null",
        b"{",
        b'{"namespace": 1}',
        b'{"Namespace": "shop"}',
        b"waffle",
        b"\x80\x04\x95pickle.",
        b"." + b"[" * 500_000,
        b"[" * 500_000 + b"]" * 500_000,
        b'{"namespace":' * 20_000,
        b'{"revision":' + b"9" * 10_000 + b"}",
    ],
    ids=lambda message: repr(message[:12]),
)
def test_garbage_is_nothing(garbage: bytes) -> None:
    """What is not a message of ours is not even a hint."""
    assert Codec(KEY).decode(garbage) is None


def test_random_bytes_are_nothing() -> None:
    """No bytes make the decoder fail."""
    noise = random.Random(4711)  # noqa: S311 - the same noise each time
    for _ in range(2_000):
        assert Codec(KEY).decode(noise.randbytes(noise.randrange(300))) is None


def test_ten_megabytes_are_not_looked_at() -> None:
    """A message over the limit is nothing, however well it is signed, and costs no time."""
    huge = signed(content(set={"name": "x" * 10_000_000}))
    codec = Codec(KEY)
    began = time.monotonic()
    assert codec.decode(huge) is None
    assert time.monotonic() - began < 0.1
    assert len(huge) > MAX_MESSAGE


def test_an_unsigned_message_may_be_bare_json() -> None:
    """A person with redis-cli can ask the workers to look at the store."""
    assert Codec(KEY).decode(b'{"namespace": "shop"}') == Hint("shop")
