"""Asking: how a camp that lacks much gets it (PROTOCOL.md §15.9).

A beacon tells up to seven differences. Who lacks more shows a sketch of its own set and names who shall send
what is missing there, so that one answers, not six. It is answered by a parcel; then the next part is asked
for, of the next camp, because each has only so much airtime to give. What nobody answers is asked again, each
time later, and at last it is left to the next beacon.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from random import Random

from sync.bundle import BundleClass
from sync.coding import SYMBOLS_MAX
from sync.owing import GIVEN_PER_HOUR_MAX, HOUR_S
from sync.sketch import PART_MAX, SKETCH_SYNDROMES, WHOLE, SaltedSet
from sync.spending import Pace, Spending

# Camps that hold more than we: as many as take turns. The one that was asked or heard longest ago goes.
HOLDERS_MAX = 16
# Requests that nobody answered, each waited for twice as long as the one before: eight minutes of LongFast.
TRIES_MAX = 4
# Requests after which nothing new came, though others were heard to ask the same camp: they may wait for
# nothing, like us, and each believe that the other's answer is under way.
VAIN_MAX = 8
# From so many on, whoever was asked last is not asked again before it is heard again.
SILENT_TRIES = 2
# A request is said within so many frame times of a beacon: who has several askers in earshot hears one.
FIRST_FRAMES = 6.0
# How long an answer may take to begin, when the asked one has airtime left.
ANSWER_FRAMES = 30.0
# Who heard another ask waits so many times as long as for an answer of its own: the one that is served asks
# again, and the others hear that. Six that waited hardly longer than one asked twice as often.
OTHERS_TIMES = (1.5, 2.5)
# Who heard nothing for so long since it asked asks again, or beacons, as soon as it hears of one who holds
# more; and no request is waited for longer than that for having been said in vain. At 40 % loss, seeds 1-4,
# leaves waited for hours and lacked what was posted last.
UNHEARD_FRAMES = 300.0
# Symbols of a parcel may be waited for so long, and after its last own piece so long: NEED comes before.
SYMBOL_FRAMES = 120.0
LAST_SYMBOL_FRAMES = 60.0
# Symbols are not signed. So long after an answer was to begin, or the last parcel was whole, they put off our
# next request, and no longer: a parcel on a crowded channel takes a third of it.
WAIT_FRAMES = 600.0
# When a parcel is whole: others may still lack a symbol of it.
NEXT_FRAMES = (0.5, 12.0)
SETTLING_FRAMES = (2.0, 6.0)
# Syndromes above what is expected. Of a part one knows the mean, and 2.4 deviations fail one time in 100.
SPARE_WHOLE, SPARE_PART, DEVIATIONS = 5, 2, 2.4
# With each request in vain, three times: whoever holds more may lack some of ours besides, and the answer
# that a sketch told too little is lost as easily as any. At 40 % loss a leaf asked the same for ten minutes.
SPARE_AGAIN, SPARE_TRIES = 6, 3
# More differences than a beacon tells though the other holds hardly more: each lacks some. A sketch may tell.
BOTH_LACK = SKETCH_SYNDROMES - SPARE_WHOLE
HARDLY_MORE = 8
# Who lacks so many asks for alerts alone first, and once more if need be.
ALERTS_FIRST = GIVEN_PER_HOUR_MAX
ALERT_TRIES = 2
# What may be signed for is asked for without an answer that says yes: so often until bundles come.
JOIN_TRIES = 3
JOINS_MAX = 64
# Of the 64 that are given unsigned, so many are taken before we sign: what is left fills no parcel.
TAKEN_UNSIGNED = 48
MASK_ALERTS = 1 << BundleClass.ALERT


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to be said: the sketch of a part of what we hold, for one camp."""

    asked: bytes
    mask: int
    part: int
    syndromes: int


@dataclass(slots=True)
class _Session:
    """What we lack, asked for part by part."""

    asked: bytes
    theirs: int  # bundles that camp said it has
    mask: int
    least: int  # differences we expect though the counts do not say so
    alert_tries: int
    tries: int = 0
    vain: int = 0  # requests since something came that was new
    has_joined: bool = False  # since the last request
    is_short: bool = False  # a sketch told too little, so that more differs than the counts say


@dataclass(slots=True)
class _Taken:
    """What one camp sent us within an hour, and whether we signed for more."""

    since: float
    bundles: int = 0
    joins: int = 0


class Asking:
    """One camp's requests on one link. Times are engine time; a camp is four bytes of its author id."""

    def __init__(self, random: Random, pace: Pace) -> None:
        self._random = random
        self._pace = pace
        self._session: _Session | None = None
        self._due = float("inf")
        self._quiet_until = float("-inf")
        self._wait_ends = float("-inf")
        self._since = float("-inf")  # when we asked last, or an answer came
        self._wanted_at: OrderedDict[bytes, float] = OrderedDict()  # for bundles by their names
        self._saving_s = 0.0  # how long an answer might take then
        self._held = 0  # bundles, when we asked last
        self._holders: OrderedDict[bytes, int] = OrderedDict()  # and how many bundles they say they hold
        self._spending = Spending(pace)
        self._asked_at: OrderedDict[bytes, float] = OrderedDict()
        self._taken: OrderedDict[bytes, _Taken] = OrderedDict()

    @property
    def is_on(self) -> bool:
        """Whether we lack something and are about it."""
        return self._session is not None

    @property
    def due(self) -> float:
        """When the next request is due."""
        return self._due if self._session is not None else float("inf")

    def is_stalled(self, now: float) -> bool:
        """Whether we ask, and no answer came for so long that it hardly will."""
        longest_s = max(UNHEARD_FRAMES * self._pace.frame_s, self._saving_s)
        return self._session is not None and now - self._since > longest_s

    @property
    def expects_until(self) -> float:
        """Until when symbols of a parcel may bring what we lack."""
        if self._session is not None:
            return float("inf")
        return max(self._wanted_at.values(), default=float("-inf")) + UNHEARD_FRAMES * self._pace.frame_s

    def said_want(self, holder: bytes, now: float) -> None:
        """We asked this camp for bundles that a comparison told; three or more of them come as a parcel."""
        _note(self._wanted_at, holder, now)

    def awaits(self, sender: bytes, is_half: bool, now: float) -> bool:
        """Whether a parcel of this camp, two bytes of its id, most likely brings what we lack.

        It answers a request of ours, or one that we heard and waited for; or half of it is here already,
        and the camp holds more than we.
        """
        if _is_since(self._wanted_at, sender, now - UNHEARD_FRAMES * self._pace.frame_s):
            return True
        if self._session is None:
            return False
        if is_half and any(camp.startswith(sender) for camp in self._holders):
            return True
        return _is_since(self._asked_at, sender, now - self._pace.fill_s - WAIT_FRAMES * self._pace.frame_s)

    # -- what is heard ----------------------------------------------------------------------------

    def hear_more(self, holder: bytes, count: int, held: int, mask: int, now: float) -> None:
        """A beacon showed more differences than it could tell, and no fewer bundles than we hold."""
        self._holders[holder] = count
        self._holders.move_to_end(holder)
        if len(self._holders) > HOLDERS_MAX:
            self._holders.popitem(last=False)
        session = self._session
        if session is None:
            more = count - held
            least = BOTH_LACK if more <= HARDLY_MORE else 0
            alerts = ALERT_TRIES if more > ALERTS_FIRST else 0
            self._session = _Session(holder, count, mask, least, alerts)
            self._since = now
            self._due = max(now, self._quiet_until) + self._frames(0, FIRST_FRAMES)
        elif session.tries > 1 or self.is_stalled(now):  # whoever was asked is silent; this one is there
            session.asked, session.theirs = holder, count
            quiet_until = now if self.is_stalled(now) else max(now, self._quiet_until)
            self._due = min(self._due, quiet_until + self._frames(0, FIRST_FRAMES))

    def hear_ask(self, asked: bytes, now: float) -> None:
        """Somebody else asked this camp: the answer most likely serves us too."""
        if self._session is not None and asked == self._session.asked:
            self._note_asked(asked, now)
            self._saving_s = self._patience_s(self._session, SYMBOLS_MAX, now)
            wait_s = self._saving_s * self._random.uniform(*OTHERS_TIMES)
            # Others that ask again and again, for whatever they lack, must not keep us from asking.
            latest_s = max(0.0, self._since + 2 * self._pace.fill_s - now) + self._frames(0, FIRST_FRAMES)
            self._progress(min(wait_s, latest_s), now)

    def hear_too_little(self, now: float) -> None:
        """Our sketch did not tell what differs: it is more than we thought."""
        if self._session is not None:
            self._session.vain = 0
            self._session.is_short = True
            self._session.least = min(2 * max(self._session.least, BOTH_LACK), 0xFFFF)
            self._progress(self._frames(0, 1), now)

    def hear_spent(self, sender: bytes, symbols: float, now: float) -> None:
        """A camp, two bytes of its id, sent so many symbols, most likely."""
        self._spending.heard(sender, symbols, now)

    def hear_symbol(self, sender: bytes, is_last_piece: bool, now: float) -> None:
        """A symbol of a parcel that is not whole here; `sender` is the two bytes of its frame's head."""
        session = self._session
        frames = LAST_SYMBOL_FRAMES if is_last_piece else SYMBOL_FRAMES
        if session is None or now > self._wait_ends:
            return
        if session.asked.startswith(sender):
            self._since = now
            self._progress(frames * self._pace.frame_s, now)
        else:  # another's answer to another: it may bring what we lack, or not
            self.postpone(min(now + frames * self._pace.frame_s, self._wait_ends))

    def hear_known(self, now: float) -> None:
        """A symbol of a parcel that is whole here: others still lack it."""
        if now <= self._wait_ends:
            self.postpone(now + self._frames(*SETTLING_FRAMES))

    def said_need(self, again_at: float, now: float) -> None:
        """We asked for symbols, and shall do so again then unless they come."""
        self._progress(again_at - now + self._frames(*SETTLING_FRAMES), now)

    def whole(self, new: int, now: float) -> None:
        """A parcel is rebuilt, and held so many bundles that are new."""
        if self._session is None:
            return
        taken = self._taken.get(self._session.asked)
        if taken is not None:
            taken.bundles += new
        self._session.least = max(0, self._session.least - 2 * new)
        self._session.vain = self._session.vain if new == 0 else 0
        self._turn(self._session)
        self._since = now
        self._progress(self._frames(*NEXT_FRAMES), now)
        self._wait_ends = now + WAIT_FRAMES * self._pace.frame_s

    # -- what is said -----------------------------------------------------------------------------

    def join_due(self, now: float) -> bytes | None:
        """Whom we have to sign a JOIN for before the next request, if anybody; it is said by then."""
        session = self._session
        if session is None or self._due > now:
            return None
        taken = self._taken.get(session.asked)
        if taken is None or now - taken.since > HOUR_S:
            taken = self._taken[session.asked] = _Taken(now)
            self._taken.move_to_end(session.asked)
            if len(self._taken) > JOINS_MAX:
                self._taken.popitem(last=False)
        is_due = taken.joins == 0 or (session.tries > 0 and not session.has_joined)
        if taken.bundles < TAKEN_UNSIGNED or not is_due or taken.joins >= JOIN_TRIES:
            return None
        taken.joins += 1
        session.has_joined = True
        return session.asked

    def next_ask(self, set_of: Callable[[int], SaltedSet], now: float) -> Ask | None:
        """The request that is due, `set_of(mask)` being what we hold. None when nothing is lacking."""
        session = self._session
        if session is None or self._due > now:
            return None
        session.has_joined = False
        if session.alert_tries > 0 and measure(set_of(session.mask), session.theirs)[0] > WHOLE:
            session.alert_tries -= 1
            alerts = set_of(MASK_ALERTS)
            self._note_asked(session.asked, now)
            self._since = now
            self._due = now + ANSWER_FRAMES * self._pace.frame_s
            return Ask(session.asked, MASK_ALERTS, *measure(alerts, BOTH_LACK))
        mine = set_of(session.mask)
        self._held = len(mine)
        if session.tries >= SILENT_TRIES:  # what it claims to hold must not keep us from asking others
            self._holders.pop(session.asked, None)
        if session.tries:
            self._turn(session)
        # Who has nothing for us says nothing: there was less than we thought, unless it was proved.
        if session.vain and not session.is_short:
            session.least //= 2
        expected = self._expected(session, len(mine))
        if expected <= 0 or session.tries >= TRIES_MAX or session.vain >= VAIN_MAX:
            self.end()
            return None
        patience_s = self._saving_s = self._patience_s(session, expected, now)
        self._note_asked(session.asked, now)
        if session.asked in self._holders:
            self._holders.move_to_end(session.asked)
        self._since = now
        spare = SPARE_AGAIN * min(session.vain, SPARE_TRIES)
        longest_s = max(patience_s, UNHEARD_FRAMES * self._pace.frame_s)
        self._due = now + min(patience_s * 2**session.tries, longest_s)
        self._wait_ends = self._due + WAIT_FRAMES * self._pace.frame_s
        session.tries += 1
        session.vain += 1
        return Ask(session.asked, session.mask, *measure(mine, expected + spare))

    def postpone(self, until: float) -> None:
        """There is no airtime for a request before, or somebody else uses the air."""
        self._due = max(self._due, until)

    def end(self) -> None:
        """Nothing is lacking, or nobody answers."""
        self._session = None
        self._due = float("inf")

    # -- helpers ----------------------------------------------------------------------------------

    def _progress(self, wait_s: float, now: float) -> None:
        self._quiet_until = now + wait_s
        if self._session is not None:
            self._session.tries = 0
            self._due = now + wait_s

    def _patience_s(self, session: _Session, expected: int, now: float) -> float:
        """Until we ask again: as long as a holder needs to save up for the next parcel, and to begin."""
        symbols = min(expected, SYMBOLS_MAX)
        holders = self._worthwhile() or [session.asked]
        saves_s = min(self._spending.saves_s(holder, symbols, now) for holder in holders)
        return saves_s + ANSWER_FRAMES * self._pace.frame_s

    def _turn(self, session: _Session) -> None:
        """Ask the next one next."""
        holders = self._worthwhile()
        if holders:
            session.asked, session.theirs = holders[0], self._holders[holders[0]]
            self._holders.move_to_end(holders[0])

    def _worthwhile(self) -> list[bytes]:
        """Whoever holds half as much beyond us as who holds most, or more; who was asked last comes last."""
        most = max(self._holders.values(), default=0)
        return [each for each, count in self._holders.items() if 2 * count >= most + self._held]

    def _expected(self, session: _Session, held: int) -> int:
        """How many differences there are, as far as one can tell. Who holds no more than we is passed over.

        Each is believed for itself: one that claims to hold thousands spoils no request to another.
        """
        if session.theirs <= held and session.least == 0:
            for holder in [each for each, count in self._holders.items() if count <= held]:
                del self._holders[holder]
            self._turn(session)
        return max(session.theirs - held, session.least)

    def _note_asked(self, asked: bytes, now: float) -> None:
        _note(self._asked_at, asked, now)

    def _frames(self, least: float, most: float) -> float:
        return self._random.uniform(least, most) * self._pace.frame_s


def _note(times: OrderedDict[bytes, float], camp: bytes, now: float) -> None:
    times[camp] = now
    times.move_to_end(camp)
    if len(times) > JOINS_MAX:
        times.popitem(last=False)


def _is_since(times: OrderedDict[bytes, float], sender: bytes, since: float) -> bool:
    return any(camp.startswith(sender) and at >= since for camp, at in times.items())


def measure(mine: SaltedSet, expected: int) -> tuple[int, int]:
    """The largest part, and how many syndromes, by which the asked one can tell what we lack.

    Either the differences fit the sketch, or all that we hold does: then it tells what we lack, however much.
    """
    part = WHOLE
    while True:
        mean = expected / (1 << part.bit_length() - 1)
        spare = SPARE_WHOLE if part == WHOLE else SPARE_PART + DEVIATIONS * sqrt(mean)
        syndromes = min(mine.count(part) + 2, int(mean + spare))
        if syndromes <= SKETCH_SYNDROMES or 2 * part + 1 > PART_MAX:
            return part, max(2, min(syndromes, SKETCH_SYNDROMES))
        part *= 2
