"""What leaves next for a list of what is due, alone or together, and how no program shows any of it twice.

A message alone has the same Message-ID from every gateway: a program that merges equal ones shows one letter,
whoever sent two. Two digests with the same message in them, or a digest and that message alone, are two
letters for ever. So where several camps post to a list a digest holds a message only when no other gateway
can be posting it at that time:

* It is the gateway's own turn; what is taken over from others leaves alone.
* And the message is fresh, so that no other's turn has come or comes before the digest is seen (`FRESH_S`).
  Or the gateway has made itself heard (`CatchingUp`): of what is late it posted some alone, the list's mail
  has shown that to whoever looks, and as long as more of it is seen nobody takes over.
* And it was in no letter before that may have arrived. A digest in doubt leaves again as it was while all in
  it is fresh, or where the inbox never shows our own letters; else its letters leave alone: it was looked for
  in the list's mail, and is not there.

Without an inbox nothing of this can be known, and every message leaves alone. All of it stands on what the
table of waits stands on: that a list gives letters back within `COPY_S`, to every gateway, and that gateways
know each other's cards. A camp that is the only gateway needs none of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sync.letters.turns import FRESH_S, HEARD_S, Line, due_s
from sync.message import MessageId
from sync.store.letter_turns import Caps, DueLetter

# A server that hung up over a digest so often does so again. One letter in it may be why; alone it stops no
# others.
DIGEST_TRIES_MAX = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """What leaves next, in this order; as one digest, or each alone."""

    messages: tuple[MessageId, ...]
    as_digest: bool = False
    kept: bytes | None = None  # id of the digest they were in before


NOTHING = Batch(())


def pick(letters: Iterable[DueLetter], line: Line, caps: Caps, now_s: float, most: int) -> Batch:
    """What leaves now: what explains us, mic checks, then the rest, each alone while it is little.

    Letters of the first turn go oldest first, those taken over from others newest first: so two camps that
    clear one backlog meet once, and not at every letter.
    """
    due = [letter for letter in letters if due_s(letter, line, now_s) <= now_s]
    first = sorted((letter for letter in due if _goes_first(letter)), key=_order)
    if first := first[: min(most, caps.urgent)]:
        return _batch(first)
    rest = sorted((letter for letter in due if not _goes_first(letter)), key=_order)
    if caps.ordinary <= 0 or not rest:
        return NOTHING
    if doubted := [letter for letter in rest if letter.in_doubt]:
        return _again(doubted, line, min(most, caps.ordinary), now_s)
    ours = [letter for letter in rest if letter.place == 0 or not line.others]
    if _crowd_waits_s(ours, line, caps, now_s) > now_s:
        return NOTHING
    if _are_many(ours, caps):
        if together := _together(ours, line, caps, now_s):
            return Batch(tuple(letter.message for letter in together), True)
        if line.others and line.has_inbox:  # let the others hear that we are there
            return _batch(_late(ours, now_s)[: max(1, min(caps.digest_above // 2, caps.ordinary - 1))])
    theirs = [letter for letter in rest if letter.place > 0 and line.others][: line.takeovers.most]
    return _batch([*ours, *theirs][: min(most, caps.ordinary)])


def next_due_s(letters: Sequence[DueLetter], line: Line, caps: Caps, now_s: float) -> float | None:
    """When the next letter may leave; None when none waits."""
    times = [(due_s(letter, line, now_s), letter) for letter in letters]
    ours = [
        each
        for at_s, each in times
        if at_s <= now_s and each.place == 0 and not each.in_doubt and not _goes_first(each)
    ]
    crowd_s = _crowd_waits_s(ours, line, caps, now_s)
    found = []
    for at_s, letter in times:
        room = caps.urgent if _goes_first(letter) else caps.ordinary
        later_s = 0.0 if letter.in_doubt or _goes_first(letter) else crowd_s
        found.append(max(at_s, later_s) if room > 0 else max(at_s, caps.free_s))
    return min(found, default=None)


def _again(doubted: Sequence[DueLetter], line: Line, most: int, now_s: float) -> Batch:
    """What may have arrived: under the Message-ID it had."""
    if digests := [letter for letter in doubted if letter.digest and letter.tries < DIGEST_TRIES_MAX]:
        kept = digests[0].digest
        same = [letter for letter in digests if letter.digest == kept]
        may_be_there = not (line.others and line.has_inbox and line.shows_ours)
        if may_be_there or all(_is_fresh(letter, now_s) for letter in same):
            return Batch(tuple(letter.message for letter in same), True, kept)
    return _batch(doubted[:most])


def _crowd_waits_s(ours: Sequence[DueLetter], line: Line, caps: Caps, now_s: float) -> float:
    """Until when more than a digest's worth waits to leave in digests: for others to have heard of us, or
    for room to tell them. 0.0 when it does not."""
    if not (line.others and line.has_inbox and _are_many(ours, caps)):
        return 0.0
    if _together(ours, line, caps, now_s):
        return 0.0
    if line.ours.goes_on(now_s):
        return line.ours.begun_s + HEARD_S
    return caps.free_s if caps.ordinary < 2 else 0.0


def _are_many(ours: Sequence[DueLetter], caps: Caps) -> bool:
    return 0 < caps.digest_above < len(ours)


def _together(ours: Sequence[DueLetter], line: Line, caps: Caps, now_s: float) -> list[DueLetter]:
    """What may leave in one digest now; none when that is little."""
    if not line.others:
        sure = [letter for letter in ours if letter.place == 0]  # of others somebody says they were posted
    elif line.has_inbox and line.ours.is_heard(now_s):
        return list(ours)
    else:
        sure = [letter for letter in ours if _is_fresh(letter, now_s)] if line.has_inbox else []
    return sure if _are_many(sure, caps) else []


def _late(ours: Sequence[DueLetter], now_s: float) -> list[DueLetter]:
    return [letter for letter in ours if not _is_fresh(letter, now_s)]


def _is_fresh(letter: DueLetter, now_s: float) -> bool:
    """Whether nobody else's turn has come. What came here no later than it was written has a clock that is
    ahead, and may be older."""
    return letter.place == 0 and letter.written_s < letter.since_s and now_s < letter.written_s + FRESH_S


def _batch(letters: Iterable[DueLetter]) -> Batch:
    return Batch(tuple(letter.message for letter in letters))


def _goes_first(letter: DueLetter) -> bool:
    return letter.urgent or letter.introduction


def _order(letter: DueLetter) -> tuple[bool, bool, int, bool, int]:
    taken_over = letter.place > 0
    seq = -letter.seq if taken_over else letter.seq
    return not letter.introduction, not letter.urgent, letter.tries, taken_over, seq
