"""Letters that ask to stay on the list, and addresses of archives that may be passed on."""

import email

import pytest

from sync.letters.archived import URL_CHARACTERS_MAX, continues_at
from sync.letters.inward import cut, message_of
from tests.letters.reading import only

NAMES = ("camps", "camps@lists.example.org")
NOW_S = 1_795_400_000
ARCHIVE = "https://lists.example.org/archives/list/camps@lists.example.org/message/ABCDEF/"


def letter(subject: str = "s", head: str = "", body: str = "words") -> bytes:
    to = "To: camps@lists.example.org\nMessage-ID: <1@a.example>\n"
    return f"From: Ana <a@a.example>\n{to}Subject: {subject}\n{head}\n{body}\n".encode()


@pytest.mark.parametrize(
    "subject",
    [
        "[no relay] Names of the arrested",
        "Re: [no relay] Names",
        "[Camps] Re: AW: [NO RELAY] Names",
        "Names [no-relay]",
        "Names [norelay]",
        "[ no  relay ] Names",
        "[no\n relay] Names",
        "[camps 12] [no\n\trelay] Names",
        "=?utf-8?B?W25vIHJlbGF5XSBOYW1lcw==?=",
        "=?utf-8?Q?=5Bno?= =?utf-8?Q?_relay=5D_Names?=",
        "=?iso-8859-1?Q?=5Bno=20relay=5D?= Names",
        "[n\u200bo re\u2060lay] Names",
        "［no relay］ Names",
    ],
)
def test_no_relay_in_the_subject(subject):
    assert only(letter(subject), NAMES).no_relay


@pytest.mark.parametrize(
    ("head", "body", "stays"),
    [
        ("X-No-Archive: yes\n", "words", True),
        ("x-no-archive: YES\n", "words", True),
        ("X-No-Archive:\n", "words", True),
        ("X-No-Archive: no\n", "words", False),
        ("Archive: no\n", "words", True),
        ("Archive: no; filename=x\n", "words", True),
        ("Archive: yes\n", "words", False),
        ("X-Archive: no\n", "words", True),
        ("X-Archive: encrypt\n", "words", False),
        ("X-Archive: expiry=7\n", "words", False),
        ("", "X-No-Archive: yes\n\nwords", True),
        ("", "words\nX-No-Archive: yes", False),
        ("", "please do [no relay] this", False),
        ("", "words", False),
    ],
)
def test_no_archive(head, body, stays):
    assert only(letter(head=head, body=body), NAMES).no_relay is stays


@pytest.mark.parametrize("subject", ["No relay for the generator", "[relay] no", "[no] relay", "no relay]"])
def test_what_is_no_wish(subject):
    assert not only(letter(subject), NAMES).no_relay


@pytest.mark.parametrize(
    ("head", "url"),
    [
        (f"Archived-At: <{ARCHIVE}>", ARCHIVE),
        ("Archived-At:\n <https://lists.example.org/\n archives/1>", "https://lists.example.org/archives/1"),
        ("X-Archived-At: http://a.example/1", "http://a.example/1"),
        ("List-Archive: <https://a.example/pipermail/camps/>", "https://a.example/pipermail/camps/"),
        ("Archived-At: <mid:1@a>\nList-Archive: <https://a.example/p>", "https://a.example/p"),
        (
            "Archived-At: <https://listserv.example.org/cgi-bin/wa?A2=CAMPS-L;1a2b3c>",
            "https://listserv.example.org/cgi-bin/wa?A2=CAMPS-L;1a2b3c",
        ),
        (
            "Archived-At: <https://a.example/1?utm_source=x&id=7&fbclid=y&e=z#frag>",
            "https://a.example/1?id=7",
        ),
        ("Archived-At: <https://a.example/1?who=ana%40a.example>", "https://a.example/1"),
        ("Archived-At: <https://a.example:8443/1>", "https://a.example:8443/1"),
        ("Archived-At: <https://user:secret@a.example/1>", ""),
        ("Archived-At: <https://a.example/ana@b.example/1>", ""),
        ("Archived-At: <javascript:alert(1)>", ""),
        ("Archived-At: <data:text/html,x>", ""),
        ("Archived-At: <ftp://a.example/1>", ""),
        ("Archived-At: <file:///etc/passwd>", ""),
        ("Archived-At: <https://localhost/1>", ""),
        ("Archived-At: <https://a.example:99999/1>", ""),
        ("Archived-At: <https://[::1/1>", ""),
        (f"Archived-At: <https://a.example/{'x' * URL_CHARACTERS_MAX}>", ""),
        ("Archived-At: <https://a.example/\u202e1>", "https://a.example/"),
        ("", ""),
    ],
)
def test_where_a_letter_goes_on(head, url):
    mail = email.message_from_string(f"From: a@b.example\n{head}\n\nwords\n")
    assert continues_at(mail, {"camps@lists.example.org"}) == url


def on_air(body: str, head: str = f"Archived-At: <{ARCHIVE}>\n") -> str:
    return message_of(only(letter(head=head, body=body), NAMES), b"", NOW_S).text


def test_a_cut_letter_says_where_it_continues():
    text = on_air("water at the gate " * 100)
    assert len(text.encode()) <= 600
    assert text.endswith(f" continues at {ARCHIVE}")
    assert " […] (+" in text


def test_a_letter_of_which_only_the_headers_came_says_where_it_is():
    assert on_air("") == f"s […] continues at {ARCHIVE}"
    assert on_air("", "") == "s"


def test_a_whole_letter_says_nothing_of_an_archive():
    assert on_air("words") == "s\n\nwords"


def test_an_address_that_leaves_no_room_is_left_out():
    assert cut("word " * 40, 100, "https://a.example/" + "x" * 60).endswith(" word […] (+116)")


def test_what_is_attached_is_one_line_with_the_archive():
    parts = "".join(f'--b\nContent-Type: image/jpeg; name="photo {n}.jpg"\n\nx\n' for n in range(5))
    head = f'Archived-At: <{ARCHIVE}>\nContent-Type: multipart/mixed; boundary="b"\n'
    text = on_air(f"--b\nContent-Type: text/plain\n\n{'words ' * 200}\n{parts}--b--", head)
    assert text.endswith(f"\n\n[+ photo 0.jpg, photo 1.jpg, photo 2.jpg, … +2] {ARCHIVE}")
    assert len(text.encode()) <= 600
    assert text.count(ARCHIVE) == 1
