"""The addresses under which phones can reach this box: for the certificate, the poster and the log."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from collections.abc import Sequence
from pathlib import Path

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_SIOCGIFADDR = 0x8915  # netdevice(7): the first IPv4 address of an interface
_IFREQ_BYTES = 256
_INET6 = Path("/proc/net/if_inet6")
_ROUTE = Path("/proc/net/route")
_ROUTE_6 = Path("/proc/net/ipv6_route")


def own_addresses() -> tuple[Address, ...]:
    """This machine's addresses, IPv4 first, loopback last; empty where the system does not tell."""
    found: set[Address] = set(_ipv4()) | set(_ipv6())
    return tuple(sorted(found, key=lambda address: (address.is_loopback, address.version, int(address))))


def lan_addresses(named: Sequence[str] = ()) -> tuple[str, ...]:
    """IPv4 addresses under which neighbours on a hotspot or a cable reach this box.

    Those of the `named` interfaces; without names, every private address (RFC 1918, or link-local) of an
    interface that carries no default route. What carries one leads to the internet: a phone's tethering, a
    café's Wi-Fi, a router whose other users are strangers. A camp whose switch has such a router names the
    interface.
    """
    found = _ipv4_by_interface()
    if named:
        return tuple(str(found[name]) for name in named if name in found)
    uplinks = _default_routes()
    return tuple(
        str(address)
        for name, address in sorted(found.items())
        if name not in uplinks and address.is_private and not address.is_loopback
    )


def _default_routes() -> set[str]:
    """Interfaces on the way to everywhere (proc(5), /proc/net/route and ipv6_route)."""
    rows = [line.split() for line in _lines(_ROUTE)[1:]]
    uplinks = {row[0] for row in rows if len(row) > 7 and row[1] == row[7] == "00000000"}
    rows_6 = [line.split() for line in _lines(_ROUTE_6)]
    # Its last column is the interface; a default route that only refuses is on lo.
    return uplinks | {row[9] for row in rows_6 if len(row) > 9 and row[1] == "00" and set(row[0]) == {"0"}}


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:
        return []


def _ipv4() -> list[ipaddress.IPv4Address]:
    return list(_ipv4_by_interface().values())


def _ipv4_by_interface() -> dict[str, ipaddress.IPv4Address]:
    found: dict[str, ipaddress.IPv4Address] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        for _, name in socket.if_nameindex():
            request = struct.pack(f"{_IFREQ_BYTES}s", name.encode())
            try:
                answer = fcntl.ioctl(asker, _SIOCGIFADDR, request)
            except OSError:
                continue  # an interface without IPv4
            found[name] = ipaddress.IPv4Address(answer[20:24])
    return found


def _ipv6() -> list[ipaddress.IPv6Address]:
    addresses = (ipaddress.IPv6Address(bytes.fromhex(line.split()[0])) for line in _lines(_INET6) if line)
    # A link-local address needs the interface's name in the address bar, which no phone takes.
    return [address for address in addresses if not address.is_link_local]
