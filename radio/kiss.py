"""KISS: frames on a serial line to a modem (Chepponis and Karn, "The KISS TNC", 1987).

A frame stands between two FENDs; FEND and FESC in it are written as two bytes. Its first byte says to which
port of the modem it goes (high half) and what it is (low half): data, or a setting. Settings are the modem's
owner's business, and are not sent. A serial line carries anything: what another program left in the modem,
half a frame after it was plugged in, noise at the wrong speed. Each of these is counted by what it is, and
none goes on.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

FEND, FESC, TFEND, TFESC = 0xC0, 0xDB, 0xDC, 0xDD
# Data to and from the first port.
DATA = 0x00
_COMMAND_MASK = 0x0F


class Junk(StrEnum):
    """Why bytes of the line were no frame for us."""

    OUTSIDE = "outside"  # before the first FEND: the end of a frame whose beginning nobody heard
    ESCAPE = "escape"  # FESC before something that is never escaped
    PORT = "port"  # data of another port of the modem
    COMMAND = "command"  # no data: an answer of the modem to somebody's setting
    EMPTY = "empty"  # data without a byte
    LONG = "long"  # more bytes than a frame may have


def encode(frame: bytes) -> bytes:
    """The bytes on the line of a frame of data."""
    escaped = frame.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    return b"\xc0\x00" + escaped + b"\xc0"


class KissReader:
    """Takes what the line brings, in any pieces, and gives the frames in it."""

    def __init__(self, frame_bytes_max: int) -> None:
        """A longer frame is dropped as it comes, so nobody fills our memory."""
        self.junk: Counter[Junk] = Counter()
        self._most = frame_bytes_max + 1  # the byte of port and command
        self._bytes = bytearray()
        self._is_inside = False
        self._is_escaped = False
        self._fault: Junk | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that end in these bytes."""
        frames = []
        for byte in data:
            if byte == FEND:
                frame = self._end()
                if frame is not None:
                    frames.append(frame)
            elif self._fault is None:
                self._take(byte)
        return frames

    def _take(self, byte: int) -> None:
        if not self._is_inside:
            self._fault = Junk.OUTSIDE
        elif self._is_escaped:
            self._is_escaped = False
            if byte in (TFEND, TFESC):
                self._append(FEND if byte == TFEND else FESC)
            else:
                self._fault = Junk.ESCAPE
        elif byte == FESC:
            self._is_escaped = True
        else:
            self._append(byte)

    def _append(self, byte: int) -> None:
        if len(self._bytes) == self._most:
            self._fault = Junk.LONG
        else:
            self._bytes.append(byte)

    def _end(self) -> bytes | None:
        """A FEND came: what stands before it, if that is a frame for us. Two FENDs in a row are nothing."""
        found, fault = bytes(self._bytes), Junk.ESCAPE if self._is_escaped else self._fault
        self._bytes.clear()
        self._is_inside, self._is_escaped, self._fault = True, False, None
        if found and fault is None:
            fault = _fault_of(found)
        if fault is not None:
            self.junk[fault] += 1
            return None
        return found[1:] if found else None


def _fault_of(found: bytes) -> Junk | None:
    if found[0] & _COMMAND_MASK != DATA:
        return Junk.COMMAND
    if found[0] != DATA:
        return Junk.PORT
    return Junk.EMPTY if len(found) == 1 else None
