"""Letters that any mail program opens, whatever somebody typed."""

import mailbox
import re
from dataclasses import replace
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync.letters import OutgoingLetter, letter_of
from sync.letters.marks import Mark, message_id_of
from sync.letters.mime import unflow
from sync.letters.outward import is_address
from sync.letters.privacy import without_contacts
from sync.letters.writing import flow
from sync.text import tidy, tidy_name
from tests.letters.reading import only

LIST = "camps@lists.example.org"
ID = bytes(range(16))
CAMP = bytes.fromhex("9f3a000000000001")


def outgoing(text="Water at gate 4", author="Ana", urgent=False, **changes) -> OutgoingLetter:
    letter = OutgoingLetter(
        ID, CAMP, "North", "Plaza del Sol", "general", author, text, urgent, 1_795_086_000
    )
    return replace(letter, **changes)


def test_a_post_is_this_letter():
    assert letter_of(outgoing(place=""), LIST).decode() == (
        'From: "Ana (North)" <camp-9f3a000000000001@miccheck.invalid>\r\n'
        "To: <camps@lists.example.org>\r\n"
        "Subject: [North] [general] Water at gate 4\r\n"
        "Date: Thu, 19 Nov 2026 11:00:00 +0000\r\n"
        "Message-ID: <000102030405060708090a0b0c0d0e0f@miccheck.invalid>\r\n"
        "X-Miccheck-Id: 9f3a000000000001/000102030405060708090a0b0c0d0e0f\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: text/plain; charset="utf-8"; format=flowed\r\n'
        "Content-Transfer-Encoding: 7bit\r\n"
        "\r\n"
        "North, 2026-11-19 11:00 UTC\r\n"
        "[miccheck 9f3a000000000001/000102030405060708090a0b0c0d0e0f]\r\n"
        "\r\n"
        "Water at gate 4\r\n"
        "\r\n"
        "-- \r\n"
        "North | general | Mic Check\r\n"
    )


def test_a_mic_check_says_so_where_everybody_sees_it():
    mail = message_from_bytes(letter_of(outgoing(urgent=True), LIST), policy=default)
    assert mail["Subject"] == "[North] [general] URGENT: Water at gate 4"
    assert "MIC CHECK!" in mail.get_content()


def test_a_reply_hangs_below_its_parent():
    raw = letter_of(outgoing(references=("root@a.example", "bad id>\r\nBcc: x@y", "parent@b.example")), LIST)
    mail = message_from_bytes(raw, policy=default)
    assert mail["In-Reply-To"] == "<parent@b.example>"
    assert mail["References"].split() == ["<root@a.example>", "<parent@b.example>"]
    assert mail["Bcc"] is None


def test_mail_programs_read_it_from_a_maildir(tmp_path):
    box = mailbox.Maildir(tmp_path / "box")
    key = box.add(letter_of(outgoing("¡Micrófono abierto! " * 30, "José «el rápido»"), LIST))
    mail = message_from_bytes(box.get_bytes(key), policy=default)
    assert mail["From"].addresses[0].display_name == "José «el rápido» (North)"
    assert mail.get_content_type() == "text/plain"
    words = unflow(mail.get_content().replace("\r\n", "\n"), delete_space=False)
    assert ("¡Micrófono abierto! " * 30).strip() in words


texts = st.text(
    alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from('\r\n\t <>@,:;"\\=?[]áñ')), max_size=300
)
names = st.text(
    alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from('\r\n"\\<>@=?')), max_size=40
)


@given(texts, names, names, names, st.booleans())
@example("x" * 3_000, "Ana\r\nBcc: everybody@example.org", '"; DROP', "\\", False)
@example("From here\n> to there\n. dot\n-- \nsignature", "=?utf-8?q?x?=", "[x]", "\u202e", True)
def test_nothing_typed_becomes_a_header(text, author, camp, place, urgent):
    raw = letter_of(outgoing(text, author, urgent, camp_name=camp, place=place), LIST)
    head, _, _ = raw.partition(b"\r\n\r\n")
    names_seen = [line.split(b":")[0] for line in head.split(b"\r\n") if not line.startswith(b" ")]
    assert names_seen == [
        *(b"From", b"To", b"Subject", b"Date", b"Message-ID", b"X-Miccheck-Id", b"MIME-Version"),
        *(b"Content-Type", b"Content-Transfer-Encoding"),
    ]
    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert all(len(line.strip()) > 0 for line in head.split(b"\r\n"))
    mail = message_from_bytes(raw, policy=default)
    assert [a.addr_spec for a in mail["From"].addresses] == ["camp-9f3a000000000001@miccheck.invalid"]
    assert [a.addr_spec for a in mail["To"].addresses] == [LIST]
    assert without_contacts(tidy(text)) in unflow(
        mail.get_content().replace("\r\n", "\n"), delete_space=False
    )


@given(texts, names)
def test_our_own_letter_is_known_again_when_the_list_took_all_headers_away(text, author):
    raw = letter_of(outgoing(text, author), LIST)
    kept = re.sub(rb"(?m)^(Message-ID|X-Miccheck-Id):.*\r\n", b"", raw)
    letter = only(kept)
    assert letter.mark == Mark(ID, CAMP)


def test_an_answer_that_quotes_our_letter_is_no_copy_of_it():
    quoted = letter_of(outgoing(), LIST).partition(b"\r\n\r\n")[2].replace(b"\r\n", b"\r\n> ")
    head = b"From: Bo <bo@example.org>\r\nMessage-ID: <1@example.org>\r\nSubject: Re: water\r\n\r\n"
    letter = only(head + b"Coming.\r\n\r\n> " + quoted)
    assert letter.mark is None
    assert letter.parents == (message_id_of(ID),)
    assert letter.text == "Coming."


@given(st.text(alphabet="ab  >", max_size=400))
def test_flowed_lines_come_back_as_they_were(line):
    line = line.rstrip()
    if line != "--":
        flowed = "\n".join(flow(line))
        assert unflow(flowed, delete_space=False) == line


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "camps",
        "a@b@c",
        "a b@c",
        "a@b\r\nBcc: x@y",
        "Camps <a@b>",
        "a@b,c@d",
        "ä@b.example",
        "a@" + "b" * 300,
    ],
)
def test_what_is_no_address_of_a_list_is_refused(typed):
    assert not is_address(typed)
    with pytest.raises(ValueError, match="name@host"):
        letter_of(outgoing(), typed)


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("write to ana.b+x@correo.example now", "write to […@…] now"),
        ("call +34 612 345 678 at night", "call […] at night"),
        ("(212) 555-0134", "[…]"),
        ("212-555-0134, 212.555.0134", "[…], […]"),
        ("llama al 612345678 o al 91 234 56 78", "llama al […] o al […]"),
        ("2125550134", "[…]"),
        ("on 2026-11-22 at 15:00, 22.11.2026", "on 2026-11-22 at 15:00, 22.11.2026"),
        (
            "2011-2026: 15 years, 1,000,000 people, 4 000 books",
            "2011-2026: 15 years, 1,000,000 people, 4 000 books",
        ),
        ("192.168.1.20 and v1.2.3 and #12345678", "192.168.1.20 and v1.2.3 and #12345678"),
        ("40.4168, -3.7038 and 1795086000", "40.4168, -3.7038 and 1795086000"),
        ("0123456789abcdef 7f3e-11", "0123456789abcdef 7f3e-11"),
        ("vote 7 - 3 - 2", "vote 7 - 3 - 2"),
    ],
)
def test_contacts_are_left_out_and_other_numbers_stay(typed, sent):
    assert without_contacts(typed).replace("☎", "") == sent


def test_a_name_is_one_line():
    assert tidy_name("a\r\nb") == "a b"
