"""Meshtastic packets as they stand in a datagram or on the air: one frame of ours, encrypted for our channel.

Wi-Fi boards pass each other whole packets, encrypted as for the air, and know a channel by one byte: the XOR
of its name and its key. The cipher is AES in counter mode, its first counter block the packet id and the
sender's number (`CryptoEngine` of the firmware). It hides a frame from those who do not know the network
word, and protects nothing: what counts is signed inside.

The protobuf round it is `radio.meshtastic_link`'s, the only file that imports Meshtastic's package. AES is
that of `cryptography`, which the node has for its certificates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from hashlib import blake2b
from operator import xor

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from radio.mesh_channel import MeshChannel

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
