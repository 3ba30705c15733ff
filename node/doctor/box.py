"""The box itself: its folder, key, disk, board, clock, ports and certificate."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from node.doctor.finding import Finding, Patient, bad, ok, skip, warn
from node.home import HomeError

# Below it the node drops its ballast soon; SQLite's log and a week of posts fit above.
ROOM_BAD_BYTES, ROOM_WARN_BYTES = 20_000_000, 200_000_000
# A board of this size is checked in a second or two on a Pi 4.
BOARD_FAULTS_SHOWN = 3
# The node makes a new certificate when it starts within 60 days of the end.
SOON = timedelta(days=14)


def settings(patient: Patient) -> Iterator[Finding]:
    """The settings were read before anything else; this row says so."""
    links, lists = len(patient.settings.link), len(patient.settings.list)
    yield ok("settings", f"{patient.home.settings.name} is right: {_of(links, 'link')}, {_of(lists, 'list')}")
    if not links:
        yield skip("links", "none in the settings: this camp is on its own")


def _of(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def folder(patient: Patient) -> Iterator[Finding]:
    """Whether what is secret is readable by its owner only."""
    home = patient.home
    secret = [home.folder, home.settings, home.key, home.board, home.secrets]
    secret += sorted(home.secrets.iterdir()) if home.secrets.is_dir() else []
    open_to_others = [path for path in secret if path.exists() and _mode(path) & 0o077]
    if open_to_others:
        names = " ".join(str(path) for path in open_to_others)
        says = f"others on this machine can read {', '.join(path.name for path in open_to_others)}"
        yield bad("folder", says, f"chmod go-rwx {names}")
    elif not os.access(home.folder, os.W_OK):
        yield bad("folder", "it belongs to somebody else", f"run this as the owner of {home.folder}")
    else:
        yield ok("folder", "readable by its owner only")


def key(patient: Patient) -> Iterator[Finding]:
    """Whether the camp's key is one."""
    try:
        patient.home.read_seed()
    except HomeError as error:
        yield bad("key", str(error), "put the backup of camp.key back; without it this is another camp")
    else:
        yield ok("key", "the camp's key can be read")


def disk(patient: Patient) -> Iterator[Finding]:
    """Whether there is room, and the ballast for the day there is none."""
    free = shutil.disk_usage(patient.home.folder).free
    says = f"{free // 1_000_000:,} MB free"
    if free < ROOM_BAD_BYTES:
        yield bad("disk", says, "free some room: posts are refused without it")
    elif free < ROOM_WARN_BYTES:
        yield warn("disk", says, "free some room before it is full")
    else:
        yield ok("disk", says)


def board(patient: Patient) -> Iterator[Finding]:
    """Whether the board's file is whole (SQLite's quick_check)."""
    file = patient.home.board
    if not file.exists():
        yield ok("board", "nothing was written yet")
        return
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute(f"PRAGMA quick_check({BOARD_FAULTS_SHOWN})").fetchall()
    except sqlite3.Error as error:
        rows = [(str(error),)]
    if rows == [("ok",)]:
        yield ok("board", f"whole, {file.stat().st_size / 1e6:.1f} MB")
    else:
        do = "start the node: it sets the file aside, saves what can be read, and checks every signature"
        yield bad("board", f"damaged: {rows[0][0]}".splitlines()[0], do)


def clock(patient: Patient) -> Iterator[Finding]:
    """Whether the time can be believed."""
    trust = patient.clock.trust()
    if trust.is_set:
        yield ok("clock", f"set ({trust.source})")
    else:
        do = "set it from a phone, on the page Status, with a card; or connect the box to the internet"
        yield warn("clock", "not set: posts wait for their seal until another camp is heard", do)


def ports(patient: Patient) -> Iterator[Finding]:
    """Whether the pages answer, or could."""
    from node.doctor.reach import pages_answer
    from node.serving import listen

    web = patient.settings.web
    if patient.runs:
        served = patient.home.read_ports()
        trouble = pages_answer(served[0]) if served is not None else "its ports are not known"
        if trouble:
            yield bad("ports", f"the node runs and its pages do not answer: {trouble}", "start it again")
        else:
            yield ok("ports", f"the node runs; its pages answer at port {served[0] if served else 0}")
        return
    for name, number in (("port", web.port), ("tls_port", web.tls_port)):
        try:
            listen(web.host, number, name).socket.close()
        except HomeError as error:
            yield bad("ports", str(error), f"end what uses it, or set another [web] {name}")
            return
    yield ok("ports", f"{web.port} and {web.tls_port} are free; the node does not run")


def certificate(patient: Patient) -> Iterator[Finding]:
    """Whether phones with cards can trust the pages."""
    web = patient.settings.web
    if web.certificate or web.certificate_key:
        yield _given(patient)
    else:
        yield from _own(patient)


def _given(patient: Patient) -> Finding:
    """A certificate that the settings name."""
    from node.given_certificate import complaint, given_certificate

    web = patient.settings.web
    try:
        files = given_certificate(patient.home.folder, web.certificate, web.certificate_key)
        trouble = complaint(files, patient.clock.wall_s()) if files is not None else None
    except HomeError as error:
        return bad("certificate", str(error), "put it right: the node does not start with it")
    if trouble:
        return bad("certificate", trouble, "get a new one, and start the node again")
    return ok("certificate", "the given one fits its key and is valid")


def _own(patient: Patient) -> Iterator[Finding]:
    """The one of the camp's own making."""
    from cryptography import x509

    files = patient.home.certificates
    authority_do = "the authority is made once, by init; put the backup of secrets/ back"
    try:
        authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
    except (OSError, ValueError):
        yield bad("certificate", "the camp's own authority cannot be read", authority_do)
        return
    now = datetime.fromtimestamp(patient.clock.wall_s(), UTC)
    if now > authority.not_valid_after_utc:
        yield bad("certificate", "the camp's own authority has ended", authority_do)
        return
    try:
        server = x509.load_pem_x509_certificate(files.server.read_bytes())
    except (OSError, ValueError):
        yield warn("certificate", "the pages have none yet", "start the node: it makes one")
        return
    if now + SOON > server.not_valid_after_utc:
        yield warn(
            "certificate", "the one of the pages ends soon", "start the node again: it makes a new one"
        )
    else:
        yield ok("certificate", f"valid until {server.not_valid_after_utc:%Y-%m-%d}")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
