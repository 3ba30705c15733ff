"""Whether a camp passes on what it heard where everybody hears everything, and when (PROTOCOL.md §15.1).

A relay is worth its airtime when it reaches somebody new. So each camp keeps a guess of who in earshot lacks
a bundle, lowers it with every copy it hears, and waits the longer the less it would gain: whoever gains
most speaks first, and most of the others find that they need not. What this leaves out is repaired when
beacons show it. An alert is relayed soon, unless two others were heard to and nobody seems to lack it. It is
said again while somebody does, and everything else waits meanwhile.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from random import Random

from sync.bundle import BundleClass, BundleId
from sync.earshot import REACHED, Earshot
from sync.schedule import Outgoing

# An alert's hearers wait so long, and two copies from others silence them. FACTS of the field: a Meshtastic
# relay on LongFast waits as long, so we do not talk over one.
ALERT_DELAY_S = (0.45, 7.6)
ALERT_COPIES = 2
# So much less of it where all in earshot but who said it most likely lack it: at the far end of a bridge
# nobody else will speak, and those at the near end learn by the relay that it came.
ALERT_HASTE = 0.7
# What LoRa's slowest presets still decode, and what a radio in the same square hears (SX1276 data sheet).
SNR_WEAKEST_DB = -20.0
SNR_LOUD_DB = 10.0
# Expected new hearers below which a relay is left to repair, which costs a request and an answer for one of
# them, and from which on it need not wait. See ENGINE.md for what was tried.
GAIN_LEAST = 0.9
# Whoever has a part of a block asks for as many frames as he lacks, and one answer serves all who ask: a
# repair is cheaper there. On seeds 1-4 of the bursty row 0.9 costs 37.1 s a message, 1.2 35.3, 1.5 36.2.
BLOCK_GAIN_LEAST = 1.2
# Such a part of a block is relayed at a time, a frame at least: then others may have sent the rest. One frame
# at a time would have 24 of them wait for minutes at every camp.
BLOCK_PART = 4
# Where few others are in earshot, each of them hangs more on this one: on the only way to a crowd one camp is
# all there is to gain.
GAIN_LEAST_EACH = 0.35
# Or who lacks it for sure, as a camp does that hears us and hardly anybody else: it could only be repaired.
SURELY = 0.95
GAIN_MOST = 3.0
# How long a relay waits: 20 frames' time at the least gain, one where it gains most; in part by chance. With
# half of it collisions cost as much as the wait saves.
DELAY_FRAMES = (1.0, 20.0)
DELAY_BY_CHANCE = 0.15
# Until then others may still pass a bundle on, and to ask for it or to offer it would be early.
FLIGHT_FRAMES = 16.0
# An own bundle that nobody was heard to relay was lost at all of them; it is said again, this often.
AGAIN_FRAMES = (20.0, 35.0)
AGAIN_MAX = 3
# An alert sooner: its relays come within four frames' time. It is said again while a camp lacks it this
# likely, with its crowd: three copies that should have reached it, or one of its own, are enough.
ALERT_AGAIN_FRAMES = (3.0, 5.0)
# And each time the wait is drawn from so much more: two that do not hear each other spoke in step, and the
# camp between them, which hears nobody else, heard twelve collisions.
ALERT_SPREAD_FRAMES = 3.0
ALERT_AGAIN_MAX = 5
ALERT_LACK = 0.1
# Where many are in earshot and do not hear each other a camp may hear nothing but collisions: fourteen copies
# were lost at one, and each of the fourteen thought it served. Nobody heard it pass the alert on; who notices
# that says it once more, and so often that of all who may notice one does.
CHECK_FRAMES = (8.0, 20.0)
# Whom a beacon shows to lack an alert so young gets it at once, not as an offer among others.
SHOWN_FRAMES = (0.0, 8.0)
YOUNG_FRAMES = 150.0
# So long after an alert came nothing else is said: in ten frames' time it is over here, and whatever is said
# meanwhile collides with it. A fifth of the time at most, however many come.
HUSH_FRAMES = 10.0
HUSH_REST_FRAMES = 40.0
# A relay that is expected to serve fewer, counting who gets it from them, is one of those that come last.
FEW = 1.5
# One that serves so many, and after which no copy is heard, is said again once. Three times, as for an own
# bundle, gained nothing, and took 1.4 % more airtime where 40 % of frames are lost.
MANY = 2.0
# Behind a camp that nobody else here reaches so many are a crowd; more count as so many.
CROWD_LEAST, CROWD_MOST = 3, 6
# An hour of a busy network.
TRAILS_MAX = 1_024
# A radio that is new hears of nobody before he speaks, and who agrees with a beacon may be silent through
# three intervals of it. Until then whoever hears one camp at most takes it that there is another one behind.
NEW_FRAMES = 600.0
SOMEBODY = b""


@dataclass(slots=True)
class _Trail:
    """What we know of one bundle's way through the neighbourhood."""

    class_: BundleClass
    since: float  # it is here
    is_own: bool
    frames: int  # it takes, 1 but for a block
    # By camp: the chances that it has 0, 1, … of the frames. What is missing to 1 is that it has them all.
    lacks: dict[bytes, list[float]] = field(default_factory=dict)
    copies: float = 0.0
    sent: int = 0  # frames
    left: int = 0  # frames of a block that still leave, one after the other
    is_asked: bool = False  # for them
    behind: dict[bytes, int] = field(default_factory=dict)  # a crowd that gets it only from this camp
    is_awaited: bool = False  # we sent it to many, and heard no copy since
    check_chance: float | None = None  # that an alert is said once more for who was not heard to have it
    is_checking: bool = False  # it will be

    def lack(self, camp: bytes, chance: float) -> None:
        """So likely a camp has nothing of it; else it has all."""
        self.lacks[camp] = [chance] + [0.0] * (self.frames - 1)

    def spread(self, camp: bytes, chance: float, is_whole: bool) -> None:
        """A frame of it, or the whole of it, reaches a camp with this chance."""
        had = self.lacks[camp]
        got = [0.0, *had[:-1]] if not is_whole else [0.0] * len(had)
        self.lacks[camp] = [h * (1 - chance) + g * chance for h, g in zip(had, got, strict=True)]

    @property
    def gain(self) -> float:
        """New hearers to expect of a relay, frame by frame: to whom one of the frames is missing."""
        return REACHED * sum(map(sum, self.lacks.values()))

    @property
    def reach(self) -> float:
        """The same with the crowds that get it from those."""
        return REACHED * sum(sum(p) * (1 + self.behind.get(camp, 0)) for camp, p in self.lacks.items())

    @property
    def is_worth_it(self) -> bool:
        """Whether a relay costs less than the repair it saves."""
        others = max(1, len(self.lacks) - 1)  # than the camp that sent it
        least = min(GAIN_LEAST if self.frames == 1 else BLOCK_GAIN_LEAST, GAIN_LEAST_EACH * others)
        return self.gain >= least or self.is_sure or self.reach >= FEW

    @property
    def need(self) -> float:
        """The most that one camp is likely to lack it, times those who get it from there and itself."""
        each = (sum(p) * (1 + self.behind.get(camp, 0)) for camp, p in self.lacks.items())
        return max(each, default=0.0)

    @property
    def unheard(self) -> list[bytes]:
        """Camps that were neither heard nor shown to have it."""
        return [camp for camp, p in self.lacks.items() if camp != SOMEBODY and sum(p) > 0]

    @property
    def is_sure(self) -> bool:
        """Whether a camp lacks it for sure, as far as one can tell."""
        return max(map(sum, self.lacks.values()), default=0.0) >= SURELY


class Relays:
    """Own bundles and relays of one broadcast link. Times are engine time."""

    def __init__(
        self,
        outgoing: Outgoing,
        earshot: Earshot,
        frames_of: Callable[[BundleId], int],
        random: Random,
        frame_s: float,
        now: float,
    ) -> None:
        """`frames_of` is how many frames a bundle takes; `frame_s` what the longest one takes, in seconds."""
        self._frames_of = frames_of
        self._outgoing = outgoing
        self._earshot = earshot
        self._random = random
        self._frame_s = frame_s
        self._trails: OrderedDict[BundleId, _Trail] = OrderedDict()
        # Until then nothing but alerts is said.
        self.hushed_until = float("-inf")
        self._new_until = now + NEW_FRAMES * frame_s

    def own(self, bundle_id: BundleId, class_: BundleClass, now: float) -> None:
        """A bundle of our own is sealed: it leaves at once."""
        trail = _Trail(class_, now, True, self._frames_of(bundle_id), behind=self.crowds(now))
        for camp in self._earshot.camps(now):
            trail.lack(camp, 1.0)
        trail.left = trail.frames
        self._begin(bundle_id, trail)
        self._outgoing.push(bundle_id, class_)

    def took_in(self, bundle_id: BundleId, class_: BundleClass, sender: bytes | None, now: float) -> None:
        """Another's bundle is here; `sender` is the camp that was heard to send it, None by another road.

        Chat and bulk are carried by repair.
        """
        if class_ > BundleClass.POST:
            return
        trail = _Trail(class_, now, False, self._frames_of(bundle_id), behind=self.crowds(now))
        for camp in self._earshot.camps(now):
            trail.lack(camp, self._earshot.unserved(camp))
        if len(trail.lacks) <= 1 and now < self._new_until:
            trail.lack(SOMEBODY, 1.0)
        self._begin(bundle_id, trail)
        if sender is not None:
            self._spread(trail, sender, True)
        if class_ == BundleClass.ALERT:
            trail.left = trail.frames
            self._outgoing.push(bundle_id, class_, now + self._alert_delay_s(sender, trail))
        elif sender is None or trail.is_worth_it:
            self._wait_by_gain(bundle_id, trail, now)

    def answer(self, bundle_id: BundleId, class_: BundleClass, now: float) -> None:
        """Somebody asked for it: it leaves, whole."""
        frames = self._frames_of(bundle_id)
        if frames > 1:
            if bundle_id not in self._trails:
                self._begin(bundle_id, _Trail(class_, now, False, frames))
            trail = self._trails[bundle_id]
            trail.left, trail.is_asked = frames, True
        self._outgoing.move(bundle_id, class_, serves_few=self.serves_few(bundle_id))

    def heard(self, bundle_id: BundleId, sender: bytes | None, now: float, frames: int = 1) -> None:
        """Somebody sent what is here already, or one of so many frames of it."""
        trail = self._trails.get(bundle_id)
        if trail is None or sender is None:
            return
        trail.copies += 1 / frames
        self._spread(trail, sender, frames == 1)
        if bundle_id not in self._outgoing:
            return
        if trail.class_ == BundleClass.ALERT:
            # Of thirds of blocks it may be a little less than two.
            is_enough = round(trail.copies, 6) >= ALERT_COPIES and not self._is_alert_lacked(trail, now)
        elif trail.is_asked:
            trail.left -= 1
            is_enough = trail.left <= 0 or frames == 1
        else:
            trail.is_awaited = False
            is_enough = (trail.sent > 0 and trail.frames == 1) or not trail.is_worth_it
        if is_enough and not (trail.is_own and trail.sent < trail.frames):
            if trail.class_ != BundleClass.ALERT or not self._is_ours_to_check(trail, now):
                self._outgoing.drop(bundle_id)
            elif not trail.is_checking:
                self._check(bundle_id, trail, now)
        elif self._is_relay(trail) and not (trail.frames == 1 and trail.sent):
            self._wait_by_gain(bundle_id, trail, now)

    def knows(self, camp: bytes, lacking: Collection[BundleId], now: float) -> None:
        """A comparison showed what this camp lacks; all the rest it has."""
        for bundle_id, trail in self._trails.items():
            if camp not in trail.lacks:
                continue
            has_it = bundle_id not in lacking
            self._learn(trail, camp, has_it)
            if trail.class_ == BundleClass.ALERT and not has_it:
                self._say_shown(bundle_id, trail, now)
            is_waiting = bundle_id in self._outgoing and not trail.is_own and trail.class_ == BundleClass.POST
            if is_waiting and has_it and not trail.is_worth_it:
                self._outgoing.drop(bundle_id)

    def sent(self, bundle_id: BundleId, now: float) -> None:
        """It was handed to our radio, or one frame of it."""
        trail = self._trails.get(bundle_id)
        if trail is None:
            return
        trail.sent += 1
        trail.left = max(0, trail.left - 1)
        reach = trail.reach
        for camp in trail.lacks:
            trail.spread(camp, REACHED, False)
        if trail.left:
            self._outgoing.push(bundle_id, trail.class_)
            return
        trail.is_asked = False
        is_post = trail.class_ == BundleClass.POST
        if trail.frames > 1 and is_post and trail.is_worth_it:
            self._wait_by_gain(bundle_id, trail, now)
            return
        trail.is_awaited = is_post and not trail.is_own and trail.frames == trail.sent == 1 and reach >= MANY
        again_frames = self._again_frames(trail, now) if trail.lacks else None
        if again_frames is not None:
            trail.left = trail.frames
            again_s = self._random.uniform(*again_frames) * self._frame_s
            self._outgoing.push(bundle_id, trail.class_, now + again_s)

    def _again_frames(self, trail: _Trail, now: float) -> tuple[float, float] | None:
        """Between which frame times to say once more what we said; None when that is not worth it."""
        if trail.class_ != BundleClass.ALERT:
            is_lost = not trail.copies and (trail.is_own or trail.class_ != BundleClass.POST)
            is_again = (is_lost or trail.is_awaited) and trail.sent <= AGAIN_MAX * trail.frames
            return AGAIN_FRAMES if is_again else None
        # The last one of a row has nobody to tell; but who told it wants to hear that it came.
        if trail.sent > ALERT_AGAIN_MAX * trail.frames:
            return None
        is_lost = not trail.copies and (trail.need > 0 or trail.sent <= trail.frames)
        if is_lost or self._is_alert_lacked(trail, now):
            first, last = ALERT_AGAIN_FRAMES
            return first, last + ALERT_SPREAD_FRAMES * (trail.sent / trail.frames - 1)
        if trail.is_checking or not self._is_ours_to_check(trail, now):
            trail.check_chance = 0.0
            return None
        trail.is_checking = True
        return CHECK_FRAMES

    def _say_shown(self, bundle_id: BundleId, trail: _Trail, now: float) -> None:
        """A beacon shows that a camp lacks an alert: soon, if it is young and was not said too often."""
        is_young = now - trail.since < YOUNG_FRAMES * self._frame_s
        if is_young and trail.sent <= ALERT_AGAIN_MAX * trail.frames:
            trail.left = max(trail.left, trail.frames)
            wait_s = self._random.uniform(*SHOWN_FRAMES) * self._frame_s
            self._outgoing.push(bundle_id, trail.class_, now + wait_s)

    def _is_ours_to_check(self, trail: _Trail, now: float) -> bool:
        """Whether we say an alert once more for those who were not heard to have it: one of us does.

        The chance falls with each that is heard, so the draw is made again, of what is left of it.
        """
        if not trail.sent or trail.check_chance == 0.0:
            return False
        camps = self._earshot.camps(now)
        chance = sum(
            1.0 / (1 + sum(self._earshot.hears(camp, other) for other in camps if other != camp))
            for camp in trail.unheard
        )
        before = 1.0 if trail.check_chance is None else trail.check_chance
        is_ours = self._random.random() * before < chance
        trail.check_chance = min(before, chance) if is_ours else 0.0
        return is_ours

    def _check(self, bundle_id: BundleId, trail: _Trail, now: float) -> None:
        trail.is_checking, trail.left = True, trail.frames
        wait_s = self._random.uniform(*CHECK_FRAMES) * self._frame_s
        self._outgoing.move(bundle_id, trail.class_, now + wait_s)

    def serves_few(self, bundle_id: BundleId) -> bool:
        """Whether hardly anybody seems to lack it."""
        trail = self._trails.get(bundle_id)
        return trail is None or trail.reach < FEW

    def is_pending(self, bundle_id: BundleId) -> bool:
        """Whether it leaves without anybody's asking."""
        return bundle_id in self._outgoing

    def settled_at(self, bundle_id: BundleId) -> float:
        """From when on who lacks it will hardly get it by a relay."""
        trail = self._trails.get(bundle_id)
        return trail.since + FLIGHT_FRAMES * self._frame_s if trail is not None else float("-inf")

    def _begin(self, bundle_id: BundleId, trail: _Trail) -> None:
        if trail.class_ == BundleClass.ALERT and trail.lacks:
            rested_at = self.hushed_until + HUSH_REST_FRAMES * self._frame_s
            if trail.since >= rested_at:
                self.hushed_until = trail.since + HUSH_FRAMES * self._frame_s
        self._trails[bundle_id] = trail
        self._trails.move_to_end(bundle_id)
        if len(self._trails) > TRAILS_MAX:
            self._trails.popitem(last=False)

    def _spread(self, trail: _Trail, sender: bytes, is_whole: bool) -> None:
        """A copy went out: who hears its sender has it now, as far as one can tell."""
        for camp in trail.lacks:
            if camp != SOMEBODY:
                trail.spread(camp, REACHED * self._earshot.hears(camp, sender), is_whole)
        if sender in trail.lacks:
            trail.lack(sender, 0.0)

    def _learn(self, trail: _Trail, camp: bytes, has_it: bool) -> None:
        """A camp has it, or has not: of a block it may have all frames but one."""
        chance = sum(trail.lacks[camp])
        if has_it or not chance:
            trail.lack(camp, float(not has_it))
        else:
            trail.lacks[camp] = [each / chance for each in trail.lacks[camp]]

    def _wait_by_gain(self, bundle_id: BundleId, trail: _Trail, now: float) -> None:
        first, last = DELAY_FRAMES
        most = min(GAIN_MOST, REACHED * len(trail.lacks))  # with few in earshot there is nobody to wait for
        little = 1 - min(1.0, trail.reach / most) if most else 1.0
        waited = (1 - DELAY_BY_CHANCE) * little + DELAY_BY_CHANCE * self._random.random()
        since = now if trail.sent else trail.since
        due = since + self._frame_s * (first + (last - first) * waited)
        soon = now + self._frame_s * self._random.random()
        trail.left = max(1, trail.frames // BLOCK_PART)
        self._outgoing.move(bundle_id, trail.class_, max(due, soon), trail.reach < FEW)

    def crowds(self, now: float) -> dict[bytes, int]:
        """Camps that we alone reach, of all in our earshot, and how many get a bundle from each."""
        behind = {camp: self._earshot.behind(camp) for camp in self._earshot.dependents(now)}
        return {camp: min(count, CROWD_MOST) for camp, count in behind.items() if count >= CROWD_LEAST}

    def _is_alert_lacked(self, trail: _Trail, now: float) -> bool:
        """Whether somebody most likely lacks it, or hears nobody but us and was not heard to have it."""
        if trail.need >= ALERT_LACK:
            return True
        dependents = self._earshot.dependents(now) if trail.sent else ()
        return any(sum(trail.lacks.get(camp, ())) > 0 for camp in dependents)

    @staticmethod
    def _is_relay(trail: _Trail) -> bool:
        """Whether it leaves for its gain alone: nobody asked for it, and it is not ours."""
        return trail.class_ == BundleClass.POST and not trail.is_own and not trail.is_asked

    def _alert_delay_s(self, sender: bytes | None, trail: _Trail) -> float:
        """Whoever heard it weakest is farthest away and reaches the most who did not; and whose neighbours
        most likely all lack it has nobody to wait for."""
        first, last = ALERT_DELAY_S
        chance = self._random.random()
        snr_db = self._earshot.snr_db(sender) if sender is not None else None
        if snr_db is not None:
            loudness = min(1.0, max(0.0, (snr_db - SNR_WEAKEST_DB) / (SNR_LOUD_DB - SNR_WEAKEST_DB)))
            chance = (chance + 2 * loudness) / 3
        others = max(1, len(trail.lacks) - 1)
        lacking = min(1.0, sum(map(sum, trail.lacks.values())) / others)
        return first + chance * (1 - ALERT_HASTE * lacking) * (last - first)
