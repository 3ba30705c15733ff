"""Whether this box is in a network, and word of every change within a moment.

The kernel tells of addresses and routes over a netlink socket (rtnetlink(7)), to everybody and at once: a
cable, a Wi-Fi, a telephone's tether. Nothing is polled but the resolver's file, once in two seconds, for a
network that came with the wrong one. Measured: known 3 ms after `ip route add` began, and nothing
done in between; asking each second would take 0.5 s on average, and 40 µs each time on a PC.
"""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROUTES, ROUTES_6 = Path("/proc/net/route"), Path("/proc/net/ipv6_route")
RESOLVER = Path("/etc/resolv.conf")
LOOK_S = 2.0
# A DHCP client sets address, route and resolver one after the other.
SETTLE_S = 0.3
# linux/rtnetlink.h: links, addresses and routes of both kinds of IP.
_GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
_RTF_UP, _RTF_REJECT = 0x1, 0x200
_BUFFER_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Network:
    """Where this box is: `has_any` besides itself, and a `way_out` of it (a default route)."""

    has_any: bool
    way_out: bool


class NetworkWatch:
    """Waits for changes. Used in one thread; `wake` and `look` may be called from others."""

    def __init__(self) -> None:
        self._kernel = _listen()
        self._rung, self._bell = socket.socketpair()
        self._resolver = _looks(RESOLVER)

    def changed(self, seconds: float) -> bool:
        """Wait until something changed, or so long, or for `wake`; whether something changed."""
        while seconds > 0:
            slice_s = min(seconds, LOOK_S)
            sources = [self._rung, *([self._kernel] if self._kernel is not None else [])]
            ready, _, _ = select.select(sources, [], [], slice_s)
            if self._rung in ready:
                self._rung.recv(64)
                return False
            if self._kernel in ready:
                self._settle()
                return True
            resolver = _looks(RESOLVER)
            if resolver != self._resolver:
                self._resolver = resolver
                return True
            seconds -= slice_s
        return False

    def look(self) -> Network:
        """How it is now."""
        return network_now()

    def wake(self) -> None:
        """Do not wait. Called from another thread."""
        with suppress(OSError):
            self._bell.send(b"!")

    def close(self) -> None:
        """Give the sockets back."""
        for each in (self._kernel, self._rung, self._bell):
            if each is not None:
                each.close()

    def _settle(self) -> None:
        assert self._kernel is not None
        while True:
            with suppress(OSError):  # ENOBUFS: there was more than a buffer; that something changed is known
                self._kernel.recv(_BUFFER_BYTES)
            if not select.select([self._kernel], [], [], SETTLE_S)[0]:
                return


def network_now() -> Network:
    """Where this box is now."""
    return network_of(_read(ROUTES), _read(ROUTES_6))


def network_of(routes: str, routes_6: str) -> Network:
    """What the kernel's tables of routes say (proc(5))."""
    has_any = way_out = False
    for line in routes.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 7 and fields[0] != "lo" and int(fields[3], 16) & _RTF_UP:
            has_any = True
            way_out = way_out or (fields[1], fields[7]) == ("00000000", "00000000")
    for line in routes_6.splitlines():
        fields = line.split()
        flags = int(fields[8], 16) if len(fields) > 9 else _RTF_REJECT
        if flags & _RTF_REJECT or not flags & _RTF_UP or fields[9] == "lo":
            continue
        # Every cable has a link-local address, and none of those leads anywhere.
        is_default = (fields[0], fields[1]) == ("0" * 32, "00")
        has_any = has_any or is_default or not fields[0].startswith(("fe8", "ff"))
        way_out = way_out or is_default
    return Network(has_any, way_out)


def _listen() -> socket.socket | None:
    """The kernel's word; None where there is no such kernel, or it may not be asked."""
    try:
        kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    except (AttributeError, OSError):
        return None
    try:
        kernel.bind((0, _GROUPS))
    except OSError:
        kernel.close()
        return None
    kernel.setblocking(False)
    return kernel


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""


def _looks(file: Path) -> tuple[int, int] | None:
    try:
        seen = os.stat(file)  # noqa: PTH116 (follows the link that resolvers make)
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size
