"""What people do: each a small order that the board carries out or refuses (see `sync.board`).

A page, a program and the command line build the same orders, so one rule stands in one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sync.message import MessageId, Role


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `device` is a keyed hash that changes every day; `address` never leaves memory."""

    role: Role = Role.CAMPER
    group: str | None = None  # of a liaison
    card: int | None = None
    device: bytes | None = None  # from the device cookie
    address: bytes | None = None  # keyed hash of where the request came from, for quotas only
    console: bool = False  # somebody with the files of the camp: may do all a coordinator may

    @property
    def may_repeat(self) -> bool:
        """Whether this person's word makes a mic check urgent."""
        return self.role in (Role.LIAISON, Role.MODERATOR, Role.COORDINATOR)


CONSOLE = Actor(role=Role.COORDINATOR, console=True)


@dataclass(frozen=True, slots=True)
class WritePost:
    """Post `text`. `token` is the form's or the Idempotency-Key: a repeat answers with the first."""

    channel: str
    text: str
    nickname: str = ""
    urgent: bool = False
    reply_to: MessageId | None = None
    token: bytes | None = None


@dataclass(frozen=True, slots=True)
class RetractPost:
    """Take back an own camp's message: its device, or a moderator or coordinator, may."""

    message: MessageId


@dataclass(frozen=True, slots=True)
class ReleaseHeld:
    """Let a held post out. For a held mic check this is the repeat that makes it urgent."""

    message: MessageId


@dataclass(frozen=True, slots=True)
class RefuseHeld:
    """Do not let a held post out; its author reads why."""

    message: MessageId
    why: str


@dataclass(frozen=True, slots=True)
class HideMessage:
    """Hide a message on this camp's pages; it is carried all the same."""

    message: MessageId
    why: str


@dataclass(frozen=True, slots=True)
class UnhideMessage:
    """Show it again."""

    message: MessageId
    why: str


@dataclass(frozen=True, slots=True)
class MuteAuthor:
    """Hold what the device that posted `message` posts, for `hours` (24 at most)."""

    message: MessageId
    hours: int
    why: str


@dataclass(frozen=True, slots=True)
class HoldStrangers:
    """Hold every camper's post for a moderator (`on`), or stop doing so."""

    on: bool
    why: str


@dataclass(frozen=True, slots=True)
class SetChannel:
    """Who speaks in a channel from now on, how long it keeps messages, whether it goes to the list."""

    channel: str
    quiet: bool
    retention_days: int | None
    to_list: bool


@dataclass(frozen=True, slots=True)
class MakeGroup:
    """A working group: one channel of its name, in which its liaisons speak."""

    name: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class MakeCard:
    """A card for a role. A liaison's has a group (made when it does not exist) and may have an end."""

    role: Role
    group: str | None = None
    name: str = ""
    until_s: int | None = None


@dataclass(frozen=True, slots=True)
class RevokeCard:
    """End a card and every session opened with it."""

    card: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """Use a card on a phone. `label` is what its owner calls the phone."""

    secret: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class CloseSession:
    """End one session, by its number."""

    session: int


@dataclass(frozen=True, slots=True)
class PinCamp:
    """Vouch for a camp: `camp` is a key or author id in hex, or a name only one known camp has."""

    camp: str
    introduce: bool = True


@dataclass(frozen=True, slots=True)
class UnpinCamp:
    """Stop vouching for it."""

    camp: str


@dataclass(frozen=True, slots=True)
class SetAdmission:
    """Take bundles of every camp of the network, or only of camps pinned here or introduced."""

    introduced_only: bool


@dataclass(frozen=True, slots=True)
class SetHotline:
    """Change the medic and legal card of this camp."""

    text: str


@dataclass(frozen=True, slots=True)
class BuryCamp:
    """Make a dead-key letter known: `letter` is its text."""

    letter: str


class LinkChange(StrEnum):
    """What a coordinator did to a link of the node."""

    ADD = "add_link"
    STOP = "stop_link"
    START = "start_link"
    REMOVE = "remove_link"


@dataclass(frozen=True, slots=True)
class NoteLink:
    """Have it stand in the public log. The link is the node's; its name holds no address."""

    name: str
    change: LinkChange


class CarryChange(StrEnum):
    """What a coordinator carried past the links: bundles by stick or file."""

    BROUGHT_IN = "carry_in"
    ON_STICK = "carry_on_stick"
    IN_FILE = "carry_in_file"


@dataclass(frozen=True, slots=True)
class NoteCarrying:
    """Have it stand in the public log; not which file or stick, whose names may be people's."""

    change: CarryChange


@dataclass(frozen=True, slots=True)
class ApproveLetter:
    """Let a held letter go to the list of this name in the settings: with another subject, where `subject` is
    not empty; with the addresses and numbers in its text, where `let_contacts`."""

    list: str
    message: MessageId
    subject: str = ""
    let_contacts: bool = False
    shown: bytes = b""  # `LetterRow.words_hash` of what the moderator read; empty: whatever it says


@dataclass(frozen=True, slots=True)
class RefuseLetter:
    """Do not let a letter go to a list; on the board the message stays, and says why."""

    list: str
    message: MessageId
    why: str


@dataclass(frozen=True, slots=True)
class SetLetterHold:
    """Hold every letter of a channel for a moderator (`on`), or stop doing so. What is held stays held."""

    list: str
    channel: str
    on: bool


@dataclass(frozen=True, slots=True)
class PauseList:
    """Carry nothing to a list and take nothing from it (`on`), until somebody says otherwise."""

    list: str
    on: bool


@dataclass(frozen=True, slots=True)
class SeeNotices:
    """Put away what lists and mail servers wrote, up to the notice numbered so."""

    upto: int


@dataclass(frozen=True, slots=True)
class Register:
    """Ask the owner of a list to add somebody, whose address is in the box `sealed` and nowhere else.

    `list_name` is for the log, `alias` what its liaison calls the registration. A repeated `token` answers
    with the first when `request` is the same: a hash of what was typed, under a key that only memory holds.
    """

    list_name: str
    list_digest: bytes
    sealed: bytes
    alias: str = ""
    token: bytes | None = None
    request: bytes = b""


@dataclass(frozen=True, slots=True)
class Unregister:
    """Take a registration back, by its number: whether it left or not."""

    number: int


Action = (
    WritePost
    | RetractPost
    | ReleaseHeld
    | RefuseHeld
    | HideMessage
    | UnhideMessage
    | MuteAuthor
    | HoldStrangers
    | SetChannel
    | MakeGroup
    | MakeCard
    | RevokeCard
    | OpenSession
    | CloseSession
    | PinCamp
    | UnpinCamp
    | SetAdmission
    | SetHotline
    | BuryCamp
    | NoteLink
    | NoteCarrying
    | Register
    | Unregister
    | ApproveLetter
    | RefuseLetter
    | SetLetterHold
    | PauseList
    | SeeNotices
)


@dataclass(frozen=True, slots=True)
class Written:
    """A post is stored. `held` says that a person must release it; `repeated` that it was here before."""

    message: MessageId
    held: bool
    repeated: bool


@dataclass(frozen=True, slots=True)
class CardMade:
    """A new card and its secret, which is shown this once and stored only as a hash."""

    card: int
    secret: str


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A new session and its token, stored only as a hash."""

    session: int
    token: str
    role: Role


@dataclass(frozen=True, slots=True)
class Registered:
    """A registration is stored under this number."""

    number: int
    repeated: bool


@dataclass(frozen=True, slots=True)
class Done:
    """It is so now. `target` names what was changed where the order was by name."""

    target: str = ""


Outcome = Written | CardMade | SessionOpened | Registered | Done


class Refusal(StrEnum):
    """Why an order was not carried out. Pages have a sentence for each."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    NO_CHANNEL = "no_channel"
    NO_MESSAGE = "no_message"
    NO_CAMP = "no_camp"
    AMBIGUOUS = "ambiguous"
    NO_CARD = "no_card"
    NO_LIST = "no_list"
    NOT_ALLOWED = "not_allowed"
    TOO_FAST = "too_fast"  # device quota
    MIC_CHECKS_USED_UP = "mic_checks_used_up"  # the camp's share of the air
    STRANGERS_FULL = "strangers_full"  # all strangers together have their share of the store
    MUTED = "muted"
    BAD_NAME = "bad_name"
    WHY_MISSING = "why_missing"
    TOKEN_USED = "token_used"  # the same Idempotency-Key with another request
    BAD_LETTER = "bad_letter"
    DECIDED = "decided"  # somebody else was faster
    CHANGED = "changed"  # its camp changed the text since it was read
    LAST_COORDINATOR = "last_coordinator"
    OWN_CAMP = "own_camp"
    KEY_DEAD = "key_dead"  # of another camp: nobody can vouch for it any more
    OWN_KEY_DEAD = "own_key_dead"  # of this camp: nothing that it sends is believed
    DISK_FULL = "disk_full"
    NO_REGISTRATION = "no_registration"
    REGISTRATIONS_FULL = "registrations_full"


class Refused(Exception):
    """An order was refused; nothing was changed. `retry_after_s` where waiting helps."""

    def __init__(self, refusal: Refusal, retry_after_s: float | None = None) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal
        self.retry_after_s = retry_after_s
