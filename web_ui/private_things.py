"""Phone numbers and e-mail addresses in a text, pointed out to its author before everybody can read them.

It is a hint, not a guard: better one too few than a warning that people learn to click away.
"""

from __future__ import annotations

import re

# What looks like a phone number and is none: dates, times of day, amounts with a unit are shorter.
_DATES_AND_TIMES = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{1,2}[:.h]\d{2}(?!\d)"
)
# E.164 numbers have 8 to 15 digits with their country; 7 is what people write within a city.
_PHONE = re.compile(r"(?<![\w+])\+?\(?\d(?:[ \-./()]{0,2}\d){6,14}(?!\w)")
_ADDRESS = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,190}\.[^\W\d_]{2,24}")


def private_things(text: str) -> tuple[str, ...]:
    """What in the text would lead to a person, as it stands there."""
    addresses = [match.group() for match in _ADDRESS.finditer(text)]
    rest = _DATES_AND_TIMES.sub(" , ", _ADDRESS.sub(" , ", text))
    return (*addresses, *(match.group() for match in _PHONE.finditer(rest)))
