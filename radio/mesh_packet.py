"""Meshtastic packets as they stand in a datagram or on the air: one frame of ours, encrypted for our channel.

Wi-Fi boards pass each other whole packets, encrypted as for the air, and know a channel by one byte: the XOR
of its name and its key. The cipher is AES in counter mode, its first counter block the packet id and the
sender's number (`CryptoEngine` of the firmware). It hides a frame from those who do not know the network
word, and protects nothing: what counts is signed inside.

The protobuf round it is `radio.meshtastic_link`'s, the only file that imports Meshtastic's package. AES is
that of `cryptography`, which the node has for its certificates.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import reduce
from hashlib import blake2b
from operator import xor
from random import Random
from typing import Protocol

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from radio.mesh_channel import MeshChannel
from sync.frames import RADIO_FRAME_BYTES_MAX
from sync.urgency import Urgency, urgency_of

# A packet has 237 bytes of data and some forty around it; what is longer is no packet.
DATAGRAM_BYTES_MAX = 512
# Packets that were heard lately, told again by other boards: two minutes of the fastest preset.
HEARD_MAX = 1_024
# mesh.proto, MeshPacket.Priority.
_PRIORITIES = {Urgency.ALERT: 110, Urgency.CONTROL: 64, Urgency.CONTENT: 10}

_NODE_DOMAIN = b"miccheck mesh node"
# The firmware keeps the lowest numbers and the highest, which means everybody, for itself.
_RESERVED = 16
_NUMBERS = 2**32


@dataclass(frozen=True, slots=True)
class MeshPacket:
    """What of a packet matters to us. `sender` and `id` together are never used twice."""

    sender: int
    id: int
    channel: int  # `channel_hash`
    hop_limit: int
    priority: int
    encrypted: bytes


def channel_hash(channel: MeshChannel) -> int:
    """The byte by which a packet names its channel."""
    return reduce(xor, channel.name.encode() + channel.key, 0)


def crypt(channel: MeshChannel, sender: int, packet_id: int, data: bytes) -> bytes:
    """Encrypt, or decrypt, which is the same."""
    counter = packet_id.to_bytes(8, "little") + sender.to_bytes(4, "little") + bytes(4)
    cipher = Cipher(AES(channel.key), CTR(counter)).encryptor()
    return cipher.update(data) + cipher.finalize()


def node_number(key: bytes) -> int:
    """The number under which the camp with this key sends."""
    number = int.from_bytes(blake2b(_NODE_DOMAIN + key, digest_size=8).digest(), "big")
    return number % (_NUMBERS - 2 * _RESERVED) + _RESERVED


class Packets(Protocol):
    """The protobuf of packets: `radio.meshtastic_link`, as far as it is needed."""

    def write_packet(self, packet: MeshPacket) -> bytes:
        """The datagram of a packet."""

    def read_packet(self, data: bytes) -> MeshPacket | None:
        """The encrypted packet in a datagram; None when there is none."""

    def write_data(self, frame: bytes) -> bytes:
        """What is encrypted: the frame with our port number."""

    def read_data(self, data: bytes) -> bytes | None:
        """The frame in what was decrypted; None when it is not of our port number, or garbled."""


class MeshCipher:
    """Frames to datagrams and back, for one camp in one channel."""

    def __init__(self, channel: MeshChannel, key: bytes, hops: int, packets: Packets, random: Random) -> None:
        """`key` is the camp's."""
        self._channel = channel
        self._hash = channel_hash(channel)
        self._sender = node_number(key)
        self._hops = hops
        self._packets = packets
        self._id = random.getrandbits(32)  # ids count on from here: none comes twice within 2^32
        self._heard: OrderedDict[tuple[int, int], None] = OrderedDict()

    def seal(self, frame: bytes) -> bytes:
        """The datagram of a frame."""
        self._id = (self._id + 1) % 2**32 or 1
        data = crypt(self._channel, self._sender, self._id, self._packets.write_data(frame))
        priority = _PRIORITIES[urgency_of(frame)]
        packet = MeshPacket(self._sender, self._id, self._hash, self._hops, priority, data)
        return self._packets.write_packet(packet)

    def open(self, datagram: bytes) -> bytes | None:
        """The frame of somebody else in a datagram that was not heard before; None for anything else."""
        if len(datagram) > DATAGRAM_BYTES_MAX:
            return None
        packet = self._packets.read_packet(datagram)
        if packet is None or packet.channel != self._hash or packet.sender == self._sender:
            return None
        if not self._is_new(packet):
            return None
        frame = self._packets.read_data(crypt(self._channel, packet.sender, packet.id, packet.encrypted))
        return frame if frame is not None and 0 < len(frame) <= RADIO_FRAME_BYTES_MAX else None

    def _is_new(self, packet: MeshPacket) -> bool:
        name = packet.sender, packet.id
        if name in self._heard:
            return False
        self._heard[name] = None
        if len(self._heard) > HEARD_MAX:
            self._heard.popitem(last=False)
        return True
