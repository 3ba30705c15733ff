"""One conversation with an IMAP server (RFC 3501): a folder is read, and nothing in it is changed.

The folder is opened by EXAMINE and letters are fetched by BODY.PEEK, so what a person has not read stays
unread. imap-tools knows the protocol; here it is given a certificate check, bounds, and words for a fault.
"""

from __future__ import annotations

import asyncio
import imaplib
import ipaddress
import re
import select
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from imap_tools.errors import ImapToolsError, MailboxFolderSelectError, MailboxLoginError
from imap_tools.mailbox import BaseMailBox

from node import mail_faults, portal
from node.mail_faults import said
from node.mail_server import IMAPS_PORT, Mailbox, MailServer
from node.open_lines import address_of
from node.trust import Terms
from node.walker import Trouble
from sync.letters.marks import DOMAIN, HEADER
from sync.letters.mbox import LETTER_BYTES_MAX
from web_ui import mail_words as words
from web_ui.mail_words import in_english

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

# Saying goodbye is a courtesy; the node ends within two seconds.
GOODBYE_S = 1.0
# What a server may say to one command. A letter is asked for up to LETTER_BYTES_MAX, the heads of a handful
# up to HEAD_BYTES_MAX each; one that goes on for longer wants our memory.
ANSWER_BYTES_MAX = 4 * LETTER_BYTES_MAX
# Of a head we want the type and the subject. Postfix keeps 100 kB of one (header_size_limit).
HEAD_BYTES_MAX = 65_536
# UIDs are told on one line, eleven bytes each, and the standard library gives up a line of a megabyte. So a
# large mailbox is asked part by part.
PART_LETTERS = 50_000
# Above this share a mailbox is called full: the next large letter does not fit.
QUOTA_FULL = 0.98
# A network that forgets silent lines does so after minutes; asked after one, thrice, a dead one is found.
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 20), (socket.TCP_KEEPCNT, 3))

# RFC 3501 §6.4.4: any letter with this header, and any whose Message-ID holds these words.
_OUR_MARK = f'OR HEADER {HEADER} "" HEADER Message-ID "{DOMAIN}"'
_SIZE = re.compile(rb"RFC822\.SIZE (\d{1,10})", re.IGNORECASE)
_UID = re.compile(rb"\bUID (\d{1,10})", re.IGNORECASE)
_STORAGE = re.compile(rb"STORAGE (\d{1,18}) (\d{1,18})", re.IGNORECASE)


class _Bounded(imaplib.IMAP4):
    """A client that does not listen for ever: neither to a literal of any length, nor to any number."""

    _heard = 0  # bytes since we last said something

    def send(self, data: Buffer) -> None:
        self._heard = 0
        super().send(data)

    def read(self, size: int) -> bytes:
        self._hear(size)
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._hear(len(line))
        return line

    def _hear(self, size: int) -> None:
        self._heard += size
        if self._heard > ANSWER_BYTES_MAX:
            raise self.abort("unexpected: more bytes than were asked for")


class _BoundedTls(_Bounded, imaplib.IMAP4_SSL):
    """The same by TLS from the first byte."""


class _Box(BaseMailBox):
    """imap-tools' mailbox over our clients."""

    def __init__(self, server: MailServer, terms: Terms) -> None:
        self._server = server
        self._trust = terms.trust
        self._answer_s = terms.answer_s
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        host, port = self._server.host, self._server.port
        context = self._trust.context()
        if self._server.tls:
            return _BoundedTls(host, port, ssl_context=context, timeout=self._answer_s)
        client = _Bounded(host, port, timeout=self._answer_s)
        try:
            if "STARTTLS" in client.capabilities:
                client.starttls(context)
            elif self._trust.ca_file is not None or not _is_here(client.sock):
                raise Trouble(in_english(words.NO_TLS, server=self._server.name))
        except (OSError, imaplib.IMAP4.error, Trouble):
            with suppress(OSError):
                client.shutdown()
            raise
        return client


def _is_here(sock: socket.socket) -> bool:
    return ipaddress.ip_address(sock.getpeername()[0].partition("%")[0]).is_loopback


class ImapSession:
    """A folder that was opened. Raises Trouble wherever the server or the line fails."""

    def __init__(self, mailbox: Mailbox, password: str, terms: Terms) -> None:
        """Connect, log in, open the folder."""
        self._server = mailbox.server
        self._trust = terms.trust
        self._open = ExitStack()
        self._box: _Box | None = None
        with self._faults():
            box = _Box(mailbox.server, terms)
        self._box = box
        self._client = box.client
        self._folder = mailbox.folder
        _keep_alive(self._client.sock)
        self._open.enter_context(terms.lines.opened(address_of(self._client.sock), self.break_off))
        try:
            with self._faults():
                self._log_in(box, password)
                box.folder.set(mailbox.folder, readonly=True)
                self.validity = self._number("UIDVALIDITY")
                known = self._client.capability()[1]
        except Trouble:
            self.hang_up()
            raise
        self._capabilities = b" ".join(each for each in known if isinstance(each, bytes)).upper().split()
        self.can_idle = b"IDLE" in self._capabilities

    @property
    def is_encrypted(self) -> bool:
        """Whether nobody between us and the server reads along."""
        return isinstance(self._client.sock, ssl.SSLSocket)

    def new_uids(self, after: int) -> list[int]:
        """The UIDs of letters above `after`, ascending."""
        with self._faults():
            self._client.noop()  # a server may tell of new letters only then (RFC 3501 §6.1.2)
            found: set[int] = set()
            for part in _parts(self._exists()):
                told = self._tools.uids(f"{part}UID {after + 1}:*", charset=None)
                # `n:*` is also the last letter when its UID is below n (RFC 3501 §6.4.8).
                new = {int(uid) for uid in told if int(uid) > after}
                found |= new
                if not new:  # UIDs ascend with the numbers (§2.3.1.1), so there are none below
                    break
        return sorted(found)

    def with_our_mark(self, uids: Sequence[int]) -> list[int]:
        """Which of these letters, ascending, a gateway wrote, by their headers."""
        if not uids:
            return []
        with self._faults():
            told = self._tools.uids(f"UID {uids[0]}:{uids[-1]} {_OUR_MARK}", charset=None)
        found = set(map(int, told))
        return [uid for uid in uids if uid in found]

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """How many bytes each of these letters has. What was deleted meanwhile is left out."""
        found = {}
        for head, _, tail in self._fetch(uids, "RFC822.SIZE"):
            uid, size = _UID.search(head + tail), _SIZE.search(head + tail)
            if uid and size:
                found[int(uid[1])] = int(size[1])
        return found

    def letters(self, uids: Sequence[int], bytes_max: int) -> dict[int, bytes]:
        """The first `bytes_max` bytes of each of these letters."""
        return self._texts(uids, f"BODY.PEEK[]<0.{bytes_max}>")

    def heads(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The header lines of each of these letters, up to HEAD_BYTES_MAX bytes."""
        return self._texts(uids, f"BODY.PEEK[HEADER]<0.{HEAD_BYTES_MAX}>")

    def wait(self, wake: socket.socket, seconds: float) -> None:
        """Be told of news by IDLE (RFC 2177): until some came, `wake` can be read, or the time is over."""
        idle = self._tools.idle
        with self._faults():
            try:
                idle.start()  # type: ignore[no-untyped-call]
                if not self._has_unread():
                    select.select([self._client.sock, wake], [], [], seconds)
            except ImapToolsError:
                pass  # news came before the server said that it would tell of them; or it cannot
            try:
                idle.stop()  # type: ignore[no-untyped-call]
            except ImapToolsError:
                self.can_idle = False  # it says it can, and refuses

    def full(self) -> str:
        """A sentence when the mailbox is full (RFC 9208); empty when it is not, or nobody tells."""
        if b"QUOTA" not in self._capabilities:
            return ""
        try:
            with self._faults():
                told = self._client.getquotaroot(_quoted(self._folder))[1]
        except Trouble:
            return ""  # told by the next command, if it matters
        for line in told[-1] or ():
            found = _STORAGE.search(line) if isinstance(line, bytes) else None
            if found and int(found[2]) and int(found[1]) >= QUOTA_FULL * int(found[2]):
                share = f"{100 * int(found[1]) // int(found[2])} %"
                return in_english(words.INBOX_FULL, server=self._server.name, said=share)
        return ""

    def close(self) -> None:
        """Say goodbye, for a moment."""
        with suppress(OSError, imaplib.IMAP4.error, ImapToolsError):
            self._client.sock.settimeout(GOODBYE_S)
            self._client.logout()
        self.hang_up()

    def hang_up(self) -> None:
        """Give the line up."""
        self._open.close()
        with suppress(OSError):
            self._client.shutdown()

    def break_off(self) -> None:
        """Break the line off from another thread: whoever reads from it is told."""
        with suppress(OSError):
            # Not the method of an SSLSocket, which takes the encryption away from under a reader.
            socket.socket.shutdown(self._client.sock, socket.SHUT_RDWR)

    @property
    def _tools(self) -> _Box:
        assert self._box is not None
        return self._box

    def _log_in(self, box: _Box, password: str) -> None:
        user = self._server.user
        by_login = "LOGINDISABLED" not in self._client.capabilities
        if by_login and user.isascii() and password.isascii():
            box.login(user, password, initial_folder=None)
        else:
            box.login_utf8(user, password, initial_folder=None)

    def _number(self, code: str) -> int:
        told = self._client.response(code)[1]
        text = told[-1] if told else None
        return int(text) if isinstance(text, bytes) and text.isdigit() else 0

    def _exists(self) -> int:
        """How many letters the folder had when we opened it, or were told since; it may have more."""
        told = self._client.untagged_responses.get("EXISTS") or [b"0"]
        text = told[-1]
        return int(text) if isinstance(text, bytes) and text.isdigit() else 0

    def _has_unread(self) -> bool:
        """Whether news lie between the socket and us, where `select` does not see them."""
        sock = self._client.sock
        timeout_s = sock.gettimeout()
        sock.settimeout(0)
        try:
            return bool(self._client.file.peek(1))  # type: ignore[union-attr]
        except (ssl.SSLWantReadError, BlockingIOError):
            return False
        finally:
            sock.settimeout(timeout_s)

    def _texts(self, uids: Sequence[int], part: str) -> dict[int, bytes]:
        found = {}
        for head, text, tail in self._fetch(uids, part):
            uid = _UID.search(head) or _UID.search(tail)
            if uid and text is not None:
                found[int(uid[1])] = text
        return found

    def _fetch(self, uids: Sequence[int], part: str) -> Iterator[tuple[bytes, bytes | None, bytes]]:
        """What the server says of each letter: before, in, and behind a literal, where there is one.

        It may also tell, in between, that a letter was read elsewhere.
        """
        if not uids:
            return
        with self._faults():
            kind, told = self._client.uid("FETCH", ",".join(map(str, uids)), f"(UID {part})")
            if kind != "OK":
                raise self._client.error(said(0, _text(told)))
        for at, item in enumerate(told):
            if isinstance(item, tuple):
                after = told[at + 1] if at + 1 < len(told) else b""
                yield item[0], item[1], after if isinstance(after, bytes) else b""
            elif isinstance(item, bytes) and not (at and isinstance(told[at - 1], tuple)):
                yield item, None, b""

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, imaplib.IMAP4.error, ImapToolsError) as fault:
            sentence = self._sentence(fault)
            if self._box is None:
                sentence = asyncio.run(portal.behind(sentence, self._server)) or sentence
            raise Trouble(sentence) from fault

    def _sentence(self, fault: BaseException) -> str:
        server = self._server
        match fault:
            case MailboxLoginError():
                return mail_faults.of_login(0, _text(fault.command_result[1]), server)
            case MailboxFolderSelectError():
                text = said(0, _text(fault.command_result[1]))
                return in_english(words.NO_FOLDER, server=server.name, said=text)
            case ssl.SSLError():
                return mail_faults.of_tls(fault, server, "imap", self._trust.clock_is_set())
            case TimeoutError() if self._box is None and server.port == IMAPS_PORT and not server.tls:
                return in_english(words.TLS_FIRST, server=server.name, scheme="imaps")
            case OSError() | EOFError():
                return mail_faults.of_line(fault, server)
            case _:
                return self._of_words(str(fault))

    def _of_words(self, text: str) -> str:
        """What the standard library's errors say: the server's words, or that the line broke."""
        lower = text.lower()
        if "eof" in lower or "socket error" in lower:
            return in_english(words.BROKE_OFF, server=self._server.name)
        if self._box is None or "unexpected" in lower or "literal" in lower:
            return in_english(words.BAD_IMAP, server=self._server.name)
        if self._client.state != "SELECTED":
            return mail_faults.of_login(0, text, self._server)
        return in_english(words.SAYS, server=self._server.name, said=said(0, text))


def _parts(letters: int) -> Iterator[str]:
    """The numbers of the letters that each search is for, the newest first; nothing when one is enough."""
    if letters <= PART_LETTERS:
        yield ""
        return
    last = "*"
    for first in range(letters - PART_LETTERS + 1, 1 - PART_LETTERS, -PART_LETTERS):
        yield f"{max(1, first)}:{last} "
        last = str(first - 1)


def _keep_alive(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _text(told: Sequence[object]) -> str:
    return " ".join(each.decode("utf-8", "replace") for each in told if isinstance(each, bytes))


def _quoted(folder: str) -> str:
    from imap_tools.utils import encode_folder

    return encode_folder(folder).decode("ascii")
