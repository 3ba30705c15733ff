"""What the other camps hear of the lists: which messages are there, and which of ours must not go there yet.

A receipt names up to 64 messages, so it is gathered for: every letter of its own would cost the shared
channel a frame. A mic check's is not, because the next gateway waits for it only three minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from node.list_settings import MailingList
from node.pump import Workbench
from sync.message import PARENT_BYTES, Kind, Message, MessageId
from sync.receipts import Word, list_digest, receipt_body
from sync.signing import author_of
from sync.store.letters import LetterTables

# PROTOCOL.md §5: a receipt names 64 messages at most; for fewer it waits a minute, so that one frame does.
RECEIPT_MESSAGES = 64
RECEIPT_WAIT_S = 60.0
# Mic checks that were posted together are told together.
URGENT_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class _Due:
    """What one receipt would say."""

    list_name: str
    word: Word
    messages: list[MessageId]
    since_s: float
    urgent: bool


def publish_receipts(bench: Workbench, lists: Iterable[MailingList], speed: float = 1.0) -> float | None:
    """Tell the other camps what is due; in how many seconds to ask again, None when nothing waits.

    `speed`: how much faster than real time the camp runs.
    """
    tables = LetterTables(bench.store.connection)
    waits = []
    for each in lists:
        digest = list_digest(each.address)
        for due in _due(bench, tables, each.name, digest):
            if (wait_s := _wait_s(due, bench.wall_s, speed)) > 0:
                waits.append(wait_s)
                continue
            _publish(bench, digest, due)
            if due.word is Word.POSTED:
                tables.mark_told(due.list_name, due.messages)
            else:
                tables.mark_word_told(due.list_name, due.messages, due.word)
            waits.append(0.0)  # there may be more of it
    return min(waits, default=None)


def _due(bench: Workbench, tables: LetterTables, list_name: str, digest: bytes) -> list[_Due]:
    found = []
    messages, since_s, urgent = tables.untold(list_name, RECEIPT_MESSAGES)
    if since_s is not None:
        found.append(_Due(list_name, Word.POSTED, messages, since_s, urgent))
    if not tables.gateways(digest, bench.wall_s) - {author_of(bench.store.key)}:
        return found  # nobody would post what we hold
    untold = tables.untold_words(list_name)
    for word in (Word.HELD, Word.REFUSED, Word.LET_GO):
        some = [each for each in untold if each.word is word][:RECEIPT_MESSAGES]
        if some:
            urgent = any(each.urgent for each in some)
            found.append(_Due(list_name, word, [each.message for each in some], some[0].since_s, urgent))
    return found


def _wait_s(due: _Due, now_s: float, speed: float) -> float:
    waited_s = now_s - due.since_s
    # A wall clock that was set back must not hold receipts for years.
    if len(due.messages) == RECEIPT_MESSAGES or waited_s < 0:
        return 0.0
    return (URGENT_WAIT_S if due.urgent else RECEIPT_WAIT_S) / speed - waited_s


def _publish(bench: Workbench, digest: bytes, due: _Due) -> None:
    prefixes = b"".join(message[:PARENT_BYTES] for message in due.messages)
    body = receipt_body(digest, due.word)
    receipt = Message(kind=Kind.RECEIPT, second=int(bench.wall_s), body=body, reference=prefixes)
    bench.engine.publish(receipt, bench.now)
