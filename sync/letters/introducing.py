"""The first letter of a camp to a list: what this is, and how to live with it.

People on a list did not ask for a hundred letters from boxes in tents. So before the first of them one letter
says what this is, how an answer reaches the camp, how to write to somebody alone, how not to be relayed, and
who answers for it. It goes once for each camp and list, and is held for a person like the rest.

Its words are sentences of the catalogues: said in the camp's language and in English.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sync.letters.marks import DOMAIN, HEADER, mark_text, message_id_of, token
from sync.letters.outward import SUBJECT_EDIT_BYTES_MAX, TRIAL_SUBJECT, TRIAL_TOKEN, trial_lines, when_of
from sync.letters.writing import (
    checked_address,
    date_line,
    display_name,
    encode_header,
    head,
    one_line,
    text_part,
)
from sync.message import MESSAGE_ID_BYTES, MessageId
from sync.signing import digest
from sync.text import tidy

Say = Callable[[str], str]

# What somebody writes into a subject, or has a mail program write into a header, so as not to be relayed.
NO_RELAY = "[no relay]"
NO_ARCHIVE = "X-No-Archive: yes"
CONTACT_BYTES_MAX = 200


def mark(sentence: str) -> str:
    """Put a sentence into the catalogues."""
    return sentence


SUBJECT = mark("What these letters are")
_WHAT = mark(
    "This is %(camp)s. We have a box with a radio, which runs without the internet. What people write on it "
    "goes from camp to camp by radio. When this camp has internet, the box sends it to this list: one letter "
    "for each message, or one letter with many in it."
)
_MARKS = mark(
    "Each letter names the camp, the channel and the time in its subject and its first lines. URGENT stands "
    "before what somebody in the camp has confirmed in person. A message may be hours or days old: look at "
    "its date."
)
_ANSWER = mark(
    "To answer the camps, answer on the list. Your letter comes to the camps by radio, with your name and "
    "without your address. It is cut to about 600 characters, and attachments stay behind."
)
_NO_ANSWER = mark(
    "This camp only writes to the list: what you answer there does not come to the camps by way of this box."
)
_PUBLIC = mark(
    "Radio is a public square: everybody can hear it, and so can the police. Write what may be heard."
)
_PRIVATE = mark(
    "To write to one person alone, do not answer here: ask on the list for an address, or ask whoever is "
    "responsible, below. Addresses and phone numbers in our letters are left out unless a moderator lets "
    "them pass."
)
_NOT_RELAYED = mark(
    "If you do not want a letter of yours to go to the camps, write %(word)s into its subject, or send it "
    "with the header %(header)s. It then stays on the list."
)
_WHO = mark("Responsible for this box: %(contact)s")
_WHO_CAMP = mark("Responsible for this box: the coordinators of %(camp)s. Ask for them on the list.")


@dataclass(frozen=True, slots=True)
class Introduction:
    """What the letter says of its camp."""

    camp: bytes  # 8-byte author id
    camp_name: str
    place: str
    contact: str  # as the camp publishes it; empty: none
    created_s: int
    answers: bool  # whether letters of the list come to the camps
    subject: str = ""  # a moderator's; empty: ours
    utc_offset: int | None = None

    @property
    def named(self) -> str:
        """The camp as its letters call it."""
        return one_line(self.camp_name) or self.camp.hex()


def introduction_id(camp: bytes, list_address: str) -> MessageId:
    """16 bytes that name the introduction of a camp to a list, as a message's id names its letter."""
    return digest(b"introduction" + camp + list_address.lower().encode(), MESSAGE_ID_BYTES)


def introduction_of(
    introduction: Introduction,
    list_address: str,
    sender: str | None,
    says: Sequence[Say],
    trial: bool = False,
) -> bytes:
    """The letter, in each language that `says` speaks, one below the other: CRLF, 7-bit clean.

    It has the marks of a message's letter; as a `trial`, to a person's address, none. Raises ValueError when
    an address is none.
    """
    to = checked_address(list_address, "the list's")
    address = checked_address(sender, "the camp's") if sender else f"camp-{introduction.camp.hex()}@{DOMAIN}"
    message = introduction_id(introduction.camp, to)
    marks = [
        f"Message-ID: <{message_id_of(message)}>",
        f"{HEADER}: {mark_text(introduction.camp, message)}",
    ]
    named = TRIAL_TOKEN if trial else token(introduction.camp, message)
    kind, body = text_part(_body(introduction, named, says))
    subject = encode_header((TRIAL_SUBJECT if trial else "") + introduction_subject(introduction, says))
    lines = [
        f"From: {display_name(introduction.named)} <{address}>",
        f"To: <{to}>",
        f"Subject: {subject}",
        date_line(introduction.created_s),
        *(trial_lines(message, to) if trial else marks),
        "MIME-Version: 1.0",
        *kind,
    ]
    return head(lines) + body


def introduction_subject(introduction: Introduction, says: Sequence[Say]) -> str:
    """`[North] What these letters are / Qué son estas cartas`."""
    camp = introduction.named.replace("[", "(").replace("]", ")")
    ours = " / ".join(say(SUBJECT) for say in says)
    return f"[{camp}] {one_line(introduction.subject, SUBJECT_EDIT_BYTES_MAX) or ours}"


def introduction_text(introduction: Introduction, says: Sequence[Say]) -> str:
    """Its words, below the lines that every letter begins with."""
    return "\n\n* * *\n\n".join(_said(introduction, say) for say in says)


def _body(introduction: Introduction, token_line: str, says: Sequence[Say]) -> str:
    place = one_line(introduction.place)
    camp = f"{introduction.named} ({place})" if place else introduction.named
    when = when_of(introduction.created_s, introduction.utc_offset)
    words = tidy(introduction_text(introduction, says))
    return f"{camp}, {when}\n{token_line}\n\n{words}\n\n-- \n{camp} | Mic Check\n"


def _said(introduction: Introduction, say: Say) -> str:
    camp, contact = introduction.named, one_line(introduction.contact, CONTACT_BYTES_MAX)
    who = say(_WHO) % {"contact": contact} if contact else say(_WHO_CAMP) % {"camp": camp}
    answer = say(_ANSWER) if introduction.answers else say(_NO_ANSWER)
    not_relayed = (
        [say(_NOT_RELAYED) % {"word": NO_RELAY, "header": NO_ARCHIVE}] if introduction.answers else []
    )
    public = [say(_PUBLIC)] if introduction.answers else []
    return "\n\n".join(
        (say(_WHAT) % {"camp": camp}, say(_MARKS), answer, *public, say(_PRIVATE), *not_relayed, who)
    )
