"""The mailing lists: whether letters could leave and come, without sending one."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from node.doctor.finding import Finding, Patient, bad, ok, warn
from node.doctor.reach import mail_server_answers
from node.mail_server import parse_smtp
from node.settings import MailingList


def lists(patient: Patient) -> Iterator[Finding]:
    """Each [[list]]: its password, its way out and its way in."""
    for each in patient.settings.list:
        found = list(_troubles(each, f"list {each.name}", patient.home.folder))
        yield from found or [ok(f"list {each.name}", "its outbox and inbox are there")]


def _troubles(each: MailingList, check: str, folder: Path) -> Iterator[Finding]:
    if each.password_file:
        yield from _password(folder / each.password_file, check)
    if each.outbox and each.direction != "in":
        yield from _outbox(each.outbox, check, folder)
    if each.inbox and each.direction != "out":
        yield from _inbox(each.inbox, check, folder)


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
        yield bad(check, f"others on this machine can read {file}", f"chmod go-rwx {file}")


def _outbox(outbox: str, check: str, folder: Path) -> Iterator[Finding]:
    kind, _, path = outbox.partition(":")
    if kind == "maildir":
        # The courier makes the maildir itself, but not the folder of a stick that is not plugged in.
        if not os.access((folder / path).parent, os.W_OK):
            yield bad(
                check, f"nothing can be written to its outbox {path}", "put the stick in, or set `outbox`"
            )
        return
    server = parse_smtp(outbox)
    trouble = mail_server_answers(server.host, server.port)
    if trouble:
        says = f"{server.name} does not take mail now: {trouble}"
        yield warn(check, says, "letters wait until it does; if it never does, set `outbox`")


def _inbox(inbox: str, check: str, folder: Path) -> Iterator[Finding]:
    kind, _, path = inbox.partition(":")
    place = folder / path
    if not place.exists():
        do = "have it filled by another program, for instance getmail; or set `inbox`"
        yield warn(check, f"its inbox {path} is not there", do)
    elif not os.access(place, os.R_OK):
        yield bad(check, f"its inbox {path} cannot be read", "let the node's user read it")
    elif kind == "maildir" and not (place / "new").is_dir():
        yield bad(check, f"its inbox {path} is no maildir: it has no folder new", "set `inbox`")
