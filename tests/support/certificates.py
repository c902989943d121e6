"""Certificates of a test's own."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["Authority"]

DAY = timedelta(days=1)


class Authority:
    """Signs certificates; `file` is what clients must trust."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / f"{name}.crt"
        constraint = x509.BasicConstraints(ca=True, path_length=None)
        made = self._draft(self._name, self._key).add_extension(constraint, critical=True)
        self._write(self.file, made)

    def certify(self, name: str, host: str, *, age: timedelta = DAY) -> tuple[Path, Path]:
        """A certificate for a host, and its key; it is valid for two days from `age` ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            subject: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            subject = x509.DNSName(host)
        draft = self._draft(_name(name), key, age).add_extension(
            x509.SubjectAlternativeName([subject]), critical=False
        )
        certificate, secret = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        self._write(certificate, draft)
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, secret

    def _draft(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        age: timedelta = DAY,
    ) -> x509.CertificateBuilder:
        begin = datetime.now(UTC) - age
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + 2 * DAY)
        )

    def _write(self, file: Path, draft: x509.CertificateBuilder) -> None:
        made = draft.sign(self._key, hashes.SHA256())
        file.write_bytes(made.public_bytes(serialization.Encoding.PEM))


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
