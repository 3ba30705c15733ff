"""How fast a mailing list's mailbox file is taken in, and whether memory stays flat over 10,000 letters.

The file is what a list of years is: plain letters and HTML, quotes and footers, attachments, digests,
bounces, posts of camps. Each letter is read as the node reads it and published in a camp with a real file and
full syncs, a batch a transaction; only the three days' allowance is left out, so that all of it is work.
The rate of reading is held against the standard library's bare parser over the same letters.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from email.parser import BytesParser
from email.policy import compat32
from email.utils import format_datetime
from itertools import islice
from pathlib import Path
from random import Random

from node.bench.figures import Bound, Figure
from node.bench.samples import camps
from node.clock import monotonic_s
from node.inbox import BATCH_LETTERS
from sync.engine import Engine
from sync.letters import OutgoingLetter, letter_of, read_letters, read_mbox
from sync.letters.taking_in import Taken, take_in
from sync.message import Message, MessageId
from sync.store import Store

LETTERS = 10_000
# Headers, names, words, quotes and footers cost four times what the bare parser does; they may cost seven.
SHARE_MIN = 0.125
# A letter has a megabyte at most, two are held at a time, and the store's cache fills once.
GREW_MB_MAX = 16.0
# Until here caches fill; from here on nothing may grow.
WARM_SHARE = 0.1

ADDRESS = "camps@lists.example.org"
# What a list writes into each letter. What has none of it came past the list.
_SIGNS = f"List-Id: Camps <camps.lists.example.org>\nList-Post: <mailto:{ADDRESS}>\n"
_NAMES = ("camps", ADDRESS, "camps")
_FOOTER = "_" * 47 + f"\nCamps mailing list\n{ADDRESS}\nhttps://lists.example.org/listinfo/camps\n"
_ATTACHED_BYTES = 60_000
_DAY_S = 86_400.0


def measure(
    texts: Sequence[str],
    random: Random,
    wall_s: float,
    folder: Path,
    memory: Callable[[], int],
    letters: int = LETTERS,
) -> list[Figure]:
    """Take in a mailbox file of so many pieces of mail. `memory`: bytes this process holds now.

    Raises RuntimeError when a letter of a person is missing at the end.
    """
    file = folder / "list.mbox"
    people = _write(file, texts, random, wall_s, letters)
    parse_s, read_s = _parse(file), _read(file)
    taken, took_s, grew = _take(file, folder / "list.sqlite3", random, wall_s, memory, letters)
    if taken != people:
        raise RuntimeError(f"{people} letters of people were sent, and {taken} were taken in")
    return [
        Figure(
            "letters_read_share_of_parse",
            "letters of a mailbox file read, to the standard library's bare parse of the same",
            parse_s / read_s,
            "",
            Bound.AT_LEAST,
            SHARE_MIN,
        ),
        Figure(
            "letters_in_grew_mb",
            f"memory grown from the first tenth of {letters:,} letters to the last",
            grew / 1e6,
            "MB",
            Bound.AT_MOST,
            GREW_MB_MAX,
        ),
        Figure("letters_read_per_s", "letters read", letters / read_s, "/s"),
        Figure("letters_in_per_s", "letters read, published, shown and indexed", letters / took_s, "/s"),
        Figure("mailbox_mb", "the mailbox file", file.stat().st_size / 1e6, "MB"),
    ]


def _write(file: Path, texts: Sequence[str], random: Random, wall_s: float, letters: int) -> int:
    """Write the file; how many letters of people are in it."""
    people = 0
    with file.open("wb") as out:
        for number in range(letters):
            raw, of_people = _piece(number, texts, random, wall_s)
            out.write(b"From list@lists.example.org Mon Nov 23 08:00:00 2026\n")
            out.write(raw.replace(b"\nFrom ", b"\n>From ") + b"\n\n")
            people += of_people
    return people


def _piece(number: int, texts: Sequence[str], random: Random, wall_s: float) -> tuple[bytes, int]:
    """One piece of mail, and how many letters of people it is."""
    if number % 100 == 50:
        # No letter has the number of one that also came alone.
        inside = [_letter(1_000_000 + 5 * number + n, texts, random, wall_s) for n in range(5)]
        parts = b"".join(b"\n--D\nContent-Type: message/rfc822\n\n" + each for each in inside)
        head = "From: camps-request@lists.example.org\n"
        head += f"Subject: Camps Digest, Vol 1, Issue {number}\n{_SIGNS}"
        head += 'MIME-Version: 1.0\nContent-Type: multipart/digest; boundary="D"\n'
        return f"Message-ID: <digest.{number}@lists.example.org>\n{head}".encode() + parts + b"\n--D--\n", 5
    if number % 100 == 60:
        head = f"Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nMessage-ID: <bounce.{number}@mx.example>\n"
        return f"{head}Subject: Undelivered Mail\n\n550 5.1.1 <{ADDRESS}>: unknown\n".encode(), 0
    if number % 20 == 7:
        # Of a camp out of reach: the list is its only road.
        text = texts[number % len(texts)]
        id_ = number.to_bytes(16, "big")
        post = OutgoingLetter(
            id_, b"far camp", "Far", "", "general", "Ana", text, False, int(wall_s) - number
        )
        return _SIGNS.encode() + letter_of(post, ADDRESS).replace(b"\r\n", b"\n"), 1
    return _letter(number, texts, random, wall_s), 1


def _letter(number: int, texts: Sequence[str], random: Random, wall_s: float) -> bytes:
    words = "\n\n".join(texts[(number + n) % len(texts)] for n in range(1 + number % 4))
    quote = "\n".join(f"> {texts[(number + n) % len(texts)]}" for n in range(number % 12))
    date = _date(wall_s - _DAY_S * (number % 60) - number % 86_400)
    head = (
        f"From: Ana {number} via Camps <{ADDRESS}>\nReply-To: Ana {number} <ana{number}@a.example>\n"
        f"To: {ADDRESS}\nSubject: [Camps] Letter {number}\nMessage-ID: <{number}@a.example>\n"
        f"X-MailFrom: ana{number}@a.example\n{_SIGNS}Date: {date}\nMIME-Version: 1.0\n"
    )
    body = f"{words}\n\nOn Monday, Bo <bo@b.example> wrote:\n{quote}\n\n-- \nAna\n{_FOOTER}"
    if number % 5 == 1:
        html = f"<html><body><p>{words}</p><blockquote>{quote}</blockquote></body></html>"
        return f'{head}Content-Type: text/html; charset="utf-8"\n\n{html}\n'.encode()
    if number % 25 == 3:
        attached = base64.encodebytes(random.randbytes(_ATTACHED_BYTES)).decode()
        return (
            f'{head}Content-Type: multipart/mixed; boundary="M"\n\n'
            f'--M\nContent-Type: text/plain; charset="utf-8"\n\n{body}\n--M\n'
            f'Content-Type: image/jpeg; name="square {number}.jpg"\n'
            f"Content-Transfer-Encoding: base64\n\n{attached}--M--\n"
        ).encode()
    return f'{head}Content-Type: text/plain; charset="utf-8"\n\n{body}'.encode()


def _date(at_s: float) -> str:
    return format_datetime(datetime.fromtimestamp(int(at_s), UTC))


def _parse(file: Path) -> float:
    """Seconds of the standard library's parser over all letters."""
    started = monotonic_s()
    with file.open("rb") as lines:
        for letter in read_mbox(lines):
            BytesParser(policy=compat32).parsebytes(letter.raw)
    return monotonic_s() - started


def _read(file: Path) -> float:
    """Seconds to read all letters."""
    started = monotonic_s()
    with file.open("rb") as lines:
        for letter in read_mbox(lines):
            for _ in read_letters(letter.raw, _NAMES):
                pass
    return monotonic_s() - started


def _take(
    file: Path, store_file: Path, random: Random, wall_s: float, memory: Callable[[], int], letters: int
) -> tuple[int, float, int]:
    """All of it taken in: letters of people published, seconds, bytes grown after the first tenth."""
    (me,) = camps(1, random)
    store = Store.open(store_file, me.key)
    taken, done, warm, most = 0, 0, 0, 0
    try:
        engine = Engine(me, store, random)
        engine.tell_time(wall_s, True)

        def publish(message: Message) -> MessageId:
            return engine.publish(message, 0.0)

        started = monotonic_s()
        with file.open("rb") as lines:
            for batch in _batches(letter.raw for letter in read_mbox(lines)):
                taken += _take_batch(store, engine, publish, batch, wall_s).taken
                done += len(batch)
                most = max(most, memory())
                if done <= WARM_SHARE * letters:
                    warm = most
        took_s = monotonic_s() - started
    finally:
        store.close()
    return taken, took_s, most - warm


def _take_batch(
    store: Store,
    engine: Engine,
    publish: Callable[[Message], MessageId],
    batch: Sequence[bytes],
    wall_s: float,
) -> Taken:
    pieces = [piece for raw in batch for piece in read_letters(raw, _NAMES)]
    with store.transaction():
        taken = take_in(store, publish, "camps", pieces, wall_s)
        engine.tick(0.0)
    return taken


def _batches(letters: Iterator[bytes]) -> Iterator[list[bytes]]:
    while batch := list(islice(letters, BATCH_LETTERS)):
        yield batch
