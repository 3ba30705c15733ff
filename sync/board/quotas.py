"""How often somebody may post, and how often a card may be guessed. Kept in memory only.

An address never touches the disk, and a restart that forgives everybody a minute harms nobody.
"""

from __future__ import annotations

from collections import OrderedDict

from sync.actions import Actor, Refusal, Refused

# As many phones as a square of ten thousand people brings to one Wi-Fi in a few minutes. A bucket is
# 200 bytes: 800 kB. When full, the bucket unused longest goes: it has had the longest time to fill again.
BUCKETS_MAX = 4_096
# Several phones can stand behind one address (a router lent by a neighbour), and fresh cookies are free.
ADDRESS_SHARE = 5
# Mic checks that wait for a person to repeat them, an address: a bus of people who all saw it, then one a
# minute. By posts alone one phone with fresh cookies filled the room for all of them in two minutes, and
# "medic to gate 4" found no place; now it takes three quarters of an hour, in which somebody looks.
CALLS = 10
CALL_EVERY_S = 60.0
# Typing a card by lamplight goes wrong a few times; then once every half minute.
GUESSES = 10
GUESS_EVERY_S = 30.0
# All together: what a Pi looks up without being noticed. A card has 100 bits, so this guards the
# processor, not the card; a coordinator at the console is never behind it.
ALL_GUESSES = 120
ALL_GUESS_EVERY_S = 0.5


class Buckets:
    """Token buckets by key: each holds `size` and gains one every `every_s` seconds."""

    def __init__(self, size: int, every_s: float, buckets_max: int = BUCKETS_MAX) -> None:
        self._size = size
        self._every_s = every_s
        self._max = buckets_max
        self._left: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def wait_s(self, key: bytes, now: float) -> float:
        """Seconds until there is one to take; 0.0 when there is one now."""
        return max(0.0, (1.0 - self._content(key, now)) * self._every_s)

    def take(self, key: bytes, now: float) -> None:
        """Take one; ask `wait_s` first."""
        self._left[key] = (self._content(key, now) - 1.0, now)
        self._left.move_to_end(key)
        if len(self._left) > self._max:
            self._left.popitem(last=False)

    def __len__(self) -> int:
        return len(self._left)

    def _content(self, key: bytes, now: float) -> float:
        left, since = self._left.get(key, (float(self._size), now))
        # The engine's time never runs back; if it did, nobody shall wait for it.
        return min(float(self._size), left + max(0.0, now - since) / self._every_s)


class Quotas:
    """Posts a device and an address, guesses an address and in all."""

    def __init__(self, device_per_minute: int) -> None:
        self._posts: tuple[Buckets, Buckets] | None = None
        if device_per_minute > 0:
            every_s = 60.0 / device_per_minute
            self._posts = (
                Buckets(device_per_minute, every_s),
                Buckets(device_per_minute * ADDRESS_SHARE, every_s / ADDRESS_SHARE),
            )
        self._calls = Buckets(CALLS, CALL_EVERY_S)
        self._guesses = Buckets(GUESSES, GUESS_EVERY_S)
        self._all_guesses = Buckets(ALL_GUESSES, ALL_GUESS_EVERY_S, 1)

    def check_post(self, actor: Actor, now: float) -> None:
        """Refused with TOO_FAST when this device or its address must wait. Takes nothing yet."""
        if self._posts is None or actor.console:
            return
        devices, addresses = self._posts
        wait_s = devices.wait_s(_device(actor), now)
        if actor.address is not None:
            wait_s = max(wait_s, addresses.wait_s(actor.address, now))
        if wait_s > 0:
            raise Refused(Refusal.TOO_FAST, wait_s)

    def count_post(self, actor: Actor, now: float) -> None:
        """A post went through."""
        if self._posts is None or actor.console:
            return
        devices, addresses = self._posts
        devices.take(_device(actor), now)
        if actor.address is not None:
            addresses.take(actor.address, now)

    def check_call(self, actor: Actor, now: float) -> None:
        """Refused with TOO_FAST when too many mic checks came from this address. Takes nothing yet."""
        wait_s = self._calls.wait_s(_place(actor), now)
        if self._posts is not None and wait_s > 0:
            raise Refused(Refusal.TOO_FAST, wait_s)

    def count_call(self, actor: Actor, now: float) -> None:
        """A mic check waits."""
        self._calls.take(_place(actor), now)

    def check_guess(self, actor: Actor, now: float) -> None:
        """Refused with TOO_FAST when too many wrong cards came from there, or from everywhere."""
        if actor.console:
            return
        wait_s = max(self._guesses.wait_s(_place(actor), now), self._all_guesses.wait_s(b"", now))
        if wait_s > 0:
            raise Refused(Refusal.TOO_FAST, wait_s)

    def count_guess(self, actor: Actor, now: float) -> None:
        """A card was wrong."""
        if not actor.console:
            self._guesses.take(_place(actor), now)
            self._all_guesses.take(b"", now)


def _device(actor: Actor) -> bytes:
    """The device, or the address of one without a cookie; all unknown ones are one device."""
    if actor.device is not None:
        return b"d" + actor.device
    return b"a" + (actor.address or b"")


def _place(actor: Actor) -> bytes:
    return actor.address or b""
