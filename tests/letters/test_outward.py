"""Letters that any mail program opens, whatever somebody typed."""

import mailbox
import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync.letters import OutgoingLetter, letter_of
from sync.letters.marks import Mark, message_id_of
from sync.letters.mime import unflow
from sync.letters.outward import is_address, trial_of
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
    ("offset", "said"),
    [
        (None, "2026-11-19 11:00 UTC"),
        (0, "2026-11-19 11:00 UTC"),
        (60, "2026-11-19 11:00 UTC (12:00 local)"),
        (-480, "2026-11-19 11:00 UTC (03:00 local)"),
        (345, "2026-11-19 11:00 UTC (16:45 local)"),
        (840, "2026-11-19 11:00 UTC (2026-11-20 01:00 local)"),
        (-720, "2026-11-19 11:00 UTC (2026-11-18 23:00 local)"),
        (1_000_000, "2026-11-19 11:00 UTC"),  # a card says what it likes
    ],
)
def test_the_time_is_that_of_the_camp_and_of_the_world(offset, said):
    mail = read(outgoing(utc_offset=offset))
    assert mail.get_content().splitlines()[0] == f"North (Plaza del Sol), {said}"
    assert mail["Date"].datetime.utcoffset() == timedelta(0)


def read(letter: OutgoingLetter, sender=None):
    return message_from_bytes(letter_of(letter, LIST, sender), policy=default)


def test_a_moderator_names_it_and_lets_what_was_left_out_pass():
    text = "Medic: +34 612 345 678 or ana@correo.example"
    left_out, passed = read(outgoing(text)), read(outgoing(text, subject="Who to call", let_contacts=True))
    assert left_out["Subject"] == "[North] [general] Medic: [☎…] or […@…]"
    assert "612" not in left_out.get_content()
    assert passed["Subject"] == "[North] [general] Who to call"
    assert text in passed.get_content()
    # A subject is read like a text: who writes a number into it has to let it pass.
    assert read(outgoing(subject="call 612 345 678"))["Subject"] == "[North] [general] call [☎…]"
    assert (
        read(outgoing(text, author="ana@correo.example"))["From"].addresses[0].display_name == "[…@…] (North)"
    )


HOSTILE = {
    "line ends in names": outgoing(
        author="Ana\r\nBcc: a@b.example", camp_name="North\n\nX: y", channel="general\r\nTo: c@d.example"
    ),
    "a subject with line ends": outgoing(subject="Hello\r\nBcc: a@b.example\r\n\r\nbody"),
    "a name longer than a line": outgoing(author="A" * 2_000, camp_name="N" * 2_000, place="P" * 2_000),
    "a word longer than a line": outgoing("w" * 2_000, subject="s" * 2_000),
    "right to left": outgoing("\u202eevil\u202c \u2066x\u2069", "\u202eanA", camp_name="اعتصام \u202e"),
    "what nobody sees": outgoing("wa\u200bter", "A\u200bn\u00ada", camp_name="No\u2060rth"),
    "encoded words": outgoing("=?utf-8?q?=0D=0ABcc:_a@b.example?= x", "=?utf-8?b?QW5h?="),
    "half a character": outgoing("\ud800 x", "\udfff"),
    "nothing at all": outgoing("", "", camp_name="", place="", channel=""),
}


@pytest.mark.parametrize("letter", HOSTILE.values(), ids=HOSTILE)
def test_what_is_hostile_is_shown_and_does_nothing(letter):
    raw = letter_of(letter, LIST, "sol@mail.example.org")
    head = raw.partition(b"\r\n\r\n")[0]
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith(b" ")]
    assert names.count(b"To") == names.count(b"From") == names.count(b"Subject") == 1
    assert b"Bcc" not in names
    mail = message_from_bytes(raw, policy=default)
    shown = f"{mail['Subject']} {mail['From'].addresses[0].display_name}"
    assert not re.search("[\u0000-\u001f\u00ad\u200b\u202a-\u202e\u2060\u2066-\u2069]", shown)
    assert [a.addr_spec for a in mail["From"].addresses] == ["sol@mail.example.org"]


def test_what_looks_encoded_is_shown_as_it_was_typed():
    mail = read(HOSTILE["encoded words"])
    assert mail["Subject"] == "[North] [general] =?utf-8?q?=0D=0ABcc:[…@…]?= x"
    assert mail["From"].addresses[0].display_name == "=?utf-8?b?QW5h?= (North)"


def test_a_long_subject_is_folded():
    raw = letter_of(outgoing(subject="word " * 30), LIST)
    assert max(map(len, raw.partition(b"\r\n\r\n")[0].split(b"\r\n"))) <= 78
    assert message_from_bytes(raw, policy=default)["Subject"] == "[North] [general] " + ("word " * 30).strip()


@pytest.mark.parametrize("line", ["Subject: x", "From: a@b", "X-Loop: y", "received : z", "List-Id: <a>"])
def test_a_text_that_quotes_headers_does_not_look_like_a_bounce(line):
    raw = letter_of(outgoing(f"{line}\nwords", camp_name=line), LIST)
    body = raw.partition(b"\r\n\r\n")[2].decode().splitlines()
    looks_like_headers = re.compile(r"(?i)(subject|from|x-loop|received|list-id)\s*:")
    assert not any(looks_like_headers.match(each) for each in body)
    # Programs that know format=flowed show it as it was typed.
    words = unflow(read(outgoing(f"{line}\nwords", let_contacts=True)).get_content(), delete_space=False)
    assert f"\n{line}\nwords" in words.replace("\r", "")


def test_the_first_two_hundred_characters_tell_letters_apart():
    same = {"text": "Water at gate 4", "author": "Ana"}
    tops = {read(outgoing(**same, message=bytes([n]) * 16)).get_content()[:200] for n in range(3)} | {
        read(outgoing(**same, camp_name="South")).get_content()[:200]
    }
    assert len(tops) == 4


@pytest.mark.parametrize("sender", ["a", "a@b\r\nBcc: c@d.example", "A <a@b.example>"])
def test_a_sender_that_is_no_address_is_refused(sender):
    with pytest.raises(ValueError, match="name@host"):
        letter_of(outgoing(), LIST, sender)


def test_a_trial_is_the_same_letter_without_our_marks():
    letter = outgoing(references=("parent@b.example",))
    trial = message_from_bytes(trial_of(letter, "ana@correo.example", "sol@mail.example.org"), policy=default)
    real = read(letter, "sol@mail.example.org")
    assert trial["To"] == "ana@correo.example"
    assert trial["Subject"] == f"[dry run] {real['Subject']}"
    assert (trial["From"], trial["Date"]) == (real["From"], real["Date"])
    assert trial["X-Miccheck-Id"] is None
    assert trial["X-Miccheck-Trial"] == "1"
    assert trial["Message-ID"] != real["Message-ID"]
    assert trial["In-Reply-To"] is None  # an answer to it is none to the thread
    assert trial.get_content().splitlines()[3:] == real.get_content().splitlines()[3:]
    assert ID.hex() not in trial.as_string()


def test_a_name_is_one_line():
    assert tidy_name("a\r\nb") == "a b"
