"""Admission: whose bundles this camp takes, shows and passes on (PROTOCOL.md §6).

By default every camp of the network. When somebody floods, a coordinator taps once, and from then on
only camps that a person here pinned, and camps that those introduced. Introductions come from far
away and cost their maker nothing, so they reach three camps deep and count sixteen times a camp.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sync.store import Store

# A pinned camp's friends' friends' friends. In a country with a hundred camps everybody is within three
# steps of somebody; one more step would let strangers vouch for strangers nobody here ever met.
DEPTH_MAX = 3
# What a camp knows well enough to vouch for. 16 pins with depth 3 still admit 69,904 keys at the very
# most; without the limit one careless camp could admit a flooder's whole key ring.
INTRODUCTIONS_MAX = 16


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who is admitted: ask with `key in admitted`. The dead never are."""

    own: bytes
    everybody: bool  # but the dead
    known: frozenset[bytes]  # keys pinned here or introduced, the dead left out
    dead: frozenset[bytes]

    def __contains__(self, key: bytes) -> bool:
        """Whether bundles under this 32-byte key are taken. Our own always are, even after our end."""
        if key == self.own:
            return True
        return key not in self.dead and (self.everybody or key in self.known)


def admitted(
    *,
    own: bytes,
    pins: Collection[bytes],
    introductions: Iterable[tuple[bytes, bytes]],
    farewells: Collection[bytes],
    introduced_only: bool,
) -> Admitted:
    """Work out who is admitted. Keys are 32 bytes; an introduction is (introducer, introduced).

    Of more than INTRODUCTIONS_MAX introductions by one camp the first given count, so give the oldest
    first: then a camp cannot push out those it introduced before. Introductions by dead camps, and
    those by camps that are not admitted themselves, count nothing.
    """
    dead = frozenset(farewells)
    by_introducer: dict[bytes, list[bytes]] = {}
    for introducer, introduced in introductions:
        vouched = by_introducer.setdefault(introducer, [])
        if len(vouched) < INTRODUCTIONS_MAX and introduced not in vouched:
            vouched.append(introduced)
    known = {key for key in pins if key not in dead}
    edge = known
    for _ in range(DEPTH_MAX):
        reached = {key for camp in edge for key in by_introducer.get(camp, ())}
        edge = reached - known - dead - {own}
        known = known | edge
    return Admitted(own, not introduced_only, frozenset(known), dead)


class Admission:
    """Who is admitted by what the store says now: ask with `key in admission`."""

    def __init__(self, own: bytes, store: Store, introduced_only: bool) -> None:
        """`introduced_only` holds until a coordinator said something else."""
        self._own = own
        self._store = store
        self._introduced_only = introduced_only
        self.reload()

    def __contains__(self, key: bytes) -> bool:
        """Whether bundles under this 32-byte key are taken."""
        return key in self.current

    def reload(self) -> None:
        """Read pins, introductions, farewells and the coordinator's switch again."""
        switch = self._store.meta("admit")
        pins = self._store.pins()
        self.pinned = frozenset(pins)
        self.current = admitted(
            own=self._own,
            pins=pins,
            introductions=self._store.introductions(),
            farewells=self._store.farewells(),
            introduced_only=self._introduced_only if switch is None else switch == "introduced",
        )
