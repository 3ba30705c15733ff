"""The private channel that Mic Check uses on Meshtastic radios (PROTOCOL.md §18).

Every camp of a network comes to the same channel without being told: name and key follow from the network
word. The key keeps strangers' devices from taking our frames for theirs, and nothing more. Whoever knows the
word, or guesses a short one, can read the channel; what protects people is the signature on every bundle.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b

from sync.signing import Network

# Of the package's `Constants.DATA_PAYLOAD_LEN`, 233, firmware 2.7 and 2.8 take 231 and refuse the rest later.
# A frame has `sync.frames.RADIO_FRAME_BYTES_MAX`, 226.
PAYLOAD_BYTES_MAX = 231
# Of the private numbers (256 to 511); 256 is where everybody's first experiment is.
PORT = 300
# Foreign repeats would falsify what camps conclude from what they hear; routers drop private ports anyway.
HOP_LIMIT = 0

# The firmware keeps 11 characters.
CHANNEL_NAME = "miccheck"
# AES-256; the firmware knows 16 and 32.
CHANNEL_KEY_BYTES = 32
_KEY_DOMAIN = b"miccheck mesh 1"


@dataclass(frozen=True, slots=True)
class MeshChannel:
    """A channel of a Meshtastic radio: its name and its AES key."""

    name: str
    key: bytes = field(repr=False)


def channel_of(network: Network) -> MeshChannel:
    """The channel of the camps that share this network word."""
    word = network.word.encode()
    return MeshChannel(CHANNEL_NAME, blake2b(_KEY_DOMAIN + word, digest_size=CHANNEL_KEY_BYTES).digest())
