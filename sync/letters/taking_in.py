"""Letters into the gossip: each is taken once, and our own coming back only say that they arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from sync.letters.inward import IncomingLetter, NotForUs, message_of
from sync.letters.marks import mark_of_message_id, reference_of
from sync.message import PARENT_BYTES, Message, MessageId
from sync.store import Store
from sync.store.letters import LetterTables

Publish = Callable[[Message], MessageId]


class Outcome(StrEnum):
    """What became of a letter. The words stand in the store."""

    TAKEN = "taken"  # published as a message of this camp
    OWN = "own"  # a message of a camp known here: it is on the list
    KNOWN = "known"  # another gateway published it


@dataclass(frozen=True, slots=True)
class Taken:
    """How many of a batch became what."""

    taken: int
    own: int
    known: int
    dropped: int


def take_in(
    store: Store,
    publish: Publish,
    list_name: str,
    letters: Iterable[IncomingLetter | NotForUs],
    now_s: float,
) -> Taken:
    """Deal with a batch inside the caller's transaction. `publish` makes a message of this camp."""
    tables = LetterTables(store.connection)
    became = dict.fromkeys(Outcome, 0)
    dropped = 0
    for letter in letters:
        if isinstance(letter, NotForUs):
            store.count(f"letters.{letter.why}")
            dropped += 1
        elif not tables.has_taken(letter.reference):
            became[_deal_with(tables, publish, list_name, letter, now_s)] += 1
        elif letter.mark is None:
            became[Outcome.KNOWN] += 1
    return Taken(became[Outcome.TAKEN], became[Outcome.OWN], became[Outcome.KNOWN], dropped)


def _deal_with(
    tables: LetterTables, publish: Publish, list_name: str, letter: IncomingLetter, now_s: float
) -> Outcome:
    outcome, message = Outcome.TAKEN, tables.letter_message(letter.reference)
    if letter.mark is not None and _comes_by_gossip(tables, letter):
        outcome, message = Outcome.OWN, letter.mark.message
        tables.mark_on_list(list_name, letter.mark.message, now_s)
    elif message is not None:
        outcome = Outcome.KNOWN
    else:
        message = publish(message_of(letter, _parent(tables, letter), int(now_s)))
    tables.note_taken(letter.reference, list_name, outcome, message, letter.message_id, now_s)
    return outcome


def _comes_by_gossip(tables: LetterTables, letter: IncomingLetter) -> bool:
    """Whether the message in a letter of a camp is here or will be. If not, the list is its only road:
    camps of two cities without a radio between them read each other this way."""
    mark = letter.mark
    if mark is None:
        return False
    return tables.knows_message(mark.message) or (mark.camp is not None and tables.knows_author(mark.camp))


def _parent(tables: LetterTables, letter: IncomingLetter) -> bytes:
    """The nearest message known here that the letter answers: 8 bytes of its id, or nothing."""
    for message_id in letter.parents:
        mark = mark_of_message_id(message_id)
        if mark is not None and tables.knows_message(mark.message):
            return mark.message[:PARENT_BYTES]
        if message := tables.letter_message(reference_of(message_id)):
            return message[:PARENT_BYTES]
    return b""
