"""The doorkeeper: who is connected to our ports, for how long nothing need come of it, and who goes when.

Everybody on the Wi-Fi can open connections for nothing and leave them open. So a request has to come whole
within a time, an answer has to be taken within a time, and when the house is full the newcomer is let in all
the same: whoever has most connections loses the one that has been idle longest. Addresses are compared here,
in memory, while their connections are open; they are written nowhere.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

# Phones that are connected at a moment: a full square. Each costs some 50 KB, and a descriptor: with those of
# neighbours and files they stay below the 1,024 that a process is usually given.
PHONES_MAX = 300
# The 150 neighbours that radio.ip_link takes, and such as are shaking hands or being sent away.
NEIGHBOURS_MAX = 200
# A request of 64 KB over Wi-Fi that hardly reaches takes ten seconds, the handshake of TLS three.
REQUEST_S = 20.0
# The longest answer (500 messages for a program, 2 MB) at 50 KB/s takes 40 s.
TAKE_S = 60.0


class Room:
    """Places for connections of one kind."""

    def __init__(self, places_max: int) -> None:
        self._max = places_max
        self._places: dict[Place, None] = {}  # idle longest first

    def enter(self, place: Place) -> bool:
        """Give it a place, and take one from an idle connection if need be; False when none is idle."""
        if len(self._places) >= self._max and not self._send_one_away():
            return False
        self._places[place] = None
        return True

    def leave(self, place: Place) -> None:
        """It is not here any more."""
        self._places.pop(place, None)

    def was_of_use(self, place: Place) -> None:
        """It is the last to go among the idle ones."""
        if place in self._places:
            del self._places[place]
            self._places[place] = None

    def __len__(self) -> int:
        return len(self._places)

    def _send_one_away(self) -> bool:
        of_address = Counter(place.address for place in self._places)
        idle = [place for place in self._places if not place.is_busy]
        if not idle:
            return False
        max(idle, key=lambda place: of_address[place.address]).end()  # of equals the first: idle longest
        return True


class Doorkeeper:
    """The connections of all ports of a node. Lives in one event loop."""

    def __init__(self, phones_max: int = PHONES_MAX, neighbours_max: int = NEIGHBOURS_MAX) -> None:
        self.phones = Room(phones_max)
        self.neighbours = Room(neighbours_max)

    def admit(self, address: str, close: Callable[[], object]) -> Place | None:
        """A place for a new connection; None when all are being answered at this moment."""
        place = Place(self, address, close)
        if not self.phones.enter(place):
            return None
        place.asks()
        return place


class Place:
    """One connection, from the moment it was accepted. `close` ends it at once, whatever it is doing."""

    def __init__(self, door: Doorkeeper, address: str, close: Callable[[], object]) -> None:
        self.address = address
        self.is_busy = False
        self._sends_much = False
        self._door = door
        self._room = door.phones
        self._close = close
        self._loop = asyncio.get_running_loop()
        self._asking: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None

    def settle(self, close: Callable[[], object]) -> None:
        """The connection stands: this is how it is ended from now on."""
        self._close = close

    def asks(self) -> None:
        """A request begins, or is awaited for the first time: it has to be whole soon. Or more comes."""
        if self._sends_much:
            self._stop_asking()
        if self._asking is None and (self._sends_much or not self.is_busy):
            self._asking = self._loop.call_later(REQUEST_S, self.end)

    def sends_much(self) -> None:
        """Somebody with a card sends a file: it may take minutes, but must not stand still."""
        self._sends_much = self.is_busy = True
        self.asks()

    def has_asked(self) -> None:
        """The request is whole. How long we take to answer is our affair."""
        self.is_busy = True
        self._sends_much = False
        self._stop_asking()

    def is_answered(self) -> None:
        """It is idle now."""
        self.is_busy = self._sends_much = False
        self._stop_asking()
        self._room.was_of_use(self)

    def becomes_neighbour(self) -> None:
        """It asked for a WebSocket, and is timed by its own rules. It may be idle while it stays."""
        self._stop_asking()
        self._room.leave(self)
        self._room = self._door.neighbours
        self.is_busy = True
        if not self._room.enter(self):
            self.end()

    def says_farewell(self) -> None:
        """We want nothing more of it, so it is the first to go."""
        self.is_busy = False

    def must_take(self) -> None:
        """Bytes for it wait: the other end has to take them some day."""
        if self._taking is None:
            self._taking = self._loop.call_later(TAKE_S, self.end)

    def has_taken(self) -> None:
        """It took them."""
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def end(self) -> None:
        """End the connection, without a word: words need somebody who reads them."""
        self.gone()
        self._close()

    def gone(self) -> None:
        """The connection has ended."""
        self._stop_asking()
        self.has_taken()
        self._room.leave(self)

    def _stop_asking(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
