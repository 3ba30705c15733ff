"""Whose turn it is to post a message to a list that several camps can reach, and when it leaves.

Nobody directs the gateways, and they hear of each other late. So each works out the same order by itself:
the camp that wrote a message comes first when its card names the list, the others in the order of a hash
that is different for every message. The first posts at once; whoever comes next waits for a receipt or
for the list's own copy, and posts when neither came. Only waiting makes doubles rare: two camps that can
hear neither each other nor the list's mail cannot know of each other's letters. What leaves next of what is
due is in `sync.letters.batches`.

All times are Unix seconds of this camp.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field

from sync.message import MessageId
from sync.signing import digest
from sync.store.letter_turns import DueLetter

# Between the turns of two gateways. A receipt is gathered for 60 s, sealed within 120 s, and crosses a few
# camps on a slow preset in minutes. For a mic check it is not gathered, and somebody waits for it.
STEP_S, URGENT_STEP_S = 1_800.0, 180.0
# When the turns of all were missed because nobody had internet, all come online together: then the list's
# copies, which take seconds, tell how far the others are.
OVERDUE_STEP_S, URGENT_OVERDUE_STEP_S = 180.0, 60.0
# A message that comes this long after it was written may have been posted by camps it passed on its way;
# their receipts are under way too. It waits one turn more.
LATE_S = 1_800.0
# Cards are free, and a window of internet is short: who comes after three others waits as if after three.
OVERDUE_PLACE_MAX = 3
# The last turns are together: who waits for sixteen others, eight hours, waits for nobody.
PLACE_MAX = 16
# They leave each alone, and a list's owner bears so many in a minute.
TAKEOVERS_MAX = 16
# A list gives a letter back in 3 to 6 s (Mailman 3, measured), a large provider in minutes. After a crash a
# letter that may have arrived is looked for this long.
DOUBT_S, URGENT_DOUBT_S = 90.0, 60.0
# And one that another gateway may have posted a moment ago, because it came online just before us, this long.
COPY_S, URGENT_COPY_S = 60.0, 20.0
# A turn takes so long: what was heard of late, is looked for, sent, and given back. Who posts at another time
# than its own does not in a turn of somebody else. Found by the storm: without this, one message in 200 came
# twice from two gateways that came to it in the same minute.
TURN_S, URGENT_TURN_S = 600.0, 90.0
# A message is nobody else's for this long: what its first sends by then is seen before the second's turn.
FRESH_S = STEP_S - TURN_S
# An inbox that cannot be looked into is waited for this long before a letter goes without.
PATIENCE_S, URGENT_PATIENCE_S = 600.0, 60.0
# Who posts what is late has been seen by all after two such waits, and is seen as long as it posts again
# within two and a half; see `sync.letters.batches`.
HEARD_S, GAP_S = 2 * COPY_S, 2.5 * COPY_S
# No letter is put off for longer. A time further ahead was written under a clock that was wrong.
PUT_OFF_MAX_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Takeovers:
    """How many letters that others are first for may leave at once, and from when.

    One, and when a minute later nothing was seen of the others two, then four: whoever is late, or came
    online in the same minute, is met at the first letter and not at the fiftieth. Mic checks do not wait.
    """

    most: int = 1
    from_s: float = 0.0
    left_s: float = 0.0  # when the last ones left

    def after(self, count: int, now_s: float) -> Takeovers:
        """So many left now."""
        return Takeovers(self.most, now_s + COPY_S, now_s) if count else self

    def then(self, heard_s: float, now_s: float) -> Takeovers:
        """What may leave now, when others were last seen at `heard_s`; after a rest, one again."""
        if self.left_s and heard_s >= self.left_s:
            return Takeovers(1, max(self.from_s, heard_s + OVERDUE_STEP_S))
        if self.left_s and now_s >= self.from_s:
            return Takeovers(min(2 * self.most, TAKEOVERS_MAX), self.from_s)
        return Takeovers() if now_s > self.from_s + TURN_S else self


@dataclass(frozen=True, slots=True)
class CatchingUp:
    """A gateway that posts what is late: since when, and when it last did. It makes itself heard by it."""

    begun_s: float = float("-inf")
    left_s: float = float("-inf")

    @classmethod
    def at(cls, late_s: Iterable[float], gap_s: float) -> CatchingUp:
        """Of the times at which something late left, in any order: the last that follow in such gaps."""
        begun_s = left_s = float("-inf")
        for at_s in sorted(late_s):
            begun_s, left_s = begun_s if at_s - left_s <= gap_s else at_s, at_s
        return cls(begun_s, left_s)

    def is_heard(self, now_s: float) -> bool:
        """Whether the others have seen it, and still see it: those who would take over from it wait."""
        return self.goes_on(now_s) and self.begun_s <= now_s - HEARD_S

    def goes_on(self, now_s: float) -> bool:
        """Whether what it left last was a moment ago."""
        return 0.0 <= now_s - self.left_s <= GAP_S


@dataclass(frozen=True, slots=True)
class Line:
    """What this camp knows of its way to the list."""

    online_s: float  # since when its server is reached
    looked_s: float | None  # when all of the inbox was last looked through; None: there is no inbox
    others: int  # camps known to post to this list, beside this one
    heard_s: float = 0.0  # when another gateway's work was last seen
    takeovers: Takeovers = field(default_factory=lambda: Takeovers())
    ours: CatchingUp = field(default_factory=CatchingUp)
    theirs: CatchingUp = field(default_factory=CatchingUp)  # other gateways, as seen here
    shows_ours: bool = False  # the inbox has shown letters of this camp

    @property
    def has_inbox(self) -> bool:
        """Whether anything can come back."""
        return self.looked_s is not None


def place_of(message: MessageId, me: bytes, gateways: Set[bytes], writer: bytes) -> int:
    """This camp's place among the gateways of a message: 0 posts at once. Camps by author id.

    `gateways` are the camps known to post to the list; this one counts as one of them in any case.
    """
    if me == writer:
        return 0
    mine = _rank(message, me)
    before = sum(_rank(message, other) < mine for other in gateways if other not in (me, writer))
    return min(before + (writer in gateways), PLACE_MAX)


def place_in_line(message: MessageId, me: bytes, gateways: Set[bytes], writer: bytes, late_s: float) -> int:
    """As `place_of`, and one further for another camp's message that comes `late_s` after it was written.

    Who posted it before has said so, and we may not have heard that yet. Alone, we are always first.
    """
    if not gateways - {me} or me == writer:
        return 0
    return place_of(message, me, gateways, writer) + (late_s > LATE_S)


def turn_s(since_s: float, place: int, urgent: bool) -> float:
    """When the turn of a place comes."""
    return since_s + place * (URGENT_STEP_S if urgent else STEP_S)


def due_s(letter: DueLetter, line: Line, now_s: float) -> float:
    """When a letter may leave, as things are now."""
    later_s = letter.next_try_s if letter.next_try_s <= now_s + PUT_OFF_MAX_S else 0.0
    is_taken_over = line.others > 0 and letter.place > 0 and not (letter.urgent or letter.introduction)
    if is_taken_over:
        later_s = max(later_s, _left_to_others_s(line, now_s))
    if letter.in_doubt:
        return max(later_s, _doubted_s(letter, line, now_s))
    if not line.others or letter.introduction:
        return later_s
    if is_taken_over:  # not for ever: others may be at work on what is new
        turn = turn_s(letter.since_s, letter.place, urgent=False)
        later_s = max(later_s, min(line.takeovers.from_s, max(turn, line.online_s) + STEP_S))
    return max(later_s, _turn_due_s(letter, line, now_s))


def _left_to_others_s(line: Line, now_s: float) -> float:
    """Until when nothing is taken over: another gateway is catching up, perhaps with a digest on its way.

    Only who has looked a moment ago knows. Not for ever: anybody on the list can seem to catch up.
    """
    until_s = min(line.theirs.left_s + TURN_S, line.theirs.begun_s + PUT_OFF_MAX_S)
    if line.looked_s is not None and line.looked_s < now_s - COPY_S:
        until_s = max(until_s, line.looked_s + COPY_S + PATIENCE_S)
    return until_s


def _turn_due_s(letter: DueLetter, line: Line, now_s: float) -> float:
    step_s = URGENT_STEP_S if letter.urgent else STEP_S
    overdue_s = URGENT_OVERDUE_STEP_S if letter.urgent else OVERDUE_STEP_S
    since_s = letter.since_s if letter.since_s <= now_s else 0.0  # written under a wrong clock
    if letter.place == 0:
        theirs_s = min(letter.written_s, since_s) + step_s  # from then on others may have posted it
        if now_s < theirs_s:
            return since_s
        copied_s = URGENT_COPY_S if letter.urgent else COPY_S
        copied_s = 0.0 if line.looked_s is None else copied_s  # nothing can come back
        at_s = max(line.online_s + copied_s, theirs_s)
        return _in_nobodys_turn(_after_look_s(at_s, letter, line), letter, line, now_s)
    turn, place = since_s + letter.place * step_s, min(letter.place, OVERDUE_PLACE_MAX)
    alike_s = line.online_s + place * overdue_s  # others came online with us, perhaps
    if turn > line.online_s:
        return _after_look_s(max(turn, alike_s), letter, line)
    quiet_s = max(alike_s, line.heard_s + place * overdue_s)
    at_s = min(quiet_s, line.online_s + place * step_s)
    return _in_nobodys_turn(_after_look_s(at_s, letter, line), letter, line, now_s)


def _in_nobodys_turn(at_s: float, letter: DueLetter, line: Line, now_s: float) -> float:
    """`at_s`, or the end of another gateway's turn that is then, or is now."""
    step_s, long_s = (URGENT_STEP_S, URGENT_TURN_S) if letter.urgent else (STEP_S, TURN_S)
    place, into_s = divmod(max(at_s, now_s) - letter.written_s, step_s)
    if 0 < place <= line.others and place != letter.place and into_s < long_s:
        return max(at_s, now_s) - into_s + long_s
    return at_s


def _doubted_s(letter: DueLetter, line: Line, now_s: float) -> float:
    if line.looked_s is None:
        return 0.0  # nothing can come back
    begun_s = letter.changed_s if letter.changed_s <= now_s else 0.0
    doubt_s = URGENT_DOUBT_S if letter.urgent else DOUBT_S
    return _after_look_s(max(begun_s, line.online_s) + doubt_s, letter, line)


def _after_look_s(at_s: float, letter: DueLetter, line: Line) -> float:
    """`at_s`, but not before the inbox was looked through at that time or later."""
    if line.looked_s is None or line.looked_s >= at_s:
        return at_s
    return at_s + (URGENT_PATIENCE_S if letter.urgent else PATIENCE_S)


def _rank(message: MessageId, camp: bytes) -> bytes:
    return digest(message + camp, 8)
