"""`miccheck owner-key`: for the owner of a mailing list, who needs no camp."""

from __future__ import annotations

import csv
import io
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from node.owner_key_file import KeyFileError, read_secret_key, write_secret_key
from node.sorry import Sorry

# The largest mailbox of letters somebody hands over at once; a letter with fifty registrations has 50 kB.
LETTERS_BYTES_MAX = 256 * 1_048_576
STDIN = "-"
COLUMNS = ("registration", "camp", "address", "location", "group")
# Spreadsheets take what begins so for a formula (OWASP, "CSV Injection"). Location and group are strangers'.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@click.group(short_help="For the owner of a mailing list: make a key, open registrations.")
def command() -> None:
    """For the owner of a mailing list that people join from camps. No camp is needed.

    Liaisons register people with location, group and e-mail address; all of it is sealed to the owner's
    public key. Make a key once, give the public one to the camps, and keep the file.

    \b
    Examples:
      miccheck owner-key make owner.key
      miccheck owner-key open owner.key letter.eml > people.csv
    """


@command.command(short_help="Make a key and print the public one.")
@click.argument("file", type=click.Path(path_type=Path))
def make(file: Path) -> None:
    """Make a new secret key in FILE and print the public key.

    The public key is for the settings of every camp that shall register people: owner_key = "…" in its
    [[list]]. Who has FILE can read who asked to join; without it nobody can, so keep a copy.
    """
    if os.path.lexists(file):
        raise Sorry(f"{file} exists already; choose another name")
    try:
        public = write_secret_key(file, secrets.token_bytes(32))
    except OSError as error:
        raise Sorry(f"cannot write {file}: {error.strerror}") from error
    click.echo(public)


@command.command("open", short_help="Open sealed registrations, as a table.")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("letters", nargs=-1, required=True, metavar="LETTER…")
def open_(file: Path, letters: tuple[str, ...]) -> None:
    """Open the registrations in each LETTER with the secret key in FILE.

    A LETTER is a saved letter (.eml), a mailbox file, or any text with registrations in it; - reads from
    standard input. Printed is a table (CSV) with one line for each registration, however often it came.
    What cannot be opened is named on standard error.
    """
    from sync.letters.join_letters import sealed_in
    from sync.letters.joining import NotOpened, open_sealed

    try:
        secret = read_secret_key(file)
    except KeyFileError as error:
        raise Sorry(str(error)) from error
    found = {id_: (camp, sealed) for raw in _read(letters) for id_, camp, sealed in sealed_in(raw)}
    rows = []
    for id_, (camp, sealed) in found.items():
        try:
            entry = open_sealed(sealed, camp, secret)
        except NotOpened as error:
            click.echo(f"registration {id_.hex()} cannot be opened: {error}", err=True)
            continue
        rows.append((id_.hex(), camp.hex(), *map(_cell, (entry.address, entry.place, entry.group))))
    if not rows:
        raise Sorry("there is no registration in it that this key opens")
    csv.writer(sys.stdout, lineterminator="\n").writerows([COLUMNS, *rows])
    sys.stdout.flush()
    click.echo(f"{len(rows)} of {len(found)} registrations opened", err=True)


def _read(letters: tuple[str, ...]) -> Iterator[bytes]:
    """Each letter; a mailbox file also letter by letter."""
    from sync.letters import read_mbox

    for name in letters:
        try:
            if name == STDIN:
                raw = sys.stdin.buffer.read(LETTERS_BYTES_MAX + 1)
            else:
                with Path(name).open("rb") as opened:
                    raw = opened.read(LETTERS_BYTES_MAX + 1)
        except OSError as error:
            raise Sorry(f"cannot read {name}: {error.strerror}") from error
        if len(raw) > LETTERS_BYTES_MAX:
            raise Sorry(f"{name} has more than {LETTERS_BYTES_MAX // 1_048_576} MB; hand it over in parts")
        yield raw
        if raw.startswith(b"From "):
            yield from (letter.raw for letter in read_mbox(io.BytesIO(raw)))


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
