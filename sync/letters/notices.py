"""What machines write to a camp: bounces, hold notices, refusals, vacation replies, subscriptions.

None of it is gossiped. The coordinator reads it on a page, without addresses, and when it says that a post
of ours was held or refused, that post says so. A notice names the post in many ways: it returns it
(RFC 3462), quotes its Message-ID or our token, answers it, or has nothing but its subject.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from email.message import Message as Mail

from sync.letters import marks
from sync.letters.headers import header, mailboxes
from sync.letters.list_forms import NOTICES, NoticeKind, folded
from sync.letters.mime import Content, content_of, parameter, parse
from sync.letters.names import is_helper, is_nobodys
from sync.letters.privacy import without_contacts
from sync.message import MessageId
from sync.text import tidy, tidy_name

# Three lines of a page. What a server says is rarely longer, and the mailbox has the rest.
WORDS_CHARACTERS_MAX = 300
# The words of a notice stand at its head; behind them may be megabytes of what is returned.
TEXT_CHARACTERS_MAX = 8_192
# A digest of ours holds 50 posts at most.
MESSAGES_MAX = 50
# A report has three parts (RFC 3462); what returns a digest has one more for each letter.
_PARTS_MAX, _DEPTH_MAX = 100, 6


@dataclass(frozen=True, slots=True)
class Notice:
    """What a machine said. `said`: what the list made of our posts: held, refused, or nothing (empty)."""

    kind: NoticeKind
    reference: bytes  # 8 bytes that name the notice
    said: str
    words: str  # for people, without addresses
    text: str  # its first words, folded, to look for a subject of ours in; not stored
    messages: tuple[MessageId, ...] = ()  # ours, that it concerns
    digest: bytes | None = None  # of ours, that it concerns


def is_machines(mail: Mail, list_names: Set[str]) -> bool:
    """Whether a machine wrote this (RFC 3834 §5, RFC 3464, the customs of lists)."""
    address = next((a for _, a in mailboxes(mail, "From")), "")
    if header(mail, "Return-Path").replace(" ", "") == "<>" or is_helper(address, list_names):
        return True
    if is_nobodys(address) and not header(mail, "List-Id") and not header(mail, "List-Post"):
        return True
    if mail.get_content_type() == "multipart/report" or header(mail, "X-Failed-Recipients"):
        return True
    if header(mail, "Auto-Submitted").lower().partition(";")[0].strip() not in ("", "no"):
        return True
    if any(header(mail, name) for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponse")):
        return True
    if header(mail, "Precedence").lower() in ("auto_reply", "junk"):
        return True
    if header(mail, "X-List-Administrivia").lower() == "yes":
        return True
    # A list's own notices have a List-Id and no List-Post. So has everybody's letter on a list that was told
    # to add none. Notices come from the list's helpers, as camps-admin@.
    return bool(header(mail, "List-Id")) and not header(mail, "List-Post") and _is_lists(mail, address)


def notice_of(mail: Mail, content: Content, reference: bytes, list_addresses: set[str]) -> Notice:
    """What a machine's mail says. `list_addresses` are the list's, in lower case."""
    subject = header(mail, "Subject")
    own_text = _COPY.split(content.text[: 8 * TEXT_CHARACTERS_MAX], 1)[0]
    reports = tuple(_parts(mail, 0))
    kind = _kind(mail, subject, own_text, reports)
    # What the list distributes may be anybody's words; its own notices are addressed to us alone.
    said = "" if header(mail, "List-Post") else _said(kind, reports, own_text, mail, list_addresses)
    found = tuple(dict.fromkeys(_found_marks(mail, content, reports)))[:MESSAGES_MAX]
    return Notice(
        kind=kind,
        reference=reference,
        said=said,
        words=_words(kind, subject, own_text, reports),
        text=folded(f"{subject}\n{own_text}")[:TEXT_CHARACTERS_MAX],
        messages=found,
        digest=next(_found_digests(mail, content, reports), None),
    )


def _is_lists(mail: Mail, address: str) -> bool:
    """Whether an address is the list software's: `camps-…@` at the host of `<camps.lists.example.org>`."""
    name, _, host = header(mail, "List-Id").rpartition("<")[2].rstrip("> ").lower().partition(".")
    local, _, domain = address.partition("@")
    return bool(name) and local.startswith(f"{name}-") and domain == host


def _kind(mail: Mail, subject: str, text: str, reports: tuple[Mail, ...]) -> NoticeKind:
    if mail.get_content_type() == "multipart/report" and not _is_delivery_report(mail):
        return NoticeKind.OTHER  # a read receipt (RFC 8098), a complaint about spam (RFC 5965)
    answered = header(mail, "Auto-Submitted").lower().startswith("auto-replied")
    answers = answered or bool(header(mail, "X-Autoreply"))
    said_subject, said_text = folded(subject), folded(text[: 2 * TEXT_CHARACTERS_MAX])[:TEXT_CHARACTERS_MAX]
    # An absent person's program quotes the subject it answers, which may hold any word.
    senders = [address for _, address in mailboxes(mail, "From")]
    if not answers or any(is_helper(each) or is_nobodys(each) for each in senders):
        for kind, in_subject, in_text in NOTICES:
            if (in_subject and in_subject.search(said_subject)) or (in_text and in_text.search(said_text)):
                return kind
    if _is_delivery(mail, reports, said_subject, said_text):
        failed = {header(r, "Action").lower() for r in reports if header(r, "Action")} <= {"failed", ""}
        return NoticeKind.BOUNCE if failed and not _DELAYED.search(said_subject) else NoticeKind.OTHER
    if answers or _AWAY.search(said_subject) or header(mail, "Precedence").lower() == "auto_reply":
        return NoticeKind.VACATION
    return NoticeKind.OTHER


def _is_delivery(mail: Mail, reports: tuple[Mail, ...], subject: str, text: str) -> bool:
    """Whether it tells of a delivery: a report (RFC 3464), or the words of servers that write none."""
    if mail.get_content_type() == "multipart/report":
        return True
    if header(mail, "X-Failed-Recipients") or any(header(report, "Final-Recipient") for report in reports):
        return True
    return _UNDELIVERED.search(subject) is not None or _UNDELIVERED_TEXT.search(text) is not None


def _is_delivery_report(mail: Mail) -> bool:
    return parameter(mail, "report-type") in ("", "delivery-status")


def _said(
    kind: NoticeKind, reports: tuple[Mail, ...], text: str, mail: Mail, list_addresses: set[str]
) -> str:
    if kind is NoticeKind.HELD:
        return "held"
    if kind is NoticeKind.REFUSED:
        return "refused"
    if kind is not NoticeKind.BOUNCE:
        return ""
    # Servers of members return the list's copies to From as well. Only the list's address counts.
    failed = {address.lower() for address in _ADDRESS.findall(header(mail, "X-Failed-Recipients"))}
    for report in reports:
        for name in ("Final-Recipient", "Original-Recipient"):
            failed |= {address.lower() for address in _ADDRESS.findall(header(report, name))}
    failed = failed or {address.lower() for address in _ADDRESS.findall(text[:TEXT_CHARACTERS_MAX])}
    known = {address for address in list_addresses if "@" in address}
    return "refused" if not failed or not known or failed & known else ""


def _parts(mail: Mail, depth: int) -> Iterator[Mail]:
    """Every part that tells of a delivery or returns a letter: as a tree of headers each."""
    if depth > _DEPTH_MAX or not mail.is_multipart():
        return
    for part in list(mail.get_payload())[:_PARTS_MAX]:
        if not isinstance(part, Mail):
            continue
        kind = part.get_content_type()
        if kind in ("text/rfc822-headers", "message/global-headers"):
            payload = part.get_payload(decode=True)
            inner = parse(payload) if isinstance(payload, bytes) else None
            if inner is not None:
                yield inner
        elif part.is_multipart():
            if kind.startswith("message/"):
                yield from (each for each in list(part.get_payload())[:_PARTS_MAX] if isinstance(each, Mail))
            yield from _parts(part, depth + 1)


def _found_marks(mail: Mail, content: Content, reports: tuple[Mail, ...]) -> Iterator[MessageId]:
    """The messages of camps that it names: in what it returns, in what it quotes, in what it answers."""
    for returned in reports:
        if mark := marks.mark_of_header(header(returned, marks.HEADER)):
            yield mark.message
        yield from _of_ids(header(returned, "Message-ID"))
        if returned.get_content_maintype() in ("text", "multipart"):
            yield from marks.messages_in_text(content_of(returned).text)
    yield from marks.messages_in_text(content.text)
    for name in ("In-Reply-To", "References", "X-Original-Message-ID", "Original-Message-ID"):
        yield from _of_ids(header(mail, name))


def _found_digests(mail: Mail, content: Content, reports: tuple[Mail, ...]) -> Iterator[bytes]:
    for returned in (*reports, mail):
        for name in ("Message-ID", "In-Reply-To", "References"):
            for each in marks.message_ids(header(returned, name)):
                if digest := marks.digest_of_message_id(each):
                    yield digest
    yield from marks.digests_in_text(content.text)


def _of_ids(value: str) -> Iterator[MessageId]:
    for message_id in marks.message_ids(value):
        if mark := marks.mark_of_message_id(message_id):
            yield mark.message


def _words(kind: NoticeKind, subject: str, text: str, reports: tuple[Mail, ...]) -> str:
    """What a coordinator reads. The rest of a notice may hold passwords, tokens and people."""
    diagnosis = next(
        (header(report, "Diagnostic-Code") for report in reports if header(report, "Diagnostic-Code")), ""
    )
    if kind is NoticeKind.BOUNCE:
        words = diagnosis.partition(";")[2] or diagnosis or next(iter(_CODE.findall(text)), "") or subject
    elif kind in (NoticeKind.HELD, NoticeKind.REFUSED):
        words = text if len(text.strip()) > 20 else subject
    else:
        words = subject
    words = _QUOTED_ADDRESS.sub(r"\1", words[:TEXT_CHARACTERS_MAX])
    words = _TOKEN.sub("…", _LINK.sub("[…]", without_contacts(tidy_name(tidy(words)))))
    return words if len(words) <= WORDS_CHARACTERS_MAX else words[: WORDS_CHARACTERS_MAX - 1].rstrip() + "…"


# Where servers that write no report begin the copy of what they return: qmail, Exim, ezmlm, Outlook.
_COPY = re.compile(
    r"^(?:--- (?:Below this line is a copy|Enclosed)|-{3,} This is a copy of|-{3,} ?Original [Mm]essage"
    r"|-{3,} ?Mensaje original)",
    re.MULTILINE,
)
_UNDELIVERED = re.compile(
    r"undeliver|returned mail|mail delivery (?:failed|failure|system)|failure notice"
    r"|delivery (?:status notification|failure|problem)|delivery has failed"
    r"|no se (?:ha podido|pudo) entregar|no entregado|devuelto"
)
_UNDELIVERED_TEXT = re.compile(
    r"this is the qmail-send program|could not be delivered to|wasn't able to deliver your message"
    r"|this message was created automatically by mail delivery software|the following address(?:es)? failed"
    r"|address not found your message wasn't delivered|delivery to the following recipients? failed"
)
_DELAYED = re.compile(r"\b(?:delayed|delay|warning: (?:could not send|message)|retras)")
_AWAY = re.compile(
    r"out of (?:the )?office|automatic reply|auto(?:matic)? ?-?(?:reply|response)|\bvacation\b|away from"
    r"|on (?:leave|holiday)"
    r"|fuera de (?:la )?oficina|respuesta automática|\bausente\b|de vacaciones|abwesen|absence du bureau"
    r"|réponse automatique|resposta automática|risposta automatica"
)
_ADDRESS = re.compile(r"[\w.+%'=-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_QUOTED_ADDRESS = re.compile(r"['‘\"]([^\s'\"]{1,64}@[^\s'\"]{1,250})['’\"]")
_LINK = re.compile(r"\b(?:https?://|mailto:|www\.)\S+", re.IGNORECASE)
_TOKEN = re.compile(r"\b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{8,}\b")
# `550 5.7.1 …`, or qmail's `Remote host said: 550 …`.
_CODE = re.compile(r"^.{0,80}\b[45]\d\d[ -](?:[45]\.\d{1,3}\.\d{1,3}\b)?.{0,400}$", re.MULTILINE)
