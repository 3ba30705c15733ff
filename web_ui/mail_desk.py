"""What the pages of the mail need of the node behind them (see `web_ui.desk`).

Deciding about letters is orders (`sync.actions`); here is what there is to decide about, and what only the
node can do: look into a mailbox now, and send a letter to the person who wants to see how it arrives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sync.message import MessageId
from sync.store.letters import LetterCounts, LetterState, Notice


@dataclass(frozen=True, slots=True)
class InternetView:
    """Whether this box has internet. `state` is one of offline, local, portal, online, unknown."""

    state: str = "unknown"
    since_s: float | None = None  # Unix time
    metered: bool = False


@dataclass(frozen=True, slots=True)
class ListChannelView:
    """A channel whose letters go to a list."""

    name: str
    holds: bool  # a moderator decides about each letter of it


@dataclass(frozen=True, slots=True)
class MailListView:
    """A mailing list: how its letters go. `number` is its place in the settings, from 1."""

    number: int
    name: str
    address: str
    direction: str  # both, out, in
    by_smtp: bool
    paused: bool
    stopped: bool
    hold_until_s: float | None  # everything is held until then, because the list is new
    per_hour: int
    channels: tuple[ListChannelView, ...]
    counts: LetterCounts
    trouble: str = ""  # a sentence of `web_ui.mail_words`, in English; or empty
    done: int = 0  # letters that left since they began to go
    total: int = 0  # and with those that wait; 0: nothing goes
    seconds_left: float | None = None  # at the speed of now; None: nobody knows


@dataclass(frozen=True, slots=True)
class LetterView:
    """A letter as it would leave."""

    list: str
    number: int  # of the list
    message: MessageId
    introduction: bool
    channel: str
    camp: str
    own: bool
    author: str
    urgent: bool
    since_s: float
    words: str  # behind the camp and the channel in the subject: what a moderator may change
    text: str
    contacts: tuple[str, ...]  # addresses and numbers that are left out, or would be
    let_contacts: bool
    shown: bytes = b""  # stands for all this in `ApproveLetter`
    changed: bool = False  # it was let go before, and then its camp changed it


@dataclass(frozen=True, slots=True)
class Preview:
    """A letter, byte by byte. `headers` and `body` are read from `raw`, as a mail program reads it."""

    letter: LetterView
    state: LetterState
    headers: tuple[tuple[str, str], ...]
    body: str
    raw: bytes


class TrialTrouble(Exception):
    """Nothing was sent: for a reason of `web_ui.pages.letter_preview`, and what a server said."""

    def __init__(self, word: str, why: str = "") -> None:
        super().__init__(word)
        self.word = word
        self.why = why


class MailDesk(Protocol):
    """The mail of a node. What is not `async` may be called in any thread."""

    def lists(self) -> tuple[MailListView, ...]:
        """The mailing lists, in the order of the settings."""

    def internet(self) -> InternetView:
        """Whether there is internet."""

    def count_held(self) -> int:
        """How many letters wait for a moderator."""

    def held(self, limit: int) -> tuple[tuple[LetterView, ...], int]:
        """What waits for a moderator, of all lists, and how many more there are.

        Introductions come first, mic checks next, then the oldest.
        """

    def preview(
        self, number: int, message: MessageId, subject: str | None = None, let_contacts: bool | None = None
    ) -> Preview | None:
        """A letter as it would leave, under another subject and with its contacts where these are given."""

    def letters_of(self, message: MessageId) -> tuple[tuple[str, LetterState], ...]:
        """Where the letters of a message are, by the names of their lists."""

    def notices(self, limit: int) -> Sequence[Notice]:
        """What lists and mail servers wrote, newest first."""

    def look(self, number: int) -> None:
        """Look into outbox and inbox of a list now."""

    async def try_out(
        self,
        number: int,
        message: MessageId,
        address: str,
        subject: str | None = None,
        let_contacts: bool | None = None,
    ) -> None:
        """Send a letter, as `preview` shows it, to one person. The address is neither stored nor logged.

        Raises TrialTrouble.
        """
