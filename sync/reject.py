"""Why bytes from outside were refused.

One exception class for every hostile or broken input, so that a caller counts reasons and nothing
else. The text is a fixed word and never carries content: what a stranger sent is in no log.
See PROTOCOL.md §7, "Accepting".
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The words counted on the status page, in the order in which they are checked."""

    LENGTH = "length"  # shorter than any bundle or longer than its class may be
    FRAME = "frame"  # a frame head or control frame that is not one
    VERSION = "version"  # a frame of a version this node does not speak
    NETWORK = "network"  # the one-byte tag of another network
    CBOR = "cbor"  # not CBOR, or CBOR with tags, maps, floats or indefinite lengths
    SHAPE = "shape"  # CBOR, but not the envelope of PROTOCOL.md §4
    ENCODING = "encoding"  # the same data has a shorter or other deterministic encoding
    HOUR = "hour"  # sealed in the future, or dead already and it came by broadcast
    CLASS = "class"  # bulk on a radio link
    KEY = "key"  # held: the author's key is not known yet
    RATE = "rate"  # more than the verify bucket of the link allows
    SIGNATURE = "signature"  # no known key of this author verifies it
    ADMISSION = "admission"  # a camp that is not admitted
    WINDOW = "window"  # older than the author's newest bundles that are carried
    REPLAY = "replay"  # its id died here not long ago
    FULL = "full"  # no room; the camp's own quota is used up
    KIND = "kind"  # carried, not shown: a kind of message this node does not know
    CODEC = "codec"  # carried, not shown: the body cannot be read
    TEXT = "text"  # carried, not shown: control or direction-changing characters, or not UTF-8


class Reject(ValueError):
    """Bytes from outside were refused for `reason`; they were not stored and not passed on."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason
