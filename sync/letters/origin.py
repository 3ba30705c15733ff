"""Whether a letter came through the list, or to the camp alone; and a letter that the list wrapped up.

The camp's address is in From of its letters, so who presses *Reply* writes to the camp and to nobody else.
Such a letter lies in the mailbox beside the list's, and must never be broadcast.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from email.message import Message as Mail
from enum import StrEnum

from sync.letters.headers import HEADER_CHARACTERS_MAX, header, mailboxes
from sync.letters.list_forms import LIST_MARKS
from sync.letters.marks import mark_of_message_id, message_ids
from sync.letters.mime import Content
from sync.letters.names import posts_of_list

# What says where a letter was sent to, and who sends it on.
_WRAPPERS = ("multipart/mixed", "message/rfc822")  # with a footer, and without
_SENT_TO = ("To", "Cc", "Resent-To", "Resent-Cc", "From", "Reply-To", "Sender", "Return-Path", "Errors-To")

_ANGLES = re.compile(r"<[^<>\s]{1,250}>")


class Way(StrEnum):
    """On which way a letter came to the mailbox."""

    LIST = "list"  # the list sent it on: its headers say so
    PRESUMED = "presumed"  # nothing says otherwise: of an archive, or of a list program that names no list
    ADDRESSED = "addressed"  # it names the list, and no list program left a header in it
    UNSAID = "unsaid"  # it names nobody: a blind copy to whoever has this mailbox
    PRIVATE = "private"  # to the camp alone
    ELSEWHERE = "elsewhere"  # by another list that comes to the same mailbox


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where a piece of mail lay, and what tells a list's letters from others there. All in lower case."""

    list_names: frozenset[str] = frozenset()  # names and addresses of the list
    own: frozenset[str] = frozenset()  # addresses of the camp
    archive: bool = False  # a file of the list's mail, and no mailbox that anybody may write to


def way_of(mail: Mail, mailbox: Mailbox) -> Way:
    """On which way a letter came.

    Where the list's address is not known, a letter is the list's. In an archive so is all that is not
    plainly for the camp: Pipermail keeps neither To nor List-Id.
    """
    addresses = {name for name in mailbox.list_names if "@" in name}
    if not addresses:
        return Way.PRESUMED
    told, text = _addresses(mail)
    is_named = _is_among(addresses, told, text) or _names_helper("\n".join((*told, text)), addresses)
    if any(header(mail, name) for name in LIST_MARKS):
        lists = _lists_told(mail)
        if not lists.isdisjoint(name.partition("@")[0] for name in mailbox.list_names):
            return Way.LIST
        return Way.PRESUMED if is_named or not lists or mailbox.archive else Way.ELSEWHERE
    says_nothing = not header(mail, "To") and not header(mail, "Cc")
    if mailbox.archive:
        for_us = _is_among(mailbox.own, told, text) or _answers_us(mail)
        return Way.PRIVATE if for_us and not (is_named or says_nothing) else Way.PRESUMED
    if is_named:
        return Way.ADDRESSED
    return Way.UNSAID if says_nothing else Way.PRIVATE


def _is_among(addresses: Set[str], told: set[str], text: str) -> bool:
    return not told.isdisjoint(addresses) or any(address in text for address in addresses)


def _answers_us(mail: Mail) -> bool:
    names = ("In-Reply-To", "References")
    return any(mark_of_message_id(each) for name in names for each in message_ids(header(mail, name)))


def wrapped_letter(mail: Mail, content: Content) -> Mail | None:
    """The letter inside, where a list passes it on as an attachment (Mailman's *wrap message*)."""
    if len(content.enclosed) != 1 or mail.get_content_type() not in _WRAPPERS:
        return None
    inner = content.enclosed[0]
    # The list copies the subject, and adds nothing but its footer. Who passes a letter on writes some words.
    same = header(inner, "Subject").strip() == header(mail, "Subject").strip()
    return inner if same and content.text.strip()[:1] in ("", "_", "-") else None


def _addresses(mail: Mail) -> tuple[set[str], str]:
    """The addresses of whom a letter was sent to and by, and the text of headers where they cannot be told:
    ten thousand recipients are searched, not parsed. A name is no address, whatever stands in it."""
    told: set[str] = set()
    texts = []
    for name in _SENT_TO:
        found = {address for _, address in mailboxes(mail, name) if address}
        told |= found
        values = [str(value).lower() for key, value in mail.raw_items() if key.lower() == name.lower()]
        texts += [
            " ".join(_ANGLES.findall(value)) or value
            for value in values
            if not found or len(value) > HEADER_CHARACTERS_MAX
        ]
    return told, "\n".join(texts)


def _names_helper(sent_to: str, addresses: set[str]) -> bool:
    """Whether the list's own helpers stand there: `camps-bounces@`, `camps+owner@`, `owner-camps@`."""
    for address in addresses:
        local, _, host = address.partition("@")
        if any(
            f"{helper}@{host}" in sent_to
            for helper in (f"{local}-bounces", f"{local}-owner", f"owner-{local}")
        ):
            return True
        if f"{local}-bounces+" in sent_to or (f"{local}+" in sent_to and f"@{host}" in sent_to):
            return True
    return False


def _lists_told(mail: Mail) -> set[str]:
    """The lists' names that the headers of lists tell: lists move to other hosts, and keep their names."""
    posts = posts_of_list(mail)
    _, _, list_id = header(mail, "List-Id").rpartition("<")
    loops = [address for _, address in mailboxes(mail, "X-Loop")]
    told = {address.partition("@")[0] for address in (*posts, *loops)}
    told.add(list_id.rstrip("> ").lower().partition(".")[0])
    return told - {""}
