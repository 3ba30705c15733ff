"""TLS on the IP link: without a file any certificate, with one only what it says, and why else, in words."""

import asyncio
import datetime
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import serve

from node.certificates import make_authority, renew_server
from node.clock import Clock
from node.files import CertificateFiles
from radio import ip_dialling
from radio.ip_link import IpLinks
from radio.link_sight import LinkState
from tests.radio.test_ip_link import NORTH, SOUTH, Answering, Hub

WALL_S = Clock().wall_s()


def links(identity, hub):
    nonces = iter(range(1, 1_000_000))
    return IpLinks(identity, hub, lambda: next(nonces).to_bytes(16, "big"), lambda: 0.01)


def camp_certificate(folder, wall_s=WALL_S):
    """A camp's own authority and its server's certificate, as `miccheck init` makes them."""
    files = CertificateFiles(folder)
    make_authority(files, "0123456789abcdef", wall_s)
    renew_server(files, (), wall_s)
    return files.server, files.server_key


def self_signed(folder, name="gate.example", from_days=-1, to_days=10):
    """A certificate that nobody else signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.fromtimestamp(WALL_S, datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now + datetime.timedelta(days=from_days))
        .not_valid_after(now + datetime.timedelta(days=to_days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(exist_ok=True)
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "cert.pem", folder / "key.pem"


def dialled(server, trusted, host="127.0.0.1"):
    """How it goes with a neighbour who shows `server` when the settings name `trusted`: state and why."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*server)

    async def story():
        north, south = Hub(), Hub()
        answering = links(SOUTH, south)
        async with serve(
            lambda each: answering.answer(Answering(each)), "127.0.0.1", 0, ssl=context, compression=None
        ) as listening:
            port = listening.sockets[0].getsockname()[1]
            dialling = links(NORTH, north)
            road = dialling.dial("ip-1", f"https://{host}:{port}", trusted)
            road.start()
            async with asyncio.timeout(20):
                while road.sights()[0].state not in (LinkState.TALKING, LinkState.REFUSED):
                    await asyncio.sleep(0.01)
            sight = road.sights()[0]
            await dialling.stop()
            await answering.stop()
            return sight.state, sight.why

    return asyncio.run(story())


def test_without_a_file_any_certificate_will_do(tmp_path):
    expired = self_signed(tmp_path / "x", from_days=-20, to_days=-10)
    assert dialled(expired, None) == (LinkState.TALKING, "")


def test_a_camps_authority_vouches_for_its_server(tmp_path):
    server = camp_certificate(tmp_path)
    assert dialled(server, CertificateFiles(tmp_path).authority) == (LinkState.TALKING, "")
    assert dialled(server, server[0]) == (LinkState.TALKING, "")


def test_a_pinned_certificate_is_good_under_any_address(tmp_path):
    server = self_signed(tmp_path / "x")
    assert dialled(server, server[0]) == (LinkState.TALKING, "")


def test_another_certificate_is_refused(tmp_path):
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
    server = camp_certificate(tmp_path / "one")
    camp_certificate(tmp_path / "other")
    other = CertificateFiles(tmp_path / "other").authority
    assert dialled(server, other) == (LinkState.REFUSED, ip_dialling.NOT_THAT_ONE)
    assert dialled(self_signed(tmp_path / "x"), self_signed(tmp_path / "y")[0]) == (
        LinkState.REFUSED,
        ip_dialling.NOT_THAT_ONE,
    )


@pytest.mark.parametrize(("days", "word"), [((-20, -10), "has expired"), ((10, 20), "not valid yet")])
def test_a_certificate_of_another_day_is_refused(tmp_path, days, word):
    server = self_signed(tmp_path / "x", from_days=days[0], to_days=days[1])
    state, why = dialled(server, server[0])
    assert state == LinkState.REFUSED
    assert word in why


def test_an_authority_vouches_for_the_address_that_was_dialled(tmp_path):
    files = CertificateFiles(tmp_path)
    make_authority(files, "0123456789abcdef", WALL_S)
    renew_server(files, (), WALL_S)
    key = serialization.load_pem_private_key(files.authority_key.read_bytes(), password=None)
    authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
    elsewhere = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("192.168.4.9"))])
    own = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.fromtimestamp(WALL_S, datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(authority.subject)
        .public_key(own.public_key())
        .serial_number(8)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=9))
        .add_extension(elsewhere, critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, private = tmp_path / "cert.pem", tmp_path / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        own.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    state, why = dialled((chain, private), files.authority)
    assert (state, why) == (LinkState.REFUSED, "Its certificate is for another address.")


@pytest.mark.parametrize("content", [None, b"", b"no certificate\n"])
def test_a_file_that_is_no_certificate_is_said(tmp_path, content):
    file = tmp_path / "wanted.pem"
    if content is not None:
        file.write_bytes(content)
    assert dialled(self_signed(tmp_path / "x"), file) == (LinkState.REFUSED, ip_dialling.UNREADABLE)
