"""What pages, programs and the command line are shown: frozen rows, read by `sync.reading`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sync.message import Kind, MessageId, Role


class Via(StrEnum):
    """The road by which a message came."""

    HERE = "here"
    RADIO = "radio"
    IP = "ip"
    LIST = "list"
    CARRIED = "carried"


class State(StrEnum):
    """What happened to a message, as its author asks."""

    HELD = "held"  # waits for a person of this camp
    WAITING = "waiting"  # waits for the radio (or stays here: channel `here`)
    SENT = "sent"
    NEIGHBOUR = "neighbour"  # a neighbour has it, or it came from one
    REFUSED = "refused"
    RETRACTED = "retracted"
    EXPIRED = "expired"  # its life ended before anybody heard it


class ListState(StrEnum):
    """What happened to a message on its way to the mailing list."""

    WAITING = "waiting"
    CLAIMED = "claimed"  # a camp nobody here vouches for says so; the list's own mail does not show it
    HELD = "held"
    SENT = "sent"
    ON_LIST = "on_list"
    REFUSED = "refused"


class Speaks(StrEnum):
    """Whose posts appear in a channel at once. Others' wait for a person."""

    ANYONE = "anyone"
    LIAISONS = "liaisons"


class HeldWhy(StrEnum):
    """Why a post waits."""

    QUIET = "quiet"  # only liaisons speak in the channel
    MIC_CHECK = "mic_check"  # nobody has repeated it yet
    STRANGER = "stranger"  # strangers' posts are held now
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class CampName:
    """A camp as a message names it. `id` is the 16 hex digits of its author id."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message as people see it."""

    id: MessageId
    seq: int
    camp: CampName
    own: bool
    channel: str
    author: str
    text: str
    role: Role
    kind: Kind
    created: int  # Unix second the author's camp gave
    received: float  # Unix time of receipt here
    via: Via
    parent: MessageId | None  # None too when the parent is not known here
    urgent: bool
    state: State
    heard_by: tuple[str, ...]  # camp ids (evidence, a hint)
    echoes: int  # signed lists that name it; mic checks only
    list: ListState | None
    replies: int
    hidden: bool  # a moderator hid it: show that, not the text
    hidden_why: str
    list_why: str = ""  # why a letter of it is held by a list, or was refused


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Messages and where to go on: `next` is the id to pass as `after`, None at the end."""

    messages: tuple[MessageView, ...]
    next: MessageId | None


@dataclass(frozen=True, slots=True)
class HeldView:
    """A post that waits for a person, or was refused by one."""

    id: MessageId
    channel: str
    author: str
    text: str
    urgent: bool
    why: HeldWhy
    received: float
    refused_why: str | None  # None while it waits


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel as the front page lists it."""

    name: str
    speaks: Speaks
    crosses: bool
    class_: int
    to_list: bool
    retention_days: int | None
    is_group: bool
    heard: bool  # known only from other camps' messages
    about: str
    messages: int
    newest: float | None  # sort time of the newest message


@dataclass(frozen=True, slots=True)
class CampView:
    """A camp known here."""

    key: bytes
    id: str
    name: str  # the id where no card is known
    place: str
    languages: tuple[str, ...]
    contact: str
    has_list: bool
    own: bool
    pinned: bool
    admitted: bool
    waiting: bool  # it spoke and is not admitted
    dead: bool  # a farewell is known
    introduced_by: tuple[str, ...]  # names
    heard: float | None  # Unix time of its newest bundle
    bundles: int


@dataclass(frozen=True, slots=True)
class CardView:
    """A role card, without its secret."""

    id: int
    role: Role
    group: str | None
    name: str
    made: int
    until: int | None
    revoked: int | None
    revoked_why: str
    sessions: int


@dataclass(frozen=True, slots=True)
class SessionView:
    """A phone on which a card is in use."""

    id: int
    card: int
    role: Role
    group: str | None
    name: str
    opened: int
    used: int
    label: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A line of the public log."""

    seq: int
    at: int
    actor: str  # "moderator", "liaison of kitchen": never a person's name
    act: str
    target: str
    why: str


@dataclass(frozen=True, slots=True)
class HotlineView:
    """The medic and legal numbers of this camp, as they stood from `at` on."""

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Count:
    """A counter of the status page."""

    name: str
    n: int


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What the file knows of itself."""

    camp: CampName
    place: str
    messages: int
    bundles_live: int
    bundles_history: int
    own_waiting: int  # messages that wait for a seal
    held: int
    camps: int
    letters_waiting: int
    letters_sent: int
    file_bytes: int
    counters: tuple[Count, ...]  # "refused.signature" and the like
