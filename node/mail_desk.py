"""The mail as its pages see it: read from the store, made by what makes the letters that leave."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from node.letter_writing import LetterWriter
from node.list_settings import EVERY_CHANNEL, MailingList
from node.walker import Trouble
from sync.board.mailing import is_paused
from sync.letters.introducing import Say
from sync.letters.list_forms import HELPERS
from sync.letters.mime import unflow
from sync.letters.outward import is_address, subject_words
from sync.letters.privacy import contacts_in
from sync.message import LETTERS, MessageId
from sync.reading import Reader
from sync.store.letters import LetterRow, LetterState, LetterTables, Notice
from sync.views import ChannelView
from web_ui.desk import ListView
from web_ui.mail_desk import (
    InternetView,
    LetterView,
    ListChannelView,
    MailListView,
    Preview,
    TrialTrouble,
)

# A card may be lost with its phone, and the box is no way to write to strangers: enough to get one letter
# right, and not enough to be worth it.
TRIALS_PER_HOUR = 6
_HOUR_S = 3_600.0
# More than this nobody reads one by one: the page says that there are more behind these.
HELD_LOOKED_AT = 200

SendTrial = Callable[[MailingList, bytes, str, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class MailSights:
    """Where the mail desk looks for what does not stand in the store."""

    views: Callable[[], tuple[ListView, ...]]
    internet: Callable[[], InternetView]
    look: Callable[[str], None]  # by the list's name
    send: SendTrial  # list, letter, from, to. Raises Trouble


class NodeMail:
    """`web_ui.mail_desk.MailDesk`, implemented by the running node."""

    def __init__(
        self,
        lists: tuple[MailingList, ...],
        author: bytes,
        speak: Sequence[Say],
        reader: Callable[[], Reader],
        wall_s: Callable[[], float],
        sights: MailSights,
    ) -> None:
        """`author` is this camp's 8-byte id, `speak` the languages of its introduction, `reader` that of the
        calling thread."""
        self._lists = lists
        self._writers = {each.name: LetterWriter(each, author, speak) for each in lists}
        self._reader = reader
        self._wall_s = wall_s
        self._sights = sights
        self._trials: deque[float] = deque(maxlen=TRIALS_PER_HOUR)

    # -- in any thread --------------------------------------------------------------------------------

    def lists(self) -> tuple[MailListView, ...]:
        """The mailing lists, in the order of the settings."""
        reader = self._reader()
        tables, channels = reader.letters(), reader.channels()
        said = {view.name: view for view in self._sights.views()}
        return tuple(
            self._list(number, each, tables, channels, is_paused(reader, each.name), said.get(each.name))
            for number, each in enumerate(self._lists, 1)
        )

    def internet(self) -> InternetView:
        """Whether there is internet."""
        return self._sights.internet()

    def count_held(self) -> int:
        """How many letters wait for a moderator."""
        tables = self._reader().letters()
        found = {each.name: len(tables.held(each.name, HELD_LOOKED_AT)) for each in self._lists}
        # Beyond that, what was taken back or hidden meanwhile counts as well.
        return sum(n if n < HELD_LOOKED_AT else tables.counts(name).held for name, n in found.items())

    def held(self, limit: int) -> tuple[tuple[LetterView, ...], int]:
        """What waits for a moderator, of all lists, and how many more there are."""
        tables = self._reader().letters()
        found = [
            (number, each, held)
            for number, each in enumerate(self._lists, 1)
            for held in tables.held(each.name, HELD_LOOKED_AT)
        ]
        found.sort(key=lambda row: (not row[2].letter.introduction, not row[2].letter.urgent, row[2].since_s))
        shown = (self._letter(n, each, tables, held.letter, held.since_s) for n, each, held in found[:limit])
        return tuple(shown), max(0, self.count_held() - limit) if len(found) > limit else 0

    def preview(
        self, number: int, message: MessageId, subject: str | None = None, let_contacts: bool | None = None
    ) -> Preview | None:
        """A letter as it would leave; None when there is no such letter or list."""
        found = self._found(number, message)
        if found is None:
            return None
        mailing_list, tables, row = found
        state = tables.state_of(mailing_list.name, message)
        if state is None:
            return None
        row = _edited(row, subject, let_contacts)
        raw = self._writers[mailing_list.name].raw(tables, row)
        headers, body = _read(raw)
        letter = self._letter(number, mailing_list, tables, row, state.changed_s)
        return Preview(letter, state, headers, body, raw)

    def letters_of(self, message: MessageId) -> tuple[tuple[str, LetterState], ...]:
        """Where the letters of a message are, by the names of their lists."""
        tables = self._reader().letters()
        states = ((each.name, tables.state_of(each.name, message)) for each in self._lists)
        return tuple((name, state) for name, state in states if state is not None)

    def notices(self, limit: int) -> Sequence[Notice]:
        """What lists and mail servers wrote, newest first."""
        return self._reader().letters().notices(None, limit)

    def look(self, number: int) -> None:
        """Look into outbox and inbox of a list now."""
        mailing_list = self._named(number)
        if mailing_list is not None:
            self._sights.look(mailing_list.name)

    # -- in the event loop ----------------------------------------------------------------------------

    async def try_out(
        self,
        number: int,
        message: MessageId,
        address: str,
        subject: str | None = None,
        let_contacts: bool | None = None,
    ) -> None:
        """Send a letter to one person, now; nothing remembers the address. Raises TrialTrouble."""
        found = self._found(number, message)
        if found is None:
            raise TrialTrouble("gone")
        mailing_list, tables, row = found
        row = _edited(row, subject, let_contacts)
        writer = self._writers[mailing_list.name]
        if not is_address(address):
            raise TrialTrouble("address")
        if self._is_ours(address.lower()):
            raise TrialTrouble("ours")
        if not mailing_list.by_smtp:
            raise TrialTrouble("folder")
        now_s = self._wall_s()
        if len(self._trials) == TRIALS_PER_HOUR and 0 <= now_s - self._trials[0] < _HOUR_S:
            raise TrialTrouble("too_often")
        self._trials.append(now_s)
        try:
            await self._sights.send(mailing_list, writer.trial(tables, row, address), writer.sender, address)
        except Trouble as trouble:
            raise TrialTrouble("server", str(trouble)) from trouble

    # -- helpers --------------------------------------------------------------------------------------

    def _named(self, number: int) -> MailingList | None:
        return self._lists[number - 1] if 1 <= number <= len(self._lists) else None

    def _found(self, number: int, message: MessageId) -> tuple[MailingList, LetterTables, LetterRow] | None:
        mailing_list = self._named(number)
        if mailing_list is None:
            return None
        tables = self._reader().letters()
        row = tables.letter(mailing_list.name, message)
        return (mailing_list, tables, row) if row is not None else None

    def _is_ours(self, address: str) -> bool:
        """Whether a letter to try must not go there: a list, what its program answers to, a mailbox of ours.

        A letter to `camps-leave@` takes the camp off the list, whoever typed the address.
        """
        local, _, host = address.partition("@")
        for each in self._lists:
            named, _, list_host = each.address.lower().partition("@")
            if host == list_host and (
                local.startswith((f"{named}-", f"{named}+")) or HELPERS.fullmatch(local)
            ):
                return True
            if address in (each.address.lower(), each.owner.lower(), self._writers[each.name].sender.lower()):
                return True
        return False

    def _list(
        self,
        number: int,
        each: MailingList,
        tables: LetterTables,
        channels: tuple[ChannelView, ...],
        paused: bool,
        said: ListView | None,
    ) -> MailListView:
        hold_until_s = tables.hold_until_s(each.name, each.hold_s)
        holds = tables.holds(each.name)
        return MailListView(
            number=number,
            name=each.name,
            address=each.address,
            direction=each.direction,
            by_smtp=each.by_smtp,
            paused=paused,
            stopped=each.stopped,
            hold_until_s=hold_until_s if hold_until_s and hold_until_s > self._wall_s() else None,
            per_hour=each.per_hour,
            channels=tuple(
                ListChannelView(name, name in holds) for name in self._channels_of(each, channels)
            ),
            counts=tables.counts(each.name),
            trouble=said.error if said is not None else "",
            done=said.done if said is not None else 0,
            total=said.total if said is not None else 0,
            seconds_left=said.seconds_left if said is not None else None,
        )

    def _channels_of(self, each: MailingList, channels: tuple[ChannelView, ...]) -> list[str]:
        """The channels whose letters go to the list, in the order of the board."""
        if not each.outbox or each.direction == "in":
            return []
        # What came from a list goes to none.
        crossing = [channel for channel in channels if channel.crosses and channel.name != LETTERS]
        if EVERY_CHANNEL in each.channels:
            return [channel.name for channel in crossing]
        if each.channels:
            return [channel.name for channel in crossing if channel.name in each.channels]
        elsewhere = {name for other in self._lists if other is not each for name in other.channels}
        return [
            channel.name
            for channel in crossing
            if (channel.to_list or (channel.is_group and channel.heard)) and channel.name not in elsewhere
        ]

    def _letter(
        self, number: int, each: MailingList, tables: LetterTables, row: LetterRow, since_s: float
    ) -> LetterView:
        writer = self._writers[each.name]
        letter = writer.letter(tables, row)
        return LetterView(
            list=each.name,
            number=number,
            message=row.message,
            introduction=row.introduction,
            channel=row.channel,
            camp=letter.named,
            own=row.own,
            author=row.nickname,
            urgent=row.urgent,
            since_s=since_s,
            words=row.subject if row.introduction else subject_words(letter),
            text=writer.words(tables, row),
            contacts=()
            if row.introduction
            else contacts_in("\n".join((row.nickname, row.text, row.subject))),
            let_contacts=row.let_contacts,
            shown=row.words_hash,
            changed=row.is_changed,
        )


def _edited(row: LetterRow, subject: str | None, let_contacts: bool | None) -> LetterRow:
    """A letter under another subject, and with its contacts or without; None: as it stands."""
    return replace(
        row,
        subject=row.subject if subject is None else subject,
        let_contacts=row.let_contacts if let_contacts is None else let_contacts,
    )


def _read(raw: bytes) -> tuple[tuple[tuple[str, str], ...], str]:
    """A letter of ours as a mail program reads it: its headers decoded, its text with flowed lines joined."""
    mail = message_from_bytes(raw, _class=EmailMessage, policy=default)
    content = mail.get_content() if not mail.is_multipart() else ""
    body = unflow(content.replace("\r\n", "\n"), delete_space=False) if isinstance(content, str) else ""
    return tuple((name, str(value)) for name, value in mail.items()), body.rstrip("\n")
