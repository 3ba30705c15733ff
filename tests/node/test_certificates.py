"""The camp's own authority: what phones accept, what it can never vouch for, and when it is renewed."""

import contextlib
import datetime
import ipaddress
import re
import ssl
import stat

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from node.certificates import fingerprint, for_a_poster, make_authority, renew_server
from node.clock import Clock
from node.files import CertificateFiles

NOW_S = 1_795_000_000.0
DAY_S = 86_400
LAN = (ipaddress.ip_address("192.168.4.1"), ipaddress.ip_address("8.8.8.8"))


@pytest.fixture
def files(tmp_path):
    files = CertificateFiles(tmp_path)
    make_authority(files, "0123456789abcdef", NOW_S)
    assert renew_server(files, LAN, NOW_S)
    return files


def server(files) -> x509.Certificate:
    return x509.load_pem_x509_certificate(files.server.read_bytes())


def test_keys_are_for_their_owner_only(files):
    for key in (files.authority_key, files.server_key):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_the_authority_vouches_for_this_box_only(files):
    authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    names = {str(name.value) for name in constraints.value.permitted_subtrees or ()}
    assert {"camp.internal", "local", "localhost", "192.168.0.0/16"} <= names
    assert constraints.value.excluded_subtrees is None


def test_a_public_address_is_left_out(files):
    names = server(files).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    assert addresses == {"192.168.4.1", "127.0.0.1", "::1"}
    assert "camp.internal" in names.get_values_for_type(x509.DNSName)


def test_it_is_renewed_when_it_must_be_and_not_before(files):
    assert not renew_server(files, LAN, NOW_S + 300 * DAY_S)
    assert not renew_server(files, LAN[1:], NOW_S)  # fewer addresses do no harm
    assert renew_server(files, (*LAN, ipaddress.ip_address("10.0.0.7")), NOW_S)
    assert renew_server(files, LAN, NOW_S + 340 * DAY_S)
    assert renew_server(files, LAN, NOW_S)  # made by a clock that ran ahead
    for damaged in (files.server, files.server_key):
        damaged.write_bytes(damaged.read_bytes()[:100])
        assert renew_server(files, LAN, NOW_S)
    files.server_key.write_bytes(files.authority_key.read_bytes())
    assert renew_server(files, LAN, NOW_S)


def test_it_lives_as_long_as_phones_allow(files):
    certificate = server(files)
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days <= 398


def shake_hands(files: CertificateFiles, chain, key, name: str) -> None:
    """A TLS handshake in memory, as a phone that trusts this camp's authority would do it."""
    listening = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    listening.load_cert_chain(chain, key)
    calling = ssl.create_default_context(cafile=str(files.authority))
    calling.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_end = listening.wrap_bio(to_server, to_client, server_side=True)
    client_end = calling.wrap_bio(to_client, to_server, server_hostname=name)
    for _ in range(4):
        for end in (client_end, server_end):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    assert client_end.version() is not None


@pytest.fixture
def current(tmp_path):
    """Made for the machine's own clock, by which TLS checks the dates."""
    files = CertificateFiles(tmp_path)
    make_authority(files, "0123456789abcdef", Clock().wall_s())
    renew_server(files, LAN, Clock().wall_s())
    return files


@pytest.mark.parametrize("name", ["camp.internal", "miccheck.local", "localhost", "192.168.4.1", "::1"])
def test_a_phone_that_trusts_the_camp_takes_this_box(current, name):
    shake_hands(current, current.server, current.server_key, name)


@pytest.mark.parametrize("name", ["example.org", "192.168.4.2"])
def test_a_phone_refuses_it_under_another_name(current, name):
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(current, current.server, current.server_key, name)


@pytest.mark.parametrize("name", ["bank.example.org", "notlocal"])
def test_a_stolen_authority_cannot_vouch_for_the_world(current, tmp_path, name):
    authority = x509.load_pem_x509_certificate(current.authority.read_bytes())
    key = serialization.load_pem_private_key(current.authority_key.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    forged = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(authority.not_valid_before_utc)
        .not_valid_after(authority.not_valid_before_utc + datetime.timedelta(days=100))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain = tmp_path / "forged.pem"
    chain.write_bytes(forged.public_bytes(serialization.Encoding.PEM))
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
        shake_hands(current, chain, current.authority_key, name)


def test_the_fingerprint_can_be_read_aloud(files):
    colons = fingerprint(files.authority)
    assert re.fullmatch(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", colons)
    lines = for_a_poster(colons)
    assert len(lines) == 4
    assert " ".join(lines).split() == colons.split(":")
