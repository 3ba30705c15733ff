"""One board, time by hand: what it is given, when it is asked, when it is given up, what is passed on."""

from random import Random
from typing import Any

import pytest

from radio.airtime import preset_named
from radio.board import Alive, Came, Counts, Gone, Notice, Queue, Refused
from radio.board_port import (
    ANSWER_S,
    HANGS,
    QUIET_S,
    REFUSAL_SHOWN_S,
    SILENT_MAX_S,
    SPEAK_S,
    BoardPort,
)
from radio.duty import Forgetful
from radio.kept_road import Lost
from radio.link_sight import WaitsFor
from radio.polite_radio import AirRules, PoliteRadio
from radio.regions import region_named
from sync.frames import RADIO_FRAME_BYTES_MAX
from sync.link import LinkProfile
from sync.urgency import Urgency
from tests.radio.roadside import Hub

SHORT_TURBO = AirRules(preset_named("SHORT_TURBO"), region_named("US"))
FRAME = bytes(200)
AIRTIME_S = SHORT_TURBO.airtime_ms(200) / 1_000


class Board:
    """It remembers what it was told to do."""

    def __init__(self):
        self.sent: list[tuple[bytes, Urgency]] = []
        self.asked = 0

    def send(self, frame, urgency):
        self.sent.append((frame, urgency))

    def ask(self):
        self.asked += 1


class Story:
    """A port on a board, its radio and hub, and the time."""

    def __init__(self):
        self.now = 1_000.0
        self.hub = Hub()
        self.board = Board()
        self.radio = PoliteRadio(SHORT_TURBO, lambda: self.now, Random(1), Forgetful(), alerts_passing=2)
        board: Any = self.board
        airtime_ms = SHORT_TURBO.airtime_ms
        profile = LinkProfile("radio 1", RADIO_FRAME_BYTES_MAX, airtime_ms, broadcast=True)
        self.woken = 0
        self.port = BoardPort(profile, self.radio, board, self.hub, self._wake, self.now)
        self.hub.port = self.port
        self.radio.switch_on(self.port)

    def _wake(self):
        self.woken += 1

    def push(self, *frames):
        self.port.allowance(self.now)
        self.port.push(list(frames))
        return self.port.step(self.now)

    def take(self, event):
        self.port.take(event, self.now)

    def wait(self, seconds):
        self.now += seconds
        return self.port.step(self.now)


@pytest.fixture
def story():
    return Story()


def test_a_board_is_asked_at_once_and_again_when_it_is_quiet(story):
    assert story.board.asked == 1
    story.take(Queue(0, is_answer=True))
    assert story.port.step(story.now) == story.now + QUIET_S
    story.wait(QUIET_S)
    assert story.board.asked == 2
    story.take(Alive())
    story.wait(QUIET_S - 1)
    assert story.board.asked == 2


def test_a_board_that_talks_all_the_time_is_spoken_to_all_the_same(story):
    for _ in range(61):
        story.take(Alive())
        story.wait(SPEAK_S / 60)
    assert story.board.asked == 2


def test_a_board_that_answered_once_and_does_not_again_hangs(story):
    story.take(Queue(0, is_answer=True))
    story.wait(QUIET_S)
    story.wait(ANSWER_S - 0.1)
    with pytest.raises(Lost, match=HANGS):
        story.wait(0.1)


def test_a_board_that_answers_no_heartbeats_has_more_time(story):
    for _ in range(7):
        story.wait(QUIET_S)
    story.take(Counts(0.0, 0.0))
    for _ in range(7):
        story.wait(QUIET_S)
    with pytest.raises(Lost, match=HANGS):
        story.wait(SILENT_MAX_S - 7 * QUIET_S)


def test_a_board_that_does_not_tell_its_queue_gets_the_next_frame_after_a_while(story):
    story.push(FRAME, b"next")
    assert [frame for frame, _ in story.board.sent] == [FRAME]
    story.wait(2 * AIRTIME_S + 1)
    assert [frame for frame, _ in story.board.sent] == [FRAME, b"next"]
    assert story.port.frames_out == 1


def test_a_board_that_tells_its_queue_gets_it_as_soon_as_the_first_is_over(story):
    story.take(Queue(0, is_answer=True))
    story.push(FRAME, b"next")
    story.wait(0.2)
    assert story.board.asked == 2
    story.take(Queue(0, is_answer=True))
    again_at = story.port.step(story.now)
    assert again_at == pytest.approx(story.now + AIRTIME_S)
    story.wait(AIRTIME_S)
    assert [frame for frame, _ in story.board.sent] == [FRAME, b"next"]


def test_a_refused_frame_makes_room_and_is_shown_for_a_while(story):
    story.take(Queue(0, is_answer=True))
    story.push(FRAME)
    story.take(Refused("TOO_LARGE", FRAME))
    story.take(Refused("TOO_LARGE", b""))  # the firmware says it twice
    assert story.port.outcome(story.now) == "The board refused a frame as too large."
    assert story.port.room()
    assert story.radio.is_idle(story.port)
    story.now += REFUSAL_SHOWN_S
    assert story.port.outcome(story.now) == ""
    story.take(Refused("NO_CHANNEL", b""))
    assert story.port.outcome(story.now) == "The board refused a frame."


@pytest.mark.parametrize("notice_first", [True, False])
def test_how_long_the_firmware_refuses_is_in_its_notice_before_or_after(story, notice_first):
    notice = Notice("Duty cycle limit exceeded. You can send again in 52 mins")
    events = [notice, Refused("DUTY_CYCLE_LIMIT", b"")]
    for event in events if notice_first else reversed(events):
        story.take(event)
    assert story.radio.use().refused_s == 52 * 60
    assert story.radio.use().waits_for is WaitsFor.FIRMWARE


def test_other_notices_stop_nothing(story):
    story.take(Notice("Low battery, 5 min left"))
    assert story.radio.use().refused_s == 0


def test_a_frame_is_passed_on_once_and_counts_as_heard(story):
    story.take(Came(FRAME, -3.5))
    assert story.hub.heard == [(FRAME, -3.5)]
    assert story.radio.use().busy == pytest.approx(AIRTIME_S / 60)
    story.take(Came(bytes(RADIO_FRAME_BYTES_MAX + 1), 0.0))
    story.hub.full = True
    story.take(Came(FRAME, 0.0))
    assert len(story.hub.heard) == 1
    assert story.port.frames_in == 1


def test_a_board_that_is_gone_is_lost_with_its_reason(story):
    with pytest.raises(Lost, match="pulled out"):
        story.take(Gone("The board was pulled out."))
