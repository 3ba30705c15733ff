"""The stage of the demo: where things lie, and how each of the three camps is set up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from node.demo_camp import DemoCamp, free_ports
from node.demo_list import CAMPS

LETTERS = "ABC"
# The engine's minute, for which a post may wait for company in its bundle, takes two seconds.
SPEED = 30.0
# What a bad afternoon with wet trees costs.
LOSS = 0.2

_SETTINGS = """
[web]
host = "127.0.0.1"
port = {http}
tls_port = {tls}

[clock]
speed = {speed}

[quota]
device_per_minute = 0
"""
_IP = """
[[link]]
kind = "ip"
url = "http://127.0.0.1:{port}"
"""
_AIR = """
[[link]]
kind = "air"
address = "{address}"
"""
_LISTS = """
[[list]]
name = "{facts.name}"
address = "{facts.address}"
outbox = "smtp://127.0.0.1:{port}"
sender = "camp-c@example.org"
inbox = "maildir:{inbox}"
channels = ["*"]
hold_hours = 0
agreed_by = "the owner of the demo's list"
agreed_on = 2026-11-23

[[list]]
name = "old mail"
address = "{facts.address}"
inbox = "mbox:{old_mail}"
direction = "in"
agreed_by = "the owner of the demo's list"
agreed_on = 2026-11-23
"""


@dataclass(frozen=True, slots=True)
class Weather:
    """What the demo's air is like: the share of frames lost by chance, and how much faster its time runs."""

    loss: float
    speed: float


@dataclass(frozen=True, slots=True)
class Stage:
    """Where things lie in the temporary folder."""

    folder: Path

    @property
    def archive(self) -> Path:
        """A maildir of what the list distributed."""
        return self.folder / "list-archive"

    @property
    def old_mail(self) -> Path:
        """An mbox that a person may fill; C reads it."""
        return self.folder / "old-mail.mbox"

    @property
    def air_log(self) -> Path:
        """What is on the air."""
        return self.folder / "air.log"

    def mail_of(self, subscriber: str) -> Path:
        """The maildir of a subscriber."""
        return self.folder / f"mail-of-{subscriber}"


def links_of(at: int, http_ports: Sequence[int], air: str | None) -> str:
    """The links of a camp in the row: the air that all share, or a cable to the next one."""
    if air is not None:
        return _AIR.format(address=air)
    return _IP.format(port=http_ports[at + 1]) if at + 1 < len(http_ports) else ""


def camps_of(stage: Stage, list_port: int, air: str | None, weather: Weather) -> list[DemoCamp]:
    """The camps, not made yet. `air`: the address of the air that all share, or None."""
    ports = free_ports(2 * len(LETTERS))
    http, tls = ports[: len(LETTERS)], ports[len(LETTERS) :]
    camps = []
    for at, letter in enumerate(LETTERS):
        settings = _SETTINGS.format(http=http[at], tls=tls[at], speed=weather.speed)
        settings += links_of(at, http, air)
        if at + 1 == len(LETTERS):
            inbox, old_mail = stage.mail_of(letter), stage.old_mail
            settings += _LISTS.format(facts=CAMPS, port=list_port, inbox=inbox, old_mail=old_mail)
        camps.append(DemoCamp(letter, name_of(letter), stage.folder / letter, http[at], settings))
    return camps


def name_of(letter: str) -> str:
    """What a camp is called on pages and on the air."""
    return f"Camp {letter}"
