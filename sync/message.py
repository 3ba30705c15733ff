"""A message: one statement of a person or a camp (PROTOCOL.md §5).

On the wire a message is an array whose trailing defaults are left out, so a plain post costs nine
bytes beside its text. Message ids serve people only (parents, receipts, no doubles on pages); what
is stored, requested and relayed is the bundle.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

from sync import cbor
from sync.codec import CodecError, pack, unpack
from sync.reject import Reason, Reject
from sync.signing import message_id_of
from sync.text import NICKNAME_BYTES_MAX, TEXT_BYTES_MAX, clean, is_channel_name, is_tricky

MessageId = bytes
MESSAGE_ID_BYTES = 16
# How much of a message id another message carries. A clash by chance needs 2^32 messages; one made on
# purpose puts a reply under the wrong post of the same attacker, and costs every honest reply 8 bytes less.
PARENT_BYTES = 8

# Seconds travel modulo 2^24 (194 days) and are read as the one nearest to the hour of sealing.
STAMP_SECONDS = 1 << 24
SALT_MAX = 255

# Names that every camp has, as one byte each. `here` never leaves the camp and has no code.
CHANNEL_CODES = ("general", "announcements", "letters")
GENERAL, ANNOUNCEMENTS, LETTERS = CHANNEL_CODES
HERE = "here"

# Longest unpacked body of any kind: a text, or the array of a card or group.
BODY_BYTES_MAX = TEXT_BYTES_MAX
REFERENCE_BYTES_MAX = 512  # 64 receipts or 128 echoes of one camp fit one message


class Kind(IntEnum):
    """What a message says. Others are carried and not shown."""

    POST = 0
    MIC_CHECK = 1
    RETRACT = 2
    SUPERSEDE = 3
    CARD = 4
    INTRODUCTION = 5
    FAREWELL = 6
    GROUP = 7
    LETTER = 8
    RECEIPT = 9
    ECHO = 10
    REGISTRATION = 11  # sealed to a list's owner: `sync.registrations`
    REGISTRATION_STATE = 12


class Role(IntEnum):
    """Who speaks, as the author's camp says. The camp's signature vouches for it, nobody else."""

    CAMPER = 0
    LIAISON = 1
    MODERATOR = 2
    COORDINATOR = 3
    LIST = 4
    VISITOR = 5

    @property
    def word(self) -> str:
        """The lower-case word used in pages and programs."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Message:
    """One statement. `second` is Unix time; `salt` makes equal statements of one second differ."""

    kind: int
    second: int
    salt: int = 0
    body: bytes = b""  # the codec byte and its payload, or empty
    channel: str = GENERAL
    nickname: str = ""
    role: Role = Role.CAMPER
    parent: bytes = b""  # 8 bytes of a message id, or empty
    reference: bytes = b""  # what the kind refers to: a key, ids, the hash of a Message-ID

    @property
    def text(self) -> str:
        """The body as text. `Reject` with CODEC or TEXT when it cannot be shown."""
        return clean(self.content)

    @property
    def content(self) -> bytes:
        """The unpacked body. `Reject(CODEC)` when it is of an unknown codec, damaged or too long."""
        if not self.body:
            return b""
        try:
            return unpack(self.body, BODY_BYTES_MAX)
        except CodecError as error:
            raise Reject(Reason.CODEC) from error

    @property
    def urgent(self) -> bool:
        """Whether this is a mic check."""
        return self.kind == Kind.MIC_CHECK


def encode(message: Message) -> bytes:
    """The bytes of a message. Raises ValueError for a message no node would show: that is our fault."""
    _check(message)
    channel: cbor.Value = message.channel
    if message.channel in CHANNEL_CODES:
        channel = CHANNEL_CODES.index(message.channel)
    fields: list[cbor.Value] = [
        message.kind,
        (message.second % STAMP_SECONDS) << 8 | message.salt,
        message.body,
        channel,
        message.nickname,
        int(message.role),
        message.parent,
        message.reference,
    ]
    while len(fields) > 3 and fields[-1] in (0, "", b""):
        fields.pop()
    return cbor.encode(fields)


def decode(data: bytes, near_s: int, local: bool = False) -> Message:
    """The message in `data`, with its second read as the one nearest to `near_s` (Unix time).

    `local` admits the channel that never leaves a camp, for messages read back from the own store.
    Raises Reject: SHAPE when it is no message of this version, KIND when the kind is unknown, TEXT
    when a name in it deceives. Fields behind the known ones are from later versions and ignored.
    """
    fields = cbor.decode(data)
    if not isinstance(fields, list) or len(fields) < 3:
        raise Reject(Reason.SHAPE)
    values = [*fields[:8], *_DEFAULTS[len(fields) - 3 :]]
    kind, stamp, body, channel, nickname, role, parent, reference = values
    # bool is an int to Python and another thing to CBOR.
    if type(kind) is not int or type(stamp) is not int or type(role) is not int:
        raise Reject(Reason.SHAPE)
    if not (isinstance(body, bytes) and isinstance(nickname, str)):
        raise Reject(Reason.SHAPE)
    if not (isinstance(parent, bytes) and isinstance(reference, bytes)):
        raise Reject(Reason.SHAPE)
    if not 0 <= stamp < STAMP_SECONDS << 8 or len(parent) not in (0, PARENT_BYTES):
        raise Reject(Reason.SHAPE)
    if len(reference) > REFERENCE_BYTES_MAX or kind < 0:
        raise Reject(Reason.SHAPE)
    if kind not in _KINDS:
        raise Reject(Reason.KIND)
    if len(nickname.encode()) > NICKNAME_BYTES_MAX or is_tricky(nickname) or "\n" in nickname:
        raise Reject(Reason.TEXT)
    return Message(
        kind=kind,
        second=_nearest(stamp >> 8, near_s),
        salt=stamp & 0xFF,
        body=body,
        channel=_channel_name(channel, local),
        nickname=nickname,
        role=Role(role) if role in _ROLES else Role.CAMPER,
        parent=parent,
        reference=reference,
    )


def compose(message: Message, text: str) -> Message:
    """The same message with `text` as its body, packed by the codec that makes it smallest."""
    raw = text.encode()
    if len(raw) > TEXT_BYTES_MAX:
        raise ValueError(f"a text has at most {TEXT_BYTES_MAX} bytes, this one {len(raw)}")
    return replace(message, body=pack(raw) if raw else b"")


def identify(key: bytes, encoded: bytes) -> MessageId:
    """The 16-byte id of an encoded message stated under `key`."""
    return message_id_of(key, encoded)


def _check(message: Message) -> None:
    if not 0 <= message.salt <= SALT_MAX:
        raise ValueError("a salt is one byte")
    if len(message.parent) not in (0, PARENT_BYTES):
        raise ValueError(f"a parent is {PARENT_BYTES} bytes of a message id")
    if not is_channel_name(message.channel):
        raise ValueError(f"no channel can be called {message.channel!r}")
    if len(message.nickname.encode()) > NICKNAME_BYTES_MAX:
        raise ValueError(f"a nickname has at most {NICKNAME_BYTES_MAX} bytes")
    if len(message.reference) > REFERENCE_BYTES_MAX:
        raise ValueError(f"a reference has at most {REFERENCE_BYTES_MAX} bytes")


def _channel_name(channel: cbor.Value, local: bool) -> str:
    if type(channel) is int and 0 <= channel < len(CHANNEL_CODES):
        return CHANNEL_CODES[channel]
    # `here` from outside would put a stranger's words among those that never left the camp.
    if not isinstance(channel, str) or channel in CHANNEL_CODES or (channel == HERE and not local):
        raise Reject(Reason.SHAPE)
    if not is_channel_name(channel):
        raise Reject(Reason.TEXT)
    return channel


def _nearest(second: int, near_s: int) -> int:
    """The Unix second congruent to `second` modulo 2^24 that lies nearest to `near_s`."""
    half = STAMP_SECONDS // 2
    return near_s + (second - near_s + half) % STAMP_SECONDS - half


_DEFAULTS: tuple[cbor.Value, ...] = (0, "", 0, b"", b"")  # channel, nickname, role, parent, reference
_KINDS = frozenset(Kind)
_ROLES = frozenset(Role)
