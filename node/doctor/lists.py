"""The mailing lists: whether letters could leave and come, without sending one."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from node.doctor.finding import Finding, Patient, bad, ok, warn
from node.list_settings import MailingList
from node.mail_server import MailServer, parse_imap, parse_smtp
from node.owner_key_file import KeyFileError, read_secret_key
from node.password import read_password
from node.trust import Terms, Trust
from node.walker import Trouble
from sync.letters.joining import public_key_of, write_key
from web_ui import mail_words as words
from web_ui.mail_words import template_of

# Named to a mail server that asks who greets; a camp has no name in the DNS, and needs none.
HELO = "miccheck.invalid"
# A person waits for each line of the table.
ANSWER_S = 10.0
# What comes and goes with the network: letters wait, and nobody has to do anything here.
_PASSING = frozenset(
    (
        words.OFFLINE, words.DNS_DEAD, words.NO_HOST, words.PORTAL, words.BLOCKED, words.NOBODY,
        words.NO_ANSWER, words.BROKE_OFF, words.NO_WAY, words.LOGIN_LATER, words.TOO_MANY, words.SAYS,
    )
)  # fmt: skip


def lists(patient: Patient) -> Iterator[Finding]:
    """Each [[list]]: who agreed, its passwords, its ways, up to where a letter would begin."""
    for each in patient.settings.list:
        check, trust = f"list {each.name}", _trust(each, patient)
        if each.stopped:
            yield ok(check, "stopped in the settings")
            continue
        yield from _agreement(each, check)
        yield from _passwords(each, check, patient.home.folder)
        yield from _owner(each, f"{check}, joining", patient.home.folder)
        if each.outbox and each.direction != "in":
            yield from _outbox(each, f"{check}, out", patient.home.folder, trust)
        if each.inbox and each.direction != "out":
            yield from _inbox(each, f"{check}, in", patient.home.folder, trust)


def _trust(each: MailingList, patient: Patient) -> Trust:
    ca_file = patient.home.folder / each.ca_file if each.ca_file else None
    return Trust(ca_file, patient.clock.is_set)


def _agreement(each: MailingList, check: str) -> Iterator[Finding]:
    if not each.inbox or each.direction == "out":
        yield ok(check, "nothing comes in from it")
    elif each.is_agreed:
        yield ok(check, f"its letters may come in: agreed by {each.agreed_by} on {each.agreed_on}")
    else:
        do = "ask who owns the list; then write agreed_by and agreed_on into its [[list]]"
        yield warn(check, "nobody of the list has agreed that its letters are passed on, so none is", do)


def _passwords(each: MailingList, check: str, folder: Path) -> Iterator[Finding]:
    for name in dict.fromkeys((each.password_file, each.inbox_password_file)):
        if name:
            yield from _password(folder / name, check)


def _password(file: Path, check: str) -> Iterator[Finding]:
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        has_one = bool(file.read_text().strip())
    except (OSError, UnicodeDecodeError):
        yield bad(check, f"its password cannot be read from {file}", "write it there, one line")
        return
    if not has_one:
        yield bad(check, f"there is no password in {file}", "write it there, one line")
    elif mode & 0o077:
        yield bad(check, f"others on this machine can read {file}", f"chmod 600 {file}")


def _owner(each: MailingList, check: str, folder: Path) -> Iterator[Finding]:
    """Whether people can be registered, and, on the owner's own node, opened."""
    if each.owner_secret_file:
        file = folder / each.owner_secret_file
        try:
            public = write_key(public_key_of(read_secret_key(file)))
        except KeyFileError as error:
            yield bad(check, str(error), "set `owner_secret_file`")
            return
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            yield bad(check, f"others on this machine can read {file}", f"chmod 600 {file}")
            return
        if each.owner_key and each.owner_key != public:
            yield bad(check, f"{file} does not open what is sealed to `owner_key`", f"set it to {public}")
            return
    if each.owner_key and each.address:
        yield ok(check, "people can be registered for it")


def _outbox(each: MailingList, check: str, folder: Path, trust: Trust) -> Iterator[Finding]:
    kind, _, path = each.outbox.partition(":")
    if kind != "maildir":
        server = parse_smtp(each.outbox)
        file = folder / each.password_file if each.password_file and server.user else None
        terms = Terms(trust, names_people=each.joining == "request", answer_s=ANSWER_S)
        yield from _tried(check, "outbox", lambda: _greet(server, file, terms))
    # The courier makes the maildir itself, but not the folder of a stick that is not plugged in.
    elif os.access((folder / path).parent, os.W_OK):
        yield ok(check, f"its outbox {path} can be written")
    else:
        yield bad(check, f"nothing can be written to its outbox {path}", "put the stick in, or set `outbox`")


def _inbox(each: MailingList, check: str, folder: Path, trust: Trust) -> Iterator[Finding]:
    if each.by_imap:
        yield from _tried(check, "inbox", lambda: _open(each, folder, trust))
        return
    kind, _, path = each.inbox.partition(":")
    place = folder / path
    if not place.exists():
        do = "have it filled by another program, for instance getmail; or set `inbox`"
        yield warn(check, f"its inbox {path} is not there", do)
    elif not os.access(place, os.R_OK):
        yield bad(check, f"its inbox {path} cannot be read", "let the node's user read it")
    elif kind == "maildir" and not (place / "new").is_dir():
        yield bad(check, f"its inbox {path} is no maildir: it has no folder new", "set `inbox`")
    else:
        yield ok(check, f"its inbox {path} is there")


def _tried(check: str, word: str, look: Callable[[], str]) -> Iterator[Finding]:
    """What a server said, as far as a letter would go."""
    try:
        yield ok(check, look())
    except OSError as error:
        yield bad(check, error.strerror or "the disk failed", "look at the disk of HOME")
    except Trouble as trouble:
        if template_of(str(trouble)) in _PASSING:
            do = f"letters wait until it does; if it never does, set `{word}`"
            yield warn(check, str(trouble), do)
        else:
            yield bad(check, str(trouble), f"set it right in its [[list]]: `{word}` and what belongs to it")


def _greet(server: MailServer, password_file: Path | None, terms: Terms) -> str:
    """Reach the server, encrypt, log in, and say goodbye. Raises Trouble."""
    from node.smtp import conversation  # asyncio's mail client: not needed beside a maildir

    password = read_password(password_file) if password_file is not None else None

    async def greet() -> bool:
        async with conversation(server, HELO, password, terms) as talk:
            return talk.is_encrypted

    encrypted = asyncio.run(greet())
    return _reached(server, encrypted, password is not None)


def _open(each: MailingList, folder: Path, trust: Trust) -> str:
    """Reach the server, encrypt, log in, open the folder to be read, and say goodbye. Raises Trouble."""
    from node.imap import ImapSession

    mailbox = parse_imap(each.inbox)
    session = ImapSession(
        mailbox, read_password(folder / each.inbox_password), Terms(trust, answer_s=ANSWER_S)
    )
    try:
        told = "tells of news" if session.can_idle else "is asked each minute"
        full = session.full()
        count = len(session.new_uids(0))
        letters = "1 letter" if count == 1 else f"{count} letters"
        encrypted = session.is_encrypted
    finally:
        session.close()
    if full:
        raise Trouble(full)
    return f"{_reached(mailbox.server, encrypted, True)}, {mailbox.folder} has {letters}, and it {told}"


def _reached(server: MailServer, encrypted: bool, logged_in: bool) -> str:
    return f"{server.name} answers, {'by TLS' if encrypted else 'in the clear'}" + (
        ", and takes the password" if logged_in else ""
    )
