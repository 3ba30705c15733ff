"""What keeps letters from leaving or coming in, in sentences a person can act on.

A sentence is made in English: it stands in the log, the store, the API and the terminal. A page finds the
sentence of this table it was made from and says it in its reader's language. So nobody who carries a
sentence needs to know what it is made of, and a catalogue that lacks one shows English.

`%(server)s` is the server's name and port, `%(said)s` what it answered: its code and words, on one line and
without addresses of people.
"""

from __future__ import annotations

import re
from functools import cache

from web_ui.languages import Language
from web_ui.words import mark

# -- the network -------------------------------------------------------------------------------------
OFFLINE = mark("this box is in no network: letters wait")
DNS_DEAD = mark("no name is looked up in this network (DNS): it has no internet, or keeps us from it")
NO_HOST = mark("no internet, or there is no %(host)s")
PORTAL = mark(
    "this network shows a web page first (a captive portal): open a browser in it and log in; letters wait"
)
BLOCKED = mark(
    "port %(port)s of %(host)s is closed to us, most likely by this network: others of it answer. Use "
    "another network, or ask who runs this one"
)
BLOCKED_TRY = mark(
    "port %(port)s of %(host)s is closed to us, most likely by this network, and its port %(other)s "
    "answers: write %(scheme)s:// in the settings, or use another network"
)
NOBODY = mark("nobody takes mail at %(server)s")
NO_ANSWER = mark("%(server)s does not answer")
BROKE_OFF = mark("%(server)s broke the connection off")
NO_WAY = mark("no way to %(server)s")
BAD_SMTP = mark("%(server)s does not speak SMTP as it should")
BAD_IMAP = mark("%(server)s does not speak IMAP as it should")

# -- encryption --------------------------------------------------------------------------------------
NO_TLS = mark("%(server)s offers no encryption (STARTTLS): the password is not sent, letters wait")
NO_TLS_TO_JOIN = mark(
    "%(server)s offers no encryption (STARTTLS): who asks to join is not named to it, letters wait"
)
TLS_FIRST = mark("%(server)s waits for encryption: write %(scheme)s:// in the settings")
TLS_LATER = mark("%(server)s does not begin with encryption: write %(scheme)s:// in the settings")
TLS_NAME = mark(
    "%(server)s cannot show that it is itself: its certificate is for another name. Another server "
    "answers, or the settings name it wrongly; nothing is sent"
)
TLS_EXPIRED = mark(
    "%(server)s cannot show that it is itself: its certificate has expired, and its owner must renew it; "
    "nothing is sent"
)
TLS_EARLY = mark(
    "%(server)s cannot show that it is itself: its certificate is not valid yet, or the clock of this "
    "box is slow; nothing is sent"
)
TLS_UNKNOWN = mark(
    "%(server)s cannot show that it is itself: nobody whom this box trusts signed its certificate. Name "
    "its authority with ca_file, or ask its owner; nothing is sent"
)
TLS_OTHER = mark("%(server)s and this box agree on no encryption (%(said)s): nothing is sent")
CLOCK = mark(
    "the clock of this box is not set, so the certificate of %(server)s cannot be checked: set it on the "
    "page Clock; nothing is sent"
)
CA_FILE = mark("the ca_file %(file)s cannot be read, or holds no certificate")

# -- logging in --------------------------------------------------------------------------------------
PASSWORD_MISSING = mark("the password file %(file)s is not there")
PASSWORD_NO_TEXT = mark("the password file %(file)s is not text")
PASSWORD_EMPTY = mark("the password file %(file)s is empty")
WRONG_PASSWORD = mark(
    "%(server)s does not take the user and the password: %(said)s. Look at both; many providers want an "
    "app password"
)
APP_PASSWORD = mark(
    "%(server)s wants an app password, not the account's own (%(said)s): make one at the provider, and "
    "write it into the password file"
)
IMAP_OFF = mark(
    "IMAP is switched off for this mailbox at %(server)s (%(said)s): switch it on at the provider"
)
LOGIN_LATER = mark("%(server)s lets nobody log in at the moment (%(said)s)")
NO_LOGIN = mark(
    "%(server)s knows no way to log in that this box knows (%(said)s): some providers give app passwords "
    "for that"
)
NEEDS_LOGIN = mark(
    "%(server)s wants us to log in (%(said)s): write the user into the address, and name a password_file"
)
NEEDS_TLS = mark(
    "%(server)s takes letters by encryption only (%(said)s): name a ca_file, for instance "
    "/etc/ssl/certs/ca-certificates.crt"
)
NO_FOLDER = mark("%(server)s has no folder of that name (%(said)s): look at the end of the inbox's address")

# -- what becomes of letters -------------------------------------------------------------------------
SENDER = mark(
    "%(server)s does not let us write from this address (%(said)s): set sender to the address of the account"
)
RELAY = mark(
    "%(server)s passes nothing on for us (%(said)s): log in there, or use the server of the camp's own "
    "address"
)
RECIPIENT = mark(
    "the list does not take it (%(said)s): look at its address, and whether the camp's own is subscribed"
)
FULL = mark("the mailbox of the list is full (%(said)s): its owner must make room")
INBOX_FULL = mark(
    "the camp's mailbox at %(server)s is full (%(said)s): delete letters there, or nothing comes in"
)
GREYLISTED = mark("%(server)s asks strangers to come again in 5 min (greylisting: %(said)s)")
TOO_MANY = mark("%(server)s wants us to come less often (%(said)s)")
TOO_BIG = mark("the letter is too big for %(server)s (%(said)s)")
SPAM = mark("%(server)s takes it for spam, or distrusts this network (%(said)s): ask the owner of the list")
SAYS = mark("%(server)s says %(said)s")
TAKES_NONE = mark("%(server)s takes no letters now: %(why)s")

# -- this box, and the list --------------------------------------------------------------------------
NOT_AGREED = mark(
    "nothing of the list is passed on until its owner has agreed: write agreed_by and agreed_on into its "
    "[[list]]"
)
HELD_BACK = mark("more than %(n)s letters in three days: the rest waits in the inbox")
CAMP_FULL = mark("the disk of this camp is full")
OUTBOX_FULL = mark("the disk with the outbox is full")
FOLDER_MISSING = mark("the folder of %(file)s is not there")
MAY_NOT_USE = mark("this node may not use %(file)s")
STOPPED_WORKING = mark("the courier failed; the log says why. Letters wait until the node is started again")

# -- round another sentence --------------------------------------------------------------------------
REFUSED_ONE = mark("1 letter was refused: %(why)s")
REFUSED_MANY = mark("%(n)s letters were refused: %(why)s")
PUT_OFF_ONE = mark("1 letter was put off: %(why)s; trying again")
PUT_OFF_MANY = mark("%(n)s letters were put off: %(why)s; trying again")
AGAIN_IN = mark("%(why)s; trying again in %(n)s s")
AGAIN_NOW = mark("%(why)s; trying again now")
BETWEEN = " · "

# The first that fits is taken: what stands round another sentence before it.
SENTENCES = (
    REFUSED_ONE, REFUSED_MANY, PUT_OFF_ONE, PUT_OFF_MANY, AGAIN_IN, AGAIN_NOW, TAKES_NONE, OFFLINE,
    DNS_DEAD, NO_HOST, PORTAL, BLOCKED, BLOCKED_TRY, NOBODY, NO_ANSWER, BROKE_OFF, NO_WAY, BAD_SMTP,
    BAD_IMAP, NO_TLS, NO_TLS_TO_JOIN, TLS_FIRST, TLS_LATER, TLS_NAME, TLS_EXPIRED, TLS_EARLY,
    TLS_UNKNOWN, TLS_OTHER,
    CLOCK, CA_FILE, PASSWORD_MISSING, PASSWORD_NO_TEXT, PASSWORD_EMPTY, WRONG_PASSWORD, APP_PASSWORD,
    IMAP_OFF, LOGIN_LATER, NO_LOGIN, NEEDS_LOGIN, NEEDS_TLS, NO_FOLDER, SENDER, RELAY, RECIPIENT, FULL,
    INBOX_FULL, GREYLISTED, TOO_MANY, TOO_BIG, SPAM, NOT_AGREED, HELD_BACK, CAMP_FULL, OUTBOX_FULL,
    FOLDER_MISSING, MAY_NOT_USE, STOPPED_WORKING, SAYS,
)  # fmt: skip

# How deep a sentence may stand in others: refused, by a server that takes none now, again in 5 s.
_DEPTH_MAX = 4
_HOLE = re.compile(r"%\((\w+)\)s")


def in_english(sentence: str, **values: object) -> str:
    """A sentence of this table with its values."""
    return sentence % values if values else sentence


def in_language(language: Language, sentences: str) -> str:
    """Sentences that were made by `in_english`, joined by `BETWEEN`, as `language` says them.

    Others stay as they are.
    """
    return BETWEEN.join(_said(language, each, _DEPTH_MAX) for each in sentences.split(BETWEEN))


def template_of(sentence: str) -> str | None:
    """The sentence of this table that one was made from; None where it was not."""
    return next((each for each in SENTENCES if _pattern(each).fullmatch(sentence)), None)


def _said(language: Language, sentence: str, depth: int) -> str:
    template = template_of(sentence) if depth else None
    found = _pattern(template).fullmatch(sentence) if template is not None else None
    if template is None or found is None:
        return sentence
    values = found.groupdict()
    if "why" in values:
        values["why"] = _said(language, values["why"], depth - 1)
    return language.say(template, **values)


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """What a sentence made from `template` looks like."""
    parts = _HOLE.split(template)
    fixed = [re.escape(part) if n % 2 == 0 else f"(?P<{part}>.+?)" for n, part in enumerate(parts)]
    return re.compile("".join(fixed), re.DOTALL)
