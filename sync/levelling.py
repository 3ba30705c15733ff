"""How two camps on a cable become level: they compare what they hold, and only what differs passes
(PROTOCOL.md §8.4).

One end opens: a list of short ids when it holds little, strata when it holds much. The other answers with
sketches of parts, or with its own list where that is shorter. Whoever has the other's description finds the
difference, sends what the other lacks and asks for the rest. Nothing of it is signed; it decides what is
worth sending, never what is true, and what a liar costs is bounded at each step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from sync.bundle import BundleId
from sync.comparison import LAST_SHORT, PARTS_MAX, Comparison, split_short_ids
from sync.holdings import Holdings
from sync.intake import Intake
from sync.level_frames import (
    SKETCH_SYNDROMES_MAX,
    LevelFrame,
    Request,
    ShortIdsFrame,
    SketchesFrame,
    StrataFrame,
    Terms,
    TermsFrame,
    WantsFrame,
)
from sync.neighbours import Neighbour
from sync.reject import Reason, Reject
from sync.sketch import (
    NONCE_BYTES,
    PART_MAX,
    SALT_SENDER_BYTES,
    SHORT_ID_BYTES,
    SYNDROME_BYTES,
    WHOLE,
    Salt,
    halves_of,
    part_span,
)

if TYPE_CHECKING:  # NumPy comes in with the first comparison, not with this module
    from sync.bucketing import Listed, SaltedIds

# The first comparison is made at once; what was lost with it, or hid behind an equal short id, shows in the
# next. Then ever more seldom: a cable loses nothing while it is up. 1.4 kB every two minutes.
AGAIN_FIRST_S = 10.0
AGAIN_MAX_S = 120.0
# The camp with the smaller key opens, so that not both do. The other does when that one seems not to.
PATIENCE = 3.0
# An end that is silent for so long in the middle will not go on.
BROKEN_OFF_S = 30.0
# Up to so many, all short ids are no longer than strata.
FEW = 330
# Who was level and looks again says a sketch of all he holds: 64 bytes, and up to 15 differences are found.
PROBE_SYNDROMES = 16
# A part that does not decode is cut in two; one with so few bundles here is listed. That ends it, also where
# somebody made two bundles whose short ids are equal under this salt.
LIST_PART_MAX = 200
# Named at a time of what went to the other end before: with 8,192 short ids of what we lack it fits a frame.
OFFERED_MAX = 1_024


@dataclass(frozen=True, slots=True)
class Wish:
    """Which bundles a camp wants by cable: of these classes, sealed in so many hours."""

    mask: int
    history_hours: int


_Opening = StrataFrame | ShortIdsFrame | SketchesFrame


class Levelling:
    """The comparisons on one cable. Times are engine time."""

    def __init__(
        self,
        holdings: Holdings,
        neighbour: Neighbour,
        intake: Intake,
        wish: Wish,
        random: Random,
        hear_has: Callable[[Iterable[BundleId], float], None],
        now: float,
    ) -> None:
        """`hear_has` is told of own bundles that the other end holds."""
        self._holdings = holdings
        self._neighbour = neighbour
        self._link = neighbour.profile.name
        self._intake = intake
        self._mask = wish.mask
        self._history_hours = wish.history_hours
        self._hear_has = hear_has
        self._random = random
        peer = neighbour.profile.peer
        self._opens = peer is None or holdings.identity.key < peer
        self._again_s = AGAIN_FIRST_S
        self._due = now if self._opens else now + PATIENCE * AGAIN_FIRST_S
        self._theirs_terms: Terms | None = None
        self._met = False  # his terms and ours did, since the last comparison
        self._were_level = False  # on this connection
        self._asked_us: _Opening | None = None  # to be answered
        self._ours: Comparison | None = None
        self._theirs: Comparison | None = None
        self._offered: dict[bytes, BundleId] = {}  # by short id, under the salt of `_offered_in`
        self._offered_in: Salt | None = None
        self._say: deque[LevelFrame] = deque()

    # -- what we say ------------------------------------------------------------------------------

    def next_due(self) -> float:
        """When `next_frame` has something; in the past when something waits."""
        if self._say:
            return float("-inf")
        broken_off = [each.heard_at + BROKEN_OFF_S for each in (self._ours, self._theirs) if each is not None]
        begins = float("-inf") if self._asked_us is not None else self._due
        if self._ours is not None and self._asked_us is None:
            begins = float("inf")
        intake = self._intake
        may_begin = max(intake.free_at(self._link), intake.clear_at(), intake.rested_at())
        return min([max(begins, may_begin), *broken_off])

    def next_frame(self, now: float) -> LevelFrame | None:
        """The next step. To be asked when every bundle for this link has left: what was sent is not described
        as lacking, because on a cable it arrives first."""
        if self._say:
            return self._say.popleft()
        self._give_up_silent(now)
        if max(self._intake.free_at(self._link), self._intake.clear_at(), self._intake.rested_at()) > now:
            return None
        if self._asked_us is not None:
            opening, self._asked_us = self._asked_us, None
            self._answer(opening, now)
        elif self._ours is None and self._due <= now:
            self._open(now)
        return self._say.popleft() if self._say else None

    def soon(self, now: float) -> None:
        """Something may differ that nobody named."""
        self._due = min(self._due, now + AGAIN_FIRST_S)

    def _give_up_silent(self, now: float) -> None:
        if self._theirs is not None and now >= self._theirs.heard_at + BROKEN_OFF_S:
            self._theirs = None
        if self._ours is not None and now >= self._ours.heard_at + BROKEN_OFF_S:
            self._end_ours(now)

    def _open(self, now: float) -> None:
        terms = self._terms(now)
        if self._theirs_terms is not None:
            terms = terms.meet(self._theirs_terms)
        salt = Salt(
            self._random.randbytes(NONCE_BYTES),
            terms.hour,
            self._holdings.identity.author[:SALT_SENDER_BYTES],
        )
        self._ours = self._begin(salt, terms, now)
        held = self._ours.held
        if self._were_level and len(held) > PROBE_SYNDROMES:
            self._say.append(SketchesFrame(salt, (WHOLE,), (held.sketch(PROBE_SYNDROMES),), terms))
        elif len(held) <= FEW:
            self._say.append(ShortIdsFrame(salt, 0, LAST_SHORT, held.short_ids(0, LAST_SHORT), terms))
        else:
            self._say.append(StrataFrame(salt, terms, len(held), held.strata()))

    def _answer(self, opening: _Opening, now: float) -> None:
        assert opening.terms is not None, "an opening has terms"
        if not self._agrees(opening.terms, now):
            self._say.append(TermsFrame(opening.salt, self._terms(now)))
            return
        comparison = self._theirs = self._begin(opening.salt, opening.terms, now)
        match opening:
            case ShortIdsFrame():
                found = comparison.held.against_list(0, LAST_SHORT, opening.short_ids)
                self._take_list(comparison, found, LAST_SHORT + 1, now)
            case SketchesFrame():
                self._probe(comparison, opening.sketches[0], now)
            case StrataFrame():
                answer = comparison.describe(opening.strata)
                if answer is None:
                    self._say.append(WantsFrame(comparison.salt, 0, is_last=True))
                    self._finish(comparison, now)
                else:
                    self._say += answer

    def _probe(self, comparison: Comparison, sketch: bytes, now: float) -> None:
        """Who was level with us says a sketch of all. When it is not enough, we begin anew and say strata."""
        found = comparison.held.difference(sketch, WHOLE, self._ghosts(comparison))
        if found is None:
            self._ours = self._theirs = None
            self._were_level = False
            self._open(now)
            return
        comparison.undecided = 0
        requests = (Request(WHOLE, found.want),) if found.want else ()
        self._take(comparison, found.mine, requests, b"", ((), ()), now)

    def _begin(self, salt: Salt, terms: Terms, now: float) -> Comparison:
        self._intake.take(self._link, now)
        held = self._salt(salt, terms, now)
        own = self._holdings.own_within(terms.hour, terms.since, terms.mask)
        return Comparison(salt, terms, held, self._holdings.changes, own, now)

    def _salt(self, salt: Salt, terms: Terms, now: float) -> SaltedIds:
        from sync.bucketing import SaltedIds

        ids = self._holdings.ids_within(terms.hour, terms.since, terms.mask)
        self._intake.salted(len(ids), now)
        return SaltedIds(ids, salt)

    def _terms(self, now: float) -> Terms:
        """What we want. Without a clock nothing is too old: whoever knows the hour says so."""
        hour = self._holdings.hours.hour(now) or 0
        return Terms(hour, max(0, hour - self._history_hours), self._mask)

    def _agrees(self, theirs: Terms, now: float) -> bool:
        """Whether we want all that is compared there. Two clocks may stand on two sides of a full hour."""
        ours = self._terms(now)
        is_ours = theirs.mask & ~self._mask == 0
        return theirs.hour >= ours.hour - 1 and theirs.since >= ours.since - 1 and is_ours

    # -- what we hear -----------------------------------------------------------------------------

    def hear(self, frame: LevelFrame, now: float) -> None:
        """The other end took a step. Raises Reject(FRAME) where it belongs to no comparison."""
        ours = self._ours if self._ours is not None and self._ours.salt == frame.salt else None
        theirs = self._theirs if self._theirs is not None and self._theirs.salt == frame.salt else None
        for comparison in (ours, theirs):
            if comparison is not None:
                comparison.heard_at = now
        match frame:
            case (
                StrataFrame()
                | ShortIdsFrame(_, 0, 0xFFFFFFFF, _, Terms())
                | SketchesFrame(_, (1,), _, Terms()) as opening
            ) if ours is None:
                self._asked_us = opening  # of several the newest: he forgot the others
                self._due = max(self._due, now + PATIENCE * self._again_s) if not self._opens else self._due
            case SketchesFrame() if ours is not None:
                self._hear_sketches(ours, frame, now)
            case ShortIdsFrame() if ours is not None:
                self._hear_list(ours, frame, now)
            case WantsFrame():
                self._hear_wants(ours or theirs, frame, now)
            case TermsFrame(_, terms) if ours is not None:
                is_news = self._terms(now).meet(terms) != ours.terms and not self._met
                self._end_ours(now)
                if is_news:
                    self._theirs_terms, self._met, self._due = terms, True, now
            case SketchesFrame() | ShortIdsFrame() | TermsFrame():
                pass  # of a comparison that we gave up
            case _:
                raise Reject(Reason.FRAME)

    def _hear_sketches(self, ours: Comparison, frame: SketchesFrame, now: float) -> None:
        self._renew(ours, now)
        ours.sketched += len(frame.parts)
        if ours.sketched > 2 * PARTS_MAX:  # nobody who means it sends so many
            self._end_ours(now)
            raise Reject(Reason.FRAME)
        ghosts = self._ghosts(ours)
        mine: list[BundleId] = []
        requests: list[Request] = []
        split: list[int] = []
        listed: list[int] = []
        for part, sketch in zip(frame.parts, frame.sketches, strict=True):
            if not ours.is_due(*part_span(part), part):
                raise Reject(Reason.FRAME)
            found = ours.held.difference(sketch, part, ghosts)
            if found is not None:
                ours.decided(*part_span(part))
                mine += found.mine
                requests += [Request(part, found.want)] if found.want else []
            elif len(ours.held.part(part)) > LIST_PART_MAX and 2 * part + 1 <= PART_MAX:
                split.append(part)
                ours.asked.update(halves_of(part))
            else:
                listed.append(part)
                ours.asked.add(part)
        self._take(ours, mine, tuple(requests), b"", (tuple(split), tuple(listed)), now)

    def _hear_list(self, ours: Comparison, frame: ShortIdsFrame, now: float) -> None:
        self._renew(ours, now)
        asked = next((part for part in ours.asked if part_span(part) == (frame.first, frame.last)), 0)
        if not ours.is_due(frame.first, frame.last, asked):
            raise Reject(Reason.FRAME)
        found = ours.held.against_list(frame.first, frame.last, frame.short_ids)
        self._take_list(ours, found, frame.last - frame.first + 1, now)

    def _take_list(self, comparison: Comparison, found: Listed, width: int, now: float) -> None:
        comparison.undecided -= width
        lacking = found.lacking
        ghosts = self._ghosts(comparison)
        if ghosts is not None:
            refused = frozenset(split_short_ids(ghosts.short_ids(0, LAST_SHORT)))
            lacking = b"".join(short for short in split_short_ids(lacking) if short not in refused)
        self._take(comparison, found.mine, (), lacking, ((), ()), now)

    def _take(
        self,
        comparison: Comparison,
        mine: Iterable[BundleId],
        requests: tuple[Request, ...],
        short_ids: bytes,
        undecoded: tuple[tuple[int, ...], tuple[int, ...]],
        now: float,
    ) -> None:
        """A part of the other's description is compared: send what it lacks, ask for what we lack."""
        comparison.lacking.update(mine)
        coming, offered = self._send_mine(comparison, mine)
        if not self._intake.has(self._link, now) and self._intake.is_free(self._link, now):
            self._intake.take(self._link, now)
        if not self._intake.has(self._link, now):  # it took too long, and now another sends the same
            requests, short_ids = (), b""
            comparison.undecided = -1
            self._begin_again(comparison, now)
        is_last = comparison.undecided == 0
        split, listed = undecoded
        self._say.append(
            WantsFrame(comparison.salt, coming, is_last, requests, short_ids, split, listed, offered)
        )
        wanted = sum(len(each.want) for each in requests) // SYNDROME_BYTES
        self._intake.expect(self._link, wanted + len(short_ids) // SHORT_ID_BYTES, now)
        if is_last:
            self._finish(comparison, now)

    def _send_mine(self, comparison: Comparison, mine: Iterable[BundleId]) -> tuple[int, bytes]:
        """Queue what the other end lacks; how much, and short ids of what went there before.

        That was refused there, or lost when its disk was full. It knows which.
        """
        count, before = 0, []
        self._neighbour.note_lacks(mine)
        for bundle in self._holdings.store.carried(mine):
            if self._neighbour.was_sent(bundle.id):
                before.append(bundle.id)
            else:
                self._neighbour.outgoing.push(bundle.id, bundle.class_)
                count += 1
        short_ids = comparison.salt.short_ids(before[:OFFERED_MAX])
        if short_ids:
            if self._offered_in != comparison.salt:
                self._offered_in, self._offered = comparison.salt, {}
            self._offered.update(zip(short_ids, before, strict=False))
        return count, b"".join(short_ids)

    def _hear_wants(self, described: Comparison | None, frame: WantsFrame, now: float) -> None:
        """The other end compared what we described."""
        if frame.salt == self._offered_in:
            again = (self._offered.pop(short, None) for short in split_short_ids(frame.short_ids))
            self._send([bundle_id for bundle_id in again if bundle_id is not None])
        if described is None:
            return
        new = described.wanted(frame)
        self._send(new)
        self._want_again(described, frame.offered, now)
        self._intake.expect(self._link, frame.coming, now)
        halves = [half for part in frame.split if 2 * part < PART_MAX for half in halves_of(part)]
        self._say += described.sketches(halves, SKETCH_SYNDROMES_MAX)
        for part in frame.listed:
            if part not in described.listed:
                described.listed.add(part)
                self._say += described.listing(*part_span(part))
        if frame.is_last:
            self._finish(described, now)

    def _want_again(self, described: Comparison, offered: bytes, now: float) -> None:
        """Ask for what was sent to us before and is not here, unless it was refused."""
        if not offered:
            return
        terms = described.terms
        here = self._holdings.ids_within(terms.hour, terms.since, terms.mask)
        known = frozenset(described.salt.short_ids([*here, *self._holdings.ghosts]))
        lost = b"".join(short for short in split_short_ids(offered) if short not in known)
        if lost:
            self._say.append(WantsFrame(described.salt, 0, is_last=False, short_ids=lost))

    def _send(self, wanted: list[BundleId]) -> None:
        self._neighbour.note_lacks(wanted)
        for bundle in self._holdings.store.carried(wanted):
            self._neighbour.outgoing.push(bundle.id, bundle.class_)

    # -- the course of a comparison ---------------------------------------------------------------

    def _renew(self, ours: Comparison, now: float) -> None:
        """Compare with what we hold now, not when we opened: what came since is not lacking."""
        if ours.changes != self._holdings.changes:
            ours.held = self._salt(ours.salt, ours.terms, now)
            ours.changes = self._holdings.changes

    def _ghosts(self, comparison: Comparison) -> SaltedIds | None:
        """What was refused or deleted here: neither asked for nor offered."""
        from sync.bucketing import SaltedIds

        if comparison.ghosts is None:
            unwanted = [*self._holdings.ghosts, *self._holdings.store.dead_ids()]
            comparison.ghosts = SaltedIds(unwanted, comparison.salt)
        return comparison.ghosts if len(comparison.ghosts) else None

    def _finish(self, comparison: Comparison, now: float) -> None:
        """All was compared: both know what the other holds."""
        self._hear_has(comparison.own - comparison.lacking, now)
        self._intake.end(self._link)
        if comparison is self._theirs:
            self._theirs = None
        else:
            self._ours = None
        self._met, self._were_level = False, True
        self._wait(now)

    def _begin_again(self, comparison: Comparison, now: float) -> None:
        """Another neighbour sends what this comparison showed; when it has, there is less to ask for."""
        if comparison is self._ours:
            self._ours = None
            self._due = now

    def _end_ours(self, now: float) -> None:
        """Our comparison came to nothing."""
        self._ours = None
        self._intake.end(self._link)
        self._wait(now)

    def _wait(self, now: float) -> None:
        self._due = now + (self._again_s if self._opens else PATIENCE * self._again_s)
        self._again_s = min(AGAIN_MAX_S, 2 * self._again_s)
