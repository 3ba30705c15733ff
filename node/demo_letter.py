"""What a mailing list makes of a letter, after the ways of GNU Mailman 3.

A list keeps Message-ID, Date and foreign headers. It writes its name before the subject and its address
after the text, and, where it guards against DMARC, itself into From: the author moves to Reply-To. Camps
have to read through all of that, so the demo's list does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.charset import QP, Charset
from email.header import Header
from email.message import Message as Mail
from email.utils import format_datetime, formataddr

from sync.letters.headers import decode_bytes, header, mailboxes
from sync.letters.mime import parse
from sync.letters.outward import is_address
from sync.text import tidy_name

UNDERSCORES = 47


@dataclass(frozen=True, slots=True)
class ListFacts:
    """A mailing list: `Camps`, `camps@lists.example.org`."""

    name: str
    address: str
    munges_from: bool

    @property
    def id(self) -> str:
        """As in List-Id (RFC 2919)."""
        return self.address.replace("@", ".")


def distributed(raw: bytes, facts: ListFacts, mail_from: str, now_s: float, token: str) -> bytes | None:
    """The letter as subscribers get it, with LF line ends; None when it cannot be read.

    `mail_from` is the envelope's sender, `now_s` Unix time, `token` makes the Message-ID of a letter
    that has none.
    """
    mail = parse(raw)
    if mail is None or not mail.keys():
        return None
    if not header(mail, "Message-ID"):
        _set(mail, "Message-ID", f"<{token}@{facts.id.partition('.')[2]}>")
    if not header(mail, "Date"):
        _set(mail, "Date", format_datetime(datetime.fromtimestamp(now_s, UTC)))
    _set(mail, "Subject", _subject(header(mail, "Subject"), facts.name))
    if facts.munges_from:
        _munge(mail, facts)
    for name, value in (
        ("List-Id", f"{facts.name} <{facts.id}>"),
        ("List-Post", f"<mailto:{facts.address}>"),
        ("Precedence", "list"),
        ("X-MailFrom", mail_from),
    ):
        _set(mail, name, value)
    _add_footer(mail, facts)
    return mail.as_bytes().replace(b"\r\n", b"\n")


def _subject(subject: str, list_name: str) -> str:
    prefix = f"[{list_name}]"
    return subject if prefix.lower() in subject.lower() else f"{prefix} {subject or '(no subject)'}"


def _munge(mail: Mail, facts: ListFacts) -> None:
    name, address = next(iter(mailboxes(mail, "From")), ("", ""))
    shown = tidy_name(name) or address.partition("@")[0] or "somebody"
    if is_address(address) and not header(mail, "Reply-To"):
        _set(mail, "Reply-To", formataddr((tidy_name(name), address)))
    _set(mail, "From", formataddr((f"{shown} via {facts.name}", facts.address)))


def _add_footer(mail: Mail, facts: ListFacts) -> None:
    """Below a plain text; letters of several parts stay as they are."""
    if mail.get_content_type() != "text/plain":
        return
    payload = mail.get_payload(decode=True)
    text = decode_bytes(payload if isinstance(payload, bytes) else b"", mail.get_content_charset())
    footer = f"{'_' * UNDERSCORES}\n{facts.name} mailing list -- {facts.address}\n"
    charset = Charset("utf-8")
    charset.body_encoding = QP  # people read the archive with a pager
    del mail["Content-Transfer-Encoding"]
    # Anew: of parameters that are damaged (RFC 2231) the library makes faults when it writes them back.
    _set(mail, "Content-Type", "text/plain")
    text = text.replace("\r\n", "\n").rstrip("\n")
    mail.set_payload(f"{text}\n{footer}", charset)


def _set(mail: Mail, name: str, value: str) -> None:
    del mail[name]
    mail[name] = value if value.isascii() else Header(value, "utf-8", header_name=name).encode()
