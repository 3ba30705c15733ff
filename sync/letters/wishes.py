"""What the writer of a letter asks of whoever passes it on: `[no relay]`, and not to be kept.

Writers on the list are told (introducing.py) that `[no relay]` in the subject keeps a letter off the air.
Older customs that say the same are honoured too. What cannot be taken back once it was broadcast is not
broadcast when in doubt.
"""

from __future__ import annotations

import re
import unicodedata
from email.message import Message as Mail

from sync.letters.headers import headers

_NO_RELAY = re.compile(r"\[[\s_-]*no[\s_-]*relay[\s_-]*\]", re.IGNORECASE)
# What hides between letters: zero-width characters, joiners, direction marks, soft hyphens.
_HIDDEN = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# Where a mail program sets no headers, the first line of the text does (the custom of Usenet's archives).
_FIRST_LINE = re.compile(r"\s*X-No-(?:Archive|Relay)\s*:\s*yes\s*(?:\n|$)", re.IGNORECASE)


def wants_no_relay(mail: Mail, text: str) -> bool:
    """Whether the letter asks to stay where it was sent.

    X-No-Archive asks for it whatever its value, except `no` (GNU Mailman looks for its presence:
    Handlers/ToArchive.py); so do `Archive: no` (RFC 5536 §3.2.2) and `X-Archive: no` (Mailman). Gmane's
    `X-Archive: encrypt` asks to hide the address, and addresses are never passed on.
    """
    if any(_NO_RELAY.search(_plain(subject)) for subject in headers(mail, "Subject")):
        return True
    if any(value.strip().lower() != "no" for value in headers(mail, "X-No-Archive")):
        return True
    for name in ("Archive", "X-Archive"):
        # `Archive: no; filename=…` has parameters.
        if any(value.partition(";")[0].strip().lower() == "no" for value in headers(mail, name)):
            return True
    return _FIRST_LINE.match(text) is not None


def _plain(subject: str) -> str:
    return unicodedata.normalize("NFKC", _HIDDEN.sub("", subject))
