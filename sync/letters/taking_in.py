"""Letters into the gossip: each is taken once, and our own coming back only say that they arrived.

Before the list's owner has agreed nothing is published, and nothing is remembered of anybody's letter; our
own copies and the list's notices are looked at all the same, for what became of our posts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from sync.letters.alike import says
from sync.letters.headers import header
from sync.letters.inward import DigestBack, IncomingLetter, NotForUs, Piece, Why, message_of
from sync.letters.list_forms import folded
from sync.letters.marks import mark_of_message_id, message_id_of, reference_of
from sync.letters.mime import parse
from sync.letters.notices import Notice
from sync.letters.origin import Way
from sync.letters.outward import OutgoingLetter, letter_of
from sync.message import PARENT_BYTES, Message, MessageId
from sync.signing import author_of
from sync.store import Store
from sync.store.letter_lookups import LetterLookups
from sync.store.letters import LetterTables, left_out_counter, not_relayed_counter
from sync.store.letters_out import LetterRow

Publish = Callable[[Message], MessageId]

# Of a subject shorter than this a notice may hold the letters by chance.
SUBJECT_CHARACTERS_MIN = 8
# Of a letter whose message has not come yet, as much is kept as `alike` looks at.
UNREAD_CHARACTERS = 1_000
# A list that sent nothing with its headers for a month may have moved to a program that writes none; and
# whoever wrote them into one letter does not keep a list without headers out for ever. Noted once a day.
SIGNS_LAST_S, SIGNS_NOTED_S = 30 * 86_400.0, 86_400.0
_NOWHERE = "list@miccheck.invalid"


class Outcome(StrEnum):
    """What became of a letter. The words stand in the store."""

    TAKEN = "taken"  # published as a message of this camp
    OWN = "own"  # a message of a camp known here: it is on the list
    KNOWN = "known"  # another gateway published it
    LEFT = "left"  # its writer asked that it is not relayed


@dataclass(frozen=True, slots=True)
class Taken:
    """How many of a batch became what."""

    taken: int
    own: int
    known: int
    dropped: int
    notices: int = 0
    left: int = 0  # not relayed, as their writers asked


def take_in(
    store: Store,
    publish: Publish | None,
    list_name: str,
    letters: Iterable[Piece],
    now_s: float,
    room: int | None = None,
) -> Taken:
    """Deal with a batch inside the caller's transaction. `publish` makes a message of this camp; without it
    (nobody agreed) people's letters are dropped, and only what concerns our own posts is noted.

    At most `room` letters are published, the others left out and counted: one digest holds hundreds.
    """
    return _Taking(store, publish, list_name, now_s, room).take(letters)


def only_ours(letters: Iterable[Piece]) -> list[Piece]:
    """Of what a list sent, that which says what became of our posts. It takes no room on the air."""
    return [
        each
        for each in letters
        if isinstance(each, Notice | DigestBack)
        or (isinstance(each, IncomingLetter) and each.mark is not None)
    ]


class _Taking:
    def __init__(
        self, store: Store, publish: Publish | None, list_name: str, now_s: float, room: int | None
    ) -> None:
        self._store = store
        self._room = room
        self._publish = publish
        self._list = list_name
        self._now_s = now_s
        self._tables = LetterTables(store.connection)
        self._lookups = LetterLookups(store.connection)
        self._subjects: list[tuple[MessageId, str]] | None = None
        self._signs = SignsOfList(store, list_name, now_s)

    def take(self, letters: Iterable[Piece]) -> Taken:
        became = dict.fromkeys(Outcome, 0)
        dropped = notices = 0
        for letter in letters:
            match letter:
                case NotForUs():
                    self._store.count(f"letters.{letter.why}")
                    dropped += 1
                case Notice():
                    notices += self._note(letter)
                case DigestBack():
                    if self._signs.fit(letter.way):
                        self._tables.digest_on_list(self._list, letter.digest, self._now_s)
                case IncomingLetter():
                    outcome = self._deal_with(letter)
                    if outcome is None:
                        dropped += 1
                    elif outcome is not Outcome.KNOWN or letter.mark is None:
                        became[outcome] += 1
        return Taken(
            became[Outcome.TAKEN],
            became[Outcome.OWN],
            became[Outcome.KNOWN],
            dropped,
            notices,
            became[Outcome.LEFT],
        )

    def _deal_with(self, letter: IncomingLetter) -> Outcome | None:
        """What becomes of a letter; None when it is dropped: nobody agreed, it lies, there are too many."""
        if self._tables.has_taken(letter.reference):
            return Outcome.KNOWN
        if not self._signs.fit(letter.way) and not self._parent(letter):
            # Lists leave out whom an answer reached directly (Mailman: avoid duplicates). It answers what is
            # here; anything else comes from somebody who passed the list by.
            return self._drop(Why.PRIVATE)
        if letter.mark is not None and self._comes_by_gossip(letter):
            if not self._says_it(letter, letter.mark.message):
                return self._drop("false mark")
            unread = "" if self._is_here(letter.mark.message) else letter.text[:UNREAD_CHARACTERS] or " "
            self._tables.mark_on_list(self._list, letter.mark.message, self._now_s, unread)
            return self._became(letter, Outcome.OWN, letter.mark.message)
        if letter.way is Way.UNSAID:  # it says whose it is, and nothing that anybody else should read
            return self._drop(Why.PRIVATE)
        if self._publish is None:
            return self._drop("not agreed") if letter.mark is None else None
        if letter.no_relay:
            self._store.count(not_relayed_counter(self._list))
            return self._became(letter, Outcome.LEFT, None)
        return self._pass_on(letter, self._publish)

    def _pass_on(self, letter: IncomingLetter, publish: Publish) -> Outcome | None:
        """Publish a letter, unless another gateway did, or there is no room."""
        message = message_of(letter, self._parent(letter), int(self._now_s))
        if letter.mark is not None:
            # Its own Message-ID, whatever the list wrote: every gateway names it alike.
            message = _named(message, reference_of(message_id_of(letter.mark.message)))
        if known := self._known(message):
            return self._became(letter, Outcome.KNOWN, known)
        if self._room is not None:
            if self._room <= 0:
                self._store.count(left_out_counter(self._list))
                return None
            self._room -= 1
        return self._became(letter, Outcome.TAKEN, publish(message))

    def _drop(self, why: str) -> Outcome | None:
        self._store.count(f"letters.{why}")
        return None

    def _became(self, letter: IncomingLetter, outcome: Outcome, message: MessageId | None) -> Outcome:
        self._tables.note_taken(
            letter.reference, self._list, outcome, message, letter.message_id, self._now_s
        )
        return outcome

    def _known(self, message: Message) -> MessageId | None:
        """The message of another gateway that is the same letter."""
        return self._tables.letter_message(message.reference) or self._lookups.same_letter(
            message.second, message.nickname, message.text
        )

    def _comes_by_gossip(self, letter: IncomingLetter) -> bool:
        """Whether the message in a letter of a camp is here or will be. If not, the list is its only road:
        camps of two cities without a radio between them read each other this way."""
        mark = letter.mark
        if mark is None:
            return False
        if self._is_here(mark.message):
            return True
        return mark.camp is not None and self._tables.knows_author(mark.camp)

    def _is_here(self, message: MessageId) -> bool:
        return self._tables.knows_message(message) or self._lookups.is_ours(self._list, message)

    def _says_it(self, letter: IncomingLetter, message: MessageId) -> bool:
        """Whether a letter with the mark of a message we have not sent says what the message says."""
        words = self._lookups.unsent_words(self._list, message)
        return not words or says(letter.text, words)

    def _parent(self, letter: IncomingLetter) -> bytes:
        """The nearest message known here that the letter answers: 8 bytes of its id, or nothing."""
        for message_id in letter.parents:
            mark = mark_of_message_id(message_id)
            if mark is not None and self._tables.knows_message(mark.message):
                return mark.message[:PARENT_BYTES]
            reference = reference_of(message_id)
            message = self._tables.letter_message(reference) or self._lookups.taken_as(reference)
            if message:
                return message[:PARENT_BYTES]
        return b""

    def _note(self, notice: Notice) -> bool:
        """Keep a notice for the coordinator, and tell our posts what the list said. False: known."""
        messages = list(notice.messages)
        if notice.digest is not None:
            messages += self._lookups.in_digest(self._list, notice.digest)
        messages = [
            message for message in dict.fromkeys(messages) if self._lookups.is_ours(self._list, message)
        ]
        if not messages and notice.said:
            messages = self._named_by_subject(notice)
        first = messages[0] if messages else None
        if not self._tables.note_notice(
            self._list, notice.kind, self._now_s, notice.words, notice.reference, first
        ):
            return False
        if notice.said:
            for message in messages:
                self._tables.list_said(self._list, message, notice.said, notice.words, self._now_s)
        return True

    def _named_by_subject(self, notice: Notice) -> list[MessageId]:
        """The newest of our posts whose subject the notice quotes (Mailman says nothing else)."""
        if self._subjects is None:  # once a batch: whoever sends a thousand false notices costs no more
            rows = self._lookups.sent_lately(self._list)
            self._subjects = [(row.message, _subject_of(row)) for row in rows]
        best, length = None, SUBJECT_CHARACTERS_MIN - 1
        for message, subject in self._subjects:
            if len(subject) > length and _as_quoted(subject).search(notice.text):
                best, length = message, len(subject)
        return [best] if best is not None else []


class SignsOfList:
    """Whether a list writes headers of its own: then what has none was not sent on by it.

    Everybody knows the camp's address, and can write a letter that names the list in To.
    """

    def __init__(self, store: Store, list_name: str, now_s: float) -> None:
        self._store = store
        self._name = f"list header seen: {list_name}"
        self._now_s = now_s
        seen = store.meta(self._name)
        self._seen_s = float(seen) if isinstance(seen, int | float) else None

    def fit(self, way: Way) -> bool:
        """Whether a letter that came on this way has what the list's letters have."""
        if way is Way.LIST and (self._seen_s is None or abs(self._now_s - self._seen_s) > SIGNS_NOTED_S):
            self._store.set_meta(self._name, self._now_s)
            self._seen_s = self._now_s
        if way is not Way.ADDRESSED or self._seen_s is None:
            return True
        return abs(self._now_s - self._seen_s) > SIGNS_LAST_S


def read_again(tables: LetterTables, list_name: str) -> None:
    """Hold letters that came before their messages against these: no false mark keeps one off a list."""
    for message, said, words in tables.unread(list_name):
        tables.was_read(list_name, message, is_it=says(said, words))


def _named(message: Message, reference: bytes) -> Message:
    return replace(message, reference=reference)


def _subject_of(row: LetterRow) -> str:
    """The subject under which a letter left, folded."""
    letter = OutgoingLetter(
        message=row.message,
        camp=author_of(row.key),
        camp_name=row.camp_name,
        place="",
        channel=row.channel,
        author="",
        text=row.text,
        urgent=row.urgent,
        created_s=row.created_s,
        subject=row.subject,
        let_contacts=row.let_contacts,
    )
    mail = parse(letter_of(letter, _NOWHERE))
    return "" if mail is None else folded(header(mail, "Subject"))


def _as_quoted(subject: str) -> re.Pattern[str]:
    """The subject as notices quote it: Mailman writes `?` for what its charset has not."""
    return re.compile("".join(re.escape(c) if c.isascii() else ".{1,4}" for c in subject))
