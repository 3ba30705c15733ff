"""A certificate that the camp was given: used when it fits, and one line says why when it does not."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from node.given_certificate import ServerCertificate, complaint, given_certificate
from node.home import HomeError
from tests.radio.test_ip_tls import WALL_S, self_signed

DAY_S = 86_400


@pytest.fixture
def folder(tmp_path):
    self_signed(tmp_path / "tls")
    return tmp_path


def test_none_is_given(folder):
    assert given_certificate(folder, "", "") is None


def test_the_key_may_be_in_a_file_of_its_own_or_in_the_same(folder):
    both = folder / "both.pem"
    both.write_bytes((folder / "tls/cert.pem").read_bytes() + (folder / "tls/key.pem").read_bytes())
    apart = ServerCertificate(folder / "tls/cert.pem", folder / "tls/key.pem")
    assert given_certificate(folder, "tls/cert.pem", "tls/key.pem") == apart
    assert given_certificate(folder, "both.pem", "") == ServerCertificate(both, both)
    assert given_certificate(folder, str(both), "") == ServerCertificate(both, both)


def encrypted(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )


@pytest.mark.parametrize(
    ("chain", "key", "why"),
    [
        ("", "tls/key.pem", 'certificate_key needs "certificate"'),
        ("tls/none.pem", "tls/key.pem", "certificate: cannot read .*none.pem: No such file"),
        ("tls/cert.pem", "tls/none.pem", "certificate_key: cannot read .*none.pem: No such file"),
        ("tls/key.pem", "tls/key.pem", "certificate: there is no certificate"),
        ("tls/cert.pem", "", "certificate: there is no key without a passphrase in .*cert.pem"),
        ("tls/cert.pem", "locked.pem", "certificate_key: there is no key without a passphrase"),
        ("tls/cert.pem", "other/key.pem", "is not that of the certificate"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(folder, chain, key, why):
    self_signed(folder / "other")
    (folder / "locked.pem").write_bytes(encrypted(folder))
    with pytest.raises(HomeError, match=why):
        given_certificate(folder, chain, key)


def test_what_browsers_will_object_to(folder):
    files = ServerCertificate(folder / "tls/cert.pem", folder / "tls/key.pem")
    said = [complaint(files, WALL_S + days * DAY_S) for days in (0, 11, -2)]
    assert said[0] is None
    assert "expired on" in str(said[1])
    assert "is valid from" in str(said[2])
