"""Connections whose network has gone: they are broken off instead of waited for.

TCP waits for a network to come back, a minute here, longer by itself. A line from an address that this box
no longer has will never be answered; whoever reads from it shall know at once and try again.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class OpenLines:
    """May be used from any thread."""

    def __init__(self, reached: Callable[[], None] = lambda: None) -> None:
        """`reached` is called whenever a line out of this box is open."""
        self._reached = reached
        self._lock = threading.Lock()
        self._lines: dict[int, tuple[str, Callable[[], None]]] = {}
        self._next = 0

    @contextmanager
    def opened(self, address: str, break_off: Callable[[], None]) -> Iterator[None]:
        """A line from our `address` is open while this lasts."""
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._lines[number] = (address, break_off)
        if not _is_loopback(address):
            self._reached()
        try:
            yield
        finally:
            with self._lock:
                del self._lines[number]

    def drop_gone(self) -> int:
        """Break off the lines from addresses that are not ours any more; how many."""
        with self._lock:
            gone = [break_off for address, break_off in self._lines.values() if not _is_ours(address)]
            for break_off in gone:
                break_off()
        return len(gone)


def _is_ours(address: str) -> bool:
    """Whether this box has the address: only then can it be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address.partition("%")[0], 0))
        except OSError as error:
            # Of a link-local address the interface is not known here; it goes with its cable.
            return error.errno != errno.EADDRNOTAVAIL
    return True


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return True


def address_of(sock: socket.socket) -> str:
    """Our end of a connection; the loopback, which stays, where it is none."""
    with suppress(OSError, IndexError):
        return str(sock.getsockname()[0])
    return "127.0.0.1"
