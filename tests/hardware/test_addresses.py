"""Which addresses neighbours on a LAN may use, from what the kernel says of interfaces and routes."""

import ipaddress

import pytest

from hardware import addresses

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t0002A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
wlan0\t0004A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0
"""
ROUTES_6 = (
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00"
    " fe800000000000000000000000000001 00000400 00000001 00000000 00000003 usb0\n"
    "fe800000000000000000000000000000 40 00000000000000000000000000000000 00"
    " 00000000000000000000000000000000 00000100 00000001 00000000 00000001 wlan0\n"
)
FOUND = {
    "lo": "127.0.0.1",
    "eth0": "192.168.2.7",
    "wlan0": "192.168.4.1",
    "eth1": "169.254.9.9",
    "usb0": "192.168.42.129",
    "ppp0": "93.184.216.34",
}


@pytest.fixture
def box(tmp_path, monkeypatch):
    (tmp_path / "route").write_text(ROUTES)
    (tmp_path / "ipv6_route").write_text(ROUTES_6)
    monkeypatch.setattr(addresses, "_ROUTE", tmp_path / "route")
    monkeypatch.setattr(addresses, "_ROUTE_6", tmp_path / "ipv6_route")
    found = {name: ipaddress.IPv4Address(address) for name, address in FOUND.items()}
    monkeypatch.setattr(addresses, "_ipv4_by_interface", lambda: found)
    return tmp_path


def test_private_addresses_that_lead_nowhere_else(box):
    """Not the router's cable, not the phone that tethers by IPv6 only, not a public address."""
    assert addresses.lan_addresses() == ("169.254.9.9", "192.168.4.1")


def test_without_a_router_the_cable_counts(box):
    (box / "route").write_text(ROUTES.splitlines()[0])
    assert addresses.lan_addresses() == ("192.168.2.7", "169.254.9.9", "192.168.4.1")


def test_named_interfaces_count_whatever_they_carry(box):
    assert addresses.lan_addresses(("eth0", "lo", "eth7")) == ("192.168.2.7", "127.0.0.1")


def test_where_the_kernel_says_nothing_there_is_no_uplink(box):
    (box / "route").unlink()
    (box / "ipv6_route").unlink()
    assert "192.168.2.7" in addresses.lan_addresses()


def test_this_machine_has_a_loopback():
    assert addresses.lan_addresses(("lo",)) == ("127.0.0.1",)
