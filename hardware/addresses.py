"""The addresses under which phones can reach this box: for the certificate, the poster and the log."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from pathlib import Path

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_SIOCGIFADDR = 0x8915  # netdevice(7): the first IPv4 address of an interface
_IFREQ_BYTES = 256
_INET6 = Path("/proc/net/if_inet6")


def own_addresses() -> tuple[Address, ...]:
    """This machine's addresses, IPv4 first, loopback last; empty where the system does not tell."""
    found: set[Address] = set(_ipv4()) | set(_ipv6())
    return tuple(sorted(found, key=lambda address: (address.is_loopback, address.version, int(address))))


def _ipv4() -> list[ipaddress.IPv4Address]:
    found: list[ipaddress.IPv4Address] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        for _, name in socket.if_nameindex():
            request = struct.pack(f"{_IFREQ_BYTES}s", name.encode())
            try:
                answer = fcntl.ioctl(asker, _SIOCGIFADDR, request)
            except OSError:
                continue  # an interface without IPv4
            found.append(ipaddress.IPv4Address(answer[20:24]))
    return found


def _ipv6() -> list[ipaddress.IPv6Address]:
    try:
        lines = _INET6.read_text().splitlines()
    except OSError:
        return []
    addresses = (ipaddress.IPv6Address(bytes.fromhex(line.split()[0])) for line in lines if line)
    # A link-local address needs the interface's name in the address bar, which no phone takes.
    return [address for address in addresses if not address.is_link_local]
