"""One letter to one person who wants to see how it arrives: by the list's server, at once, noted nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from node.list_settings import MailingList
from node.mail_server import parse_smtp
from node.password import read_password
from node.smtp import Fate, conversation
from node.trust import Terms, Trust
from node.walker import Trouble
from web_ui.mail_words import NO_ANSWER, in_english

# A person waits for the page. The courier is more patient.
PATIENCE_S = 45.0


class TrialPost:
    """Sends letters to try. Used in the event loop."""

    def __init__(self, home: Path, is_clock_set: Callable[[], bool]) -> None:
        """Paths of the settings are relative to `home`."""
        self._home = home
        self._is_clock_set = is_clock_set

    async def send(self, mailing_list: MailingList, raw: bytes, sender: str, address: str) -> None:
        """Hand `raw` to the mail server of a list's outbox, for `address`. Raises Trouble."""
        server = parse_smtp(mailing_list.outbox)
        ca_file = self._home / mailing_list.ca_file if mailing_list.ca_file else None
        terms = Terms(Trust(ca_file, self._is_clock_set))
        password = await asyncio.to_thread(self._password, mailing_list, server.user)
        helo = sender.partition("@")[2]
        try:
            async with asyncio.timeout(PATIENCE_S), conversation(server, helo, password, terms) as talk:
                answer = await talk.send(raw, sender, address)
        except TimeoutError as error:
            raise Trouble(in_english(NO_ANSWER, server=server.name)) from error
        if answer.fate is not Fate.ACCEPTED:
            raise Trouble(answer.why)

    def _password(self, mailing_list: MailingList, user: str) -> str | None:
        if not mailing_list.password_file or not user:
            return None
        try:
            return read_password(self._home / mailing_list.password_file)
        except OSError as error:
            raise Trouble(error.strerror or "the disk failed") from error
