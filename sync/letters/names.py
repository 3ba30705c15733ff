"""Who wrote a letter, and about what: names and subjects, without what lists add to them.

A list that guards against DMARC writes itself into From. Then X-MailFrom or X-Original-Sender still tell
whose mailbox it was, and another header has the name that goes with that mailbox: X-Original-From, Reply-To,
or From with ` via LIST` behind the name. Where nothing was moved, From is the author (RFC 5322 §3.6.2) and
Reply-To perhaps a team. What looks like an address is never a name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set
from email.message import Message as Mail

from sync.letters.headers import header, mailboxes
from sync.letters.list_forms import FROM_TAIL, HELPERS, LIST_HELPERS, NAME_HEADERS, PEOPLE, SENDER_HEADERS
from sync.letters.privacy import without_addresses
from sync.text import NICKNAME_BYTES_MAX, tidy_name

# One line and a half of a phone.
SUBJECT_CHARACTERS_MAX = 120
# Longer than any name with what a list adds; patterns stay cheap.
_TYPED_CHARACTERS_MAX = 300


def author_of_mail(mail: Mail, list_names: set[str]) -> str:
    """The name of who wrote it; empty when nothing but addresses is left. `list_names` in lower case."""
    senders = {address for name in SENDER_HEADERS for _, address in mailboxes(mail, name)} - list_names
    written = [
        (source, *each) for source in (*NAME_HEADERS, "From", "Sender") for each in mailboxes(mail, source)
    ]
    first = [typed for _, typed, address in written if address in senders]
    moved = _from_is_lists(mail, list_names)
    named = [typed for source, typed, address in written if source != "From" and address not in list_names]
    of_from = [typed for source, typed, _ in written if source == "From"]
    for typed in (*first, *(of_from if not moved else ()), *named, *of_from):
        name = _name(typed)
        if name and name.lower() not in list_names:
            return name
    return ""


def is_helper(address: str, list_names: Set[str] = frozenset()) -> bool:
    """Whether only a machine writes from this address: `camps-bounces@`, `MAILER-DAEMON@`, and of the list
    with these names `camps-owner@`."""
    local = address.partition("@")[0].lower()
    if HELPERS.fullmatch(local):
        return PEOPLE.fullmatch(local) is None
    stem = LIST_HELPERS.sub("", local)
    return stem != local and stem in list_names


def is_nobodys(address: str) -> bool:
    """Whether nobody reads what is sent to this address: `noreply@`. People's letters may come from one."""
    return _NO_REPLY.fullmatch(address.partition("@")[0]) is not None


def _from_is_lists(mail: Mail, list_names: set[str]) -> bool:
    return any(
        address in list_names or FROM_TAIL.search(tidy_name(typed[:_TYPED_CHARACTERS_MAX]))
        for typed, address in mailboxes(mail, "From")
    )


def _name(typed: str) -> str:
    name = FROM_TAIL.sub("", tidy_name(_INVISIBLE.sub("", typed[:_TYPED_CHARACTERS_MAX]))).strip("'\" ")
    if _ADDRESS_LIKE.search(unicodedata.normalize("NFKC", name)) or not any(c.isalnum() for c in name):
        return ""
    return tidy_name(name.encode()[:NICKNAME_BYTES_MAX].decode("utf-8", "ignore"))


# Zero-width spaces, word joiner, soft hyphen: nobody's name needs them, and they hide an @ or a list's name.
# Joiners (U+200C, U+200D) stay: Persian and Indic names are written with them.
_INVISIBLE = re.compile("[\u200b\u2060-\u2064\u00ad\u180e]")
_NO_REPLY = re.compile(r"(?:do[._-]?)?(?:no|not)[._-]?reply|notifications?", re.IGNORECASE)
_ADDRESS_LIKE = re.compile(r"@|\S+ at \S+\.\w|[(\[{<]\s*at\s*[)\]}>]|\bat\b.*\bdot\b", re.IGNORECASE)


def names_of_list(mail: Mail) -> list[str]:
    """What the list calls itself: Camps and camps of `Camps <camps.lists.example.org>`, its address."""
    list_id = header(mail, "List-Id")
    phrase, _, inner = list_id.rpartition("<")
    posts = posts_of_list(mail)
    names = [tidy_name(phrase).strip('"'), inner.rstrip("> ").partition(".")[0]]
    return [*names, *posts, *(address.partition("@")[0] for address in posts)]


def posts_of_list(mail: Mail) -> list[str]:
    """The addresses to which one posts, as the list's own headers say, in lower case."""
    been = [address for _, address in mailboxes(mail, "X-BeenThere")]
    posts = re.findall(r"<mailto:([^<>?\s]{1,250})", header(mail, "List-Post"), re.IGNORECASE)
    lists = re.findall(r"\blist ([^\s;]{1,250}@[^\s;]{1,250})", header(mail, "Mailing-List"), re.IGNORECASE)
    return [address.lower() for address in (*been, *posts, *lists)]


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


def is_answer(subject: str) -> bool:
    """Whether a person answers or passes on what had this subject: `Re: …`, `[camps] Fwd: …`."""
    return _ANSWER.match(subject) is not None


def _is_of_list(prefix: str, list_names: set[str]) -> bool:
    """Whether a bracketed word is the list's. Sympa and others may count in it: `[camps 1204]`."""
    return prefix in list_names or prefix.rstrip("0123456789:#, ") in list_names


_FOOTER_NAME = re.compile(r"^_{40,}\s*\n(\S{1,80}) mailing list", re.MULTILINE)
# What programs of several languages write before the subject of an answer, and of what is passed on.
_ANSWERED = r"(?:re|aw|sv|antw|ref|rif|rv|res)(?:\[\d+\])?\s?:"
_PASSED_ON = r"(?:fwd?|wg|tr|enc|doorst)\s?:"
_BRACKETS = r"\[[^\[\]]{1,80}\]"
_PREFIX = re.compile(rf"\s*({_ANSWERED}|{_BRACKETS})\s*", re.IGNORECASE)
_ANSWER = re.compile(rf"\s*(?:{_BRACKETS}\s*)*(?:{_ANSWERED}|{_PASSED_ON})", re.IGNORECASE)
