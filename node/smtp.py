"""One conversation with a mail server (RFC 5321): letters go in, and for each comes out what became of it.

What matters afterwards is kept apart: the server has it; it wants to be asked again (4xx); it will never
take it (5xx); it never saw it; or nobody knows, because the line broke while it could have said yes. Only
the last can make a second letter.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum

from aiosmtplib import SMTP
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPConnectResponseError,
    SMTPDataError,
    SMTPException,
    SMTPHeloError,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from node.mail_server import MailServer
from node.walker import Trouble
from sync.letters.privacy import without_contacts
from sync.text import tidy_name

# RFC 5321 §4.5.3.2 would wait five minutes for each answer. A phone's tether that answers nothing for one
# is gone, and the page shall say so. The last answer is waited for longer: asking again may double a letter.
ANSWER_S = 60.0
LAST_ANSWER_S = 180.0
# One line of a phone. What servers say is for the log of an admin; its code and first words are enough.
SAID_CHARACTERS = 160
# RFC 5321 §3.8: the server closes the channel; what it was asked is neither refused nor put off.
CLOSING = 421


class Fate(Enum):
    """What became of a letter."""

    ACCEPTED = 1
    NOT_NOW = 2  # 4xx
    REFUSED = 3  # 5xx
    NOT_SENT = 4  # the connection ended before the server could take it
    UNSURE = 5  # it ended when the server may have taken it


@dataclass(frozen=True, slots=True)
class Answer:
    """The fate of a letter, and what the server or the line said: one sentence without addresses."""

    fate: Fate
    why: str = ""

    @property
    def is_end(self) -> bool:
        """Whether the conversation is over."""
        return self.fate in (Fate.NOT_SENT, Fate.UNSURE)


class Conversation:
    """An open connection that takes letters, one after the other."""

    def __init__(self, smtp: SMTP, server: MailServer) -> None:
        self._smtp = smtp
        self._server = server

    async def send(self, letter: bytes, sender: str, recipient: str) -> Answer:
        """Hand over one letter with CRLF line ends."""
        try:
            await self._smtp.mail(sender, options=[f"size={len(letter)}"] if self._knows_size() else [])
            await self._smtp.rcpt(recipient)
        except (SMTPSenderRefused, SMTPRecipientRefused) as reply:
            return await self._refusal(reply)
        except (SMTPException, OSError) as fault:
            return Answer(Fate.NOT_SENT, sentence_of(fault, self._server))
        try:
            await self._smtp.data(letter, timeout=LAST_ANSWER_S)
        except SMTPDataError as reply:
            return await self._refusal(reply)
        except (SMTPException, OSError) as fault:
            return Answer(Fate.UNSURE, sentence_of(fault, self._server))
        return Answer(Fate.ACCEPTED)

    def _knows_size(self) -> bool:
        return self._smtp.supports_extension("size")

    async def _refusal(self, reply: SMTPResponseException) -> Answer:
        why = said(reply.code, reply.message)
        if reply.code == CLOSING:
            return Answer(Fate.NOT_SENT, f"{self._server.name} says {why}")
        with suppress(SMTPException, OSError):  # a line that broke meanwhile is told of by the next letter
            await self._smtp.rset()
        return Answer(Fate.REFUSED if reply.code >= 500 else Fate.NOT_NOW, why)


@asynccontextmanager
async def conversation(server: MailServer, helo: str, password: str | None) -> AsyncIterator[Conversation]:
    """Connect, greet as `helo`, log in where there is a password. Raises Trouble."""
    smtp = SMTP(
        hostname=server.host,
        port=server.port,
        local_hostname=helo,
        timeout=ANSWER_S,
        start_tls=False,
    )
    try:
        try:
            await smtp.connect()
            await _greet(smtp)
            if password is not None:
                await _log_in(smtp, server, password)
        except (SMTPException, OSError) as fault:
            raise Trouble(sentence_of(fault, server)) from fault
        yield Conversation(smtp, server)
        with suppress(SMTPException, OSError):  # it has our letters; how it says goodbye is its business
            await smtp.quit()
    finally:
        smtp.close()


async def _greet(smtp: SMTP) -> None:
    try:
        await smtp.ehlo()
    except SMTPHeloError:
        await smtp.helo()  # RFC 5321 §3.2: a server of before 1995


async def _log_in(smtp: SMTP, server: MailServer, password: str) -> None:
    """A password crosses no network in the clear. Without AUTH there is nobody to log in to."""
    if smtp.supports_extension("starttls"):
        await smtp.starttls()
        await _greet(smtp)
    if not smtp.supports_extension("auth"):
        return
    if smtp.get_transport_info("sslcontext") is None and not _is_here(smtp):
        raise Trouble(
            f"{server.name} offers no encryption (STARTTLS): the password is not sent, letters wait"
        )
    await smtp.login(server.user, password)


def _is_here(smtp: SMTP) -> bool:
    """Whether the other end is on this machine."""
    host = smtp.get_transport_info("peername")[0]
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback


def said(code: int, message: str) -> str:
    """What a server answered, fit for the page: `550 no such list`."""
    words = tidy_name(without_contacts(message))
    if len(words) > SAID_CHARACTERS:
        words = words[: SAID_CHARACTERS - 1] + "…"
    return f"{code} {words}".strip()


def sentence_of(fault: SMTPException | OSError, server: MailServer) -> str:
    """What a person can do something about."""
    match fault:
        case SMTPConnectResponseError() | SMTPHeloError():
            return f"{server.name} says {said(fault.code, fault.message)}"
        case SMTPAuthenticationError():
            return f"{server.name} does not take the user and the password: {said(fault.code, fault.message)}"
        case ssl.SSLError():
            why = getattr(fault, "verify_message", "") or "encryption failed"
            return f"{server.name} cannot show that it is itself ({why}): nothing is sent"
        case SMTPTimeoutError() | TimeoutError():
            return f"{server.name} does not answer"
        case SMTPConnectError():
            return _no_connection(fault.__cause__, server)
        case SMTPServerDisconnected() | ConnectionError():
            return f"{server.name} broke the connection off"
        case SMTPResponseException():
            return f"{server.name} says {said(fault.code, fault.message)}"
        case _:
            return f"{server.name} does not speak SMTP as it should"


def _no_connection(cause: BaseException | None, server: MailServer) -> str:
    match cause:
        case socket.gaierror():
            return f"no internet, or there is no {server.host}"
        case ConnectionRefusedError():
            return f"nobody takes mail at {server.name}"
        case ConnectionError() | asyncio.IncompleteReadError():
            return f"{server.name} broke the connection off"
        case _:
            return f"no way to {server.name}"
