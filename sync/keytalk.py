"""Keys on the air: who lacks one asks, and whoever has it says it once for all (PROTOCOL.md §15.5)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Protocol

from sync.frames import AskKeysFrame, KeysFrame
from sync.intentions import AskKey, Intention, Intentions, SayKey

# Each question is waited for twice as long as the one before: the third comes after two minutes of LongFast,
# the last after some eighteen. With three, at 40 % loss, seed 2, a camp on the only way to 46 others still
# held a bundle at the end; with six none does.
KEY_TRIES = 6
# But one whose name was heard once may be no author at all: noise that spoils a name makes a new one each
# time, and a dozen hearers with six questions each took a tenth of the airtime of 25 camps. A real one is
# heard again, by a relay of the same bundle if not by another of his.
ONCE_TRIES = 1
# Authors a camp may wait for at a time. The oldest goes, and is then as if it was heard once.
LACKED_MAX = 64
# Keys of one author id that fit a small frame; more than one is somebody's costly joke.
KEYS_SAID_MAX = 4
# What is asked and said at a time: six keys are 199 bytes, and a frame for each costs twice as much.
TOGETHER_MAX = 6
# A key may come along with a bundle meanwhile; then several that know it do not say it at once; and an answer
# may take so long before the question is said again. In frame times.
ASK_FRAMES = (4.0, 12.0)
SAY_FRAMES = (0.0, 10.0)
AGAIN_FRAMES = (12.0, 20.0)


class Keys(Protocol):
    """The keys of a camp."""

    def keys_of(self, author: bytes) -> tuple[bytes, ...]:
        """Known keys of an author."""

    def lacks_key(self, author: bytes) -> bool:
        """Whether bundles of this author still wait for a key."""


class KeyTalk:
    """One camp's questions after keys on one link, and its answers. `frame_s`: what a full frame takes."""

    def __init__(self, keys: Keys, intentions: Intentions, random: Random, frame_s: float) -> None:
        self._keys = keys
        self._intentions = intentions
        self._random = random
        self._frame_s = frame_s
        self._lacked: OrderedDict[bytes, int] = OrderedDict()  # how often a bundle of his was held

    def lack(self, author: bytes, now: float) -> None:
        """A bundle of an author whose key we do not know is held here."""
        times = self._lacked.get(author, 0) + 1
        self._lacked[author] = times
        self._lacked.move_to_end(author)
        if len(self._lacked) > LACKED_MAX:
            self._lacked.popitem(last=False)
        if times == 2:
            self._intentions.forget(lambda each: isinstance(each, AskKey) and each.author == author)
        if not self._intentions.any(lambda each: isinstance(each, AskKey) and each.author == author):
            tries = ONCE_TRIES if times == 1 else KEY_TRIES
            self._intentions.add(AskKey(author, tries), self._after(ASK_FRAMES, now))

    def hear_asked(self, authors: Iterable[bytes], now: float) -> None:
        """Somebody lacks keys: the answer may serve us too, or we owe it."""
        for author in authors:
            self._put_off(author, now)
            if self._keys.keys_of(author):
                self._intentions.add(SayKey(author), self._after(SAY_FRAMES, now))

    def owes(self, author: bytes) -> bool:
        """Whether somebody asked for this key, and nobody said it since."""
        return self._intentions.any(lambda each: isinstance(each, SayKey) and each.author == author)

    def hear(self, author: bytes) -> None:
        """Somebody sent this author's key; whoever asked has it now."""
        self._lacked.pop(author, None)
        self._intentions.forget(lambda each: isinstance(each, SayKey) and each.author == author)

    def ask(self, asked: AskKey, now: float) -> AskKeysFrame | None:
        """The question, if it still is one; it is said again unless it helps.

        With it go others that would be said soon.
        """
        if self._is_moot(asked):
            return None
        soon = now + AGAIN_FRAMES[1] * self._frame_s
        together = [asked]
        self._intentions.forget(lambda each: isinstance(each, AskKey) and self._is_moot(each))
        while len(together) < TOGETHER_MAX and (other := self._intentions.take(AskKey, soon)) is not None:
            if other.author != asked.author:
                together.append(other)
        for each in together:
            if each.tries > 1:
                times = 2.0 ** (KEY_TRIES - each.tries)
                first, last = AGAIN_FRAMES
                again = AskKey(each.author, each.tries - 1)
                self._intentions.add(again, self._after((first * times, last * times), now))
        return AskKeysFrame(tuple(each.author for each in together))

    def _is_moot(self, asked: AskKey) -> bool:
        return asked.tries <= 0 or not self._keys.lacks_key(asked.author)

    def say(self, author: bytes) -> KeysFrame:
        """The answer, and with it others that are owed."""
        keys = list(self._keys.keys_of(author)[:KEYS_SAID_MAX])
        for other in self._intentions.of(SayKey):
            more = self._keys.keys_of(other.author)[:KEYS_SAID_MAX]
            if other.author != author and len(keys) + len(more) <= TOGETHER_MAX:
                keys += more
        return KeysFrame(tuple(keys))

    def _put_off(self, author: bytes, now: float) -> None:
        def later(due: float, each: Intention) -> tuple[float, Intention]:
            if not isinstance(each, AskKey) or each.author != author:
                return due, each
            tries = each.tries if self._lacked.get(author, 0) > 1 else 0
            return self._after(AGAIN_FRAMES, now), replace(each, tries=tries)

        self._intentions.change(later)

    def _after(self, frames: tuple[float, float], now: float) -> float:
        return now + self._random.uniform(*frames) * self._frame_s
