"""An authority and a server's certificate, as anybody's mail provider has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


def make_certificates(folder: Path, host: str, age_days: int = 0) -> None:
    """Write authority.pem, server.pem and server.key. One of 30 days and older is no longer valid."""
    begin = datetime.fromtimestamp(folder.stat().st_mtime, UTC) - timedelta(days=age_days, hours=1)
    own_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority, name = _named("A provider's authority"), _named(host)
    rights = x509.BasicConstraints(ca=True, path_length=0)
    signed = _dated(authority, own_key.public_key(), authority, begin).add_extension(rights, critical=True)
    (folder / "authority.pem").write_bytes(signed.sign(own_key, hashes.SHA256()).public_bytes(Encoding.PEM))
    hosts = x509.SubjectAlternativeName([x509.DNSName(host)])
    server = _dated(name, key.public_key(), authority, begin).add_extension(hosts, critical=False)
    (folder / "server.pem").write_bytes(server.sign(own_key, hashes.SHA256()).public_bytes(Encoding.PEM))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.key").write_bytes(secret)
    (folder / "server.key").chmod(0o600)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _dated(
    name: x509.Name, key: ec.EllipticCurvePublicKey, issuer: x509.Name, begin: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=30))
    )
