"""The demo's mailing list: a small real one, which takes letters by SMTP and gives them to its subscribers.

Each subscriber has a maildir. What was distributed lies in the archive, a maildir as well, which any mail
program opens.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from node import maildir
from node.demo_letter import ListFacts, distributed
from node.demo_smtp import SmtpServer

CAMPS = ListFacts("Camps", "camps@lists.example.org", munges_from=True)
# Ten times the longest letter of a camp, and what people write with a picture in it is refused: as lists do.
LETTER_BYTES_MAX = 256 * 1024


class DemoList:
    """Serves from `start` to `stop`."""

    def __init__(
        self, facts: ListFacts, archive: Path, subscribers: Sequence[Path], wall_s: Callable[[], float]
    ) -> None:
        """`archive` and `subscribers` are maildirs, made where they are missing."""
        self._facts = facts
        self._archive = archive
        self._subscribers = tuple(subscribers)
        self._wall_s = wall_s
        self._count = 0
        hostname = facts.address.partition("@")[2]
        self._server = SmtpServer(self, hostname, data_size_limit=LETTER_BYTES_MAX, ident="demo list")

    @property
    def port(self) -> int:
        """Where letters to the list are taken, once it serves."""
        return self._server.port

    def start(self) -> None:
        """Make the maildirs and listen. Raises OSError."""
        for folder in (self._archive, *self._subscribers):
            maildir.make(folder)
        self._server.start()

    def stop(self) -> None:
        """End."""
        self._server.stop()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's word
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Whether a letter to this address is taken."""
        if address.lower() != self._facts.address:
            return "550 5.1.1 there is no such list here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Distribute a letter; taken is what is on the disk of everybody."""
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        token, now_s = secrets.token_hex(8), self._wall_s()
        letter = distributed(raw, self._facts, envelope.mail_from or "", now_s, token)
        if letter is None:
            return "550 5.6.0 this is no letter"
        self._count += 1
        name = f"{int(now_s)}.{self._count:06}_{token}.list"
        try:
            for folder in (*self._subscribers, self._archive):
                maildir.deliver(folder, name, letter)
        except OSError:
            return "451 4.3.0 the list's disk failed, try again"
        return "250 2.0.0 the list has it"
