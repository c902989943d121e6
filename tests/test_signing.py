"""Signatures: who can make them, and what they are worth."""

import pytest

from typed_waffle.signing import Signer

USE = b"a test 1"


@pytest.mark.parametrize(("key", "use"), [("another", USE), ("key", b"a test 2"), (b"k", USE)])
def test_a_signature_of_another_key_or_use_is_none(key: str | bytes, use: bytes) -> None:
    """Nor is one of other bytes, or no signature at all."""
    ours, other = Signer("key", USE), Signer(key, use)
    assert ours.signed(ours.sign(b"body"), b"body")
    assert not ours.signed(other.sign(b"body"), b"body")
    assert not ours.signed(ours.sign(b"other"), b"body")
    assert not ours.signed(b"", b"body")
    assert not ours.signed(b"\xff" * 64, b"body")


def test_text_and_bytes_are_the_same_key() -> None:
    """A key is its bytes in UTF-8."""
    assert Signer("ké", USE).sign(b"x") == Signer("ké".encode(), USE).sign(b"x")
