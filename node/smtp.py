"""One conversation with a mail server (RFC 5321): letters go in, and for each comes out what became of it.

What matters afterwards is kept apart: the server has it; it wants to be asked again (4xx); it will never
take it (5xx); it never saw it; or nobody knows, because the line broke while it could have said yes. Only
the last can make a second letter.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
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

from node import mail_faults, portal
from node.mail_faults import CLOSING, Stage, said
from node.mail_server import SUBMISSIONS_PORT, MailServer
from node.trust import Terms, Trust
from node.walker import Trouble
from web_ui import mail_words as words
from web_ui.mail_words import in_english

# The last answer is waited for longer than others: asking again may double a letter.
LAST_ANSWER_S = 180.0
# A handshake takes two ways there and back: a second over a satellite. Who stops the box waits no longer.
CALLED_OFF_S = 1.0
# What greylisting wants is not said by its answer. Postgrey's default, and the sentence says it.
GREYLIST_S = 300.0


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
    says_closing: bool = False  # the server ended the conversation by itself (421)
    again_s: float = 0.0  # asked again sooner than this, it says the same

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
        except SMTPSenderRefused as reply:
            return await self._refusal(Stage.SENDER, reply)
        except SMTPRecipientRefused as reply:
            return await self._refusal(Stage.RECIPIENT, reply)
        except (SMTPException, OSError) as fault:
            return Answer(Fate.NOT_SENT, sentence_of(fault, self._server))
        try:
            await self._smtp.data(letter, timeout=LAST_ANSWER_S)
        except SMTPDataError as reply:
            return await self._refusal(Stage.LETTER, reply)
        except (SMTPException, OSError) as fault:
            return Answer(Fate.UNSURE, sentence_of(fault, self._server))
        return Answer(Fate.ACCEPTED)

    @property
    def is_encrypted(self) -> bool:
        """Whether nobody between us and the server reads along."""
        return self._smtp.get_transport_info("sslcontext") is not None

    def _knows_size(self) -> bool:
        return self._smtp.supports_extension("size")

    async def _refusal(self, stage: Stage, reply: SMTPResponseException) -> Answer:
        meaning = mail_faults.of_reply(stage, reply.code, reply.message, self._server)
        if reply.code == CLOSING:
            return Answer(Fate.NOT_SENT, meaning.sentence, says_closing=True)
        with suppress(SMTPException, OSError):  # a line that broke meanwhile is told of by the next letter
            await self._smtp.rset()
        if meaning.of_the_way:
            return Answer(Fate.NOT_SENT, meaning.sentence)
        if reply.code >= 500:
            return Answer(Fate.REFUSED, meaning.sentence)
        again_s = GREYLIST_S if meaning.is_greylisting else 0.0
        return Answer(Fate.NOT_NOW, meaning.sentence, again_s=again_s)


@asynccontextmanager
async def conversation(
    server: MailServer, helo: str, password: str | None, terms: Terms | None = None
) -> AsyncIterator[Conversation]:
    """Connect, greet as `helo`, log in where there is a password. Raises Trouble."""
    terms = terms or Terms()
    trust = terms.trust
    smtp = _Line(
        hostname=server.host,
        port=server.port,
        local_hostname=helo,
        timeout=terms.answer_s,
        use_tls=server.tls,
        start_tls=False,
        tls_context=trust.context(),
    )
    try:
        try:
            await _connect(smtp)
            await _greet(smtp)
            await _encrypt(smtp, server, password, terms)
            await _log_in(smtp, server, password)
        except (SMTPException, OSError) as fault:
            sentence = sentence_of(fault, server, trust)
            raise Trouble(await portal.behind(sentence, server) or sentence) from fault
        with terms.lines.opened(*_line(smtp)):
            yield Conversation(smtp, server)
        with suppress(SMTPException, OSError):  # it has our letters; how it says goodbye is its business
            await smtp.quit()
    finally:
        smtp.close()


class _Line(SMTP):
    """A connection that is closed at once: TLS would wait for the other end's goodbye, longer than our event
    loop lasts, and then nobody could close the socket."""

    def close(self) -> None:
        transport = self.transport
        super().close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()


async def _connect(smtp: SMTP) -> None:
    """Connect. Who calls off meanwhile waits a moment: a handshake that asyncio leaves halfway leaves its
    socket open, and nobody then can close it."""
    connecting = asyncio.ensure_future(smtp.connect())
    try:
        await asyncio.shield(connecting)
    except asyncio.CancelledError:
        await asyncio.wait([connecting], timeout=CALLED_OFF_S if smtp.use_tls else 0)
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        raise


def _line(smtp: SMTP) -> tuple[str, Callable[[], None]]:
    """Our address, and what breaks the line off from another thread."""
    loop, transport = asyncio.get_running_loop(), smtp.transport

    def break_off() -> None:
        if isinstance(transport, asyncio.WriteTransport):
            loop.call_soon_threadsafe(transport.abort)

    return str(smtp.get_transport_info("sockname")[0]), break_off


async def _greet(smtp: SMTP) -> None:
    try:
        await smtp.ehlo()
    except SMTPHeloError:
        await smtp.helo()  # RFC 5321 §3.2: a server of before 1995


async def _encrypt(smtp: SMTP, server: MailServer, password: str | None, terms: Terms) -> None:
    """A password crosses no network in the clear, nor who asks to join, and who names an authority wants it
    asked.

    Without these, letters that everybody will read go to the list's own server as mail always did: half
    of those have a certificate that fits no name (RFC 7435 §1.2).
    """
    names_an_authority = terms.trust.ca_file is not None
    names_people = terms.names_people and not _is_here(smtp)
    if server.tls or not (password is not None or names_an_authority or names_people):
        return
    if smtp.supports_extension("starttls"):
        await smtp.starttls()
        await _greet(smtp)
    elif names_an_authority or not _is_here(smtp):
        why = words.NO_TLS if password is not None or not names_people else words.NO_TLS_TO_JOIN
        raise Trouble(in_english(why, server=server.name))


async def _log_in(smtp: SMTP, server: MailServer, password: str | None) -> None:
    """Whoever wrote a password into the settings wants a server that knows it.

    One that asks for none is not that server: a network that answers for every mail server says 250 to
    letters which nobody gets. Only a relay on this machine may take them as they come.
    """
    if password is None:
        return
    if smtp.supports_extension("auth"):
        await smtp.login(server.user, password)
    elif not _is_here(smtp):
        raise Trouble(in_english(words.NO_LOGIN, server=server.name, said="no AUTH"))


def _is_here(smtp: SMTP) -> bool:
    """Whether the other end is on this machine."""
    host = smtp.get_transport_info("peername")[0]
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback


def sentence_of(fault: SMTPException | OSError, server: MailServer, trust: Trust | None = None) -> str:
    """What a person can do something about."""
    trust = trust or Trust()
    match fault:
        case SMTPConnectResponseError() | SMTPHeloError():
            return mail_faults.of_reply(Stage.GREETING, fault.code, fault.message, server).sentence
        case SMTPAuthenticationError():
            return mail_faults.of_login(fault.code, fault.message, server)
        case ssl.SSLError():
            return mail_faults.of_tls(fault, server, "smtp", trust.clock_is_set())
        case SMTPTimeoutError() | TimeoutError():
            silent = (
                words.TLS_FIRST if server.port == SUBMISSIONS_PORT and not server.tls else words.NO_ANSWER
            )
            return in_english(silent, server=server.name, scheme="smtps")
        case SMTPConnectError() if isinstance(fault.__cause__, ssl.SSLError):
            return mail_faults.of_tls(fault.__cause__, server, "smtp", trust.clock_is_set())
        case SMTPConnectError():
            return mail_faults.of_line(_line_of(fault), server)
        case SMTPServerDisconnected() | ConnectionError():
            return in_english(words.BROKE_OFF, server=server.name)
        case SMTPResponseException():
            return in_english(words.SAYS, server=server.name, said=said(fault.code, fault.message))
        case _ if "authentication method" in str(fault):
            return mail_faults.of_login(504, str(fault), server)
        case _:
            return in_english(words.BAD_SMTP, server=server.name)


def _line_of(fault: SMTPConnectError) -> BaseException | None:
    """What the line did. A server that hangs up before it greets is told of as one that is not there."""
    cause = fault.__cause__
    return ConnectionResetError() if isinstance(cause, SMTPServerDisconnected | EOFError) else cause
