"""What a mail server's answer, or a broken line, means to a person: one sentence of `web_ui.mail_words`.

The codes are those of RFC 5321, the enhanced ones of RFC 3463 and its registry, the words in brackets of
IMAP those of RFC 5530. The rest is what providers are known to write: a word is only looked for where the
codes leave a choice, and where nothing is known the server's own words are shown.
"""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from enum import Enum

from node.mail_server import MailServer
from sync.letters.privacy import without_contacts
from sync.text import tidy_name
from web_ui import mail_words as words
from web_ui.mail_words import in_english

# One line of a phone. What servers say is for the log of an admin; its code and first words are enough.
SAID_CHARACTERS = 160
# RFC 5321 §3.8: the server closes the channel; what it was asked is neither refused nor put off.
CLOSING = 421


class Stage(Enum):
    """What a mail server was asked."""

    GREETING = "greeting"
    SENDER = "MAIL FROM"
    RECIPIENT = "RCPT TO"
    LETTER = "DATA"


def said(code: int, message: str) -> str:
    """What a server answered, fit for the page: `550 no such list`."""
    text = f"{code if code > 0 else ''} {tidy_name(without_contacts(message))}".strip()
    return text if len(text) <= SAID_CHARACTERS else text[: SAID_CHARACTERS - 1] + "…"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a reply means. `of_the_way`: no other letter would fare better, so all of them wait."""

    sentence: str
    of_the_way: bool
    is_greylisting: bool


def of_reply(stage: Stage, code: int, message: str, server: MailServer) -> Meaning:
    """What a 4xx or 5xx means."""
    template = _template(stage, code, message.lower())
    sentence = in_english(template, server=server.name, said=said(code, message))
    return Meaning(sentence, template in _OF_THE_WAY, template == words.GREYLISTED)


_OF_THE_WAY = frozenset((words.SENDER, words.RELAY, words.NEEDS_LOGIN, words.NEEDS_TLS))


_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_GREY = re.compile(r"gr[ea]y.?list")
_RATE = re.compile(r"too many|rate|throttl|slow down|limit|too (?:fast|often)|concurren")
_FULL = re.compile(r"quota|mailbox (?:is )?full|insufficient (?:system )?storage|disk (?:is )?full|no space")
_BIG = re.compile(r"too (?:big|large|long)|exceeds|size limit")
_LOG_IN = re.compile(
    r"authentication (?:is )?required|not authenticated|log.?in required|must log in|not logged in"
)
_RELAY = re.compile(
    r"relay(?:ing)? (?:access )?(?:denied|not permitted|prohibited|not allowed)|(?:unable|not) to relay"
)
_SENDER = re.compile(r"sender address rejected|not owned by|send as|sender (?:address )?(?:is )?not")
_SPAM = re.compile(
    r"spam|black.?list|block.?list|listed (?:in|at|by)|reputation|dnsbl|\brbl\b|\bspf\b|dkim|dmarc|virus"
)
_MEMBER = re.compile(
    r"member|subscrib|not allowed|not authori[sz]ed|not permitted|restricted|unknown|no such|not exist"
)


def _template(stage: Stage, code: int, text: str) -> str:
    """The sentence for a reply: first what its numbers say, then its words, then where it came."""
    found = _ENHANCED.search(text)
    subject = (int(found[2]), int(found[3])) if found else (0, 0)
    by_words = _by_words(code, subject, text)
    if by_words:
        return by_words
    if code == CLOSING:
        return words.SAYS
    if (subject[0] == 1 and subject[1] in (7, 8)) or subject == (7, 60):
        return words.SENDER if code >= 500 else words.SAYS
    if code < 500:
        return (
            words.GREYLISTED
            if subject == (7, 1) or (code == 451 and stage is Stage.RECIPIENT)
            else words.SAYS
        )
    if stage is Stage.RECIPIENT and (subject[0] in (0, 1, 2) or _MEMBER.search(text)):
        return words.RECIPIENT
    if subject[0] == 7:
        return words.SENDER if stage is Stage.SENDER else words.SPAM
    return words.SENDER if stage is Stage.SENDER and code in (550, 553) else words.SAYS


def _by_words(code: int, subject: tuple[int, int], text: str) -> str:
    """What a reply means whatever was asked; empty where that is not clear."""
    checks = (
        (code < 500 and _GREY.search(text), words.GREYLISTED),
        (code == 530 and "tls" in text, words.NEEDS_TLS),
        (code == 530 or subject == (7, 57) or (code > 500 and _LOG_IN.search(text)), words.NEEDS_LOGIN),
        (subject in ((2, 2), (3, 1)) or _FULL.search(text), words.FULL),
        (subject == (3, 4) or code == 523 or (code > 500 and _BIG.search(text)), words.TOO_BIG),
        (code == 552, words.FULL),
        (code < 500 and _RATE.search(text), words.TOO_MANY),
        (code > 500 and _RELAY.search(text), words.RELAY),
        (code > 500 and (_SENDER.search(text)), words.SENDER),
        (code > 500 and (subject in _SPAM_CODES or _SPAM.search(text)), words.SPAM),
    )
    return next((template for holds, template in checks if holds), "")


# Content, SPF, DKIM, DMARC, reverse DNS and "likely suspicious" in the registry of enhanced codes.
_SPAM_CODES = tuple((7, detail) for detail in (20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30))


def of_login(code: int, message: str, server: MailServer) -> str:
    """What it means that nobody may log in. `code` is SMTP's; 0 for IMAP."""
    text = message.lower()
    if re.search(r"application.specific|app password|5\.7\.9\b", text):
        template = words.APP_PASSWORD
    elif _IMAP_OFF.search(text):
        template = words.IMAP_OFF
    elif re.search(
        r"5\.7\.139|basic authentication is disabled|no suitable authentication|xoauth|oauth", text
    ):
        template = words.NO_LOGIN
    elif _RATE.search(text) or "[limit]" in text:
        template = words.TOO_MANY
    elif code // 100 == 4 or re.search(r"\[unavailable\]|\[inuse\]|temporar|try again", text):
        template = words.LOGIN_LATER
    elif code in (503, 504, 534, 538):
        template = words.NO_LOGIN
    else:
        template = words.WRONG_PASSWORD
    return in_english(template, server=server.name, said=said(code, message))


_IMAP_OFF = re.compile(
    r"not enabled for imap|imap (?:access )?(?:is )?(?:disabled|not enabled)|disabled for imap|"
    r"imap.{0,40}disabled|authenticated but not connected"
)


def of_tls(fault: ssl.SSLError, server: MailServer, scheme: str, clock_is_set: bool) -> str:
    """Why there is no encryption. `scheme`: how the address would begin for a server without it."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        template = _OF_CERTIFICATES.get(getattr(fault, "verify_code", 0), words.TLS_UNKNOWN)
        if template in (words.TLS_EXPIRED, words.TLS_EARLY) and not clock_is_set:
            template = words.CLOCK
        return in_english(template, server=server.name)
    reason: str = getattr(fault, "reason", None) or "no reason given"  # ssl.SSLError made by hand has none
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return in_english(words.TLS_LATER, server=server.name, scheme=scheme)
    return in_english(words.TLS_OTHER, server=server.name, said=reason.lower().replace("_", " "))


# X509_V_ERR_…, openssl/x509_vfy.h.
_OF_CERTIFICATES = {
    9: words.TLS_EARLY,
    10: words.TLS_EXPIRED,
    62: words.TLS_NAME,
    64: words.TLS_NAME,
}


def of_line(fault: BaseException | None, server: MailServer) -> str:
    """Why there is no line, or none any more."""
    match fault:
        case socket.gaierror() if fault.errno in (socket.EAI_AGAIN, socket.EAI_FAIL):
            return in_english(words.DNS_DEAD)
        case socket.gaierror():
            return in_english(words.NO_HOST, host=server.host)
        case TimeoutError():
            return in_english(words.NO_ANSWER, server=server.name)
        case ConnectionRefusedError():
            return in_english(words.NOBODY, server=server.name)
        case ConnectionError() | EOFError():
            return in_english(words.BROKE_OFF, server=server.name)
        case _:
            return in_english(words.NO_WAY, server=server.name)
