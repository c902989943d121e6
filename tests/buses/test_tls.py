"""Encrypted connections: verified unless somebody says otherwise, and clear about what is wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.ears import announcement, bus_on, carries, failure, listening
from tests.support.processes import free_port
from tests.support.redis import RedisServer
from typed_waffle.buses.redis import client_at
from typed_waffle.protocols import BusError

pytestmark = pytest.mark.ladder

SOON = 2.5


@pytest.fixture
def redis_executable(debian_redis: str) -> str:
    """The only one that is built with TLS."""
    return debian_redis


@dataclass
class Secured:
    """A server that listens at two ports: with TLS at one, and without at the other."""

    server: RedisServer
    authority: Authority
    stranger: Authority
    port: int

    def start(self, *, age: timedelta = timedelta(days=1)) -> None:
        certificate, key = self.authority.certify("server", "127.0.0.1", age=age)
        self.server.start(
            *("--tls-port", str(self.port), "--tls-auth-clients", "no"),
            *("--tls-cert-file", str(certificate), "--tls-key-file", str(key)),
            *("--tls-ca-cert-file", str(self.authority.file)),
        )


@pytest.fixture
def secured(redis_executable: str, tmp_path: Path) -> Iterator[Secured]:
    server = RedisServer(redis_executable, tmp_path)
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    secured = Secured(server, ours, theirs, free_port())
    secured.start()
    yield secured
    server.kill()


URLS: dict[str, Callable[[Secured], str]] = {
    "verified": lambda s: f"rediss://127.0.0.1:{s.port}?ssl_ca_certs={s.authority.file}",
    "any-host": lambda s: (
        f"rediss://localhost:{s.port}?ssl_ca_certs={s.authority.file}&ssl_check_hostname=no"
    ),
    "unverified": lambda s: f"rediss://localhost:{s.port}?ssl_cert_reqs=none",
}

FAULTS: dict[str, tuple[Callable[[Secured], str], str]] = {
    "no-ca": (lambda s: f"rediss://127.0.0.1:{s.port}", "name its CA with ssl_ca_certs"),
    "wrong-ca": (
        lambda s: f"rediss://127.0.0.1:{s.port}?ssl_ca_certs={s.stranger.file}",
        "name its CA with ssl_ca_certs",
    ),
    "no-file": (
        lambda s: f"rediss://127.0.0.1:{s.port}?ssl_ca_certs=/no/such/file",
        "does every file exist",
    ),
    "wrong-host": (
        lambda s: f"rediss://localhost:{s.port}?ssl_ca_certs={s.authority.file}",
        "the certificate is for another host",
    ),
    "plaintext-client": (lambda s: f"redis://127.0.0.1:{s.port}", "use rediss://"),
    "plaintext-server": (
        lambda s: f"rediss://127.0.0.1:{s.server.port}?ssl_ca_certs={s.authority.file}",
        "use redis:// or its TLS port",
    ),
}


@pytest.mark.parametrize("kind", URLS)
def test_an_encrypted_connection_carries(kind: str, secured: Secured) -> None:
    """Verified by default; less only if the URL says so."""
    client = client_at(URLS[kind](secured), "", 0)
    bus = bus_on(client)
    ear = listening(bus)
    assert carries(bus, ear)
    ear.close()
    client.close()


@pytest.mark.parametrize(
    "kind",
    [pytest.param(k, marks=pytest.mark.slow) if k == "plaintext-server" else k for k in FAULTS],
)
def test_what_is_wrong_is_said_and_what_to_do(kind: str, secured: Secured) -> None:
    """Publisher and listener fail in time, with a text that names the next step."""
    url, advice = FAULTS[kind]
    client = client_at(url(secured), "", 0)
    bus = bus_on(client)
    began = time.monotonic()
    with pytest.raises(BusError) as caught:
        bus.publish(announcement())
    assert time.monotonic() - began < SOON
    ear = bus.subscribe()
    said = failure(ear)
    ear.close()
    client.close()
    assert advice in said
    # The publisher has less time than a server that waits for more bytes.
    assert advice in str(caught.value) or "not sent within" in str(caught.value)


def test_a_certificate_that_was_renewed_is_accepted(secured: Secured) -> None:
    """An expired one is refused; after its renewal the next connection is made."""
    secured.server.kill()
    secured.start(age=timedelta(days=10))
    client = client_at(URLS["verified"](secured), "", 0)
    bus = bus_on(client)
    assert "expired" in failure(bus.subscribe())
    secured.server.kill()
    secured.start()
    ear = listening(bus)
    ear.close()
    client.close()
