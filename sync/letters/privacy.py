"""Addresses and phone numbers in a text, which do not belong into a public archive or onto the air.

Outward both are left out: a list has an archive that search engines and police read for ever. Inward
only e-mail addresses are: a list has published the rest already, but a camp does not broadcast where a
person's mail arrives. What stands in their place needs no translation.
"""

from __future__ import annotations

import re

ADDRESS_LEFT_OUT = "[…@…]"
NUMBER_LEFT_OUT = "[☎…]"

# Every repetition is bounded, so that a hostile text costs no more than its length times 64.
_ADDRESS = re.compile(r"[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_NUMBER = re.compile(
    r"(?<![\w@#/.:+-])\+?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?(?:\(\d{1,4}\)|\d{1,4})){1,7}(?![\w@/:])"
)
_YEAR = r"(?:19|20)\d\d"
_DATE = re.compile(rf"{_YEAR}[ .-]\d\d?[ .-]\d\d?|\d\d?[ .-]\d\d?[ .-]{_YEAR}|{_YEAR}[ -]{_YEAR}")
_DOTTED = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")  # an IP address or a version
# Without a separator a run of digits may be an hour count, an amount or a ticket. These two are
# how a phone number is typed in the United States and Canada, and in Spain.
_BARE = re.compile(r"[2-9]\d\d[2-9]\d{6}|[6-9]\d{8}")

# ITU-T E.164: no number has more than 15 digits. Seven is the shortest local one that reaches a person.
_DIGITS_MIN, _DIGITS_MAX = 7, 15


def without_addresses(text: str) -> str:
    """The text with every e-mail address left out."""
    return _ADDRESS.sub(ADDRESS_LEFT_OUT, text) if "@" in text else text


def without_contacts(text: str) -> str:
    """The text with every e-mail address and phone number left out."""
    return _NUMBER.sub(_number_left_out, without_addresses(text))


def _number_left_out(found: re.Match[str]) -> str:
    return NUMBER_LEFT_OUT if _is_phone_number(found[0]) else found[0]


def _is_phone_number(typed: str) -> bool:
    digits = sum(c.isdigit() for c in typed)
    if not _DIGITS_MIN <= digits <= _DIGITS_MAX or _DATE.fullmatch(typed) or _DOTTED.fullmatch(typed):
        return False
    if typed.startswith("+") or "(" in typed:
        return True
    if typed.isdigit():
        return _BARE.fullmatch(typed) is not None
    # Groups of one digit are a count or a score; a phone number is typed in groups of two to four.
    return all(len(group) >= 2 for group in re.split(r"[ .-]", typed)[1:])
