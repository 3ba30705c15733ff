"""Meshtastic boards through the `meshtastic` package: the only file that imports it (PROTOCOL.md §18).

The package is made for a person at a prompt. It exits where it does not like the ports, waits half a minute
to send to a board that is gone, sends twice what was not acknowledged yet, waits for ever for a place in a
queue, redials a daemon behind our back and hands over what it received in one thread for everybody, by weak
references, swallowing what a listener raises. So its classes are taken for the framing, the opening of
devices and the exchange of settings; what is sent goes straight to the wire, and what comes is looked at in
the reader's thread before anybody else sees it. Measured against 2.7.11, the locked version.

Importing it takes 0.7 s on a PC and several on a Pi: it is done when a board is opened, in a thread.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import queue
import socket
import termios
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import DecodeError
from meshtastic.mesh_interface import MeshInterface
from meshtastic.protobuf import mesh_pb2, portnums_pb2, telemetry_pb2
from meshtastic.serial_interface import SerialInterface
from meshtastic.tcp_interface import TCPInterface

from radio.board import (
    Alive,
    BoardError,
    BoardEvent,
    Came,
    Counts,
    Gone,
    Notice,
    Queue,
    Refused,
    Tell,
)
from radio.board_admin import facts_of, write
from radio.board_search import NO_SERIAL_LINE, NOT_THERE, Place, SerialPlace
from radio.board_setup import BoardFacts, BoardWish, Change
from radio.mesh_channel import HOP_LIMIT, PAYLOAD_BYTES_MAX, PORT, MeshChannel
from radio.mesh_packet import MeshPacket
from radio.road_words import for_people
from sync.urgency import Urgency

# A board that is starting up does not hear the first question, one that is up answers in milliseconds. Asked
# again after so long without an answer, whatever else it says: what it hears on the air it passes on at once.
ASK_AGAIN_S = 1.0
# The slowest board seen tells its settings in 4 s; an ESP32 starts in 5 s, with a full database in 10 s.
CONFIG_S = 20.0
# Of a board in the network that lost its power nothing is heard, not even an end. TCP asks for it two, three
# and four seconds after its last word: one that has started again says then that it knows nothing of us.
TCP_QUIET_S = 2
TCP_ASK_AGAIN_S = 1
# What it did not take for so long it will not take. The kernel's own limit is 15 min, its pauses double.
TCP_UNTAKEN_MS = 5_000
# The kernel calls a second time after one second and a third time after three (RFC 6298): we are sooner.
TCP_CONNECT_S = 2.0
# Packets whose refusal may still come: the firmware holds 16.
REFUSABLE_MAX = 16
# `ERRNO_SHOULD_RELEASE`: the packet was for the board itself.
DELIVERED_HERE = 35
# The destination of a broadcast.
EVERYBODY = 0xFFFFFFFF

NO_ANSWER = for_people("The board does not answer.")
NOBODY_THERE = for_people("Nobody answers at the board's address.")
NOT_FOUND = for_people("The board's address cannot be found.")
BROKEN_OFF = for_people("The connection to the board broke off.")
PULLED_OUT = for_people("The board was pulled out.")

# What a board says of itself when it is asked for its settings.
_SETTINGS = frozenset(
    {"my_info", "node_info", "metadata", "channel", "config", "moduleConfig", "config_complete_id"}
)

# What using a board raises. The last two come of pyserial and the package, when the reader closes the device
# and sets it to None while another thread is in the middle of a write.
_FAULTS = (OSError, termios.error, MeshInterface.MeshInterfaceError, AttributeError, TypeError)

_PRIORITIES = {
    Urgency.ALERT: mesh_pb2.MeshPacket.Priority.ALERT,
    Urgency.CONTROL: mesh_pb2.MeshPacket.Priority.DEFAULT,
    Urgency.CONTENT: mesh_pb2.MeshPacket.Priority.BACKGROUND,
}

# It logs what we say better, and sometimes a whole packet.
logging.getLogger("meshtastic").setLevel(logging.CRITICAL + 1)


class _Tamed(MeshInterface):  # type: ignore[misc]  # the package has no types
    """What both interfaces of the package do otherwise for us."""

    on_radio: Callable[[mesh_pb2.FromRadio], None] | None = None
    on_lost: Callable[[], None] | None = None
    is_open = False
    _told = 0  # pieces of its settings

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._writing = threading.Lock()
        super().__init__(*args, **kwargs)

    def _handleFromRadio(self, fromRadioBytes: bytes) -> None:  # noqa: N802, N803
        with contextlib.suppress(DecodeError):  # noise on the line
            said = mesh_pb2.FromRadio.FromString(fromRadioBytes)
            if self.on_radio is not None:
                self.on_radio(said)
                return
            self._told += said.WhichOneof("payload_variant") in _SETTINGS
            super()._handleFromRadio(fromRadioBytes)

    def _sendToRadio(self, toRadio: mesh_pb2.ToRadio) -> None:  # noqa: N802, N803
        """Straight to the wire: the package's own queue sends again what was sent, and waits in a loop."""
        with self._writing:
            self._sendToRadioImpl(toRadio)

    def _startHeartbeat(self) -> None:  # noqa: N802
        """None: the one who sends does that, and in its own thread."""

    def _waitConnected(self, timeout: float = CONFIG_S) -> None:  # noqa: N802
        """While it is opened: ask again until it answers. Afterwards a board that is gone is gone at once."""
        for _ in range(0 if self.is_open else int(CONFIG_S / ASK_AGAIN_S)):
            told = self._told
            if self.isConnected.wait(ASK_AGAIN_S) or not self._rxThread.is_alive():
                break
            if self._told == told:
                self._startConfig()
        if not self.isConnected.is_set():
            raise self.MeshInterfaceError(NO_ANSWER)

    def _disconnected(self) -> None:
        super()._disconnected()
        if self.on_lost is not None:
            self.on_lost()


class _Serial(_Tamed, SerialInterface):  # type: ignore[misc]
    """A board at a serial port."""

    def connect(self) -> None:
        """Not while another program holds it: the package clears the line before it looks at the lock."""
        device = os.open(self.devPath, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            fcntl.flock(device, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(device, fcntl.LOCK_UN)
            super().connect()
        finally:
            os.close(device)


class _Tcp(_Tamed, TCPInterface):  # type: ignore[misc]
    """A board, or a daemon, in the network."""

    def myConnect(self) -> None:  # noqa: N802
        """Within seconds or not at all, and what goes without a word is noticed as soon."""
        address = self.hostname, self.portNumber
        try:
            self.socket = socket.create_connection(address, timeout=TCP_CONNECT_S)
        except UnicodeError as error:  # a label that grew too long when it was written in ASCII (RFC 5891)
            raise socket.gaierror(socket.EAI_NONAME, "no name") from error
        self.socket.settimeout(None)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, TCP_QUIET_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, TCP_ASK_AGAIN_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_UNTAKEN_MS)

    def _reconnect(self) -> None:
        """Never behind our back: what was asked for and handed over is gone with the connection."""
        self._wantExit = True


class MeshBoard:
    """An open board: a reader thread of the package's, and one thread of ours that sends."""

    def __init__(self, interface: _Tamed, facts: BoardFacts, index: int, tell: Tell) -> None:
        """`index` of the channel to speak on. `tell` is called from both threads."""
        self.facts = facts
        self._interface = interface
        self._index = index
        self._tell = tell
        self._own = interface.myInfo.my_node_num
        self._order = 0
        self._jobs: queue.PriorityQueue[tuple[int, int, bytes]] = queue.PriorityQueue()
        self._asking = False
        self._closing = threading.Event()
        self._handed: OrderedDict[int, bytes] = OrderedDict()
        interface.is_open = True
        gone = Gone(BROKEN_OFF if facts.by_network else PULLED_OUT)
        interface.on_lost = lambda: tell(gone)
        interface.on_radio = self._take
        if not interface.isConnected.is_set():  # since its last word
            tell(gone)
        self._sender = threading.Thread(target=self._send_all, name="meshtastic sender", daemon=True)
        self._sender.start()

    def send(self, frame: bytes, urgency: Urgency) -> None:
        """Put a frame on the air, what is more urgent first. Called from one thread."""
        self._put(urgency, frame)

    def ask(self) -> None:
        """Have it tell its queue, once at a time."""
        if not self._asking:
            self._asking = True
            self._put(Urgency.ALERT, b"")

    def close(self) -> None:
        """Let go of it."""
        self._closing.set()
        self._put(Urgency.ALERT, b"")
        _close(self._interface)

    def _put(self, urgency: Urgency, frame: bytes) -> None:
        self._order += 1
        self._jobs.put((urgency, self._order, frame))

    def _send_all(self) -> None:
        while not self._closing.is_set():
            urgency, _, frame = self._jobs.get()
            if self._closing.is_set():
                return
            try:
                self._send(Urgency(urgency), frame)
            except _FAULTS as fault:
                self._tell(Gone(_reason(fault)))
                return

    def _send(self, urgency: Urgency, frame: bytes) -> None:
        if not frame:
            self._asking = False
            self._interface.sendHeartbeat()
            return
        packet = mesh_pb2.MeshPacket(
            to=EVERYBODY,
            channel=self._index,
            id=self._interface._generatePacketId(),
            hop_limit=HOP_LIMIT,
            priority=_PRIORITIES[urgency],
        )
        packet.decoded.portnum = PORT
        packet.decoded.payload = frame
        self._handed[packet.id] = frame
        while len(self._handed) > REFUSABLE_MAX:
            self._handed.popitem(last=False)
        self._interface._sendToRadio(mesh_pb2.ToRadio(packet=packet))

    def _take(self, said: mesh_pb2.FromRadio) -> None:
        """In the reader's thread: what the board said."""
        for event in self._events(said):
            self._tell(event)

    def _events(self, said: mesh_pb2.FromRadio) -> Iterator[BoardEvent]:
        match said.WhichOneof("payload_variant"):
            case "packet":
                yield self._event_of_packet(said.packet)
            case "queueStatus":
                status = said.queueStatus
                if status.res not in (0, DELIVERED_HERE):
                    yield self._refused(status.res, status.mesh_packet_id)
                yield Queue(status.maxlen - status.free, is_answer=status.mesh_packet_id == 0)
            case "clientNotification":
                yield Notice(said.clientNotification.message)
            case "rebooted":
                yield Gone(for_people("The board started again."))
            case _:
                yield Alive()

    def _event_of_packet(self, packet: mesh_pb2.MeshPacket) -> BoardEvent:
        data, sender = packet.decoded, getattr(packet, "from")
        match data.portnum:
            case _ if sender not in (0, self._own):
                # What came through the internet did not come through the air.
                is_ours = (data.portnum, packet.channel, packet.via_mqtt) == (PORT, self._index, False)
                fits = 0 < len(data.payload) <= PAYLOAD_BYTES_MAX
                return Came(data.payload, packet.rx_snr) if is_ours and fits else Alive()
            case portnums_pb2.PortNum.ROUTING_APP:
                error = mesh_pb2.Routing.FromString(data.payload).error_reason
                return self._refused(error, data.request_id) if error else Alive()
            case portnums_pb2.PortNum.TELEMETRY_APP:
                return _counts(telemetry_pb2.Telemetry.FromString(data.payload))
            case _:
                return Alive()

    def _refused(self, error: int, packet_id: int) -> Refused:
        known = mesh_pb2.Routing.Error.DESCRIPTOR.values_by_number.get(error)
        return Refused(known.name if known is not None else str(error), self._handed.pop(packet_id, b""))


def open_board(place: Place, channel: MeshChannel, tell: Tell) -> MeshBoard:
    """Open a board and read its settings; blocks for CONFIG_S or so. Raises BoardError.

    Without the channel on the board nothing can be sent, and index 0 stands for it.
    """
    interface = _opened(place)
    facts = facts_of(interface, by_network=not isinstance(place, SerialPlace))
    return MeshBoard(interface, facts, facts.index_of(channel) or 0, tell)


def look(place: Place) -> BoardFacts:
    """What a board says of itself; for the doctor. Blocks. Raises BoardError."""
    interface = _opened(place)
    try:
        return facts_of(interface, by_network=not isinstance(place, SerialPlace))
    finally:
        _close(interface)


def apply(place: Place, wish: BoardWish, changes: tuple[Change, ...]) -> None:
    """Make these changes, all at once; the board starts again afterwards. Blocks. Raises BoardError."""
    interface = _opened(place)
    try:
        write(interface.localNode, wish, changes)
    except _FAULTS as fault:
        raise BoardError(_reason(fault)) from fault
    finally:
        _close(interface)


def _opened(place: Place) -> _Tamed:
    interface = _made(place)
    try:
        interface.connect()
    except (SystemExit, *_FAULTS) as fault:
        _close(interface)
        raise BoardError(_reason(fault)) from fault
    if interface.myInfo is None or not interface.localNode.channels:
        _close(interface)
        raise BoardError(NO_ANSWER)
    return interface


def _made(place: Place) -> _Tamed:
    """The interface, not connected. Nodes that the board knows are none of our business: `noNodes`."""
    if isinstance(place, SerialPlace):
        return _Serial(str(place.path), connectNow=False, noNodes=True)
    return _Tcp(place.host, portNumber=place.port, connectNow=False, noNodes=True)


def _close(interface: _Tamed) -> None:
    """Let go of what may be half built, or gone, or hang while it flushes to a board that does not read."""
    interface.on_radio = interface.on_lost = None
    interface.is_open = True
    interface._wantExit = True  # whatever is raised below, the reader ends, and closes what it reads
    with contextlib.suppress(*_FAULTS):
        if interface.stream is not None:
            interface.stream.reset_output_buffer()
    with contextlib.suppress(RuntimeError, *_FAULTS):
        interface.close()


def _counts(telemetry: telemetry_pb2.Telemetry) -> BoardEvent:
    """Both kinds of telemetry that have the two shares, in percent."""
    match telemetry.WhichOneof("variant"):
        case "device_metrics":
            metrics = telemetry.device_metrics
        case "local_stats":
            metrics = telemetry.local_stats
        case _:
            return Alive()
    return Counts(metrics.channel_utilization / 100, metrics.air_util_tx / 100)


def _reason(fault: BaseException) -> str:
    """Why it did not work, for people; never an address."""
    match fault:
        case MeshInterface.MeshInterfaceError():
            return NO_ANSWER
        case OSError(errno=errno.EACCES | errno.EPERM):
            return for_people("This user must not open the device.")
        case OSError(errno=errno.ENOENT | errno.ENODEV | errno.ENXIO):
            return NOT_THERE
        case termios.error(args=(errno.ENOTTY, *_)) | OSError(errno=errno.EISDIR):
            return NO_SERIAL_LINE
        case OSError(errno=errno.EAGAIN | errno.EBUSY):
            return for_people("Another program holds the board.")
        case socket.gaierror():
            return NOT_FOUND
        case ConnectionRefusedError() | OSError(errno=errno.EHOSTUNREACH | errno.ENETUNREACH):
            return NOBODY_THERE
        case TimeoutError():
            return NO_ANSWER
        case OSError() | termios.error() | AttributeError() | TypeError():
            return BROKEN_OFF
        case _:
            return for_people("The library that speaks to boards gave up.")


# -- packets as they stand in a datagram (`radio.mesh_packet`) --------------------------------------


def write_packet(packet: MeshPacket) -> bytes:
    """The protobuf of an encrypted packet to everybody."""
    written = mesh_pb2.MeshPacket(
        to=EVERYBODY,
        id=packet.id,
        channel=packet.channel,
        hop_limit=packet.hop_limit,
        hop_start=packet.hop_limit,
        priority=packet.priority,
        encrypted=packet.encrypted,
    )
    setattr(written, "from", packet.sender)
    return bytes(written.SerializeToString())


def read_packet(data: bytes) -> MeshPacket | None:
    """The packet in these bytes; None when it is garbled, not encrypted, or not to everybody."""
    try:
        read = mesh_pb2.MeshPacket.FromString(data)
    except DecodeError:
        return None
    if not read.HasField("encrypted") or read.to != EVERYBODY or read.via_mqtt:
        return None
    sender = getattr(read, "from")
    return MeshPacket(sender, read.id, read.channel, read.hop_limit, read.priority, read.encrypted)


def write_data(frame: bytes) -> bytes:
    """The protobuf that is encrypted: a frame with our port number."""
    return bytes(mesh_pb2.Data(portnum=PORT, payload=frame).SerializeToString())


def read_data(data: bytes) -> bytes | None:
    """The frame in what was decrypted; None when it is of another port number, or garbled."""
    try:
        read = mesh_pb2.Data.FromString(data)
    except DecodeError:
        return None
    return bytes(read.payload) if read.portnum == PORT else None
