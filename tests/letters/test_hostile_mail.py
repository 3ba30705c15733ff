"""Mail of people who mean harm, through all that a letter goes through: one outcome each, and nothing stops.

The table says the outcome. Whatever a letter is made of, it is read in time that grows no faster than its
length, nothing is unpacked, and what the camps get is a message of at most 600 bytes without tricks.
"""

import base64
import gzip
import time
import zlib
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sync.engine import Engine
from sync.letters import IncomingLetter, Notice, message_of, read_letters
from sync.letters.inward import TEXT_BYTES_ON_AIR
from sync.letters.mime import MAIL_BYTES_MAX
from sync.letters.notices import WORDS_CHARACTERS_MAX
from sync.letters.taking_in import take_in
from sync.message import decode, encode
from sync.signing import Identity
from sync.store import Store
from sync.text import is_tricky
from tests.letters.gateway import shown, until

MAIL = Path(__file__).parent.parent / "data" / "mail"
NOW_S = 1_795_400_000.0
ADDRESS = "camps@lists.example.org"
NAMES = ("camps", ADDRESS)
# Processor seconds. The slowest of the table took 1.4; a way in that is quadratic takes minutes or hours.
SECONDS_MAX = 5.0
MEGABYTE = 1_048_576


class Camp:
    """A camp's store and engine, with the real way in."""

    def __init__(self) -> None:
        identity = Identity(bytes([1]) * 32)
        self.store = Store.open(None, identity.key)
        self.engine = Engine(identity, self.store, Random(1))
        self.engine.tell_time(NOW_S, True)

    def take(self, raw: bytes):
        """What became of a letter, and the rows it made; never longer than the limit."""
        began = time.process_time()
        pieces = list(read_letters(raw, NAMES))
        with self.store.transaction():
            taken = take_in(self.store, lambda m: self.engine.publish(m, 0.0), "camps", pieces, NOW_S)
        assert time.process_time() - began < SECONDS_MAX
        rows = self.store.connection.execute("SELECT nickname, text FROM messages ORDER BY seq").fetchall()
        for nickname, text in rows:
            assert len(text.encode()) <= TEXT_BYTES_ON_AIR
            assert not is_tricky(text)
            assert not is_tricky(nickname)
            assert "@" not in nickname
            assert "\n" not in nickname
        return taken, rows


@pytest.fixture
def camp():
    camp = Camp()
    yield camp
    camp.store.close()


def mail(head: bytes = b"", body: bytes = b"words", sender: bytes = b"Ana <ana@a.example>") -> bytes:
    return (
        b"From: " + sender + b"\nTo: <camps@lists.example.org>\nMessage-ID: <1@a.example>\nSubject: s\n"
        b"Date: Thu, 19 Nov 2026 11:00:00 +0000\n" + head + b"\n" + body + b"\n"
    )


def nested(depth: int, filling: bytes = b"") -> bytes:
    head = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(depth)
    )
    return mail(head, b"bottom\n" + filling)


def attached(name: bytes, kind: bytes, content: bytes, encoding: bytes = b"base64") -> bytes:
    return mail(
        b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n',
        b"--b\nContent-Type: text/plain\n\nwords\n--b\nContent-Type: " + kind + b'; name="' + name + b'"\n'
        b'Content-Disposition: attachment; filename="'
        + name
        + b'"\nContent-Transfer-Encoding: '
        + encoding
        + b"\n\n"
        + (base64.encodebytes(content) if encoding == b"base64" else content)
        + b"\n--b--",
    )


def coded(charset: bytes, raw: bytes) -> bytes:
    return mail(b"Content-Type: text/plain; charset=" + charset + b"\nContent-Transfer-Encoding: 8bit\n", raw)


BOMB = zlib.compress(bytes(50 * MEGABYTE), 9)
DIGITS = b"On " + b"1 " * 490 + b"\n"
TAKEN, DROPPED = "taken", "dropped"

# name, letter, outcome, text (None: any)
HOSTILE = [
    ("header injection by an encoded word", mail(b"Subject: =?utf-8?Q?a=0D=0ABcc:_all?=\n"), TAKEN, None),
    (
        "line ends in a name",
        mail(sender=b"=?utf-8?Q?Ana=0D=0AX-Miccheck-Id:_evil?= <ana@a.example>"),
        TAKEN,
        "s\n\nwords",
    ),
    ("bare carriage returns", mail(b"X: a\rBcc: b\rSubject: c\n"), TAKEN, None),
    ("ten megabytes", mail(body=b"water " * 1_700_000), TAKEN, None),
    ("ten megabytes in one word", mail(body=b"w" * 10_000_000), TAKEN, None),
    ("ten megabytes of lines", mail(body=b"\n" * 10_000_000), TAKEN, "s"),
    (
        "ten megabytes of base64",
        attached(b"a.bin", b"application/octet-stream", bytes(10_000_000)),
        TAKEN,
        None,
    ),
    ("MIME nested 50 deep", nested(50), TAKEN, "s"),
    ("MIME nested 5,000 deep", nested(5_000), TAKEN, "s"),
    ("50 deep round a million lines", nested(50, b"\n" * 1_000_000), TAKEN, "s"),
    ("300 deep round a million lines", nested(300, b"-\n" * 500_000), TAKEN, "s"),
    ("a broken charset", coded(b"utf-8", b"a\xff\xfe\x80b"), TAKEN, None),
    ("an unknown charset", coded(b"x-mars", b"words"), TAKEN, "s\n\nwords"),
    ("a charset that is a codec of bytes", coded(b"zlib", BOMB[:2000]), TAKEN, None),
    ("a charset with a null byte", coded(b"utf-8\0", b"words"), TAKEN, "s\n\nwords"),
    ("UTF-7", coded(b"utf-7", b"+ADw-script+AD4-words"), TAKEN, "s\n\n<script>words"),
    ("UTF-16 cut in the middle", coded(b"utf-16", "words".encode("utf-16")[:-1]), TAKEN, None),
    (
        "10,000 recipients",
        mail(b"Cc: " + b",\n ".join(b"n%d <n%d@x.example>" % (n, n) for n in range(10_000)) + b"\n"),
        TAKEN,
        "s\n\nwords",
    ),
    ("a zip bomb", attached(b"a.zip", b"application/zip", BOMB), TAKEN, "s\n\nwords\n\n[+ a.zip]"),
    (
        "a coded zip bomb",
        attached(b"a.gz", b"text/plain", gzip.compress(bytes(5 * MEGABYTE)), b"x-gzip64"),
        TAKEN,
        None,
    ),
    (
        "Content-Encoding",
        mail(b"Content-Encoding: deflate\nContent-Type: text/plain\n", BOMB[:5_000]),
        TAKEN,
        None,
    ),
    (
        "winmail.dat",
        attached(b"winmail.dat", b"application/ms-tnef", b"\x78\x9f\x3e\x22" + bytes(5_000)),
        TAKEN,
        "s\n\nwords\n\n[+ winmail.dat]",
    ),
    (
        "uuencode",
        mail(b"Content-Transfer-Encoding: x-uuencode\n", b"begin 644 a\n" + b"M" * 100_000),
        TAKEN,
        "s",
    ),
    (
        "right-to-left tricks",
        mail("Subject: \u202eevil\u202c\n".encode(), "a\u202eb\u2066c\u200f".encode()),
        TAKEN,
        None,
    ),
    (
        "zero-width tricks in a name",
        mail(sender="a\u200bn\u200ba\u2060\uff20a.example <x@y.example>".encode()),
        TAKEN,
        None,
    ),
    ("a name that is an address", mail(sender=b'"ana@a.example" <ana@a.example>'), TAKEN, None),
    ("endless headers", mail(b"".join(b"X-%d: %d\n" % (n, n) for n in range(200_000))), TAKEN, None),
    ("headers that never end", b"From: a@b.example\n" + b"X: y\n" * 500_000, DROPPED, None),
    (
        "parts whose headers never end",
        mail(b'Content-Type: multipart/mixed; boundary="b"\n', b"--b\n" + b"X: y\n" * 200_000),
        TAKEN,
        "s",
    ),
    ("one header of a megabyte", mail(b"X: " + b"y" * MEGABYTE + b"\n"), TAKEN, None),
    ("a header folded 100,000 times", mail(b"X: y\n" + b" z\n" * 100_000), TAKEN, None),
    ("null bytes", mail(b"X: \0\n", b"wo\0rds"), TAKEN, "s\n\nwords"),
    ("nothing but null bytes", bytes(100_000), DROPPED, None),
    (
        "an empty boundary",
        mail(b'Content-Type: multipart/mixed; boundary=""\n', b"--\nwords\n----"),
        TAKEN,
        None,
    ),
    ("no boundary", mail(b"Content-Type: multipart/mixed\n", b"words"), TAKEN, "s"),
    (
        "a boundary of 10,000 characters",
        mail(b'Content-Type: multipart/mixed; boundary="' + b"b" * 10_000 + b'"\n'),
        TAKEN,
        None,
    ),
    (
        "a boundary inside itself",
        mail(b'Content-Type: multipart/mixed; boundary="b"\n', b"--b\n" * 50_000),
        TAKEN,
        "s",
    ),
    (
        "an unterminated multipart",
        mail(b'Content-Type: multipart/mixed; boundary="b"\n', b"--b\n\nwords"),
        TAKEN,
        "s\n\nwords",
    ),
    (
        "100,000 References",
        mail(b"References: " + b"\n ".join(b"<%d@x>" % n for n in range(100_000)) + b"\n"),
        TAKEN,
        None,
    ),
    (
        "an encoded-word bomb",
        mail(b"Subject: " + b"\n ".join([b"=?utf-8?B?" + b"QUFB" * 15 + b"?="] * 10_000) + b"\n"),
        TAKEN,
        None,
    ),
    ("encoded words that never end", mail(b"Subject: " + b"=?utf-8?Q?" * 50_000 + b"\n"), TAKEN, None),
    (
        "2,231 pieces of a parameter",
        mail(b"Content-Type: text/plain;" + b";".join(b" charset*%d*=x" % n for n in range(2_231)) + b"\n"),
        TAKEN,
        None,
    ),
    (
        "10,000 parts",
        mail(
            b'Content-Type: multipart/mixed; boundary="b"\n', b"--b\nContent-Type: image/png\n\nx\n" * 10_000
        ),
        TAKEN,
        None,
    ),
    (
        "digests in digests in digests",
        mail(
            b'Content-Type: multipart/digest; boundary="b0"\n',
            b"".join(
                b'--b%d\n\nFrom: x@y\nSubject: d\nContent-Type: multipart/digest; boundary="b%d"\n\n'
                % (n, n + 1)
                for n in range(100)
            ),
        ),
        TAKEN,
        None,
    ),
    (
        "messages in messages",
        mail(b"Content-Type: message/rfc822\n", b"Content-Type: message/rfc822\n\n" * 400 + b"words"),
        TAKEN,
        None,
    ),
    ("a date of the year 99999", mail(b"Date: Mon, 1 Jan 99999 00:00:00 +9999\n"), TAKEN, None),
    ("HTML of nothing but tags", mail(b"Content-Type: text/html\n", b"<a " * 300_000), TAKEN, None),
    ("HTML references", mail(b"Content-Type: text/html\n", b"&#9999999999;" * 50_000), TAKEN, None),
    (
        "a script",
        mail(b"Content-Type: text/html\n", b"<script>alert(1)</script><b onclick=x>words</b>"),
        TAKEN,
        "s\n\nwords",
    ),
    ("a token of ours that is none", mail(body=b"[miccheck zz/zz]\nwords"), TAKEN, None),
    ("regular expressions' worst", mail(body=b"your message to " * 60_000), TAKEN, None),
    ("a quote under 20,000 empty lines", mail(body=b"x" + b"\n" * 20_000 + b">\n" * 20_000), TAKEN, None),
    ("quotes that hardly anybody wrote", mail(body=DIGITS * 3 + b">\n" * 28_000), TAKEN, None),
    ("a bounce of ten megabytes", mail(b"Return-Path: <>\n", b"550 5.7.1 no\n" * 800_000), "notice", None),
    (
        "a report nested 60 deep",
        mail(
            b"Return-Path: <>\n"
            + b"".join(
                b'Content-Type: multipart/report; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(60)
            )
        ),
        "notice",
        None,
    ),
]


@pytest.mark.parametrize(
    ("raw", "outcome", "text"), [pytest.param(*rest, id=name) for name, *rest in HOSTILE]
)
def test_hostile_mail_has_one_outcome(camp, raw, outcome, text):
    taken, rows = camp.take(raw)
    assert (taken.taken, taken.dropped, taken.notices) == {
        TAKEN: (1, 0, 0),
        DROPPED: (0, 1, 0),
        "notice": (0, 0, 1),
    }[outcome]
    assert len(rows) == taken.taken
    if text is not None:
        assert rows[0][1] == text
    # And the camp reads the next one.
    assert camp.take(mail(body=b"the next").replace(b"1@a", b"2@a"))[0].taken == 1


def test_line_ends_in_a_name_become_no_header(camp):
    ((nickname, _),) = camp.take(mail(sender=b"=?utf-8?Q?Ana=0D=0AX-Miccheck-Id:_evil?= <ana@a.example>"))[1]
    assert nickname == "Ana X-Miccheck-Id: evil"


SAMPLES = sorted(MAIL.rglob("*.eml"))


GARBAGE = (
    b"\n",
    b"\r\n\r\n",
    b"\0",
    b"--",
    b"=?utf-8?B?",
    b"multipart/digest",
    b"<>",
    b"\xe2\x80\xae",
    b"report",
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(SAMPLES),
    st.lists(
        st.tuples(
            st.integers(0, 20_000),
            st.sampled_from(("insert", "replace", "double", "cut")),
            st.one_of(st.binary(min_size=1, max_size=12), st.sampled_from(GARBAGE)),
        ),
        max_size=6,
    ),
)
def test_damaged_mail_is_read_or_refused(sample, damages):
    raw = sample.read_bytes()
    for at, how, garbage in damages:
        at %= len(raw) + 1
        if how == "insert":
            raw = raw[:at] + garbage + raw[at:]
        elif how == "replace":
            raw = raw[:at] + garbage + raw[at + len(garbage) :]
        elif how == "double":
            raw = raw + raw[at : at + 4_000]
        else:
            raw = raw[:at]
    for piece in read_letters(raw, NAMES):
        if isinstance(piece, IncomingLetter):
            message = message_of(piece, b"", int(NOW_S))
            assert decode(encode(message), int(NOW_S)) == message
            assert len(message.text.encode()) <= TEXT_BYTES_ON_AIR
            assert "@" not in piece.name
        elif isinstance(piece, Notice):
            assert len(piece.words) <= WORDS_CHARACTERS_MAX
            assert not is_tricky(piece.words)
            assert len(piece.reference) == 8


PIECES = (
    b"a",
    b"\n",
    b"\n\n",
    b" ",
    b"--b\n",
    b"> ",
    b"_" * 47 + b"\n",
    b"-" * 30 + b"\n",
    b"From: a\n",
    b"Subject: ",
    b"[no ",
    b"=?utf-8?Q?",
    b"<a ",
    b"&#",
    b"a@",
    b"1-",
    b"On a wrote:\n",
    b"https://",
    b"550 5.1.1 ",
    b"(",
    b"your message ",
    b"rejected ",
    b"<",
    b"[miccheck ",
)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=4),
    st.sampled_from(("", "text/html", "flowed", "report", "digest")),
)
@example([b"\n"], "digest")
@example([b"a@"], "report")
def test_time_grows_with_length_and_no_faster(pieces, kind):
    head = {
        "": b"",
        "text/html": b"Content-Type: text/html\n",
        "flowed": b"Content-Type: text/plain; format=flowed\n",
        "report": b"Return-Path: <>\nContent-Type: text/plain\n",
        "digest": b"From: camps-request@lists.example.org\nSubject: Camps Digest, Vol 1, Issue 1\n",
    }[kind]

    def cost(length: int) -> float:
        filling = (b"".join(pieces) * (length // len(b"".join(pieces)) + 1))[:length]
        raw = head + b"Message-ID: <1@a>\n" + mail(body=filling)
        assert len(raw) < MAIL_BYTES_MAX
        began = time.process_time()
        list(read_letters(raw, NAMES))
        return time.process_time() - began

    # Sixteen times the text: what is quadratic takes 256 times as long, and a second and more.
    assert cost(320_000) < 40 * cost(20_000) + 0.3


def test_a_mailbox_full_of_it_keeps_no_letter_from_coming_in(open_gateway, tmp_path):
    box = tmp_path / "list.mbox"
    good = mail(body=b"the last one").replace(b"<1@a", b"<last@a")
    with box.open("wb") as file:
        for _, raw, *_ in HOSTILE:
            file.write(b"From a@b.example Mon Nov 23 08:00:00 2026\n")
            file.write(raw[:30_000].replace(b"\nFrom ", b"\n>From ") + b"\n\n")
        file.write(b"From a@b.example Mon Nov 23 08:00:00 2026\n" + good + b"\n")
    gateway = open_gateway(inbox=f"mbox:{box}", direction="in")
    assert until(lambda: [view for view in shown(gateway, "letters") if "the last one" in view.text])
    assert gateway.view().trouble == ""
