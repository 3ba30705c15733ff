"""What a Meshtastic board holds of ours, and when each frame has left the air.

The firmware answers a packet with the state of its queue, and a heartbeat as well: how many places are free
of how many. It takes a packet out of the queue when it begins to send it, and says nothing when it is done.
So the queue is asked for now and then while it holds something of ours; what is no longer in it has begun,
and is over an airtime later. Its answers may be lost, for it buffers two. Times are seconds of any clock that
does not jump; not thread-safe.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sync.urgency import Urgency

# Asked an eighth of a frame apart we know to an eighth when a frame began. More often than five times a
# second a serial line does not like, less often than once a second is a pause that people notice.
LOOK_PART = 1 / 8
LOOK_MIN_S = 0.2
LOOK_MAX_S = 1.0
# A channel full of others keeps a frame waiting; one that waits for a minute waits no longer for us: in the
# queue are, for all we know, packets of the board's own.
HELD_MAX_S = 60.0
# Of a board that does not tell its queue: what the firmware waits for a quiet channel is one or two frames.
UNTOLD_PART = 2.0
UNTOLD_S = 1.0


@dataclass(frozen=True, slots=True)
class _Handed:
    frame: bytes
    urgency: Urgency
    airtime_s: float
    at: float
    ends_at: float | None = None  # once it has begun


class InRadio:
    """Frames between the moment they are handed over and the end of their airtime."""

    def __init__(self) -> None:
        self._handed: list[_Handed] = []
        self._answers = False  # the board has told its queue unasked-for by a packet
        self._looked_at: float | None = None

    def __len__(self) -> int:
        return len(self._handed)

    def hand(self, frame: bytes, urgency: Urgency, airtime_s: float, now: float) -> None:
        """This frame goes to the board. More urgent ones leave before it."""
        handed = _Handed(frame, urgency, airtime_s, now)
        at = sum(1 for each in self._handed if each.ends_at is not None or each.urgency <= urgency)
        self._handed.insert(at, handed)
        self._looked_at = now if self._looked_at is None else self._looked_at

    def told(self, waiting: int, now: float, *, is_answer: bool) -> None:
        """So many packets are in the board's queue; it was asked, or tells it with a packet that it takes."""
        self._answers = self._answers or is_answer
        begun = max(0, len(self._handed) - max(0, waiting)) if is_answer else 0
        for index, each in enumerate(self._handed[:begun]):
            if each.ends_at is None:
                # It sends one after the other: all but the last that began are over.
                left_s = each.airtime_s if index == begun - 1 else 0.0
                self._handed[index] = replace(each, ends_at=now + left_s)

    def drop(self, frame: bytes) -> bool:
        """The board says that it will not send this one; whether it was here."""
        kept = [each for each in self._handed if each.frame != frame]
        was_here = len(kept) < len(self._handed)
        self._handed = kept
        return was_here

    def over(self, now: float) -> list[bytes]:
        """The frames that have left the air by now; they are forgotten here."""
        left = [each for each in self._handed if self._ends_at(each) <= now]
        self._handed = [each for each in self._handed if self._ends_at(each) > now]
        return [each.frame for each in left]

    def looked(self, now: float) -> None:
        """The board was asked for its queue."""
        self._looked_at = now

    def next_look(self) -> float | None:
        """When to ask for it; None while nothing of ours waits in it."""
        waiting = [each.airtime_s for each in self._handed if each.ends_at is None]
        if not waiting or self._looked_at is None:
            self._looked_at = None if not waiting else self._looked_at
            return None
        return self._looked_at + min(LOOK_MAX_S, max(LOOK_MIN_S, min(waiting) * LOOK_PART))

    def next_end(self) -> float | None:
        """When the next frame is over for us, if nothing is told before."""
        return min((self._ends_at(each) for each in self._handed), default=None)

    def _ends_at(self, handed: _Handed) -> float:
        if handed.ends_at is not None:
            return handed.ends_at
        if self._answers:
            return handed.at + HELD_MAX_S
        ahead_s = sum(each.airtime_s for each in self._handed)
        return handed.at + UNTOLD_PART * max(handed.airtime_s, ahead_s) + UNTOLD_S
