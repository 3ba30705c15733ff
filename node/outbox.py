"""The way out: what of the board goes to a list, as letters; how they travel is the outboxes' business."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from node.pump import Pump, Workbench
from node.settings import MailingList
from sync.letters import OutgoingLetter, letter_of, message_id_of
from sync.letters.marks import DOMAIN
from sync.message import PARENT_BYTES, Kind, Message
from sync.signing import author_of
from sync.store.letters import LetterRow, LetterTables

T = TypeVar("T")

# Everything that is stored is looked through again this often (real time): what was unhidden meanwhile, what
# a changed setting lets out. Otherwise only what is new.
LOOK_AGAIN_S = 600.0
# PROTOCOL.md §5: a receipt names 64 messages at most; for fewer it waits a minute, so that one frame does.
RECEIPT_MESSAGES = 64
RECEIPT_WAIT_S = 60.0
# A maildir is read by whoever owns it; letters to no list in particular still need a To (RFC 5322 §3.6).
NO_ADDRESS = f"list@{DOMAIN}"


class Outbox(Protocol):
    """Where a list's letters go."""

    def carry(self, now_s: float) -> float:
        """Send one round; in how many seconds there may be more.

        `now_s` are seconds of a clock that does not jump.
        Raises OSError, StoreFull, Trouble, PumpStopped.
        """

    def stop(self) -> None:
        """The node ends: give up what takes long. Called from another thread."""


class LetterQueue:
    """The letters of one list that wait in the store. Used in a walker's thread."""

    def __init__(self, mailing_list: MailingList, sender: str, pump: Pump) -> None:
        """`sender`: the camp's address on the list; empty: letters come from one that reaches nobody."""
        self.list_name = mailing_list.name
        self.address = mailing_list.address or NO_ADDRESS
        self._channels = mailing_list.channels
        self._sender = sender
        self._pump = pump
        self._after_seq = 0
        self._looked_s = float("-inf")

    def fill(self, now_s: float) -> None:
        """Let what is new on the board wait, and now and then look through all of it."""
        if now_s - self._looked_s >= LOOK_AGAIN_S:
            self._after_seq, self._looked_s = 0, now_s

        def fill(bench: Workbench) -> int:
            return self.tables(bench).queue(self.list_name, self._channels, self._after_seq, bench.wall_s)

        self._after_seq = self.ask(fill)

    def ask(self, job: Callable[[Workbench], T]) -> T:
        """Have the pump do a job in a transaction of its own."""
        return self._pump.submit(job).result()

    def tables(self, bench: Workbench) -> LetterTables:
        """The letters' tables."""
        return LetterTables(bench.store.connection)

    def letter(self, bench: Workbench, row: LetterRow) -> OutgoingLetter:
        """What the letter of a message is made of."""
        return OutgoingLetter(
            message=row.message,
            camp=author_of(row.key),
            camp_name=row.camp_name,
            place=row.place,
            channel=row.channel,
            author=row.nickname,
            text=row.text,
            urgent=row.urgent,
            created_s=row.created_s,
            references=tuple(
                above.message_id or message_id_of(above.message)
                for above in self.tables(bench).ancestors(row.parent)
            ),
        )

    def raw(self, letter: OutgoingLetter) -> bytes:
        """Its bytes, with CRLF."""
        return letter_of(letter, self.address, self._sender or None)


def publish_receipt(bench: Workbench, wait_s: float) -> float | None:
    """Tell the other camps what is on the list, once the oldest has waited `wait_s` or there is enough.

    In how many seconds to ask again; None when nothing waits.
    """
    tables = LetterTables(bench.store.connection)
    messages, since_s = tables.untold(RECEIPT_MESSAGES)
    if since_s is None:
        return None
    # A wall clock that was set back must not hold receipts for years.
    waited_s = bench.wall_s - since_s
    if len(messages) < RECEIPT_MESSAGES and 0 <= waited_s < wait_s:
        return wait_s - waited_s
    prefixes = b"".join(message[:PARENT_BYTES] for message in messages)
    receipt = Message(kind=Kind.RECEIPT, second=int(bench.wall_s), reference=prefixes)
    bench.engine.publish(receipt, bench.now)
    tables.mark_told(messages)
    return 0.0
