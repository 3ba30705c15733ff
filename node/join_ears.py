"""What comes back when people asked to join a list: the owner's answers, and the list's own notices.

An answer names a letter by its token and says what became of whom; that is told to the camps the people are
in. A notice of the list names a person by address, so it says something only where the owner's secret key
is: there the boxes are opened once more and compared, and nothing of it is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.message import Message as Mail
from pathlib import Path

from node.joiner import tell_states
from node.list_settings import MailingList
from node.owner_key_file import KeyFileError, read_secret_key
from node.pump import Pump, Workbench
from sync.letters.headers import header
from sync.letters.join_letters import OwnerAnswer, answers_in, is_about_joining
from sync.letters.joining import NotOpened, open_sealed
from sync.letters.marks import DOMAIN
from sync.letters.mime import content_of, parse
from sync.receipts import list_digest
from sync.registrations import JoinState
from sync.store.join_letters import DueRegistration, JoinLetterTables
from sync.store.registrations import RegistrationTables

# Most letters of a list say how to unsubscribe, so only the owner's node looks at those twice.
_ANSWER = re.compile(rb"join-[0-9a-f]{16}@" + re.escape(DOMAIN).encode())
_NOTICE = re.compile(rb"subscri|has been removed|ha sido", re.IGNORECASE)
# Words of Mailman 2 and 3 (templates list:admin:notice:subscribe and :unsubscribe, en and es).
_IS_ON = re.compile(r"has been (?:successfully )?subscribed|ha sido (?:satisfactoriamente )?(?:sub|in)scrit")
_IS_OFF = re.compile(r"has been (?:removed|unsubscribed)|ha sido (?:borrad|dad[oa] de baja|eliminad)")
# A notice is three lines. What a hostile one holds besides is not looked through.
NOTICE_CHARACTERS_MAX = 4_096
_ADDRESS = re.compile(r"[^\s<>\"'(),;:]{1,64}@[A-Za-z0-9.-]{1,190}[A-Za-z0-9]")


class JoinEars:
    """Listens to the mail of one list. `hear` is called in the thread of its inbox."""

    def __init__(self, mailing_list: MailingList, home: Path, pump: Pump) -> None:
        """Paths of the settings are relative to `home`."""
        self._list = mailing_list
        self._digest = list_digest(mailing_list.address)
        self._pump = pump
        self._secret_file = home / mailing_list.owner_secret_file if mailing_list.owner_secret_file else None

    def hear(self, raw: bytes) -> bool:
        """Whether this mail answers a letter about joining, and so is no letter of the list.

        Raises StoreFull, PumpStopped.
        """
        if _ANSWER.search(raw) is None and (self._secret_file is None or _NOTICE.search(raw) is None):
            return False
        mail = parse(raw)
        if mail is None:
            return False
        if is_about_joining(mail):
            if answers := answers_in(mail):
                self._pump.submit(lambda bench: self._answered(bench, answers)).result()
            return True
        if self._secret_file is not None and _is_the_lists(mail, self._list.address):
            self._hear_notice(mail, self._secret_file)
        return False

    def _answered(self, bench: Workbench, answers: Iterable[OwnerAnswer]) -> None:
        tables = JoinLetterTables(bench.store.connection)
        for answer in answers:
            letter = tables.letter(answer.token)
            # The token of another list's letter was learnt from its owner, not from this one.
            if letter is None or letter.list != self._list.name:
                continue
            if letter.leaving and answer.state is not JoinState.WITHDRAWN:
                continue
            ids = tables.ids(answer.token)
            meant = [id_ for number, id_ in ids.items() if not answer.numbers or number in answer.numbers]
            words = answer.words if answer.state is JoinState.REFUSED else ""
            self._tell(bench, meant, answer.state, words)

    def _hear_notice(self, mail: Mail, secret_file: Path) -> None:
        text = f"{header(mail, 'Subject')}\n{content_of(mail).text}"[:NOTICE_CHARACTERS_MAX]
        state = JoinState.CONFIRMED if _IS_ON.search(text) else JoinState.WITHDRAWN
        if not _IS_ON.search(text) and not _IS_OFF.search(text):
            return
        found = {address.lower() for address in _ADDRESS.findall(text)}
        try:
            secret = read_secret_key(secret_file)
        except KeyFileError:
            return  # whoever asks the list says so
        # Opening hundreds of boxes takes seconds on a small computer, so the pump does not wait for it.
        asked = self._pump.submit(self._asked).result()
        meant = [each.id for each in asked if _is_of(each, secret, found)]
        if meant:
            self._pump.submit(lambda bench: self._tell(bench, meant, state)).result()

    def _asked(self, bench: Workbench) -> list[DueRegistration]:
        return JoinLetterTables(bench.store.connection).asked(self._list.name)

    def _tell(self, bench: Workbench, ids: Iterable[bytes], state: JoinState, words: str = "") -> None:
        """Say what we have not said before: mail is read again, after a glance or in a new inbox."""
        heard, me = RegistrationTables(bench.store.connection), bench.store.key
        new = [
            id_
            for id_ in ids
            if all((each.key, each.state) != (me, state) for each in heard.said_of(id_, self._digest))
        ]
        tell_states(bench, [(id_, state) for id_ in new], words)


def _is_of(registration: DueRegistration, secret: bytes, addresses: set[str]) -> bool:
    """Whether one of these addresses is in the box."""
    try:
        entry = open_sealed(registration.sealed or b"", registration.camp, secret)
    except NotOpened:
        return False
    return entry.address.lower() in addresses


def _is_the_lists(mail: Mail, address: str) -> bool:
    """Whether the list's software wrote this, as far as a header can tell: List-Id or a helper's address."""
    local, _, host = address.lower().rpartition("@")
    if f"{local}.{host}" in header(mail, "List-Id").lower():
        return not header(mail, "List-Post")
    sender = header(mail, "From").lower()
    return any(f"{local}-{helper}@{host}" in sender for helper in ("bounces", "owner", "request", "admin"))
