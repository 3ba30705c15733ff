"""The way out: messages of the board become files in the list's outbox, each once.

Before a letter is written its message is noted as `sending`, and after it is on the disk as `sent`. A
node that dies in between finds `sending` when it starts again and looks into the outbox; the name of the
file is the id of the message, so even a second writing makes no second letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from node import maildir
from node.pump import Pump, Workbench
from node.settings import MailingList
from sync.letters import OutgoingLetter, letter_of, message_id_of
from sync.letters.marks import DOMAIN
from sync.message import PARENT_BYTES, Kind, Message, MessageId
from sync.signing import author_of
from sync.store.letters import LetterRow, LetterTables

# Letters of one round: half a second at 10 ms a synced file, and all that a crash leaves to look for.
ROUND_LETTERS = 50
# Everything that is stored is looked through again this often (real time): what was unhidden meanwhile, what
# a changed setting lets out. Otherwise only what is new.
LOOK_AGAIN_S = 600.0
# PROTOCOL.md §5: a receipt names 64 messages at most; for fewer it waits a minute, so that one frame does.
RECEIPT_MESSAGES = 64
RECEIPT_WAIT_S = 60.0
# A maildir is read by whoever owns it; letters to no list in particular still need a To (RFC 5322 §3.6).
NO_ADDRESS = f"list@{DOMAIN}"


class Outbox:
    """The outbox of one list. Used in the courier's thread."""

    def __init__(self, mailing_list: MailingList, folder: Path, pump: Pump) -> None:
        self._list = mailing_list
        self._address = mailing_list.address or NO_ADDRESS
        self._folder = folder
        self._pump = pump
        self._after_seq = 0
        self._looked_s = float("-inf")
        self._unsure = True  # letters may be `sending` that nobody is sending

    def carry(self, now_s: float) -> tuple[int, bool]:
        """Write one round of letters: how many, and whether there may be more.

        `now_s` are seconds of a clock that does not jump. Raises OSError, StoreFull, PumpStopped.
        """
        maildir.make(self._folder)
        recovered = self._recover() if self._unsure else 0
        if now_s - self._looked_s >= LOOK_AGAIN_S:
            self._after_seq, self._looked_s = 0, now_s
        letters = self._pump.submit(self._take).result()
        self._write(letters)
        return recovered + len(letters), len(letters) == ROUND_LETTERS

    def _take(self, bench: Workbench) -> list[OutgoingLetter]:
        tables = LetterTables(bench.store.connection)
        self._after_seq = tables.queue(self._list.name, self._list.channels, self._after_seq, bench.wall_s)
        return _as_letters(tables, tables.take(self._list.name, bench.wall_s, ROUND_LETTERS))

    def _recover(self) -> int:
        """Deal with what was being written when something failed: what is there is sent. How many."""
        there, count = maildir.names(self._folder), 0
        while letters := self._pump.submit(self._sending).result():
            count += len(letters)
            self._mark([letter.message for letter in letters if name_of(letter) in there])
            self._write([letter for letter in letters if name_of(letter) not in there])
        self._unsure = False
        return count

    def _sending(self, bench: Workbench) -> list[OutgoingLetter]:
        tables = LetterTables(bench.store.connection)
        return _as_letters(tables, tables.sending(self._list.name, ROUND_LETTERS))

    def _write(self, letters: Sequence[OutgoingLetter]) -> None:
        if not letters:
            return
        self._unsure = True
        for letter in letters:
            raw = letter_of(letter, self._address).replace(b"\r\n", b"\n")
            maildir.deliver(self._folder, name_of(letter), raw)
        maildir.sync_delivered(self._folder)
        self._mark([letter.message for letter in letters])
        self._unsure = False

    def _mark(self, messages: Sequence[MessageId]) -> None:
        def mark(bench: Workbench) -> None:
            LetterTables(bench.store.connection).mark_sent(self._list.name, messages, bench.wall_s)

        if messages:
            self._pump.submit(mark).result()


def name_of(letter: OutgoingLetter) -> str:
    """The name of a letter's file: the same every time, and mail programs sort by it."""
    return f"{letter.created_s}.{letter.message.hex()}.miccheck"


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


def _as_letters(tables: LetterTables, rows: Sequence[LetterRow]) -> list[OutgoingLetter]:
    return [
        OutgoingLetter(
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
                above.message_id or message_id_of(above.message) for above in tables.ancestors(row.parent)
            ),
        )
        for row in rows
    ]
