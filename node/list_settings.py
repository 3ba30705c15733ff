"""The words of a [[list]]: a mailing list, how letters get there and back, and who agreed to it.

What the words mean is in OPERATING.md, "Mailing lists".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from node.mail_server import parse_imap, parse_smtp
from node.word_checks import a_name, key, line_of_text
from radio.road_words import between, one_of
from sync.message import HERE, LETTERS
from sync.text import is_channel_name

DIRECTIONS = ("both", "out", "in")
JOININGS = ("letter", "request")
# In `channels` of a list: all that leave the camp. A star can be no channel's name.
EVERY_CHANNEL = "*"
# Who agreed, as it is shown to the coordinators: a name, perhaps with an office.
AGREED_BY_BYTES_MAX = 80
# A new list is watched by a moderator for a day. Longer than a month nobody holds a list of 2011 back.
HOLD_HOURS, HOLD_HOURS_MAX = 24.0, 720.0
# `hold_hours` was not said: as the outbox wants it.
AS_THE_OUTBOX = -1.0
# Mailman holds, and people unsubscribe, long before a letter a minute around the clock.
PER_HOUR, PER_HOUR_MAX = 60, 3_600
DIGEST_ABOVE, DIGEST_ABOVE_MAX = 20, 1_000


def _way_out(value: str) -> str | None:
    if value == "" or (value.startswith("maildir:") and value != "maildir:"):
        return None
    return _wrong_server(parse_smtp, value, 'or "maildir:PATH"')


def _way_in(value: str) -> str | None:
    kind, _, path = value.partition(":")
    if value == "" or (kind in ("maildir", "mbox") and path):
        return None
    return _wrong_server(parse_imap, value, '"maildir:PATH" or "mbox:PATH"')


def _wrong_server(parse: Callable[[str], object], value: str, others: str) -> str | None:
    try:
        parse(value)
    except ValueError as error:
        return f"{error}, {others}"
    return None


def _address(value: str) -> str | None:
    from sync.letters.outward import is_address  # most commands need no mail

    return None if not value or is_address(value) else "valid is an address like camps@lists.example.org"


def _channels(value: tuple[str, ...]) -> str | None:
    for name in value:
        if name == HERE:
            return f'"{HERE}" never leaves the camp'
        if name == LETTERS:
            return f'"{LETTERS}" is what came from a list, and goes to none'
        if name != EVERY_CHANNEL and not is_channel_name(name):
            return f'"{name}" cannot be the name of a channel'
    return None


def _owner_key(value: str) -> str | None:
    from sync.letters.joining import read_owner_key  # most commands seal nothing

    try:
        if value:
            read_owner_key(value)
    except ValueError:
        return 'valid is the line that "miccheck owner-key make FILE" prints: 44 characters'
    return None


@dataclass(frozen=True, slots=True)
class MailingList:
    """[[list]]: a mailing list and how letters get there and back. Paths are relative to HOME.

    `sender` is the camp's own address on the list; unless given, the user of the outbox.
    """

    name: str = key(check=a_name)
    address: str = key("", _address)
    outbox: str = key("", _way_out)
    inbox: str = key("", _way_in)
    channels: tuple[str, ...] = key((), _channels)  # none: those marked "to the list"; "*": all
    direction: str = key("both", one_of(*DIRECTIONS))
    sender: str = key("", _address)
    password_file: str = key("")
    inbox_password_file: str = key("")  # unless given, `password_file`
    ca_file: str = key("")  # PEM: the authority of a server that has one of its own
    agreed_by: str = key("", line_of_text(AGREED_BY_BYTES_MAX))
    agreed_on: date | None = field(default=None, metadata={"check": None})
    hold_hours: float = key(AS_THE_OUTBOX, between(0, HOLD_HOURS_MAX))
    per_hour: int = key(PER_HOUR, between(1, PER_HOUR_MAX))
    digest_above: int = key(DIGEST_ABOVE, between(0, DIGEST_ABOVE_MAX))  # 0: never
    owner_key: str = key("", _owner_key)
    owner_address: str = key("", _address)
    owner_secret_file: str = key("")
    joining: str = key("letter", one_of(*JOININGS))
    stopped: bool = key(False)  # it stays in the settings and is not served

    @property
    def is_agreed(self) -> bool:
        """Whether the list's owner agreed to its letters being passed on by radio."""
        return bool(self.agreed_by and self.agreed_on)

    @property
    def hold_s(self) -> float:
        """For how long after the list was first seen everything is held for a moderator."""
        if self.hold_hours >= 0:
            return self.hold_hours * 3_600.0
        # A maildir is a folder of this box: whoever fetches from it decides.
        return HOLD_HOURS * 3_600.0 if self.by_smtp else 0.0

    @property
    def by_smtp(self) -> bool:
        """Whether letters go to a mail server."""
        return self.outbox.startswith(("smtp:", "smtps:"))

    @property
    def by_imap(self) -> bool:
        """Whether letters come from a mail server."""
        return self.inbox.startswith(("imap:", "imaps:"))

    @property
    def inbox_password(self) -> str:
        """The password file of the inbox."""
        return self.inbox_password_file or self.password_file

    @property
    def owner(self) -> str:
        """Where the list's owner is written to; empty where there is no list to ask."""
        if self.owner_address or not self.address:
            return self.owner_address
        local, _, host = self.address.rpartition("@")
        return f"{local}-owner@{host}"


def clash(values: dict[str, Any]) -> tuple[str, str] | None:
    """What is right by itself, and not with the other words: the word to look at, and what is wrong.

    An empty word means the table.
    """
    each = MailingList(**values)
    if each.by_smtp and not each.address:
        return "", 'a [[list]] with an SMTP outbox needs "address"'
    if not each.address and (each.by_imap or each.inbox.startswith("maildir:")):
        # Without it all mail there would be the list's, what people write to the camp in private too.
        return "", 'a [[list]] with an inbox by IMAP or maildir needs "address", to know the list\'s letters'
    if each.by_imap and not each.inbox_password:
        return "inbox", 'an inbox by IMAP needs "inbox_password_file" (or "password_file")'
    if bool(each.agreed_by) != bool(each.agreed_on):
        lacks, has = ("agreed_on", "agreed_by") if each.agreed_by else ("agreed_by", "agreed_on")
        return has, f'"{has}" needs "{lacks}": who agreed, and on which day'
    if each.joining == "request" and not each.owner_secret_file:
        return (
            "joining",
            'joining = "request" needs "owner_secret_file": only the list\'s owner can open them',
        )
    return None
