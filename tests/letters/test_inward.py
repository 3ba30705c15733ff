"""What lists send: samples of the programs people use, and mail of people who mean harm."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.letters import NotForUs, message_of, read_letters, reference_of
from sync.letters.inward import IncomingLetter, cut
from sync.letters.marks import Mark
from sync.letters.trim import own_words
from sync.message import Kind, Role, decode, encode
from tests.letters.reading import only

MAIL = Path(__file__).parent.parent / "data" / "mail"
NOW_S = 1_795_400_000


LISTS = {
    "mailman3.eml": "camps@lists.example.net",
    "sympa.eml": "camps@lists.example.com",
    "google_groups.eml": "camps-2026@googlegroups.example",
    "groups_io.eml": "main@camps.groups.example",
}


def list_of(name):
    """What the settings say of the list that a sample came through."""
    address = LISTS.get(name, "camps@lists.example.org")
    return ("camps", address, address.partition("@")[0])


def read(name):
    return list(read_letters((MAIL / name).read_bytes(), list_of(name)))


@pytest.mark.parametrize(
    ("sample", "author", "subject", "text"),
    [
        (
            "mailman2.eml",
            "María José Peña",
            "Re: Cocina: ¿quién trae pan?",
            "Mañana llevo cuarenta barras. Escribidme a […@…] si hace falta más.",
        ),
        (
            "mailman3.eml",
            "Tom Okafor",
            "Legal team needs two phones",
            "The legal team needs two phones with credit — tonight.",
        ),
        (
            "sympa.eml",
            "João Pedro",
            "Reunião moved to 18h",
            "A reunião começa às 18h, não às 17h.\n\nSim, mas 18h. Tragam cadeiras.",
        ),
        (
            "google_groups.eml",
            "Li Wei",
            "常篷水 / water",
            "We have water for two days.\nNothing after that.\n- cans\n- a filter & hoses",
        ),
        ("groups_io.eml", "Sam at the gate", "Re: Who has a generator?", "We do, 2 kW, quiet."),
    ],
)
def test_a_letter_of_a_list_is_what_its_author_wrote(sample, author, subject, text):
    letter = only_of(sample)
    assert (letter.name, letter.subject, letter.text) == (author, subject, text)
    assert letter.mark is None


@pytest.mark.parametrize("sample", ["mime_digest.eml", "plain_digest.eml"])
def test_a_digest_is_its_letters(sample):
    letters = read(sample)
    assert [(letter.name, letter.subject) for letter in letters if isinstance(letter, IncomingLetter)] == {
        "mime_digest.eml": [("Ana", "Tarps"), ("Bo", "Re: Tarps")],
        "plain_digest.eml": [("Noor", "Medics' tent"), ("Kai", "Gate 4")],
    }[sample]
    assert [letter.text for letter in letters if isinstance(letter, IncomingLetter)] == {
        "mime_digest.eml": ["We have nine tarps too many — come and take them.", "On our way."],
        "plain_digest.eml": [
            "The medics' tent moved beside the fountain. ¡Gracias!",
            "Gate 4 is shut. Use gate 2.",
        ],
    }[sample]


@pytest.mark.parametrize(
    "sender",
    [
        "Ana <ana@example.org>",
        '"Ana via Camps" <camps@lists.example.org>',
        "Camps-Ana <camps-ana@example.org>",
    ],
)
def test_people_of_a_list_without_list_post_are_heard(sender):
    # Mailman 2 with include_list_post_header off, Mailman 3 with include_rfc2369_headers off, some gateways.
    assert only(mail("List-Id: Camps <camps.lists.example.org>", sender=sender)).text == "words"


def test_a_thread_is_found_by_its_references():
    letter = only_of("mailman2.eml")
    assert letter.parents == ("20261116180000.1234@north.example", "first@north.example")


def only_of(name):
    return only((MAIL / name).read_bytes(), list_of(name))


def mail(head="", body="words", sender="Ana <ana@example.org>"):
    to = "To: camps@lists.example.org\nMessage-ID: <1@Example.ORG>\nSubject: s\n"
    return f"From: {sender}\n{to}{head}\n\n{body}\n".encode()


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ("Ana <ana@example.org>", "Ana"),
        ("ana@example.org", ""),
        ('"ana@example.org" <ana@example.org>', ""),
        ('"ana@example.org via Camps" <camps@lists.example.org>', ""),
        ("ana at example.org (Ana López)", "Ana López"),
        ("Ana via Camps <camps@lists.example.org>", "Ana"),
        ("\"'Ana' via Camps\" <camps@lists.example.org>", "Ana"),
        ("camps <camps@lists.example.org>", ""),
        ("=?utf-8?B?QW5hCkJjYzogZXZlcnlib2R5?= <ana@example.org>", "Ana Bcc: everybody"),
        ("=?utf-8?Q?=E2=80=AEevil=E2=81=A6?= <ana@example.org>", "evil"),
        ("=?punycode?Q?aaa?= <a@b.example>", "aaa"),
        ("=?nonsense?Q?a=FCb?= <a@b.example>", "aüb"),
        ("=?utf-8?Q?=C3?= =?utf-8?Q?=A1?= <a@b.example>", "á"),
        ("A" * 200 + " <a@b.example>", "A" * 48),
        ("", ""),
    ],
)
def test_an_author_is_a_name_and_never_an_address(sender, name):
    letter = only(mail(sender=sender), ("camps", "camps@lists.example.org"))
    assert letter.name == name


@pytest.mark.parametrize(
    ("charset", "raw", "text"),
    [
        ("utf-8", "añb".encode(), "añb"),
        ("us-ascii", "añb".encode(), "añb"),
        ("iso-8859-1", "añb".encode("latin-1"), "añb"),
        ("iso-8859-1", "a“b”".encode("cp1252"), "a“b”"),
        ("iso-8859-15", "5 €".encode("iso-8859-15"), "5 €"),
        ("utf-8", b"a\xff\xfeb", "a��b"),
        ("x-unknown", b"a\xf1b", "añb"),
        ("zlib", b"words", "words"),
        ("punycode", b"words", "words"),
        ("koi8-r", "привет".encode("koi8-r"), "привет"),
        ("iso-2022-jp", "水".encode("iso2022_jp"), "水"),
        ("gb2312", "水".encode("gb2312"), "水"),
        ("utf-16", "water".encode("utf-16"), "water"),
    ],
)
def test_no_charset_loses_a_letter(charset, raw, text):
    letter = only(
        mail(f'Content-Type: text/plain; charset="{charset}"\nContent-Transfer-Encoding: 8bit', "").rstrip()
        + b"\n\n"
        + raw
    )
    assert letter.text == text


@pytest.mark.parametrize(
    ("written", "own"),
    [
        ("Yes.\n\nOn Tue, Ana wrote:\n> No?\n", "Yes."),
        ("Sí.\n\nEl lun., 16 nov. 2026 a las 19:00, Ana\n(<a@b>) escribió:\n\n> ¿No?\n", "Sí."),
        ("Ja.\n\nAm Mi., 5. Feb. 2026 um 17:58 Uhr schrieb Ana\n<ana@a.example>:\n\n> Nein?\n", "Ja."),
        ("Yes.\n\nOn Mon, Aug 26, 2026 at 4:37 PM The Kitchen <\nfood@a.example> wrote:\n\n> No?", "Yes."),
        ("Ana López wrote:\n> a list\nI like.", "I like."),
        (
            "Now look at all that Ana and the others wrote:\n> so",
            "Now look at all that Ana and the others wrote:",
        ),
        ("Oui\n\nTélécharger Outlook pour iOS<x>\n" + "_" * 32 + "\nFrom: Ana\nSent: x\n\nold", "Oui"),
        ("Oui.\n\nLe 16/11/2026, Ana a écrit :\n> Non ?", "Oui."),
        ("Ja.\n\nAm 16.11.2026 schrieb Ana:\n> Nein?", "Ja."),
        ("One.\n> q\nTwo.\n> r\nThree.", "One.\nTwo.\nThree."),
        ("Ok\n\n-----Original Message-----\nFrom: Ana\nSent: now\n\nold", "Ok"),
        ("Ok\n\nFrom: Ana\nSent: Tuesday\nTo: all\nSubject: x\n\nold", "Ok"),
        ("Ok\n\n________________________________________\nFrom: Ana\nSent: x\n\nold", "Ok"),
        ("Thanks,\n- one\n- two\nand From: here on", "Thanks,\n- one\n- two\nand From: here on"),
        ("Words\n________________________________________________\nmore words", None),
        ("> all of it is a quote\n> passed on", None),
        ("Words\nSent from my telephone\n\n", "Words"),
        ("Words\n-- \nAna", "Words"),
        (
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nWords\n- - a list\n"
            "-----BEGIN PGP SIGNATURE-----\n\niQEzBAEB\n-----END PGP SIGNATURE-----",
            "Words\n- a list",
        ),
    ],
)
def test_own_words(written, own):
    assert own_words(written) == (written if own is None else own)


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param("\n" * 60_000, id="empty lines"),
        pytest.param("On " * 20_000, id="on"),
        pytest.param("On a\n" * 12_000, id="on lines"),
        pytest.param("El a escribió" * 4_000, id="escribió"),
        pytest.param("_" * 60_000, id="underscores"),
        pytest.param(">" * 60_000, id="quotes"),
        pytest.param("From: a\n" * 8_000, id="headers"),
        pytest.param("a@" * 30_000, id="addresses"),
        pytest.param("1 " * 30_000, id="numbers"),
        pytest.param("-----BEGIN PGP SIGNED MESSAGE-----\nHash: a\n" * 1_200, id="armor"),
    ],
)
def test_no_text_takes_long(hostile):
    began = time.process_time()
    list(read_letters(mail(body=hostile)))
    list(read_letters(mail("Content-Type: text/html", hostile.replace("a", "<"))))
    list(read_letters(mail("Content-Type: text/plain; format=flowed", hostile)))
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "markup",
    [
        "<!--" * 16_000,
        "<a " * 20_000,
        "<!" * 30_000,
        "<![CDATA[" * 7_000,
        "<div>" * 13_000,
        "&#" * 30_000,
        "&#" + "9" * 60_000,
        "<div class=gmail_quote>" * 2_800,
        "<blockquote>" * 5_000,
        "</" * 30_000,
    ],
)
def test_no_markup_takes_long(markup):
    began = time.process_time()
    list(read_letters(mail("Content-Type: text/html", markup)))
    assert time.process_time() - began < 5


def nested(depth: int) -> bytes:
    head = "".join(f'Content-Type: multipart/mixed; boundary="b{i}"\n\n--b{i}\n' for i in range(depth))
    return ("From: Ana <a@b.example>\nMessage-ID: <deep@b>\nSubject: deep\n" + head + "\n\nbottom\n").encode()


@pytest.mark.parametrize("depth", [3, 50, 5_000])
def test_deep_letters_do_no_harm(depth):
    (letter,) = read_letters(nested(depth))
    assert isinstance(letter, NotForUs) or (isinstance(letter, IncomingLetter) and letter.subject == "deep")


def test_a_letter_of_ten_megabytes_is_cut_and_read():
    began = time.process_time()
    letter = only(mail(body="water " * 1_700_000))
    message = message_of(letter, b"", NOW_S)
    assert len(message.text.encode()) <= 600
    assert time.process_time() - began < 3


def test_a_long_letter_says_that_it_was_cut():
    text = cut("áé " * 400, 600)
    assert len(text.encode()) <= 600
    assert text.endswith(f" […] (+{1200 - len(text.partition(' […]')[0])})")
    assert cut("short", 600) == "short"


@given(st.text(max_size=900), st.integers(min_value=60, max_value=700))
def test_what_is_cut_fits(text, bytes_max):
    assert len(cut(text, bytes_max).encode()) <= bytes_max


def test_a_letter_becomes_a_message():
    letter = only_of("sympa.eml")
    message = message_of(letter, b"parentid", NOW_S)
    assert (message.kind, message.channel, message.role) == (Kind.LETTER, "letters", Role.LIST)
    assert message.second == letter.date_s == 1_795_086_000
    assert message.reference == reference_of("alpine.1@sul.example")
    assert message.text.startswith("Reunião moved to 18h\n\nA reunião")
    assert decode(encode(message), NOW_S) == message


def test_a_letter_of_2011_says_its_day():
    letter = IncomingLetter("1@a", b"12345678", None, "Ana", "Library", "open", 1_318_702_930, ())
    message = message_of(letter, b"", NOW_S)
    assert message.text == "2011-10-15 · Library\n\nopen"
    assert message.second == NOW_S


def test_a_date_from_the_future_is_now():
    letter = IncomingLetter("1@a", b"12345678", None, "Ana", "s", "t", NOW_S + 9_999_999, ())
    assert message_of(letter, b"", NOW_S).second == NOW_S


def test_without_a_message_id_the_same_letter_has_the_same_name():
    raw = b"From: Ana <a@b>\nSubject: s\nDate: Tue, 17 Nov 2026 09:12:44 +0000\n\nwords\n"
    one, two = only(raw), only(b"Received: by x\n" + raw)
    assert one.reference == two.reference
    assert len(one.reference) == 8


@given(st.binary(max_size=2_000))
def test_any_bytes_are_a_letter_or_not_for_us(raw):
    for letter in read_letters(raw):
        if isinstance(letter, IncomingLetter):
            encode(message_of(letter, b"", NOW_S))


def test_who_names_a_message_has_written_a_letter():
    """`see [miccheck …]` is a person's; the token alone in a line is the copy of a message."""
    token = f"[miccheck {'ab' * 8}/{'cd' * 16}]"
    letter = only(mail(body=f"See {token} of this morning.\nWe have nine tarps."))
    assert (letter.mark, letter.text.startswith("See ")) == (None, True)
    assert only(mail(body=f"Camp North\n {token} \n\nWe have nine tarps.")).mark == Mark(
        b"\xcd" * 16, b"\xab" * 8
    )
    quoted = only(mail(body=f"Yes.\n\n> > See {token} of this morning."))
    assert quoted.parents == (f"{'cd' * 16}@miccheck.invalid",)
