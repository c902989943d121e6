"""How often a token may be guessed."""

from tests.support.waiting import eventually
from typed_waffle.admin.throttle import ENOUGH, Throttle


def test_some_failures_are_nothing() -> None:
    """Whoever mistypes a few times need not wait."""
    throttle = Throttle()
    for _ in range(ENOUGH - 1):
        throttle.failed("::1")
    assert throttle.wait("::1") == 0


def test_many_failures_have_to_wait() -> None:
    """After too many, an address is told for how long; at most the window, and never 0."""
    throttle = Throttle()
    for _ in range(ENOUGH):
        throttle.failed("127.0.0.1")
    assert 0 < throttle.wait("127.0.0.1") <= 60


def test_others_do_not_wait() -> None:
    """What one address does is not held against another."""
    throttle = Throttle()
    for _ in range(ENOUGH):
        throttle.failed("127.0.0.1")
    assert throttle.wait("127.0.0.2") == 0


def test_it_is_forgotten() -> None:
    """A failure counts for a while only."""
    throttle = Throttle(window=0.05)
    for _ in range(ENOUGH):
        throttle.failed("127.0.0.1")
    assert throttle.wait("127.0.0.1") == 1
    eventually(lambda: throttle.wait("127.0.0.1") == 0)


def test_an_address_of_ipv6_is_its_network() -> None:
    """Whoever has one has as many as they like; other networks are others."""
    throttle = Throttle()
    for last in range(ENOUGH):
        throttle.failed(f"2001:db8::{last:x}")
    assert throttle.wait("2001:db8::ffff") > 0
    assert throttle.wait("2001:db8:0:1::1") == 0


def test_ipv4_within_ipv6_is_ipv4() -> None:
    """As a socket that takes both has it: there one attacker is not everybody."""
    throttle = Throttle()
    for _ in range(ENOUGH):
        throttle.failed("::ffff:198.51.100.7")
    assert throttle.wait("198.51.100.7") > 0
    assert throttle.wait("::ffff:203.0.113.9") == 0
