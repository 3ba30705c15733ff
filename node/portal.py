"""Behind a fault of the network: a page to log in to, or a port that the network keeps shut.

Asked only after a server was not reached, or showed a certificate that is not its own. A captive portal
answers for everybody at port 80 and sends on to itself (RFC 8952 §2.1), or says so (RFC 6585 §6, status 511).
A network that shuts the ports of mail leaves others of the same server open.
"""

from __future__ import annotations

import asyncio
import ipaddress
from contextlib import suppress
from urllib.parse import urlsplit

from node import network_watch
from node.mail_server import (
    IMAP_PORT,
    IMAPS_PORT,
    RELAY_PORT,
    SUBMISSION_PORT,
    SUBMISSIONS_PORT,
    MailServer,
)
from web_ui import mail_words as words
from web_ui.mail_words import in_english

# A portal is one hop away. Who waits for letters has waited a minute already.
ANSWER_S = 3.0
HTTP_PORT, HTTPS_PORT = 80, 443
HEAD_BYTES_MAX = 4_096
NETWORK_AUTHENTICATION_REQUIRED, NO_CONTENT = 511, 204

# What may be said instead of the port that is shut, the better one first.
_ADVICE: dict[int, tuple[tuple[int, str], ...]] = {
    RELAY_PORT: ((SUBMISSIONS_PORT, "smtps"), (SUBMISSION_PORT, "smtp")),
    SUBMISSION_PORT: ((SUBMISSIONS_PORT, "smtps"),),
    SUBMISSIONS_PORT: ((SUBMISSION_PORT, "smtp"),),
    IMAP_PORT: ((IMAPS_PORT, "imaps"),),
    IMAPS_PORT: ((IMAP_PORT, "imap"),),
}


async def behind(sentence: str, server: MailServer) -> str:
    """What a closer look finds behind a sentence of `node.mail_faults`; empty when nothing."""
    name = server.name
    shut = sentence in (_made(each, name) for each in (words.NO_ANSWER, words.NOBODY, words.NO_WAY))
    nameless = sentence in (words.DNS_DEAD, in_english(words.NO_HOST, host=server.host))
    strange = sentence in (_made(each, name) for each in (words.TLS_NAME, words.TLS_UNKNOWN, words.BROKE_OFF))
    if not (shut or strange or nameless) or is_of_this_box(server.host):
        return ""
    if not network_watch.network_now().has_any:
        return in_english(words.OFFLINE)
    if await shows_itself(server.host):
        return in_english(words.PORTAL)
    return await _other_port(server) if shut else ""


async def shows_itself(host: str) -> bool:
    """Whether somebody between us and `host` answers for it at port 80."""
    status, location = await ask(host, HTTP_PORT, "/")
    if status == NETWORK_AUTHENTICATION_REQUIRED:
        return True
    there = urlsplit(location).hostname or host
    return 300 <= status < 400 and not _are_kin(there.lower(), host.lower())


async def probe(url: str) -> bool | None:
    """Whether the page whose answer is empty has one: a portal is in the way. None: nobody answered."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    status, _ = await ask(parts.hostname or "", parts.port or HTTP_PORT, path)
    return None if status == 0 else status != NO_CONTENT


async def ask(host: str, port: int, path: str) -> tuple[int, str]:
    """The status and the Location of a page by plain HTTP; 0 where nobody answers, or not in HTTP."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: miccheck\r\nConnection: close\r\n\r\n"
    with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection(host, port, limit=HEAD_BYTES_MAX)
            try:
                writer.write(request.encode("ascii"))
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            finally:
                writer.close()
        version, _, status = head[0].partition(" ")
        if version.startswith("HTTP/"):
            fields = (line.partition(":") for line in head[1:])
            where = next((value.strip() for name, _, value in fields if name.lower() == "location"), "")
            return int(status[:3]), where
    return 0, ""


async def _other_port(server: MailServer) -> str:
    """Which other port of the server answers, as a sentence; empty when none does."""
    advice = _ADVICE.get(server.port, ())
    ports = (*(port for port, _ in advice), HTTPS_PORT, HTTP_PORT)
    found = await asyncio.gather(*(answers(server.host, port) for port in ports))
    for (port, scheme), good in zip(advice, found, strict=False):
        if good:
            return in_english(
                words.BLOCKED_TRY, port=server.port, host=server.host, other=port, scheme=scheme
            )
    # A web server beside it says that the host is there, and nothing of mail; only of the ports that networks
    # are known to shut is it likely that this one does.
    if any(found) and server.port in (RELAY_PORT, SUBMISSION_PORT):
        return in_english(words.BLOCKED, port=server.port, host=server.host)
    return ""


async def answers(host: str, port: int) -> bool:
    """Whether somebody takes a connection there."""
    with suppress(OSError):
        async with asyncio.timeout(ANSWER_S):
            _, writer = await asyncio.open_connection(host, port)
        writer.close()
        return True
    return False


def _made(template: str, name: str) -> str:
    return in_english(template, server=name)


def is_of_this_box(host: str) -> bool:
    """Whether no network is between us."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _are_kin(one: str, other: str) -> bool:
    """Whether two names are of one owner, as far as names tell: mail.example.org and www.example.org."""
    ends, other_ends = one.split(".")[-2:], other.split(".")[-2:]
    return ends == other_ends or one.endswith(f".{other}") or other.endswith(f".{one}")
