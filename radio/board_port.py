"""One open Meshtastic board as the pump sees it, and what is done with what the board tells.

The board sorts what it holds by our priorities, so it is given one frame at a time, chosen as late as can be,
and beside it up to two alerts, which pass it while it waits for a free channel.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from radio.board import (
    DUTY_CYCLE_LIMIT,
    TOO_LARGE,
    Alive,
    Board,
    BoardEvent,
    Came,
    Counts,
    Gone,
    Notice,
    Queue,
    Refused,
)
from radio.board_says import refused_s
from radio.in_radio import InRadio
from radio.kept_road import Lost
from radio.polite_radio import PoliteRadio
from radio.road import Hub
from radio.road_words import for_people
from sync.frames import RADIO_FRAME_BYTES_MAX
from sync.link import Allowance, LinkProfile
from sync.urgency import urgency_of

# Three packets in the radio at most: its queue holds 16, for what others send through it as well.
ALERTS_PASSING = 2
# A board that has nothing to say is asked whether it is there. It answers in milliseconds.
QUIET_S = 20.0
ANSWER_S = 10.0
# The firmware takes a computer that says nothing for 15 min for gone, however much it listens. The package's
# own heartbeat is this long.
SPEAK_S = 300.0
# One that does not answer heartbeats (old firmware) is given two of its telemetry periods.
SILENT_MAX_S = 150.0
# A refusal is told to people for so long.
REFUSAL_SHOWN_S = 600.0
_DUTY_NOTICE = "duty cycle"
HANGS = for_people("The board does not answer any more.")
REFUSED = for_people("The board refused a frame.")
_REFUSALS = {
    DUTY_CYCLE_LIMIT: for_people("The board has used up its hour and refused a frame."),
    TOO_LARGE: for_people("The board refused a frame as too large."),
}


class BoardPort:
    """`room`, `allowance` and `push` are the pump's; the rest is called in the loop, with its time."""

    def __init__(
        self,
        profile: LinkProfile,
        radio: PoliteRadio,
        board: Board,
        hub: Hub,
        wake: Callable[[], None],
        now: float,
    ) -> None:
        """`wake`: have `step` called soon, from any thread."""
        self.profile = profile
        self.frames_in = 0
        self.frames_out = 0
        self._radio = radio
        self._board = board
        self._hub = hub
        self._wake = wake
        self._in_radio = InRadio()
        self._engine_now = 0.0
        self._heard_at = now
        self._asked_at: float | None = None  # and nothing came since
        self._spoke_at = now
        self._answers = False
        self._refusal = ""
        self._refused_at = -inf
        self._ask(now)

    def room(self) -> bool:
        """Whether the board takes a frame now, be it an alert."""
        return self._radio.takes_alerts(self)

    def allowance(self, now: float) -> Allowance:
        """Milliseconds of frames to hand over at engine time `now`."""
        self._engine_now = now
        return self._radio.allowance(self, now)

    def push(self, frames: list[bytes]) -> None:
        """Take committed frames, at the time `allowance` was last asked for."""
        self._radio.take(self, frames, self._engine_now)
        self._wake()

    def take(self, event: BoardEvent, now: float) -> None:
        """What the board told. Raises Lost."""
        self._heard_at, self._asked_at = now, None
        match event:
            case Came(frame, snr_db):
                self._came(frame, snr_db)
            case Queue(waiting, is_answer):
                self._answers = self._answers or is_answer
                self._in_radio.told(waiting, now, is_answer=is_answer)
            case Refused(error, frame):
                self._refused(error, frame, now)
            case Notice(text):
                if _DUTY_NOTICE in text.lower():
                    self._radio.refused(refused_s(text))
            case Counts(busy, sent):
                self._radio.told(busy, sent)
                self._hub.wake()
            case Alive():
                pass
            case Gone(why):
                raise Lost(why)

    def step(self, now: float) -> float:
        """Do what is due; when to be called again at the latest. Raises Lost when the board hangs."""
        over = self._in_radio.over(now)
        for sent in over:
            self.frames_out += 1
            self._radio.done(self, sent)
        while (frame := self._radio.next_frame(self)) is not None:
            urgency = urgency_of(frame)
            self._spoke_at = now
            self._board.send(frame, urgency)
            self._in_radio.hand(frame, urgency, self.profile.airtime_ms(len(frame)) / 1_000, now)
        if over:
            self._hub.wake()
        if now >= self._asks_at():
            self._ask(now)
        if now >= self._hangs_at():
            raise Lost(HANGS)
        return self._next_step()

    def outcome(self, now: float) -> str:
        """What the firmware refused lately, for the status page; empty when nothing."""
        return self._refusal if now - self._refused_at < REFUSAL_SHOWN_S else ""

    def _came(self, frame: bytes, snr_db: float) -> None:
        self._radio.heard(len(frame))
        if len(frame) <= RADIO_FRAME_BYTES_MAX and self._hub.has_room(self.profile.name):
            self.frames_in += 1
            self._hub.frame(self.profile.name, frame, snr_db)  # a radio does not wait for us

    def _refused(self, error: str, frame: bytes, now: float) -> None:
        if self._in_radio.drop(frame):
            self._radio.done(self, frame)
        self._refusal, self._refused_at = _REFUSALS.get(error, REFUSED), now
        if error == DUTY_CYCLE_LIMIT and not self._radio.use().refused_s:
            self._radio.refused(refused_s(""))  # how long it says in a notice, before or after this
        self._hub.wake()

    def _ask(self, now: float) -> None:
        self._board.ask()
        self._in_radio.looked(now)
        self._spoke_at = now
        self._asked_at = now if self._asked_at is None else self._asked_at

    def _hangs_at(self) -> float:
        if self._answers:
            return self._asked_at + ANSWER_S if self._asked_at is not None else inf
        return self._heard_at + SILENT_MAX_S

    def _asks_at(self) -> float:
        look_at = self._in_radio.next_look()
        quiet_at = max(self._heard_at, self._spoke_at) + QUIET_S
        return min(look_at if look_at is not None else inf, quiet_at, self._spoke_at + SPEAK_S)

    def _next_step(self) -> float:
        end_at = self._in_radio.next_end()
        return min(self._asks_at(), end_at if end_at is not None else inf, self._hangs_at())
