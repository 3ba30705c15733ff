"""What people of this camp said: kept here from the moment they are told that it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sync import message as messages
from sync.bundle import BundleClass, BundleId
from sync.message import SALT_MAX, Kind, Message, MessageId, identify
from sync.store.bundles import BundleTables
from sync.store.database import written
from sync.store.projection import Receipt
from sync.store.rows import WaitingMessage
from sync.views import Via

# In `meta`: words that were deleted are still in the search index.
SEARCH_STALE = "search_stale"

_TAKEN = """
SELECT 1 FROM messages WHERE id = ?1 UNION ALL SELECT 1 FROM own_messages WHERE id = ?1
UNION ALL SELECT 1 FROM held WHERE id = ?1 AND decided_s IS NULL
"""


class OwnTables(BundleTables):
    """The table `own_messages`."""

    def salted(self, message: Message) -> tuple[Message, MessageId, bytes]:
        """The message with the smallest salt, from its own on, that no stored or held message has; id, bytes.

        Raises ValueError when the same was said in the same second 256 times.
        """
        for salt in range(message.salt, SALT_MAX + 1):
            salted = replace(message, salt=salt)
            raw = messages.encode(salted)
            message_id = identify(self.key, raw)
            if self.connection.execute(_TAKEN, (message_id,)).fetchone() is None:
                return salted, message_id, raw
        raise ValueError("the same message 256 times in one second")

    @written
    def add_own(
        self,
        message: Message,
        class_: BundleClass | None,
        now: float,
        received_s: float,
        device: bytes | None,
    ) -> MessageId:
        """Keep a message of this camp and show it. Without a class it never leaves the camp.

        `now` is engine time (when its wait for a seal begins), `received_s` Unix time. Raises ValueError
        for a message that could not be read back: that is our fault.
        """
        salted, message_id, raw = self.salted(message)
        seq = self.next_receipt()
        row = (message_id, seq, raw, salted.second, class_, now, received_s, device)
        self.connection.execute(
            "INSERT INTO own_messages (id, seq, bytes, second, class, waiting_since, received_s, device)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        self.projection.receipt(
            own_receipt(seq, self.key, class_, received_s, salted.kind), 0, raw, salted.second
        )
        return message_id

    def waiting(self) -> list[WaitingMessage]:
        """Own messages that no bundle holds yet, the most urgent class first, then as they came."""
        rows = self.connection.execute(
            "SELECT id, bytes, class, waiting_since FROM own_messages"
            " WHERE class IS NOT NULL AND bundle IS NULL ORDER BY class, seq"
        )
        return [
            WaitingMessage(message_id, raw, BundleClass(class_), since)
            for message_id, raw, class_, since in rows
        ]

    def waiting_message(self, message_id: MessageId) -> WaitingMessage:
        """One of them. Raises LookupError when it does not wait."""
        row = self.connection.execute(
            "SELECT id, bytes, class, waiting_since FROM own_messages"
            " WHERE id = ? AND class IS NOT NULL AND bundle IS NULL",
            (message_id,),
        ).fetchone()
        if row is None:
            raise LookupError("no such message waits for a seal")
        return WaitingMessage(row[0], row[1], BundleClass(row[2]), row[3])

    @written
    def mark_sealed(self, bundle: BundleId, message_ids: Sequence[MessageId], hour: int) -> None:
        """Note which bundle holds own messages, and the hour of its seal."""
        self.connection.executemany(
            "UPDATE own_messages SET bundle = ? WHERE id = ?",
            ((bundle, message_id) for message_id in message_ids),
        )
        self.connection.executemany(
            "UPDATE messages SET bundle = ?, hour = ? WHERE id = ?",
            ((bundle, hour, message_id) for message_id in message_ids),
        )

    @written
    def forget_words(self, message_id: MessageId) -> None:
        """Of an own message that never left the camp and was taken back, keep only that there was one.

        A box that is seized tells what is still on it, so the words leave the file: rows and log with this
        transaction, the search index with the next sweep. It keeps its id, though no bytes lead to it.
        """
        row = self.connection.execute(
            "SELECT bytes, second FROM own_messages WHERE id = ? AND class IS NULL", (message_id,)
        ).fetchone()
        if row is None:
            return
        husk = replace(messages.decode(row[0], row[1], local=True), body=b"", nickname="")
        self.connection.execute(
            "UPDATE own_messages SET bytes = ? WHERE id = ?", (messages.encode(husk), message_id)
        )
        self.projection.forget_words(message_id)
        self.set_meta(SEARCH_STALE, 1)
        self.erase_after_commit()

    def device_of(self, message_id: MessageId) -> bytes | None:
        """The hash of the device that posted an own message, while the day of its key lasts."""
        row = self.connection.execute(
            "SELECT device FROM own_messages WHERE id = ?", (message_id,)
        ).fetchone()
        return None if row is None else row[0]


def own_receipt(seq: int, key: bytes, class_: BundleClass | None, received_s: float, kind: int) -> Receipt:
    """The receipt of an own message. A letter came from the list, whatever road other camps hear it by."""
    via = Via.LIST if kind == Kind.LETTER else Via.HERE
    return Receipt(seq, key, True, None, None, class_, received_s, via)
