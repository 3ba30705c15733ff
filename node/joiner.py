"""Joining the list, where letters leave: sealed registrations become letters to the list's owner.

What waits is gathered for an hour into one letter, whose boxes nobody here can open. On the owner's own node,
which has the secret key, each becomes a request to the list's software instead: the address is then in that
mail and, while it is made, in memory. What comes back is heard by `node.join_ears`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from node.letter_writing import sender_of
from node.list_settings import MailingList
from node.owner_key_file import KeyFileError, read_secret_key
from node.pump import Workbench
from node.side_mail import SideLetter
from node.smtp import Answer, Fate
from sync.codec import pack
from sync.letters.join_letters import (
    LINES_MAX,
    TOKEN_BYTES,
    Line,
    OwnerLetter,
    owner_letter,
    request_letter,
)
from sync.letters.joining import NotOpened, open_sealed
from sync.letters.turns import STEP_S, place_of
from sync.message import Kind, Message
from sync.receipts import list_digest
from sync.registrations import STATES_MAX, JoinState, states_reference
from sync.signing import author_of
from sync.store.join_letters import DueRegistration, JoinLetter, JoinLetterTables
from sync.store.letters import LetterTables

# A letter an hour is what an owner reads.
GATHER_S = HOUR_S = 3_600.0
# Letters an hour while many wait: four are two hundred people, more than add themselves to a list in a day.
# Keys to flood an owner with are free.
LETTERS_PER_HOUR = 4
# Looks while one letter is gathered.
LOOKS = 12
# Mailman writes to every address it is asked to add. Somebody with a liaison's card must not make it write
# to a thousand strangers an hour.
REQUESTS_PER_HOUR = 20
# Put off, or in doubt: 10, 20, 40 … minutes. Refused for good: until somebody may have changed the settings.
AGAIN_S, AGAIN_MAX_S, REFUSED_AGAIN_S = 600.0, 21_600.0, 21_600.0


class JoinMail:
    """`node.side_mail.SideMail` of one list. Its methods are called inside the pump's transaction."""

    def __init__(
        self,
        mailing_list: MailingList,
        home: Path,
        random: Callable[[int], bytes],
        gather_s: float = GATHER_S,
    ) -> None:
        """Paths of the settings are relative to `home`; `random` gives bytes nobody can guess."""
        self._list = mailing_list
        self._digest = list_digest(mailing_list.address)
        self._secret_file = home / mailing_list.owner_secret_file
        # A folder is not the list's software, and keeps what is put into it.
        self._asks_the_list = mailing_list.joining == "request" and mailing_list.by_smtp
        self._random = random
        self._gather_s = gather_s

    def next_due_s(self, bench: Workbench) -> float:
        """In how many seconds there may be a letter. Nobody says when a registration arrives by gossip, so at
        the latest it is looked again a few times an hour."""
        tables, now_s = _tables(bench), bench.wall_s
        times = [letter.next_try_s for letter in tables.sending(self._list.name)]
        if leaving := self._due(bench, tables.leaving(self._list.name, self._digest), leaving=True):
            times.append(max(min(leaving.values()), self._room_s(tables, now_s, leaving=True)))
        if joining := self._due(bench, tables.joining(self._list.name, self._digest), leaving=False):
            times.append(max(self._leaves_s(joining), self._room_s(tables, now_s, leaving=False)))
        # What lies further ahead than any pause was written under a clock that was wrong.
        waits = [max(0.0, at_s - now_s) for at_s in times]
        waits = [wait if wait <= AGAIN_MAX_S + STEP_S * 16 else 0.0 for wait in waits]
        return min([*waits, self._gather_s / LOOKS])

    def take(self, bench: Workbench, most: int) -> Sequence[SideLetter]:
        """What leaves next: what was begun before, then who wants to leave, then who wants to join."""
        tables, now_s = _tables(bench), bench.wall_s
        self._gather(bench, tables)
        letters: list[SideLetter] = []
        for letter in tables.sending(self._list.name):
            if len(letters) >= most:
                break
            if now_s < letter.next_try_s <= now_s + AGAIN_MAX_S:
                continue
            lines = tables.lines(letter.token)
            try:
                made = self._make(bench, letter, lines) if lines else None
            except KeyFileError as error:
                tables.put_off(letter.token, str(error), now_s + AGAIN_S)
                continue
            if made is None:
                tables.drop(letter.token)
                continue
            # Until it is noted what became of it, or for as long after a crash, it is not taken again.
            tables.begin(letter.token, now_s + AGAIN_S)
            letters.append(made)
        return letters

    def note(self, bench: Workbench, letter: SideLetter, answer: Answer) -> None:
        """What became of it; the other camps hear that the owner was asked."""
        tables, now_s = _tables(bench), bench.wall_s
        begun = tables.letter(letter.id)
        if begun is None or not begun.sending:
            return  # noted before
        again_s = now_s + min(AGAIN_S * 2 ** min(begun.tries, 10), AGAIN_MAX_S)
        match answer.fate:
            case Fate.ACCEPTED:
                tables.took(letter.id)
                state = JoinState.TOLD if begun.leaving else JoinState.ASKED
                tell_states(bench, ((id_, state) for id_ in tables.ids(letter.id).values()))
            case Fate.NOT_NOW:
                tables.took_not(letter.id, answer.why, again_s)
            case Fate.REFUSED:
                tables.took_not(letter.id, answer.why, now_s + REFUSED_AGAIN_S)
            case Fate.NOT_SENT:
                tables.took_not(letter.id, answer.why, now_s)
            case Fate.UNSURE:
                tables.put_off(letter.id, answer.why, again_s)

    # -- which -------------------------------------------------------------------------------------------

    def _gather(self, bench: Workbench, tables: JoinLetterTables) -> None:
        """Put what is due into letters, as many as may be made now."""
        name, now_s = self._list.name, bench.wall_s
        leaving = tables.leaving(name, self._digest)
        due = self._due(bench, leaving, leaving=True)
        ready = [each for each in leaving if due[each.id] <= now_s]
        self._put(tables, ready, True, now_s)
        joining = tables.joining(name, self._digest)
        due = self._due(bench, joining, leaving=False)
        ready = [each for each in joining if due[each.id] <= now_s]
        if ready and (self._leaves_s(due) <= now_s or len(ready) >= LINES_MAX):
            self._put(tables, ready, False, now_s)

    def _put(
        self,
        tables: JoinLetterTables,
        registrations: Sequence[DueRegistration],
        leaving: bool,
        now_s: float,
    ) -> None:
        """Into as many letters as there is room for; each camp has its share of that."""
        most, an_hour = self._sizes(leaving)
        room = an_hour - len(tables.made_between(self._list.name, leaving, now_s - HOUR_S, now_s))
        shared = _in_turns(registrations)[: most * max(0, room)]
        for at in range(0, len(shared), most):
            token = self._random(TOKEN_BYTES)
            tables.make(token, self._list.name, leaving, shared[at : at + most], now_s)

    def _sizes(self, leaving: bool) -> tuple[int, int]:
        """How many are named in a letter at most, and how many letters leave in an hour."""
        return (
            (1, REQUESTS_PER_HOUR) if self._asks_the_list and not leaving else (LINES_MAX, LETTERS_PER_HOUR)
        )

    def _due(
        self, bench: Workbench, registrations: Iterable[DueRegistration], *, leaving: bool
    ) -> dict[bytes, float]:
        """When it is this camp's turn to pass each on (PROTOCOL.md §5.5): Unix seconds by id."""
        me, now_s = author_of(bench.store.key), bench.wall_s
        gateways = LetterTables(bench.store.connection).gateways(self._digest, now_s)
        tables = _tables(bench)
        due: dict[bytes, float] = {}
        for each in registrations:
            since_s = float(each.second) if leaving else each.received_s
            mine = leaving and tables.asked_here(self._list.name, each.id)
            place = 0 if mine else place_of(each.id, me, gateways, each.camp)
            due[each.id] = (since_s if since_s <= now_s else 0.0) + place * STEP_S
        return due

    def _room_s(self, tables: JoinLetterTables, now_s: float, *, leaving: bool) -> float:
        """When another letter may leave."""
        _, an_hour = self._sizes(leaving)
        made = tables.made_between(self._list.name, leaving, now_s - HOUR_S, now_s)
        return 0.0 if len(made) < an_hour else made[-an_hour] + HOUR_S

    def _leaves_s(self, due: dict[bytes, float]) -> float:
        """When the letter with these leaves: an hour after the first of them."""
        gather_s = 0.0 if self._asks_the_list else self._gather_s
        return min(due.values()) + gather_s

    # -- what --------------------------------------------------------------------------------------------

    def _make(
        self, bench: Workbench, letter: JoinLetter, lines: Sequence[tuple[int, DueRegistration]]
    ) -> SideLetter | None:
        """The bytes of a letter; None when nobody needs to get it."""
        sender = sender_of(self._list, author_of(bench.store.key))
        if not letter.leaving and self._asks_the_list:
            return self._request(bench, letter, lines[0][1], sender)
        said = OwnerLetter(
            token=letter.token,
            list_address=self._list.address,
            camp_name=_tables(bench).name_of(bench.store.key),
            made_s=int(letter.made_s),
            leaving=letter.leaving,
            lines=tuple(
                Line(number, each.id, each.camp, each.camp_name, each.second, each.sealed)
                for number, each in lines
            ),
        )
        return SideLetter(letter.token, self._list.owner, owner_letter(said, self._list.owner, sender))

    def _request(
        self, bench: Workbench, letter: JoinLetter, asked: DueRegistration, sender: str
    ) -> SideLetter | None:
        """A request to the list's software. What cannot be opened is refused, and its camp hears why."""
        try:
            entry = open_sealed(asked.sealed or b"", asked.camp, read_secret_key(self._secret_file))
        except NotOpened as error:
            tell_states(bench, [(asked.id, JoinState.REFUSED)], str(error))
            return None
        local, _, host = self._list.address.rpartition("@")
        request = f"{local}-request@{host}"
        raw = request_letter(entry.address, letter.token, int(letter.made_s), request, sender)
        return SideLetter(letter.token, request, raw)


def _in_turns(registrations: Sequence[DueRegistration]) -> list[DueRegistration]:
    """One of each camp, then another of each: who asks for hundreds keeps nobody else waiting."""
    seen: Counter[bytes] = Counter()
    turns: list[tuple[int, DueRegistration]] = []
    for each in registrations:
        turns.append((seen[each.key], each))
        seen[each.key] += 1
    return [each for _, each in sorted(turns, key=lambda turn: turn[0])]


def join_mail(
    home: Path, random: Callable[[int], bytes], gather_s: float = GATHER_S
) -> Callable[[MailingList], JoinMail | None]:
    """The letters about joining that go with a list's own, by list: none where it has no address."""

    def of(mailing_list: MailingList) -> JoinMail | None:
        return JoinMail(mailing_list, home, random, gather_s) if mailing_list.address else None

    return of


def tell_states(bench: Workbench, states: Iterable[tuple[bytes, JoinState]], words: str = "") -> None:
    """Say to the other camps what became of registrations."""
    said = list(states)
    body = pack(words.encode()) if words else b""
    for at in range(0, len(said), STATES_MAX):
        reference = states_reference(said[at : at + STATES_MAX])
        message = Message(Kind.REGISTRATION_STATE, int(bench.wall_s), body=body, reference=reference)
        bench.engine.publish(message, bench.now)


def _tables(bench: Workbench) -> JoinLetterTables:
    return JoinLetterTables(bench.store.connection)
