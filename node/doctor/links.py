"""The links: whether there is somebody, or something, at the other end of each."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from node.doctor.finding import Finding, Patient, bad, ok, skip, warn
from node.doctor.reach import modem_opens, neighbour_answers, port_answers
from radio.board_search import NO_SERIAL_LINE, NOT_THERE
from radio.road_words import RoadSettings, split_host
from radio.roads import Air, Ip, Modem, Udp

# <linux/if.h>
_IFF_UP, _IFF_MULTICAST = 0x1, 0x1000
_SIOCGIFFLAGS = 0x8913
# How the running node calls the state of a link that needs nobody.
_WELL = ("talking", "searching")

Probe = Callable[[str, RoadSettings, Patient], Iterator[Finding]]


def links(patient: Patient) -> Iterator[Finding]:
    """Each [[link]] but boards, which have a check of their own."""
    for name, link in patient.named_links():
        check = f"link {name}"
        if link.stopped:
            yield skip(check, "stopped by a coordinator")
        elif patient.runs:
            yield said_by_node(patient, name, link.kind)
        elif link.kind in _PROBES:
            yield from _PROBES[link.kind](check, link.settings, patient)
        elif link.kind != "meshtastic":
            yield skip(check, f"there is no check for a link of kind {link.kind}")


def said_by_node(patient: Patient, name: str, kind: str) -> Finding:
    """What the running node says of a link: it holds the device, and knows best."""
    check = f"link {name}"
    found = [link for link in patient.links or () if link["name"] == name]
    if not found:
        return warn(check, "the running node does not have it", "start the node again")
    state, why = found[0]["state"], found[0]["why"] or ""
    says = f"the running node says: {state}{', ' + why if why else ''}"
    if state == "talking":
        return warn(check, says, "see to it when you can") if why else ok(check, says)
    if state == "searching" and kind in ("ip", "air") and not why:
        return warn(check, says, "nothing is lost: it goes on searching; look whether the other end is on")
    return bad(check, says, "do what it says; stop the node to have the doctor look for itself")


def _ip(check: str, settings: RoadSettings, patient: Patient) -> Iterator[Finding]:
    assert isinstance(settings, Ip)
    certificate = patient.home.folder / settings.certificate if settings.certificate else None
    trouble = neighbour_answers(settings.url, certificate)
    if trouble:
        yield warn(
            check, f"the neighbour does not answer: {trouble}", "look whether its box is on, and its url"
        )
    else:
        yield ok(check, "the neighbour answers")


def _air(check: str, settings: RoadSettings, _: Patient) -> Iterator[Finding]:
    assert isinstance(settings, Air)
    trouble = port_answers(*split_host(settings.address))
    if trouble:
        yield bad(check, f"the simulated air is not there: {trouble}", "start it: miccheck air --listen …")
    else:
        yield ok(check, "the simulated air answers")


def _modem(check: str, settings: RoadSettings, _: Patient) -> Iterator[Finding]:
    assert isinstance(settings, Modem)
    device = Path(settings.device)
    trouble = modem_opens(device, settings.baud)
    if trouble == NOT_THERE:
        yield bad(check, f"{device} is not there", "plug the modem in, or set `device`: ls /dev/serial/by-id")
    elif trouble == NO_SERIAL_LINE:
        yield bad(check, f"{device} is no serial line", "set `device`: ls /dev/serial/by-id")
    elif not os.access(device, os.R_OK | os.W_OK):
        yield bad(check, f"this user may not open {device}", "put the user into the group dialout")
    elif trouble:
        yield bad(check, f"{device} cannot be opened", "end other programs that use it, or plug it in again")
    else:
        yield ok(check, f"{device.name} can be opened; what it is set to, it does not tell")


def _udp(check: str, settings: RoadSettings, _: Patient) -> Iterator[Finding]:
    assert isinstance(settings, Udp)
    flags = _interface_flags(settings.interface)
    if flags is None:
        names = ", ".join(sorted(name for _, name in socket.if_nameindex()))
        yield bad(check, f"there is no interface {settings.interface}", f"set `interface` to one of {names}")
        return
    if not flags & _IFF_UP:
        yield bad(check, f"{settings.interface} is down", f"ip link set {settings.interface} up")
    elif not flags & _IFF_MULTICAST:
        yield bad(check, f"{settings.interface} carries no multicast", "set another `interface`")
    else:
        yield ok(check, f"{settings.interface} is up")


def _interface_flags(name: str) -> int | None:
    """What the kernel says of an interface (netdevice(7)); None when there is none of this name."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        try:
            answer = fcntl.ioctl(asker, _SIOCGIFFLAGS, struct.pack("16s24x", name.encode()))
        except OSError:
            return None
    return int(struct.unpack_from("H", answer, 16)[0])


_PROBES: dict[str, Probe] = {"ip": _ip, "air": _air, "modem": _modem, "udp": _udp}
