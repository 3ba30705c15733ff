"""The small parts of the doors: the recovery file, systemd, addresses on posters, keys of a day, refusals."""

import errno
import ipaddress
import os
import socket

import pytest

from hardware.addresses import own_addresses
from node.desk import DailyKey
from node.home import Home, HomeError
from node.notify import notify
from node.places import card_link, page_address, public_host
from node.recovery import recover
from node.refusals import sentence
from node.serving import listen
from node.settings import Web
from sync.actions import Refusal, Refused


class Cards:
    def __init__(self) -> None:
        self.made: list[str] = []
        self.revoked: list[int] = []

    def make(self) -> tuple[int, str]:
        self.made.append(f"MC-{len(self.made)}")
        return len(self.made), self.made[-1]


@pytest.fixture
def cards():
    return Cards()


def test_an_empty_recovery_file_is_answered_once(tmp_path, cards):
    paper = tmp_path / "recover.txt"
    recover(paper, cards.make, cards.revoked.append)
    assert cards.made == []
    paper.write_text("please\n" * 200)
    recover(paper, cards.make, cards.revoked.append)
    written = paper.read_text()
    assert "code: MC-0" in written
    assert "please" not in written
    recover(paper, cards.make, cards.revoked.append)
    assert cards.made == ["MC-0"]
    paper.write_text("")
    recover(paper, cards.make, cards.revoked.append)
    assert "code: MC-1" in paper.read_text()


def test_a_card_that_cannot_be_written_is_ended(tmp_path, cards, monkeypatch, caplog):
    paper = tmp_path / "recover.txt"
    paper.touch()

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    recover(paper, cards.make, cards.revoked.append)
    assert cards.revoked == [1]
    assert "No space left" in caplog.text
    assert "MC-0" not in caplog.text


def test_a_recovery_file_that_is_a_folder_makes_no_card(tmp_path, cards, caplog):
    recover(tmp_path, cards.make, cards.revoked.append)
    assert cards.made == []
    assert "no card was made" in caplog.text


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told(tmp_path, abstract):
    address = f"@miccheck-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(address.replace("@", "\0") if abstract else address)
        assert notify("READY=1", {"NOTIFY_SOCKET": address})
        assert supervisor.recv(100) == b"READY=1"
    assert not notify("READY=1", {"NOTIFY_SOCKET": str(tmp_path / "gone")})
    assert not notify("READY=1", {})


def test_every_refusal_has_a_sentence():
    sentences = {sentence(Refused(refusal)) for refusal in Refusal}
    assert len(sentences) == len(Refusal)
    assert all(said and "\n" not in said for said in sentences)


def test_addresses_are_those_of_this_machine():
    found = own_addresses()
    assert ipaddress.ip_address("127.0.0.1") in found
    assert found == tuple(
        sorted(found, key=lambda address: (address.is_loopback, address.version, int(address)))
    )


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.168.4.1", "http://192.168.4.1:8080"),
        ("fd00::1", "http://[fd00::1]:8080"),
        ("x.local", "http://x.local:8080"),
    ],
)
def test_a_page_address_is_what_a_phone_can_open(host, address):
    assert page_address(Web(host=host), 8080) == address


def test_all_addresses_become_one_that_others_can_reach(monkeypatch):
    addresses = [ipaddress.ip_address(each) for each in ("8.8.8.8", "192.168.4.1", "127.0.0.1")]
    monkeypatch.setattr("node.places.own_addresses", lambda: tuple(addresses))
    assert public_host(Web()) == "192.168.4.1"
    assert card_link(Web(), 8443, "MC-A") == "https://192.168.4.1:8443/card/MC-A"
    monkeypatch.setattr("node.places.own_addresses", lambda: (addresses[2],))
    assert public_host(Web()) == "localhost"


def test_the_key_of_a_day_survives_a_restart_and_not_the_day(tmp_path):
    home = Home(tmp_path)
    home.secrets.mkdir()
    today, tomorrow = 20_000 * 86_400.0, 20_001 * 86_400.0
    first = DailyKey(home)
    key = first.key(today)
    assert first.key(today + 86_399) == key
    assert DailyKey(home).key(today + 100) == key
    assert first.key(tomorrow) != key
    assert key.hex() not in home.device_key.read_text()
    home.device_key.write_text("20001 00ff")
    assert len(DailyKey(home).key(tomorrow)) == 32


def test_a_port_is_bound_or_named():
    listener = listen("127.0.0.1", 0, "port")
    assert listener.port > 0
    with pytest.raises(
        HomeError, match=rf"port {listener.port} \(\[web\] tls_port\): Address already in use"
    ):
        listen("127.0.0.1", listener.port, "tls_port")
    listener.socket.close()
    with pytest.raises(HomeError, match=r"cannot listen on 203\.0\.113\.7 port 1"):
        listen("203.0.113.7", 1, "port")
