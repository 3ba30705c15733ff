"""The camp's own certificate authority, and the certificate of its HTTPS port.

Pages for people with a card must not be read off the Wi-Fi, and no public authority signs for a box
without internet. So every camp makes an authority of its own. It is name-constrained (RFC 5280, 4.2.1.10):
who trusts it on a phone trusts it for this box and private addresses, and for nothing else on earth.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hardware.addresses import Address
from node.files import CertificateFiles, write_secret

NAMES = ("camp.internal", "miccheck.local", "localhost")
PERMITTED_NAMES = ("camp.internal", "local", "localhost")
PERMITTED_RANGES = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
)
AUTHORITY_DAYS = 3_650
# Phones refuse longer-lived ones from any authority (Apple: 825 days; 398 for public ones).
SERVER_DAYS = 397
# A camp that is set up again once a month still never meets an expired one.
RENEW_DAYS = 60
# The phone's clock may be slower than the box's.
BACKDATE = datetime.timedelta(days=2)


def make_authority(files: CertificateFiles, camp_id: str, wall_s: float) -> None:
    """Write a new authority (ECDSA P-256), named by the camp id and no person's or place's name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"Mic Check camp {camp_id}")
    permitted: list[x509.GeneralName] = [x509.DNSName(each) for each in PERMITTED_NAMES]
    permitted += [x509.IPAddress(ipaddress.ip_network(each)) for each in PERMITTED_RANGES]
    certificate = (
        _builder(name, name, key.public_key(), wall_s, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, excluded_subtrees=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_secret(files.authority_key, _private_pem(key))
    write_secret(files.authority, certificate.public_bytes(serialization.Encoding.PEM))


def renew_server(files: CertificateFiles, addresses: Sequence[Address], wall_s: float) -> bool:
    """Make the server's certificate when there is none, it ends soon, or an address is new; say whether.

    Raises OSError or ValueError when the authority's files are missing or damaged.
    """
    wanted = _subject_names(addresses)
    if files.server.exists() and files.server_key.exists() and _is_good(files, wanted, wall_s):
        return False
    authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
    authority_key = serialization.load_pem_private_key(files.authority_key.read_bytes(), password=None)
    if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{files.authority_key} is not a key made by this software")
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        _builder(_name(NAMES[0]), authority.subject, key.public_key(), wall_s, SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(wanted), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    write_secret(files.server_key, _private_pem(key))
    write_secret(files.server, pem + files.authority.read_bytes())
    return True


def fingerprint(file: Path) -> str:
    """SHA-256 of the first certificate in a PEM file as browsers show it: 32 pairs of hex digits with
    colons.
    """
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def for_a_poster(colons: str) -> tuple[str, ...]:
    """A fingerprint in four lines of eight pairs, to be compared by two people reading aloud."""
    pairs = colons.split(":")
    return tuple(" ".join(pairs[start : start + 8]) for start in range(0, len(pairs), 8))


def _is_good(files: CertificateFiles, wanted: list[x509.GeneralName], wall_s: float) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(files.server.read_bytes())
        key = serialization.load_pem_private_key(files.server_key.read_bytes(), password=None)
    except ValueError:
        return False  # torn by a power cut
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    now = _moment(wall_s)
    lasts = now + datetime.timedelta(days=RENEW_DAYS) < certificate.not_valid_after_utc
    fits = key.public_key() == certificate.public_key()
    return fits and lasts and certificate.not_valid_before_utc <= now and set(wanted) <= set(names)


def _subject_names(addresses: Sequence[Address]) -> list[x509.GeneralName]:
    permitted = [ipaddress.ip_network(each) for each in PERMITTED_RANGES]
    private = [address for address in addresses if any(address in each for each in permitted)]
    always = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    names: list[x509.GeneralName] = [x509.DNSName(each) for each in NAMES]
    return names + [x509.IPAddress(each) for each in dict.fromkeys([*private, *always])]


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, wall_s: float, days: int
) -> x509.CertificateBuilder:
    start = _moment(wall_s) - BACKDATE
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=days))
    )


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _moment(wall_s: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(int(wall_s), datetime.UTC)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
