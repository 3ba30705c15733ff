"""Addresses and phone numbers in a text, which do not belong into a public archive or onto the air.

Outward both are left out: a list has an archive that search engines and police read for ever. Inward
only e-mail addresses are: a list has published the rest already, but a camp does not broadcast where a
person's mail arrives. What stands in their place needs no translation.

It is a net, not a wall: who writes a number in words gets it through. And a date, an amount or a place that
is left out by mistake is a meeting nobody finds, so what is one of these is told apart first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from unicodedata import decimal

ADDRESS_LEFT_OUT = "[…@…]"
NUMBER_LEFT_OUT = "[☎…]"

# ITU-T E.164: no number has more than 15 digits. Seven is the shortest local one that reaches a person.
_DIGITS_MIN, _DIGITS_MAX = 7, 15

# Seen by nobody, and enough to hide a number from a pattern. Joiners and marks stay where scripts need them.
_UNSEEN = re.compile(
    "[\u00ad\u180e\u200b\u2060-\u2064\ufeff]|(?<=[\\dA-Za-z@.+() -])[\u200c-\u200f]+(?=[\\dA-Za-z@.+() -])"
)

# Every repetition is bounded, so that a hostile text costs no more than its length times a constant.
_AT = r"(?: ?[\(\[\{<] ?(?:at|arroba|a|@) ?[\)\]\}>] ?|[@＠﹫])"
_DOT = r"(?: ?[\(\[\{<] ?(?:dot|punto|\.) ?[\)\]\}>] ?| (?:dot|punto) |\.)"
# Ends of names as people say them: without one, "look at the dot on the map" would be an address.
_SPOKEN = (
    "com|org|net|info|edu|gov|coop|eco|cat|lat|io|cc|li|eu|uk|ie|es|pt|fr|de|at|ch|it|gr|nl|be|pl|se|dk|mx"
    "|ar|cl|co|pe|br|ca|us|au|nz|example"
)
_LOCAL = r"[\w.+%'-]{1,64}"
_ADDRESS = re.compile(
    rf"(?:mailto:|xmpp:|sip:)?(?:"
    rf"{_LOCAL}{_AT}[\w-]{{1,63}}(?:{_DOT}[\w-]{{1,63}}){{1,8}}"  # ana@host.org, ana (at) host dot org
    r'|"[^"\n]{1,64}"@[\w.-]{1,255}'  # RFC 5322 §3.4.1: a quoted local part
    rf"|{_LOCAL}@\[[0-9a-fA-F.:]{{3,45}}\]"  # and a literal host
    rf"|{_LOCAL} @ ?[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{0,7}}\.[^\W\d_]{{2,24}}\b"  # ana @ host.org
    # In words alone: where the at and a dot are words, or the at is one that means nothing else.
    rf"|{_LOCAL} at [\w-]{{1,63}}(?: dot [\w-]{{1,63}}){{0,4}} dot (?:{_SPOKEN})\b"
    rf"|{_LOCAL} arroba [\w-]{{1,63}}(?:(?: punto | dot |\.)[\w-]{{1,63}}){{1,5}}\b"
    rf")",
    re.IGNORECASE,
)
_HAS_AT = re.compile(r"[@＠﹫]|\bat\b|arroba|[\(\[\{<] ?a ?[\)\]\}>]", re.IGNORECASE)

# Ways to write a number that leave no doubt: a link that calls, a trunk code with a slash (Germany, Austria).
_CALLED = (
    r"(?:tel|sms|smsto|callto|whatsapp):(?://)?[+\d(][\d().+-]{5,24}\d"
    r"|(?:https?://)?(?:wa\.me/|api\.whatsapp\.com/send/?\?phone=|t\.me/|signal\.me/#p/)\+?\d{7,15}"
    r"|(?<![\w/.])\(?0(?:\d{2,5}\)? ?/ ?(?!(?:19|20)\d\d(?!\d))(?:\d{4,8}|\d{3}[ -]\d{2,4})"
    r"|\d\)? ?/ ?\d{6,8})(?:[ -]\d{1,4}){0,3}(?![\w/])"
)
# Other numbers in links stay, or the links would lead nowhere.
_LINK = r"(?:https?://|www\.)[^\s<>\"]{1,500}"

_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
_CLOCK = r"(?:[01]?\d|2[0-4])[.h:][0-5]\d"
_HHMM = r"(?:[01]\d|2[0-4])[0-5]\d"
_DASH = r" ?[-‐‑–] ?"
_DATES = "|".join(
    form.replace("~", f"[{separator}]") + f"(?![{separator}]?\\d)"
    for separator in ("-", "/", ".", " ")
    for form in (f"{_YEAR}~{_MONTH}~{_DAY}", f"(?:{_DAY}~{_MONTH}|{_MONTH}~{_DAY})~(?:{_YEAR}|\\d\\d)")
)
_UNIT = r"(?:[$€£¥%]|(?:eur|euros?|usd|dollars?|pesos?|people|personas|km|kg)\b)"
# What is made of digits and calls nobody, wherever it stands.
_PLAIN = (
    rf"(?:{_CLOCK},? )?(?:{_DATES})(?:[ T]\d\d:?\d\d(?::?\d\d)?Z?|,? {_CLOCK})?",  # 22.11.2026 18.30
    rf"{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[-T_]?\d{{4,6}}Z?)?(?!\w)",  # 20261122-1530
    r"\d{1,3}(?:\.\d{1,3}){3}(?:[:/]\d{1,5})?(?![.\d])",  # an IP address
    r"[-+]?\d{1,3}\.\d{3,15}°? ?[NSEWO]?[,;]? ?[-+]?\d{1,3}\.\d{3,15}(?![.\d])",  # 40.416775 -3.703790
    r"[$€£¥] ?\d{1,3}(?:[., ]\d{3}){1,4}(?!\d)",  # an amount, by its currency
    rf"\d{{1,3}}(?:[., ]\d{{3}}){{1,4}}(?= ?{_UNIT})",
    r"97[89][ -]\d{1,5}[ -]\d{1,7}[ -]\d{1,7}[ -][\dXx](?!\w)",  # an ISBN
)
# And what could be a part of a phone number, if digits stood before or behind it.
_ALONE = (
    rf"(?:{_DAY},? )?{_YEAR}(?:{_DASH}|[/ ])(?:{_YEAR}|{_HHMM})",  # 2011-2026, 22 2026 1830
    rf"{_DAY},? {_YEAR},? {_CLOCK}",
    rf"{_CLOCK}{_DASH}{_CLOCK}",  # 10.30-12.00
    rf"{_HHMM}{_DASH}{_HHMM}",  # 0900-1700
    rf"\d{{1,3}}0{_DASH}\d{{1,3}}00",  # 1000-1500 people
    r"[-+]?\d{1,12}\.\d{1,15}",  # a number with a fraction
    r"\d{1,2}(?:[. ]\d{3}){1,2}",  # by its thousands: 12 500 000
    r"\d{1,3}(?:[. ]\d{3}){0,3}[. ]000",
    rf"{_YEAR}[-/]0\d{{2,7}}",  # a case or a ticket: 2026-000123
)
_TOLD_APART = re.compile(
    rf"(?P<called>{_CALLED})|{_LINK}|(?<![\w.,:+#-])(?:{'|'.join(_PLAIN)})"
    rf"|(?<![\w.,:+#-])(?<!\d[ )])(?<!\) )(?:{'|'.join(_ALONE)})(?![\w(@]|[ .-]?\d)",
    re.IGNORECASE,
)

# A space, a full stop or a hyphen between groups, as people and their programs write them.
_GAP = r"[ \u00a0\u2007\u202f]?[.\-‐‑‒–]?[ \u00a0\u2007\u202f]?"
_NUMBER = re.compile(
    rf"(?<![\w@#/.:+-])(?:\+ ?)?(?:\(\+?\d{{1,5}}\){_GAP})?"
    rf"\d{{1,4}}(?:{_GAP}(?:\(\d{{1,5}}\)|\d{{1,4}})){{1,7}}(?!\w|@|/\d|:\d|\.\d)"
)
_GROUPS = re.compile(r"\d+")
_BRACKETED = re.compile(r"\+? ?\d{0,4} ?\(")
# Without a separator a run of digits may be an hour count, an amount or a ticket. These are how a phone
# number is typed: in the United States and Canada, with or without the 1; in Spain, with or without the 34;
# and, all over the world, with the 0 of a trunk line or the 00 of a foreign one before it.
_BARE = re.compile(r"1?[2-9]\d\d[2-9]\d{6}|(?:34)?[6-9]\d{8}|0[1-9]\d{7,10}|00[1-9]\d{7,12}")


def without_addresses(text: str) -> str:
    """The text with every e-mail address left out."""
    text = _seen(text)
    return _ADDRESS.sub(ADDRESS_LEFT_OUT, text) if _HAS_AT.search(text) else text


def without_contacts(text: str) -> str:
    """The text with every e-mail address and phone number left out."""
    return _numbers_replaced(without_addresses(text), lambda _: NUMBER_LEFT_OUT)


def contacts_in(text: str) -> tuple[str, ...]:
    """What `without_contacts` leaves out, as it stands in the text: for the person who decides about it."""
    text = _seen(text)
    found = [match[0] for match in _ADDRESS.finditer(text)]

    def note(number: str) -> str:
        found.append(number)
        return NUMBER_LEFT_OUT

    _numbers_replaced(_ADDRESS.sub(ADDRESS_LEFT_OUT, text), note)
    return tuple(dict.fromkeys(found))


def _seen(text: str) -> str:
    return text if text.isascii() else _UNSEEN.sub("", text)


def _numbers_replaced(text: str, replace: Callable[[str], str]) -> str:
    """The text with each phone number replaced, and all that only looks like one as it was."""

    def replaced(found: re.Match[str]) -> str:
        return replace(found[0]) if _is_phone_number(found[0]) else found[0]

    if sum(map(str.isdigit, text)) < _DIGITS_MIN:
        return text  # most texts, in a tenth of the time
    pieces, at = [], 0
    for apart in _TOLD_APART.finditer(text):
        pieces.append(_NUMBER.sub(replaced, text[at : apart.start()]))
        pieces.append(replace(apart[0]) if apart["called"] else apart[0])
        at = apart.end()
    return "".join((*pieces, _NUMBER.sub(replaced, text[at:])))


def _is_phone_number(typed: str) -> bool:
    groups = _GROUPS.findall(typed)
    if not _DIGITS_MIN <= sum(map(len, groups)) <= _DIGITS_MAX:
        return False
    if typed.startswith("+") or _BRACKETED.match(typed):
        return True
    if typed.isdigit():
        return _BARE.fullmatch("".join(str(decimal(digit)) for digit in typed)) is not None  # of any script
    # Groups of one digit are a count or a score; a phone number is typed in groups of two to four. In pairs
    # it is typed with one separator throughout.
    if any(len(group) < 2 for group in groups[1:]):
        return False
    gaps = set(re.findall(r"\D+", typed))
    return any(len(group) > 2 for group in groups) or (len(gaps) == 1 and len(gaps.pop()) == 1)
