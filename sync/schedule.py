"""When messages are sealed into bundles, and in which order bundles leave (PROTOCOL.md §4.3, §8.4)."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from sync.bundle import MESSAGES_MAX, RADIO_BUNDLE_BYTES_MAX, BundleClass, BundleId
from sync.frames import HEAD_BYTES, RADIO_FRAME_BYTES_MAX
from sync.message import MessageId
from sync.signing import AUTHOR_BYTES, SIGNATURE_BYTES
from sync.store.rows import WaitingMessage

# Four frames are about nine seconds of LongFast: the most that one loss may cost in a repair.
SEAL_BYTES = 4 * (RADIO_FRAME_BYTES_MAX - HEAD_BYTES)
# More than this at once is a backlog, as when a list's mail is taken in. It is sealed eight messages to a
# bundle, whatever their size: 300 letters in four-frame bundles would be 110 of them, and the 64 newest of a
# camp are live. What its people say would be pushed out with the rest.
BACKLOG_BYTES = 4 * SEAL_BYTES
# A signature costs 64 bytes; posts that follow each other within a minute share it. Longer, and a
# conversation stumbles. One that goes on is sealed every two minutes: four posts of two minutes in one bundle
# of two frames instead of two bundles of two.
SEAL_WAIT_S = 60.0
SEAL_LONGEST_S = 120.0
# Two that follow each other are a conversation, and the next may take longer: of bursts of four in two
# minutes one in eight would be sealed as three and one, or two and two.
TALK_WAIT_S = 90.0
# Nobody in earshot for so long: hours pass, and a seal made now would only age.
ALONE_S = 2 * 3_600.0
# Entries of bundles that were dropped lie in the queue until they come up. Somebody who asks for bundles and
# says at once that they are there would fill it with them; then it is swept, once for this many.
STALE_MAX = 2_048
# Behind all classes.
RANK_FEW = len(BundleClass)
# An array head, the author, an hour of four bytes, the class, the signature.
ENVELOPE_BYTES = 1 + (1 + AUTHOR_BYTES) + 5 + 1 + SIGNATURE_BYTES


class Waiting:
    """Own messages on their way into a bundle, oldest first in each class."""

    def __init__(self, messages: Sequence[WaitingMessage] = ()) -> None:
        self._of_class: dict[BundleClass, list[WaitingMessage]] = {}
        for message in messages:
            self.add(message)

    def add(self, message: WaitingMessage) -> None:
        """Let a message wait for a seal."""
        self._of_class.setdefault(message.class_, []).append(message)

    def due_at(self, class_: BundleClass) -> float:
        """The engine time at which this class is sealed; infinity when nothing waits."""
        messages = self._of_class.get(class_)
        if not messages:
            return float("inf")
        oldest = messages[0].waiting_since
        if class_ == BundleClass.ALERT:
            return oldest
        if ENVELOPE_BYTES + sum(len(message.bytes) for message in messages) >= SEAL_BYTES:
            return oldest
        rest_s = SEAL_WAIT_S if len(messages) == 1 else TALK_WAIT_S
        return min(messages[-1].waiting_since + rest_s, oldest + SEAL_LONGEST_S)

    def next_due(self) -> float:
        """When the first of all classes is due."""
        return min((self.due_at(class_) for class_ in self._of_class), default=float("inf"))

    def due_classes(self, now: float) -> list[BundleClass]:
        """The classes to seal now, most urgent first."""
        return sorted(class_ for class_ in self._of_class if self.due_at(class_) <= now)

    def take(self, class_: BundleClass) -> list[list[WaitingMessage]]:
        """Everything of a class that waits, in parts that each fit a bundle.

        One of four frames at most; of a backlog, one as long as a bundle may be.
        """
        parts: list[list[WaitingMessage]] = []
        waiting = self._of_class.pop(class_, [])
        backlog = sum(len(message.bytes) for message in waiting) > BACKLOG_BYTES
        room, room_max = 0, (RADIO_BUNDLE_BYTES_MAX if backlog else SEAL_BYTES) - ENVELOPE_BYTES
        for message in waiting:
            if not parts or len(message.bytes) > room or len(parts[-1]) == MESSAGES_MAX:
                parts.append([])
                room = room_max
            parts[-1].append(message)
            room -= len(message.bytes)
        return parts

    def withdraw(self, message: MessageId) -> bool:
        """Take a message out that was not sealed yet; False when it does not wait."""
        for messages in self._of_class.values():
            for place, waiting in enumerate(messages):
                if waiting.id == message:
                    del messages[place]
                    return True
        return False

    def __len__(self) -> int:
        return sum(len(messages) for messages in self._of_class.values())


class Outgoing:
    """Bundles that one link still has to carry: alerts first, then by class, then as they came."""

    def __init__(self) -> None:
        self._ready: list[tuple[int, int, BundleId]] = []
        self._later: list[tuple[float, int, int, BundleId]] = []
        self._queued: dict[BundleId, int] = {}  # and which of its entries in the heaps is the true one
        self._count = 0

    def push(
        self,
        bundle_id: BundleId,
        class_: BundleClass,
        not_before: float | None = None,
        serves_few: bool = False,
    ) -> None:
        """Queue a bundle once; it may leave from engine time `not_before` on."""
        if bundle_id not in self._queued:
            self.move(bundle_id, class_, not_before, serves_few)

    def move(
        self,
        bundle_id: BundleId,
        class_: BundleClass,
        not_before: float | None = None,
        serves_few: bool = False,
    ) -> None:
        """Queue a bundle, or another time for one that is queued. What `serves_few` comes last."""
        self._count += 1
        self._queued[bundle_id] = self._count
        rank = RANK_FEW if serves_few and class_ != BundleClass.ALERT else int(class_)
        if not_before is None:
            heapq.heappush(self._ready, (rank, self._count, bundle_id))
        else:
            heapq.heappush(self._later, (not_before, rank, self._count, bundle_id))

    def peek(self, now: float) -> BundleId | None:
        """The bundle that leaves next, if one may leave now."""
        while self._later and self._later[0][0] <= now:
            _, class_, count, bundle_id = heapq.heappop(self._later)
            heapq.heappush(self._ready, (class_, count, bundle_id))
        while self._ready:
            _, count, bundle_id = self._ready[0]
            if self._queued.get(bundle_id) == count:
                return bundle_id
            heapq.heappop(self._ready)
        return None

    def serves_few(self, now: float) -> bool:
        """Whether what leaves next is of those that come last."""
        return self.peek(now) is not None and self._ready[0][0] == RANK_FEW

    def drop(self, bundle_id: BundleId) -> None:
        """It was sent, or is not to be sent after all."""
        self._queued.pop(bundle_id, None)
        if len(self._ready) + len(self._later) > 2 * len(self._queued) + STALE_MAX:
            self._sweep()

    def next_due(self, now: float) -> float:
        """When the next bundle may leave: `now`, later, or never (infinity)."""
        if self.peek(now) is not None:
            return now
        while self._later and self._queued.get(self._later[0][3]) != self._later[0][2]:
            heapq.heappop(self._later)
        return self._later[0][0] if self._later else float("inf")

    def next_alert_due(self) -> float:
        """When an alert may leave: in the past, later, or never (infinity)."""
        ready = ((float("-inf"), *entry) for entry in self._ready)
        return min(
            (
                due
                for due, rank, count, bundle_id in (*ready, *self._later)
                if rank == BundleClass.ALERT and self._queued.get(bundle_id) == count
            ),
            default=float("inf"),
        )

    def _sweep(self) -> None:
        """Leave the true entry of each queued bundle. A sorted list is a heap."""
        self._ready = sorted(entry for entry in self._ready if self._queued.get(entry[2]) == entry[1])
        self._later = sorted(entry for entry in self._later if self._queued.get(entry[3]) == entry[2])

    def __len__(self) -> int:
        return len(self._queued)

    def __contains__(self, bundle_id: object) -> bool:
        return bundle_id in self._queued
