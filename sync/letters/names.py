"""Who wrote a letter, and about what: names and subjects, without what lists add to them."""

from __future__ import annotations

import re
from email.message import Message as Mail

from sync.letters.headers import header, mailboxes
from sync.letters.privacy import without_addresses
from sync.text import NICKNAME_BYTES_MAX, tidy_name

# One line and a half of a phone.
SUBJECT_CHARACTERS_MAX = 120


def author_of_mail(mail: Mail, list_names: set[str]) -> str:
    """The name of who wrote it: lists move it about, and an address is no name."""
    for source in ("X-Original-From", "From", "Reply-To"):
        for typed, address in mailboxes(mail, source):
            name = _name(typed)
            of_list = name.lower() in list_names or (source == "Reply-To" and address in list_names)
            if name and not of_list:
                return name
    return ""


def _name(typed: str) -> str:
    name = _VIA.sub("", tidy_name(typed)).strip("'\" ")
    if _ADDRESS_LIKE.search(name) or not any(c.isalnum() for c in name):
        return ""
    return tidy_name(name.encode()[:NICKNAME_BYTES_MAX].decode("utf-8", "ignore"))


# `Ana via Camps <camps@…>` (Mailman's and Google's answer to DMARC), in the languages of their translations.
_VIA = re.compile(r" (?:via|vía|por medio de|durch|par|tramite) \S.*$", re.IGNORECASE)
_ADDRESS_LIKE = re.compile(r"@|\S+ at \S+\.\w|\(at\)", re.IGNORECASE)


def names_of_list(mail: Mail) -> list[str]:
    """What the list calls itself: Camps and camps of `Camps <camps.lists.example.org>`, its address."""
    list_id = header(mail, "List-Id")
    phrase, _, inner = list_id.rpartition("<")
    addresses = [address for _, address in mailboxes(mail, "X-BeenThere")]
    posts = re.findall(r"<mailto:([^>?]+)", header(mail, "List-Post"), re.IGNORECASE)
    names = [tidy_name(phrase).strip('"'), inner.rstrip("> ").partition(".")[0]]
    return [
        *names,
        *addresses,
        *(a.partition("@")[0] for a in addresses),
        *posts,
        *(p.partition("@")[0] for p in posts),
    ]


def names_in_footer(text: str) -> list[str]:
    """The list's name as its footer says it: in archives nothing else is left of it."""
    return [found[1] for found in _FOOTER_NAME.finditer(text)]


def subject_of(raw: str, list_names: set[str]) -> str:
    """The subject without the list's prefix, with one `Re:` at most."""
    subject = tidy_name(without_addresses(tidy_name(raw)))
    reply = False
    while found := _PREFIX.match(subject):
        word = found[1]
        if word.startswith("[") and not _is_of_list(word[1:-1].strip().lower(), list_names):
            break
        reply |= not word.startswith("[")
        subject = subject[found.end() :]
    if len(subject) > SUBJECT_CHARACTERS_MAX:
        subject = subject[: SUBJECT_CHARACTERS_MAX - 1] + "…"
    return f"Re: {subject}" if reply and subject else subject


def _is_of_list(prefix: str, list_names: set[str]) -> bool:
    """Whether a bracketed word is the list's. Sympa and others may count in it: `[camps 1204]`."""
    return prefix in list_names or prefix.rstrip("0123456789:#, ") in list_names


_FOOTER_NAME = re.compile(r"^_{40,}\s*\n(\S{1,80}) mailing list", re.MULTILINE)
_PREFIX = re.compile(
    r"\s*((?:re|aw|sv|antw|ref|rif|rv|res)(?:\[\d+\])?\s?:|\[[^\[\]]{1,80}\])\s*", re.IGNORECASE
)
